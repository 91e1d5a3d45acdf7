"""The tables of holds: what was done, which only grows, and what is in force, which the triggers read."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Boolean, Column, Date, Integer, String, Table, Text

from sa_privacy.ledger import KEY_LENGTH, OWN_TABLES, Moment, append_only, own_column, sealed_text

__all__ = ["HELD", "HOLDS", "REPLACING", "TURN"]

HOLDS: Final = append_only(
    Table(
        "sa_privacy_holds",
        OWN_TABLES,
        Column("id", Integer, primary_key=True),
        own_column("hold", String(36), nullable=False, index=True),
        own_column("step", String(10), nullable=False),
        own_column("at", Moment(), nullable=False),
        own_column("case_number", String(100), nullable=False),
        own_column("kind", String(10), nullable=False),
        own_column("table_name", String(200)),
        own_column("freeze", Boolean, nullable=False),
        own_column("review_by", Date),
        own_column("reason", sealed_text(), nullable=False),
        own_column("actor", Text),
        own_column("policy", String(80), nullable=False),
    )
)
"""One row for each time that a hold was *placed*, *reviewed* or *released*. It names nobody, so that it can outlive them."""

HELD: Final = append_only(
    Table(
        "sa_privacy_held",
        OWN_TABLES,
        Column("id", Integer, primary_key=True),
        own_column("hold", String(36), nullable=False, unique=True),
        own_column("case_number", String(100), nullable=False),
        own_column("kind", String(10), nullable=False),
        own_column("table_name", String(200)),
        own_column("person_kind", String(100)),
        own_column("subject", String(KEY_LENGTH)),
        own_column("row_key", Text),
        own_column("condition", Text),
        own_column("freeze", Boolean, nullable=False),
        own_column("since", Moment(), nullable=False),
        own_column("review_by", Date),
        own_column("actor", Text),
    )
)
"""One row for each hold in force, and one of the kind :data:`TURN`. Only the library's own work takes rows away."""

TURN: Final = "turn"
"""The kind of a row that holds nothing. It is written whenever a hold is placed: a transaction that sees an older state of
the database, and destroys something, runs into it (PostgreSQL)."""

REPLACING: Final = Table(
    "sa_privacy_replacing",
    OWN_TABLES,
    Column("id", Integer, primary_key=True),
    own_column("guard", String(63), nullable=False),
    own_column("row_key", Text, nullable=False),
)
"""Held rows that a row which is being inserted would stand in the way of: what ``INSERT OR REPLACE`` removes without a word
to triggers. SQLite; empty between statements but for the last one that gave way."""
