"""What the library keeps about people and staff, in the application's database, and the desk that it is written at.

``tables`` makes tables of it, ``append_only`` keeps their rows from being changed (``passes``: but by the library itself), ``desk`` is how the rooms above
read and write them: in the transaction of what they allow, through the same gate, with the same log. ``people`` finds
whom they are about. ``migrations`` brings a database from one release to the next.
"""

from __future__ import annotations

from sa_privacy.ledger.append_only import append_only, is_append_only, own_triggers
from sa_privacy.ledger.desk import Desk, commits_by_itself, must_be_sync
from sa_privacy.ledger.passes import PASSES, let_past
from sa_privacy.ledger.people import Person, alone_with_people, find_people, find_person, look_for
from sa_privacy.ledger.tables import KEY_LENGTH, OWN_CATEGORY, OWN_TABLES, Moment, own_column, sealed_text, subject_key

__all__ = [
    "KEY_LENGTH",
    "OWN_CATEGORY",
    "OWN_TABLES",
    "PASSES",
    "Desk",
    "Moment",
    "Person",
    "alone_with_people",
    "append_only",
    "commits_by_itself",
    "find_people",
    "find_person",
    "is_append_only",
    "let_past",
    "look_for",
    "must_be_sync",
    "own_column",
    "own_triggers",
    "sealed_text",
    "subject_key",
]
