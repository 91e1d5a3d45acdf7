"""Which rows a grant is limited to, table by table: its person's own, and those of people who agreed.

The database knows one answer for a row, whichever of its columns is asked for: a row is shown where every personal column
that the grant reaches in it may be used. That is what the gate adds to statements that SQLAlchemy builds, too.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from sa_privacy.columns.catalogue import Catalogue, PersonalTable
from sa_privacy.columns.subject_frame import FRAME_COLUMNS, KEY_TABLE
from sa_privacy.gate.rows.rule import at_desk, consents_asked, is_limited
from sa_privacy.policy import OWN_CATEGORY, Grant

__all__ = ["Limits", "is_own_table", "limits_of", "own_tables", "read_by_frames"]


@dataclass(frozen=True, slots=True)
class Limits:
    """The rows of personal tables (as the catalogue spells them) that a grant is limited to.

    :param own: tables of which only the rows of the access's subject are reached.
    :param consents: for each table, the sets of purposes of which somebody must have agreed to one in every set.
    """

    own: frozenset[str] = frozenset()
    consents: Mapping[str, frozenset[frozenset[str]]] = field(default_factory=dict)


def limits_of(grant: Grant, catalogue: Catalogue) -> Limits:
    """The rows that `grant` is limited to; nowhere, for maintenance and at the desk."""
    if grant.everything or at_desk(grant):
        return Limits()
    own = frozenset(table.name for table in catalogue if is_limited(table, grant))
    return Limits(own, {table.name: sets for table in catalogue if (sets := consents_asked(table, grant))})


def is_own_table(table: PersonalTable) -> bool:
    """Whether it is one of the library's own."""
    return any(column.category == OWN_CATEGORY for column in table.columns.values())


def read_by_frames(catalogue: Catalogue, visible: Collection[str]) -> frozenset[str]:
    """The columns of the table of people's keys that are read with others, for who reaches one that is under such keys.

    A database cannot say "only inside of a frame": these may be read by themselves. What is lost by that is little: a key
    is wrapped by the keyring, which no database has, and its id is random.

    :param visible: the columns (``"table.column"``) that are reached.
    """
    if not any(catalogue.columns[name].by_subject for name in visible if name in catalogue.columns):
        return frozenset()
    return frozenset(f"{KEY_TABLE}.{column}" for column in FRAME_COLUMNS)


def own_tables(catalogue: Catalogue) -> frozenset[str]:
    """The library's own tables, as the catalogue spells them."""
    return frozenset(table.name for table in catalogue if is_own_table(table))
