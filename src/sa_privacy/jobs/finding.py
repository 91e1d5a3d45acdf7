"""What stands against sealing a column, in words, each with the way out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

__all__ = ["WAYS_OUT", "Finding"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that forbids or complicates sealing a column.

    :param column: as ``"table.column"``.
    :param kind: one of :data:`WAYS_OUT`.
    :param what: the thing itself, by its name in the database.
    :param forbids: the column cannot be sealed in place as long as it is there.
    """

    column: str
    kind: str
    what: str
    forbids: bool

    @property
    def way_out(self) -> str:
        """What to do about it."""
        return WAYS_OUT[self.kind]


_SEARCH: Final = 'equality and IN go on with lookup="exact" or "casefold" on the column'

WAYS_OUT: Final = {
    "primary key": "Give the table a key without meaning, and seal the column then.",
    "foreign key": "Let the reference use a key without meaning. Cells differ for equal values, so none can refer to another.",
    "unique": 'Say lookup="exact", unique=True in the model. Keep this until all is sealed: plain values stay unique among '
    "themselves, and the lookup indexes keep cells unique. Then drop it.",
    "check": "Drop it, and check the value in Python (@validates) before it is sealed.",
    "index": f"Drop it: an index over cells finds nothing. {_SEARCH[0].upper()}{_SEARCH[1:]}.",
    "expression index": f"Drop it: it would be made of cells. {_SEARCH[0].upper()}{_SEARCH[1:]}.",
    "text search": "Drop it, and search in Python, or leave the column unsealed (encrypt=False): it stays guarded and logged.",
    "exclusion": "Drop it: the database cannot compare what is sealed.",
    "trigger": "Read it: it sees cells from now on, and the job's own UPDATEs set it off. An audit table that it fills keeps "
    "the plain values of before.",
    "generated column": "Drop the generated column, and work the value out in Python.",
    "view": "Drop the view before, and make it again after; it shows cells. Read the column through its model.",
    "server default": "Drop the default, and give default= in the model: the database cannot make cells.",
    "row policy": "Write the policy over another column.",
    "strict table": "A STRICT table takes no cells into a column that is not BLOB or ANY: rebuild the table (Alembic's "
    "batch mode), with the column as BLOB.",
    "type": "Use a type whose values are str, bytes, numbers, dates, UUID, Enum or JSON, or encrypt=False.",
    "keys of people": "Make the table of people's keys: sa-privacy tables upgrade.",
    "depends": "See what it does with the column, and drop or rewrite it.",
    "model": "Change the model as it says.",
    "matched": f"See what these statements do: {_SEARCH}; LIKE, ORDER BY and ranges must move to Python, or the column stays "
    "unsealed (encrypt=False).",
}
