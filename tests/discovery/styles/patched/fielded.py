"""SQLModel: columns are fields of pydantic."""

from sqlalchemy import Column, String
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel
from sa_privacy import DataSubject, Encrypted


class Base(SQLModel, registry=registry()):
    pass


class Person(Base, table=True):
    __tablename__ = "people"
    __data_subject__ = DataSubject("people", key="id")

    id: int | None = Field(default=None, primary_key=True)
    email: str = Field(unique=True, index=True, max_length=255)
    full_name: str | None = None
    phone: str | None = Field(default=None, sa_column=Column(Encrypted(String(20), category="phone")))
