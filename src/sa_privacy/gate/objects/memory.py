"""Values already in memory.

A loaded value belongs to the access that loaded it. Objects loaded through a protected engine carry a mark (`mark.py`)
that says under which access; they get it as they are loaded or flushed (`marking.py`). Personal attributes (`guard.py`)
ask it before they give their value. Under the same access that is one comparison. Under another one the value is judged
again and its use written down; without one it is refused (`reading.py`). Merging hands the values of one object to
another, and with them the access they belong to (`merging.py`).

What does not pass an attribute (``__dict__``, serialisers) is met by putting values away (`put_away.py`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from sqlalchemy.orm import Mapper, Session

from sa_privacy.access import Access
from sa_privacy.gate.objects.attributes import Attributes
from sa_privacy.gate.objects.mark import Marks
from sa_privacy.gate.objects.marking import Marking
from sa_privacy.gate.objects.merging import Merging
from sa_privacy.gate.objects.put_away import PutAway
from sa_privacy.gate.objects.reading import Reading

if TYPE_CHECKING:
    from sa_privacy.gate.engine import Gate

__all__ = ["Memory"]

Governs = Callable[[Session, Mapper[object]], bool]


class Memory:
    """Judges values in memory for one gate.

    :param governs: whether a session sends statements for a mapper to an engine of this gate.
    """

    def __init__(self, gate: Gate, governs: Governs) -> None:
        self.gate = gate
        self._scope = gate.scopes.get
        self.attributes = Attributes(gate)
        self.marks = Marks(self)
        self.away = PutAway(self.attributes, self.marks.own)
        self.reading = Reading(self)
        self.merging = Merging(self)
        self.marking = Marking(self, governs)
        #: Whether no engine is protected any more: what is in memory is then its holder's.
        self.idle = False
        #: How often engines have come and gone: which sessions are governed may have changed since.
        self.engines = 0

    def engines_changed(self, *, some: bool) -> None:
        """An engine was installed on, or let go of; `some` are still protected."""
        self.idle = not some
        self.engines += 1

    def close(self) -> None:
        """Looks after no more objects."""
        self.marking.close()

    def access(self) -> Access | None:
        """The access in force."""
        scope = self._scope()
        return scope.access if scope is not None and scope.alive else None

    def put_away(self, left: Access | None, entered: Access | None) -> None:
        """The access changed: takes what the new one does not cover out of the objects the old one used."""
        if self.idle or self.gate.observed.everything or not self.away.concerns(left, entered):
            return
        before = self.gate.view(left.grant if left else None).uncovered
        standings = self.gate.standings
        kept = entered is not None and (standings is None or standings.may_keep(left, entered))
        uncovered = self.gate.view(entered.grant if entered is not None and kept else None).uncovered
        if self.gate.rules.beyond_own:
            uncovered |= self.reading.reached.columns(left, entered)
        here = self._scope()
        self.away.change(left, entered, before, uncovered, inwards=here is not None and here.access is left)
