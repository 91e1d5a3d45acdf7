"""Putting values away, for what reads objects without asking their attributes (``__dict__``, history, serialisers).

When the access changes, values that the new one does not cover leave the objects that the old one used. Where they
can be loaded again that is all. Where they cannot (asyncio, objects without a session), they wait aside for an access
that covers them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final
from weakref import ref

from sqlalchemy.orm import InstanceState, LoaderCallableStatus, Session
from sqlalchemy.orm.attributes import set_committed_value

from sa_privacy.access import Access
from sa_privacy.gate.binds import dialect_of
from sa_privacy.gate.objects import tasks
from sa_privacy.gate.objects.held import HeldBySession, Loose, living
from sa_privacy.gate.objects.mark import AWAY, MARK, owner_of, put_away_in
from sa_privacy.gate.sqlalchemy_private import InstanceKey, defer_for_state

if TYPE_CHECKING:
    from sa_privacy.gate.objects.attributes import Attributes

__all__ = ["PutAway", "hide"]

_HELD: Final = "held"
_LOOSE: Final = "loose"
_COPIES: Final = "copies"
_AWAITED: Final = "awaited"
_LENT: Final = "lent"
#: How many objects get back what was put away at once, when their access goes on. The others get it when it is read.
_AT_ONCE: Final = 128


class PutAway:
    """Knows which objects were used under which access.

    :param attributes: those that hold personal values.
    :param own: notes that values of an object belong to an access.
    """

    def __init__(
        self, attributes: Attributes, own: Callable[[InstanceState[Any], list[str], Access | None], None]
    ) -> None:
        self._attributes = attributes
        self._own = own

    # -- noting what is in use ------------------------------------------------------------------------------------

    def uses(self, access: Access, state: InstanceState[Any]) -> None:
        """Values of an object are in use under `access`."""
        session = state.session
        if session is not None:
            self.uses_in(access, session, state)
        else:
            self.uses_loose(access, state)

    def uses_in(self, access: Access, session: Session, state: InstanceState[Any]) -> None:
        """An object of `session` got values under `access`."""
        held = self.held_by(session)
        used = self._notes(access, _HELD, dict)
        if held not in used:
            if len(used) > 32:
                for one in [one for one in used if one.is_over()]:
                    del used[one]
            used[held] = None
            tasks.remember(session)
        held.note(state)

    def held_by(self, session: Session) -> HeldBySession:
        """What `session` holds at present."""
        held: HeldBySession | None = session.info.get(self)
        if held is None or held.objects is not session.identity_map:
            held = session.info[self] = HeldBySession(session)
        return held

    def uses_loose(self, access: Access, state: InstanceState[Any]) -> None:
        """An object with values has no session any more, or never had one."""
        self._notes(access, _LOOSE, Loose).add(state)

    def uses_copy(self, access: Access, instance: Any) -> None:
        """A shallow copy shares its state with the original, but has values of its own."""
        self._remember(self._notes(access, _COPIES, list), instance)

    def lends(self, access: Access, state: InstanceState[Any], before: Any) -> None:
        """`access` goes on with an object whose mark was `before`."""
        self._notes(access, _LENT, list).append((ref(state), before, state.__dict__[MARK]))

    def _remember(self, held: list[Any], thing: Any) -> None:
        held.append(ref(thing))
        if len(held) % 4096 == 0:  # a long job lets go of most
            held[:] = [one for one in held if one() is not None]

    def _notes(self, access: Access, what: str, kind: Callable[[], Any]) -> Any:
        mine = access.notes.get(self)
        if mine is None:
            mine = access.notes.setdefault(self, {})
        found = mine.get(what)
        return mine.setdefault(what, kind()) if found is None else found

    def _noted(self, access: Access) -> dict[str, Any]:
        """What is noted of an access, to be looked at."""
        found: dict[str, Any] | None = access.notes.get(self)
        return {} if found is None else found

    # -- when the access changes ----------------------------------------------------------------------------------

    def concerns(self, left: Access | None, entered: Access | None) -> bool:
        """Whether anything was ever in use under one of them: most accesses are entered before they have used anything."""
        return (left is not None and self in left.notes) or (entered is not None and self in entered.notes)

    def change(
        self,
        left: Access | None,
        entered: Access | None,
        before: frozenset[str],
        uncovered: frozenset[str],
        *,
        inwards: bool,
    ) -> None:
        """Puts away what `entered` does not cover, and brings back what is its own.

        :param before: the columns that `left` did not cover.
        :param uncovered: those that `entered` does not cover.
        :param inwards: `left` goes on around `entered`, which is this task's alone; an access ends for all.
        """
        if left is not None:
            for state, mark, lent in self._noted(left).pop(_LENT, ()):
                borrowed = state()
                if borrowed is not None and borrowed.__dict__.get(MARK) is lent:
                    borrowed.__dict__[MARK] = mark
            if entered is not None:  # what stays in memory is the next one's to put away
                self._hand_on(left, entered)
            if entered is None or not uncovered <= before:
                self._put_away(left, uncovered, elsewhere=inwards)
            if left.ended:
                for state in living(self._noted(left).get(_AWAITED, ())):
                    _forget(state, left)
                left.notes.pop(self, None)
        if entered is not None:
            waiting = self._noted(entered).get(_AWAITED, [])
            back = waiting[-_AT_ONCE:]
            del waiting[-_AT_ONCE:]
            for state in living(back):
                for key, (owner, _) in tuple(state.__dict__.get(AWAY, {}).items()):
                    if owner is entered:
                        self.bring_back(state, key, entered)

    def bring_back(self, state: InstanceState[Any], key: str, access: Access | None) -> None:
        """Puts a value that was put away back, unless there is a newer one. Now `access` uses it."""
        owner, value = state.__dict__[AWAY].pop(key)
        instance = state.obj()
        if instance is not None and key not in state.dict:
            set_committed_value(instance, key, value)
            self._own(state, [key], owner)
            if access is not None:
                self.uses(access, state)

    def _hand_on(self, left: Access, entered: Access) -> None:
        used = self._noted(left).get(_HELD)
        if used:
            self._notes(entered, _HELD, dict).update(used)
        loose = self._noted(left).get(_LOOSE)
        if loose is not None and (mine := self._notes(entered, _LOOSE, lambda: loose)) is not loose:
            mine.take(loose)
        copies = self._noted(left).get(_COPIES)
        if copies is not None and (mine := self._notes(entered, _COPIES, lambda: copies)) is not copies:
            mine += [one for one in copies if one() is not None]

    def _put_away(self, left: Access, uncovered: frozenset[str], *, elsewhere: bool) -> None:
        def unload(state: InstanceState[Any]) -> None:
            instance = state.obj()
            if instance is not None and MARK in state.__dict__:
                self.unload(state, instance, uncovered)

        for held in tuple(self._noted(left).get(_HELD, ())):
            session = held.session()
            if not (elsewhere and session is not None and tasks.elsewhere(session)):
                held.clear(uncovered, unload, self._holds)
        loose = self._noted(left).get(_LOOSE)
        if loose is not None:
            loose.clear(uncovered, unload, self._holds)
        for copy in living(self._noted(left).get(_COPIES, ())):
            self.strip(copy, uncovered)

    def _holds(self, state: InstanceState[Any], names: frozenset[str]) -> bool:
        values = state.dict
        return any(key in values for key in self._attributes.over(state.mapper, names))

    def strip(self, copy: Any, uncovered: frozenset[str]) -> None:
        """Takes values out of a shallow copy. They are gone: only the original can load them again."""
        mapper = copy.__dict__[InstanceKey].mapper
        for key in self._attributes.over(mapper, uncovered):
            copy.__dict__.pop(key, None)
            _drop_composites(mapper, copy.__dict__, key)

    def unload(self, state: InstanceState[Any], instance: Any, uncovered: frozenset[str]) -> None:
        """Takes uncovered values out of one object. What its user changed stays, without what stood there before."""
        values, changed = state.dict, state.committed_state
        keys = []
        for key in self._attributes.over(state.mapper, uncovered):
            if key in values:
                if key not in changed or not state.attrs[key].history.has_changes():
                    keys.append(key)
                elif not any(getattr(c, "primary_key", False) for c in state.mapper.column_attrs[key].columns):
                    changed[key] = LoaderCallableStatus.NO_VALUE
        if not keys:
            return
        mark = state.__dict__[MARK]
        session = state.session if state.persistent else None
        aside = {}
        dialect = dialect_of(session, state.mapper) if session is not None else None
        if dialect is None or dialect.is_async:
            for key in keys:
                owner = owner_of(state, mark, key)
                if session is None or (owner is not None and not owner.ended):
                    aside[key] = (owner, values[key])
        if session is not None:
            session.expire(instance, keys)
        else:
            for key in keys:
                hide(state, key)
        if aside:
            put_away_in(state).update(aside)
            for owner in {id(owner): owner for owner, _ in aside.values() if owner is not None}.values():
                self._remember(self._notes(owner, _AWAITED, list), state)


def hide(state: InstanceState[Any], key: str) -> None:
    """Takes one value out of an object, which loads it again by itself where it can."""
    state.dict.pop(key, None)
    state.committed_state.pop(key, None)
    _drop_composites(state.mapper, state.dict, key)
    if state.key is not None:
        defer_for_state(state.mapper, key, state)


def _forget(state: InstanceState[Any], owner: Access) -> None:
    """What waited for an access that has ended can be loaded again, where there is a session."""
    aside = state.__dict__.get(AWAY, {}) if state.session is not None else {}
    for key in [key for key, (whose, _) in tuple(aside.items()) if whose is owner]:
        del aside[key]


def _drop_composites(mapper: Any, values: dict[str, Any], key: str) -> None:
    for composite in mapper.composites:
        if any(part.key == key for part in composite.props):
            values.pop(composite.key, None)
