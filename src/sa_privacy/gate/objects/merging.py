"""``Session.merge`` hands the values of one object to another, and with them the access they belong to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy.orm import InstanceState

from sa_privacy.access import Access
from sa_privacy.gate.objects.mark import AWAY, MARK, owner_of
from sa_privacy.gate.refusal import decide_columns

if TYPE_CHECKING:
    from sa_privacy.gate.objects.memory import Memory

__all__ = ["Merging"]


class Merging:
    """Judges what one object hands to another."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory

    def may_carry(self, source: InstanceState[Any], dest: InstanceState[Any], key: str) -> bool:
        """Whether ``Session.merge`` may hand one value of `source` on.

        :raises AccessDenied: it may not, and there is no row that would give `dest` its own.
        """
        memory, gate = self._memory, self._memory.gate
        columns = memory.attributes.behind_key(source, key)
        access = memory.access()
        owner = owner_of(source, source.__dict__[MARK], key)
        aside = key in source.__dict__.get(AWAY, ()) and key not in source.dict
        if aside and dest.key is not None:
            return False
        own = access is not None and owner is access
        columns = gate.observed.enforced(columns)
        if not columns or own or memory.idle:
            if aside:
                memory.away.bring_back(source, key, access)
            return True
        decision = decide_columns(access.grant if access is not None else None, columns, gate.policy)
        if access is not None and decision.allowed:
            if decision.own:
                memory.reading.require_own(access, source, columns)
            memory.reading.must_stand(access, source, columns, owner)
            if dest.key is None:  # else it is asked where the value is read
                memory.reading.require_reached(access, source, columns, owner)
            if aside:
                memory.away.bring_back(source, key, access)
            memory.reading.used(access, source, key, columns, lend=False)
            return True
        if key in source.committed_state:  # its user's own change, which the flush will judge
            return True
        if dest.key is None:
            raise memory.reading.refused(access, columns, decision)
        return False

    def carried(self, source: InstanceState[Any], dest: InstanceState[Any], key: str, owner: Access | None) -> None:
        """A value was handed on: it still belongs to the access it belonged to."""
        mark = dest.__dict__.get(MARK)
        if (mark is None or mark.memory is self._memory) and self._memory.attributes.behind_key(source, key):
            self._memory.marks.own(dest, [key], owner)
