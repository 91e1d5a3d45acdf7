"""Past SQLAlchemy, and against the wall: the database's own rules, made from the same policy."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable

from rich.text import Text
from sqlalchemy import URL, Engine

from examples.shop_app.demo.refusals import body
from examples.shop_app.demo.stage import Stage
from examples.shop_app.demo.wall_postgresql import show_psql
from examples.shop_app.models import Base
from sa_privacy import Privacy
from sa_privacy.walls import plan_wall, shapes_of
from sa_privacy.walls.ddl import statements

__all__ = ["REFUSED", "show_wall"]


def outside_the_purpose(privacy: Privacy, engine: Engine) -> None:
    with privacy.access(purpose="shipping", actor="staff:17", role="warehouse"):
        connection = engine.raw_connection()
        cursor = connection.cursor()
        cursor.execute("SELECT name, address FROM customers")  # runs: "shipping" covers them
        cursor.execute("SELECT name, email FROM customers")


def no_purpose(_privacy: Privacy, engine: Engine) -> None:
    connection = engine.raw_connection()
    cursor = connection.cursor()
    cursor.execute("SELECT language, count(*) FROM customers GROUP BY language")  # runs: not personal
    cursor.execute("SELECT page FROM usage_events")


REFUSED: dict[str, Callable[[Privacy, Engine], None]] = {
    "A raw cursor, for a purpose that does not cover the column": outside_the_purpose,
    "A raw cursor, for no purpose at all": no_purpose,
}


def show_wall(stage: Stage, database: URL | None = None) -> None:
    stage.chapter(
        "Behind SQLAlchemy's back",
        """A raw DBAPI cursor goes past SQLAlchemy, and so past the gate. But this engine was installed with walls=True:
        SQLite itself knows what the access in force covers. It is SQLite that refuses here.""",
    )
    for title, refused in REFUSED.items():
        stage.say(Text(title, style="bold"))
        stage.code(body(refused))
        try:
            refused(stage.privacy, stage.engine)
        except sqlite3.DatabaseError as error:
            stage.error(error)
        else:
            raise AssertionError(f"not refused: {title}")
        stage.console.print()
    if database is not None:
        show_psql(stage, database)
        return
    stage.say(
        """On PostgreSQL the same policy becomes roles and column grants, which psql meets as well. Shown by
        sa-privacy wall plan, for shipping:"""
    )
    planned = plan_wall(stage.privacy.policy, stage.privacy.catalogue, shapes_of([Base.metadata]))
    for statement in statements(planned):
        if statement.startswith("GRANT SELECT") and statement.endswith('TO "sap/belue-shop/shipping"'):
            stage.code(statement, "sql")
    stage.say("make demo POSTGRESQL=postgresql://owner@host/empty_database puts it up there, and asks psql.")
