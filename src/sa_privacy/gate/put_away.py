"""Putting values away, for what reads objects without asking their attributes (``__dict__``, history, serialisers).

When the access changes, values that the new one does not cover leave the objects that the old one used. Where they
can be loaded again that is all. Where they cannot (asyncio, objects without a session), they wait aside for an access
that covers them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, Final
from weakref import ref

from sqlalchemy.orm import InstanceState, LoaderCallableStatus, Session
from sqlalchemy.orm.attributes import set_committed_value

from sa_privacy.access import Access
from sa_privacy.gate import tasks
from sa_privacy.gate.mark import AWAY, MARK, owner_of, put_away_in
from sa_privacy.gate.sqlalchemy_private import InstanceKey, defer_for_state

if TYPE_CHECKING:
    from sa_privacy.columns.catalogue import PersonalColumn

__all__ = ["PutAway", "hide"]

Columns = Callable[[Any], "dict[str, tuple[PersonalColumn, ...]]"]

_MAPS: Final = "maps"
_LOOSE: Final = "loose"
_COPIES: Final = "copies"
_AWAITED: Final = "awaited"
_LENT: Final = "lent"
_ALL: Final = (_MAPS, _LOOSE, _COPIES, _AWAITED, _LENT)


class PutAway:
    """Knows which objects were used under which access.

    :param columns: the personal attributes of a mapper, with the columns behind each.
    :param own: notes that values of an object belong to an access.
    """

    def __init__(self, columns: Columns, own: Callable[[InstanceState[Any], list[str], Access | None], None]) -> None:
        self._columns = columns
        self._own = own

    # -- noting what is in use ------------------------------------------------------------------------------------

    def uses(self, access: Access, state: InstanceState[Any]) -> None:
        """Values of an object are in use under `access`."""
        if state.session is not None:
            self.uses_session(access, state.session)
        else:
            self.uses_loose(access, state)

    def uses_session(self, access: Access, session: Session) -> None:
        """Objects are loaded into `session` under `access`."""
        maps = self._notes(access, _MAPS, dict)
        held = session.identity_map  # holds no connection, and outlives a session that nobody closes
        if id(held) not in maps:
            if len(maps) > 32:
                for key in [key for key, (one, _) in maps.items() if not len(one)]:
                    del maps[key]
            maps[id(held)] = (held, ref(session))
            tasks.remember(session)

    def uses_loose(self, access: Access, state: InstanceState[Any]) -> None:
        """An object with values has no session any more, or never had one."""
        self._remember(access, _LOOSE, state)

    def uses_copy(self, access: Access, instance: Any) -> None:
        """A shallow copy shares its state with the original, but has values of its own."""
        self._remember(access, _COPIES, instance)

    def lends(self, access: Access, state: InstanceState[Any], before: Any) -> None:
        """`access` goes on with an object whose mark was `before`."""
        self._notes(access, _LENT, list).append((ref(state), before, state.__dict__[MARK]))

    def _remember(self, access: Access, what: str, thing: Any) -> None:
        held = self._notes(access, what, list)
        held.append(ref(thing))
        if len(held) % 4096 == 0:  # a long job lets go of most
            held[:] = [one for one in held if one() is not None]

    def _notes(self, access: Access, what: str, kind: type[Any]) -> Any:
        found = access.notes.get((self, what))
        return access.notes.setdefault((self, what), kind()) if found is None else found

    # -- when the access changes ----------------------------------------------------------------------------------

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
            for state, mark, lent in left.notes.pop((self, _LENT), ()):
                borrowed = state()
                if borrowed is not None and borrowed.__dict__.get(MARK) is lent:
                    borrowed.__dict__[MARK] = mark
            if entered is not None:  # what stays in memory is the next one's to put away
                self._hand_on(left, entered)
            if entered is None or not uncovered <= before:
                self._put_away(left, uncovered, elsewhere=inwards)
            if left.ended:
                for what in _ALL:
                    left.notes.pop((self, what), None)
        if entered is not None:
            for state in _living(entered.notes.pop((self, _AWAITED), ())):
                for key, (owner, _) in tuple(state.__dict__.get(AWAY, {}).items()):
                    if owner is entered:
                        self.bring_back(state, key)

    def bring_back(self, state: InstanceState[Any], key: str) -> None:
        """Puts a value that was put away back, unless there is a newer one."""
        owner, value = state.__dict__[AWAY].pop(key)
        instance = state.obj()
        if instance is not None and key not in state.dict:
            set_committed_value(instance, key, value)
            self._own(state, [key], owner)

    def _hand_on(self, left: Access, entered: Access) -> None:
        maps = left.notes.get((self, _MAPS))
        if maps:
            self._notes(entered, _MAPS, dict).update(maps)
        for what in (_LOOSE, _COPIES):
            held = left.notes.get((self, what))
            if held:
                taken = self._notes(entered, what, list)
                taken[:] = [one for one in {id(one): one for one in (*taken, *held)}.values() if one() is not None]

    def _put_away(self, left: Access, uncovered: frozenset[str], *, elsewhere: bool) -> None:
        maps = [
            held
            for held, session in tuple(left.notes.get((self, _MAPS), {}).values())
            if not (elsewhere and (known := session()) is not None and tasks.elsewhere(known))
        ]
        for state in _states(maps, left.notes.get((self, _LOOSE), ())):
            instance = state.obj()
            if instance is not None and MARK in state.__dict__:
                self.unload(state, instance, uncovered)
        for copy in _living(left.notes.get((self, _COPIES), ())):
            self.strip(copy, uncovered)

    def strip(self, copy: Any, uncovered: frozenset[str]) -> None:
        """Takes values out of a shallow copy. They are gone: only the original can load them again."""
        mapper = copy.__dict__[InstanceKey].mapper
        for key, columns in self._columns(mapper).items():
            if any(column.name in uncovered for column in columns):
                copy.__dict__.pop(key, None)
                _drop_composites(mapper, copy.__dict__, key)

    def unload(self, state: InstanceState[Any], instance: Any, uncovered: frozenset[str]) -> None:
        """Takes uncovered values out of one object. What its user changed stays, without what stood there before."""
        values, changed = state.dict, state.committed_state
        keys = []
        for key, columns in self._columns(state.mapper).items():
            if key in values and any(column.name in uncovered for column in columns):
                if key not in changed or not state.attrs[key].history.has_changes():
                    keys.append(key)
                elif not any(getattr(c, "primary_key", False) for c in state.mapper.column_attrs[key].columns):
                    changed[key] = LoaderCallableStatus.NO_VALUE
        if not keys:
            return
        mark = state.__dict__[MARK]
        session = state.session if state.persistent else None
        aside = {}
        if session is None or session.get_bind(state.mapper).dialect.is_async:
            for key in keys:
                owner = owner_of(state, mark, key)
                if session is None or (owner is not None and not owner.ended):
                    aside[key] = (owner, values[key])
        if session is not None:
            session.expire(instance, keys)
        else:
            for key in keys:
                hide(state, key)
        for key in keys:
            _drop_composites(state.mapper, values, key)
        if aside:
            put_away_in(state).update(aside)
            for owner in {id(owner): owner for owner, _ in aside.values() if owner is not None}.values():
                self._remember(owner, _AWAITED, state)


def hide(state: InstanceState[Any], key: str) -> None:
    """Takes one value out of an object, which loads it again by itself where it can."""
    state.dict.pop(key, None)
    state.committed_state.pop(key, None)
    _drop_composites(state.mapper, state.dict, key)
    if state.key is not None:
        defer_for_state(state.mapper, key, state)


def _drop_composites(mapper: Any, values: dict[str, Any], key: str) -> None:
    for composite in mapper.composites:
        if any(part.key == key for part in composite.props):
            values.pop(composite.key, None)


def _states(maps: Iterable[Any], loose: Iterable[Any]) -> Iterator[InstanceState[Any]]:
    for held in maps:
        yield from held.all_states()
    yield from _living(loose)


def _living(remembered: Iterable[Any]) -> Iterator[Any]:
    for one in tuple(remembered):  # other threads of the same access may add to it
        thing = one()
        if thing is not None:
            yield thing
