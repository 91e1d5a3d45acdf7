"""Two tables with sealed columns, one of them searchable, for the commands that count cells."""

from __future__ import annotations

from sqlalchemy import MetaData
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from sa_privacy import DataSubject, pii_column

POLICY = """
[policy]
id = "sealed"
version = "1"
languages = ["en"]

[categories]
name = {title = {en = "Name"}}
email = {title = {en = "E-mail address"}}

[purposes.account]
title = {en = "The account"}
use = ["name", "email"]

[roles]
customer = {purposes = ["account"]}
"""


class Base(DeclarativeBase):
    metadata = MetaData()


class Customer(Base):
    __tablename__ = "customers"
    __data_subject__ = DataSubject("customer", key="id")

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str | None] = pii_column(category="name", field="person.name")
    email: Mapped[str | None] = pii_column(category="email", lookup="exact")
    town: Mapped[str | None] = pii_column(category="name", encrypt=False)


class Friend(Base):
    __tablename__ = "friends"
    __data_subject__ = DataSubject("friend", key="id")

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str | None] = pii_column(category="name")
