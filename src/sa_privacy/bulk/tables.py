"""Where work stands: what is under way, and which of its chunks are left. Rows go when the work is over."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Boolean, Index, Integer, String, Table, Text

from sa_privacy.ledger import OWN_TABLES, Moment, own_column

__all__ = ["CHUNKS", "WORKS"]

WORKS: Final = Table(
    "sa_privacy_works",
    OWN_TABLES,
    own_column("id", String(32), primary_key=True),
    own_column("hash", String(64), nullable=False, unique=True),
    own_column("what", String(200), nullable=False),
    own_column("table_name", String(200), nullable=False),
    own_column("begun_at", Moment(), nullable=False),
    own_column("as_of", Moment(), nullable=False),
    own_column("chunks", Integer, nullable=False),
    own_column("cut_upto", Text),
    own_column("all_cut", Boolean, nullable=False),
)
"""Work that is not over yet. ``chunks`` is how many were cut so far, ``cut_upto`` the key with which the last of them ends."""

CHUNKS: Final = Table(
    "sa_privacy_chunks",
    OWN_TABLES,
    own_column("work", String(32), primary_key=True),
    own_column("number", Integer, primary_key=True, autoincrement=False),
    own_column("after_key", Text),
    own_column("upto_key", Text),
    own_column("owner", String(32)),
    own_column("turn", Integer, nullable=False),
    own_column("until", Moment(), nullable=False),
    own_column("done", Boolean, nullable=False),
    own_column("changed", Integer, nullable=False),
)
"""Ranges of keys of such work. Who works on one leases it until a moment; ``turn`` counts the leases, so that whoever lost one
cannot end it any more.
"""

Index("ix_sa_privacy_chunks_left", CHUNKS.c.work, CHUNKS.c.done)
