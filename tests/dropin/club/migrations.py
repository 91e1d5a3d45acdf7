"""Changes of the tables, one after the other, as a migration tool runs them."""

from __future__ import annotations

from sqlalchemy import Connection, column, func, table, text, update

_members = table("members", column("id"), column("email"), column("first_name"), column("nickname"), column("plan"))


def upgrade_1(connection: Connection) -> None:
    """Plans have longer names."""
    connection.execute(update(_members).where(_members.c.plan == "basic").values(plan="standard"))


def upgrade_2(connection: Connection) -> None:
    """Members have nicknames, at first their first names."""
    connection.execute(text("ALTER TABLE members ADD COLUMN nickname VARCHAR(80)"))
    connection.execute(update(_members).values(nickname=_members.c.first_name))


def upgrade_3(connection: Connection) -> None:
    """All addresses in lower case."""
    connection.execute(update(_members).values(email=func.lower(_members.c.email)))
