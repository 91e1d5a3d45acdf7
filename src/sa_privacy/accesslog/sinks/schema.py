"""The tables as SQLAlchemy knows them: events, their subjects, the writers, and how far each segment was shipped."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Identity,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    literal_column,
    text,
)
from sqlalchemy.dialects.postgresql import TIMESTAMP

__all__ = ["KIND_RARE", "OF_INTENT", "REFUSED", "Schema", "as_indexed"]

AT = String(27).with_variant(TIMESTAMP(timezone=True), "postgresql")
"""Elsewhere than on PostgreSQL a time is the text that stands in the line, which sorts as times do."""
ID = BigInteger().with_variant(Integer(), "sqlite")
"""On SQLite, an INTEGER that is the key is the row's own number: no other index is written for it."""
BYTEWISE = String(200).with_variant(String(200, collation="C"), "postgresql")

REFUSED = "decision <> 'allowed'"
KIND_RARE = "kind <> 'intent' AND kind <> 'outcome' AND kind <> 'use'"
OF_INTENT = "intent IS NOT NULL"
"""Conditions of partial indexes. A question has to say the same, letter by letter, for the database to use them. (IN with a list
costs SQLite several times as much for each row.)"""


class Schema:
    """The tables of one log.

    An event's id is its writer's number and its ``seq`` in one (``id >> 40``, ``id & (1 << 40) - 1``), `intent` is the id of its
    intent: what every index repeats is eight bytes.

    :param dialect: the name of the database's dialect. PostgreSQL divides by month of ``at``, which then is in the key.
    :param name: of the events' table; the others are named after it.
    :param schema: the database schema they are in; None: on PostgreSQL ``public``, elsewhere the connection's default.
    """

    def __init__(self, dialect: str, name: str = "sa_privacy_events", schema: str | None = None) -> None:
        self.name = name
        self.schema = schema = schema or ("public" if dialect == "postgresql" else None)
        self.metadata = MetaData(schema=schema)
        #: Whether rows are divided by month, and subjects have a time for it.
        self.dated = dialect == "postgresql"
        self.writers = Table(
            f"{name}_writers",
            self.metadata,
            Column("number", Integer, Identity(), primary_key=True),
            Column("writer", String(16), nullable=False, unique=True),
            Column("opened", AT, nullable=False),
        )
        self.events = self._by_month(
            name,
            Column("id", ID, nullable=False, autoincrement=False),
            Column("at", AT, nullable=False),
            Column("kind", String(32), nullable=False),
            Column("actor", BYTEWISE),
            Column("decision", String(16)),
            Column("intent", BigInteger),
            Column("line", Text, nullable=False),
            key=("id", "at") if self.dated else ("id",),
        )
        e = self.events.c
        Index(f"{name}_actor", e.actor, e.at)
        if self.dated:
            Index(f"{name}_at", e.at, postgresql_using="brin")
        Index(f"{name}_refused", e.at, **_where(REFUSED))
        Index(f"{name}_rare", e.kind, e.at, **_where(KIND_RARE))
        Index(f"{name}_intent", e.intent, **_where(OF_INTENT))
        self.subjects = self._by_month(
            f"{name}_subjects",
            Column("subject", BigInteger, nullable=False),
            *([Column("at", AT, nullable=False)] if self.dated else []),
            Column("event", BigInteger, nullable=False),
            key=("subject", "at", "event") if self.dated else ("subject", "event"),
            sqlite_with_rowid=False,
        )
        self.anybody = self._by_month(
            f"{name}_anybody",
            Column("at", AT, nullable=False),
            Column("event", BigInteger, nullable=False),
            Column("statement", BigInteger, nullable=False),
            Column("rows", BigInteger, nullable=False),
            Column("touched", Text, nullable=False),
            key=("at", "event"),
            sqlite_with_rowid=False,
        )
        self.shipped = Table(
            f"{name}_shipped",
            self.metadata,
            Column("segment", String(255), primary_key=True),
            Column("bytes", BigInteger, nullable=False),
            Column("seq", BigInteger, nullable=False),
            Column("hash", String(64), nullable=False),
            Column("closed", Boolean(create_constraint=False), nullable=False),
        )

    def _by_month(self, name: str, *columns: Column[Any], key: tuple[str, ...], **options: Any) -> Table:
        options["postgresql_partition_by"] = "RANGE (at)"
        return Table(name, self.metadata, *columns, PrimaryKeyConstraint(*key), **options)

    @property
    def all(self) -> list[Table]:
        """All of them, events first."""
        return [*self.append_only, self.shipped]

    @property
    def append_only(self) -> list[Table]:
        """Those of which no row is ever changed or removed."""
        return [*self.by_month, self.writers]

    @property
    def by_month(self) -> list[Table]:
        """Those that PostgreSQL divides by month."""
        return [self.events, self.subjects, self.anybody]


def _where(condition: str) -> dict[str, Any]:
    return {"sqlite_where": text(condition), "postgresql_where": text(condition)}


def as_indexed(condition: str) -> Any:
    """A condition as it stands in the index."""
    return literal_column(condition)
