"""The table of what was erased. It names nobody."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Boolean, Column, Integer, String, Table, Text

from sa_privacy.ledger import OWN_TABLES, Moment, append_only, own_column

__all__ = ["ERASURES"]

ERASURES: Final = append_only(
    Table(
        "sa_privacy_erasures",
        OWN_TABLES,
        Column("id", Integer, primary_key=True),
        own_column("record", String(36), nullable=False, unique=True),
        own_column("kind", String(100), nullable=False),
        own_column("at", Moment(), nullable=False),
        own_column("plan", String(80), nullable=False),
        own_column("counts", Text, nullable=False),
        own_column("kept", Text, nullable=False),
        own_column("actor", Text),
        own_column("reason", Text),
        own_column("policy", String(80), nullable=False),
        own_column("request", String(32), index=True),
        own_column("ledger", Boolean, nullable=False),
    )
)
"""One row for each erasure, in its transaction. ``plan`` is the hash of what was done, ``counts`` and ``kept`` JSON,
``request`` the reference of who asked for it,
``ledger`` whether a ledger apart from the data knows of it."""
