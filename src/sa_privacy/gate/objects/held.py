"""What objects are in use under an access, and what is known of the values they hold.

A job may hold thousands of objects and open an access for each of them. What has nothing to put away since it was last
looked at is not looked at again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any
from weakref import ref

from sqlalchemy.orm import InstanceState, Session

__all__ = ["Held", "HeldBySession", "Loose"]

State = InstanceState[Any]
Holds = Callable[[State, frozenset[str]], bool]

#: Of how many objects it is worth knowing one by one that they hold values.
_FEW = 128


class Held:
    """Some objects, the same for all accesses that use them."""

    __slots__ = ("_fresh", "absent")

    def __init__(self) -> None:
        #: The columns of which no object holds a value, but perhaps those in `_fresh`. While there are none, none is noted.
        self.absent: frozenset[str] = frozenset()
        self._fresh: list[ref[State]] = []

    def states(self) -> Iterable[State]:
        """All of them."""
        raise NotImplementedError

    def note(self, state: State) -> None:
        """An object got values."""
        if self.absent:
            self._fresh.append(ref(state))

    def clear(self, names: frozenset[str], unload: Callable[[State], None], holds: Holds) -> None:
        """Calls `unload` for the objects that may hold values of the columns `names`.

        :param holds: whether an object holds a value of one of some columns. What was changed is not unloaded.
        """
        fresh, self._fresh = self._fresh, []
        known = names <= self.absent
        absent = self.absent = self.absent | names  # before: what is loaded meanwhile is noted
        holding = []
        for state in {id(one): one for one in living(fresh)}.values() if known else self.states():
            unload(state)
            if holds(state, absent):
                holding.append(state)
        if len(holding) > _FEW:
            self.absent = names
            holding = [state for state in holding if holds(state, names)]
        self._fresh += map(ref, holding)


class HeldBySession(Held):
    """What one session holds.

    :param objects: its identity map, which holds no connection, and outlives a session that nobody closes.
    """

    __slots__ = ("objects", "session")

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.objects = session.identity_map
        self.session = ref(session)

    def states(self) -> Iterable[State]:
        """All of them."""
        return self.objects.all_states()

    def is_over(self) -> bool:
        """Whether it holds nothing, and gets nothing more: a result in progress says only once where its objects go."""
        session = self.session()
        return not len(self.objects) and (session is None or session.identity_map is not self.objects)


class Loose(Held):
    """What no session holds."""

    __slots__ = ("_refs",)

    def __init__(self) -> None:
        super().__init__()
        self._refs: dict[ref[State], None] = {}

    def add(self, state: State) -> None:
        """One more, or one that got values."""
        self._refs[ref(state)] = None
        self.note(state)
        if len(self._refs) % 4096 == 0:  # a long job lets go of most
            for one in [one for one in tuple(self._refs) if one() is None]:
                self._refs.pop(one, None)

    def take(self, other: Loose) -> None:
        """Those of `other`, too."""
        self._refs.update(other._refs)
        self.absent &= other.absent
        self._fresh += other._fresh

    def states(self) -> Iterable[State]:
        """All of them."""
        return living(self._refs)


def living(remembered: Iterable[ref[Any]]) -> Iterable[Any]:
    """What is still there of what was remembered."""
    for one in tuple(remembered):  # other threads of the same access may add to it
        thing = one()
        if thing is not None:
            yield thing
