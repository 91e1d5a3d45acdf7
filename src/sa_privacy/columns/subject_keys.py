"""The table of people's keys: one row a person, the key wrapped by the keyring (docs/spec/cell.md, "Keys of people").

It is one of the library's own tables, so no purpose covers it and nobody reads it but the library. What a query delivers
of a column under people's keys names it in its text, and counts as that column alone
(:mod:`~sa_privacy.columns.subject_frame`). It is left out of dumps of the data, and has a backup of its own: a dump
without it is noise where it holds such columns.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import LargeBinary, String, Table, UniqueConstraint

from sa_privacy.columns.moment import Moment
from sa_privacy.columns.own_tables import OWN_TABLES, own_column
from sa_privacy.columns.subject_frame import KEY_TABLE
from sa_privacy.crypto.subject_key import KEY_ID_BYTES, WRAPPED_BYTES

__all__ = ["SUBJECT_KEYS"]

SUBJECT_KEYS: Final = Table(
    KEY_TABLE,
    OWN_TABLES,
    own_column("id", LargeBinary(KEY_ID_BYTES), primary_key=True),  # random; stands in the person's cells
    own_column("kind", String(100), nullable=False),
    own_column("subject", String(200)),  # the person's key, as ledgers keep it; none until the database chose it
    own_column("wrapped", LargeBinary(WRAPPED_BYTES)),  # none once it was destroyed
    own_column("made", Moment(), nullable=False),
    own_column("destroyed_at", Moment()),
    UniqueConstraint("kind", "subject", name="uq_sa_privacy_subject_keys"),
)
