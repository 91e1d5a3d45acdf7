"""Marking objects as they are loaded, flushed, changed, copied and let go."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextvars import ContextVar
from functools import partial
from typing import TYPE_CHECKING, Any, Final
from weakref import WeakKeyDictionary, ref

from sqlalchemy import event, inspect
from sqlalchemy.orm import InstanceState, Mapper, Session

from sa_privacy.gate.binds import owner_of_dialect
from sa_privacy.gate.everywhere import LEAVING
from sa_privacy.gate.objects.mark import AWAY, FORMER, MARK, Mark, is_of_another_row, owner_of
from sa_privacy.gate.objects.orm import SHOWN
from sa_privacy.gate.objects.put_away import hide
from sa_privacy.gate.refusal import decide_columns
from sa_privacy.gate.sqlalchemy_private import (
    InstanceKey,
    choose_eager_defaults,
    defer_for_state,
    forget_eager_defaults,
    listeners_come_and_go,
    notes_of_result,
)

if TYPE_CHECKING:
    from sa_privacy.access import Access
    from sa_privacy.gate.objects.held import HeldBySession
    from sa_privacy.gate.objects.memory import Memory

__all__ = ["Marking"]

#: When an object leaves its session with the values it holds.
#: What comes before a mapper asks for its eager defaults.
_FLUSHING: Final = ("before_insert", "before_update")


class _Loading:
    """What holds for all objects of one result that are loaded under one access."""

    __slots__ = ("access", "marks", "partly", "uncovered")

    def __init__(self, access: Access | None) -> None:
        self.access = access
        #: For each mapped class its mark, None where it came another way, and where its objects are noted, if anywhere.
        self.marks: dict[type[Any], tuple[Mark | None, HeldBySession | None]] = {}
        #: What the access does not cover, where the statement shows some of it.
        self.uncovered: frozenset[str] = frozenset()
        #: Whether something of what comes is not covered, or is only observed.
        self.partly = False


class Marking:
    """Listens to mapped classes for one gate.

    :param governs: whether a session sends statements for a mapper to an engine of this gate.
    """

    def __init__(self, memory: Memory, governs: Callable[[Session, Mapper[Any]], bool]) -> None:
        self._memory = memory
        self._gate = memory.gate
        self._scope = memory.gate.scopes.get
        self._governs = governs
        #: Whether the flush in progress goes to an engine of this gate.
        self._flushes: ContextVar[bool] = ContextVar("sa_privacy.flushes", default=True)
        self._eager_choices: WeakKeyDictionary[Mapper[Any], Callable[[frozenset[str]], frozenset[str]]]
        self._eager_choices = WeakKeyDictionary()
        self._closed = False
        self._stops = [leaving.listen(self.on_leaving) for leaving in LEAVING]

    def close(self) -> None:
        """Looks after no more objects."""
        for stop in self._stops:
            stop()
        self._closed = True

    # -- listening ------------------------------------------------------------------------------------------------

    def listen(self, class_: type[Any]) -> None:
        """Marks the objects of a mapped class as they are loaded or flushed."""
        mapper = inspect(class_)
        with listeners_come_and_go(mapper, self._names()):
            for name, listener in self._listeners():
                event.listen(class_, name, listener, raw=True)
            if mapper.eager_defaults is True:
                for name in _FLUSHING:
                    event.listen(class_, name, self._flushing, raw=True)
        if mapper.eager_defaults is True:
            choice = self._eager_choices[mapper] = partial(self._eager, ref(mapper))
            choose_eager_defaults(mapper, choice)

    def unlisten(self, class_: type[Any]) -> None:
        """Marks no more."""
        mapper = inspect(class_, raiseerr=False)
        if mapper is None:  # its registry was disposed of
            return
        with listeners_come_and_go(mapper, self._names()):
            for name, listener in (*self._listeners(), *((name, self._flushing) for name in _FLUSHING)):
                if event.contains(class_, name, listener):
                    event.remove(class_, name, listener)
        if mapper in self._eager_choices:
            forget_eager_defaults(mapper, self._eager_choices.pop(mapper))

    def _names(self) -> frozenset[str]:
        return frozenset((*_FLUSHING, *(name for name, _ in self._listeners())))

    def _listeners(self) -> tuple[tuple[str, Callable[..., None]], ...]:
        return (
            ("load", self.on_load),
            ("refresh", self.on_refresh),
            ("refresh_flush", self.on_refresh),
            ("expire", self.on_expire),
            ("before_insert", self.on_before_insert),
            ("after_insert", self.on_insert),
            ("after_update", self.on_update),
            ("unpickle", self.on_unpickle),
            ("pickle", self.on_pickle),
        )

    def _governed(self, session: Session, state: InstanceState[Any]) -> bool:
        if self._memory.idle:
            return False
        engines, known = session.info.get(self, (None, {}))
        if engines != self._memory.engines:
            known = {}
            session.info[self] = (self._memory.engines, known)
        mapper = state.manager.mapper
        found: bool | None = known.get(mapper)
        if found is None:
            found = known[mapper] = self._governs(session, mapper)
        return found

    def _came_through(self, session: Session, state: InstanceState[Any], context: Any) -> bool:
        """Whether what an object got came through an engine of this gate."""
        if self._memory.idle:
            return False
        through = notes_of_result(context).get(SHOWN) if context is not None else None
        return self._governed(session, state) if through is None else through[0] is self._gate

    def _writes_through(self, connection: Any) -> bool:
        """Whether a flush goes to an engine of this gate."""
        return not self._memory.idle and owner_of_dialect(connection.dialect) is self._gate

    def _mark(self, session: Session, state: InstanceState[Any], *, always: bool = False) -> Mark:
        """The mark of the access in force."""
        access = self._memory.access()
        if access is None or (self._gate.observed.everything and not always):
            return self._memory.marks.nobody  # where no load leaves anything out, each attribute is judged when read
        self._memory.away.uses_in(access, session, state)
        return self._memory.marks.of(access)

    # -- loading --------------------------------------------------------------------------------------------------

    def on_load(self, state: InstanceState[Any], context: Any) -> None:
        """A new object came from the database. What is asked has one answer for all of a result."""
        if context is None:
            self._merged(state)
            return
        scope = self._scope()
        access = scope.access if scope is not None and scope.alive else None
        notes = notes_of_result(context)
        loading: _Loading | None = notes.get(self)
        if loading is None or loading.access is not access:
            loading = notes[self] = _Loading(access)
        try:
            mark, held = loading.marks[state.class_]
        except KeyError:
            mark, held = loading.marks[state.class_] = self._begin(loading, state, context)
        if mark is not None:
            setattr(state, MARK, mark)  # its __dict__ would be made for this, and is not before it is asked for
            if held is not None and held.absent:
                held.note(state)
            if loading.partly:
                self._put_in_order(state, loading)

    def _begin(
        self, loading: _Loading, state: InstanceState[Any], context: Any
    ) -> tuple[Mark | None, HeldBySession | None]:
        """What holds for all objects of the class of this one."""
        session = context.session
        if not self._came_through(session, state, context):
            return None, None
        mark = self._mark(session, state)
        through = notes_of_result(context).get(SHOWN)
        uncovered = self._gate.current_view().uncovered
        if through is not None and not uncovered.isdisjoint(through[1]):
            loading.uncovered = uncovered
        loading.partly = self._gate.observes or bool(loading.uncovered)
        return mark, None if mark.access is None else self._memory.away.held_by(session)

    def _put_in_order(self, state: InstanceState[Any], loading: _Loading) -> None:
        """Not all that came belongs to the access that loaded it."""
        if self._gate.observes:
            self._leave_to_nobody(state, self._memory.attributes.loaded(state))
        if loading.uncovered:
            self._drop(state, self._memory.attributes.loaded(state), loading.uncovered)

    def _leave_to_nobody(self, state: InstanceState[Any], keys: Iterable[str]) -> None:
        """What is only observed came whole: each attribute is judged when read, also under the access that loaded it."""
        personal, enforced = self._memory.attributes.of(state.mapper), self._memory.reading.enforced
        self._memory.marks.own(state, [key for key in keys if not enforced(personal[key])], None)

    def _merged(self, state: InstanceState[Any]) -> None:
        session = state.session
        if session is None or state.key is None or MARK in state.__dict__:
            return
        if self._governed(session, state):
            state.__dict__[MARK] = self._mark(session, state)

    def on_refresh(self, state: InstanceState[Any], context: Any, attributes: Any) -> None:
        """Some of its attributes came again."""
        session = state.session
        if session is None or not self._came_through(session, state, context):
            return
        fresh = MARK not in state.__dict__
        mark = self._mark(session, state, always=fresh)
        uncovered = self._gate.current_view().uncovered
        if attributes is None:
            # A full refresh marks the object clean: what it left out for want of a grant must not stay as if saved.
            self._memory.marks.wholly(state, mark)
            state.__dict__.pop(AWAY, None)
            state.__dict__.pop(FORMER, None)
            if self._gate.observes and not fresh:
                self._leave_to_nobody(state, self._memory.attributes.loaded(state))
            self._drop(state, self._memory.attributes.loaded(state), uncovered)
            return
        personal = self._memory.attributes.of(state.mapper)
        came = [key for key in attributes if key in personal]
        if AWAY in state.__dict__:
            self.on_expire(state, came)
        self._memory.marks.own(state, came, mark.access)
        if FORMER in state.__dict__ and set(came).issuperset(self._memory.attributes.loaded(state)):
            del state.__dict__[FORMER]
        if self._gate.observes and not fresh:
            self._leave_to_nobody(state, came)
        self._drop(state, came, uncovered)

    def _drop(self, state: InstanceState[Any], keys: Iterable[str], uncovered: frozenset[str]) -> None:
        """Takes uncovered values out. Only what came with the statement: what its user changed is not among `keys`."""
        personal = self._memory.attributes.of(state.mapper)
        for key in tuple(keys):
            if key in state.dict and any(column.name in uncovered for column in personal[key]):
                hide(state, key)

    def narrow_expired(self, plain: Callable[..., None]) -> Callable[..., None]:
        """Loads expired attributes without the personal ones that are not covered; those wait for an access that is."""

        def load_expired(state: InstanceState[Any], names: set[str], passive: Any) -> None:
            mark = state.__dict__.get(MARK)
            if mark is not None:
                uncovered = mark.memory.gate.current_view().uncovered
                personal = mark.memory.attributes.of(state.mapper)
                hidden = {key for key in names if any(c.name in uncovered for c in personal.get(key, ()))}
                for key in hidden:
                    defer_for_state(state.mapper, key, state)
                names = names - hidden
            if names:
                plain(state, names, passive)

        return load_expired

    def on_expire(self, state: InstanceState[Any], attributes: Any) -> None:
        """What is out of date in the object is out of date where it was put away."""
        if attributes is None:
            state.__dict__.pop(FORMER, None)
        away: dict[str, Any] = state.__dict__.get(AWAY, {})
        for key in tuple(away):
            if attributes is None or key in attributes:
                del away[key]

    # -- flushing -------------------------------------------------------------------------------------------------

    def _flushing(self, mapper: Mapper[Any], connection: Any, state: InstanceState[Any]) -> None:
        self._flushes.set(self._writes_through(connection))

    def _eager(self, of: ref[Mapper[Any]], keys: frozenset[str]) -> frozenset[str]:
        """The server defaults that may be fetched right after the flush."""
        mapper = of()
        if mapper is None or self._memory.idle or not self._flushes.get():
            return keys
        uncovered = self._gate.current_view().uncovered
        personal = self._memory.attributes.of(mapper)
        return frozenset(key for key in keys if not any(c.name in uncovered for c in personal.get(key, ())))

    def on_before_insert(self, mapper: Mapper[Any], connection: Any, state: InstanceState[Any]) -> None:
        """A new row gets no mask for a value, no NULL for a value that was put away, and none of a row out of reach.

        :raises AccessDenied: it would.
        """
        memory, mark = self._memory, state.__dict__.get(MARK)
        access = memory.access()
        if mark is not None and mark.memory is memory and access is not None and is_of_another_row(state):
            self._require_reached(state, mark, access)
        if AWAY in state.__dict__ and mark is not None and mark.memory is memory:
            for key in tuple(state.__dict__[AWAY]):
                columns = memory.attributes.of(state.mapper)[key]
                decision = decide_columns(access.grant if access else None, columns, self._gate.policy)
                if key not in state.dict and not decision.allowed and not memory.idle:
                    raise memory.reading.refused(access, columns, decision)
                memory.away.bring_back(state, key, access)
        if access is None or access.withheld != "mask" or memory.idle:
            return
        if self._writes_through(connection):
            for key, columns in memory.attributes.loaded(state).items():
                if memory.reading.is_mask(access, columns, state.dict[key]):
                    decision = decide_columns(access.grant, columns, self._gate.policy)
                    if not decision.allowed:
                        raise memory.reading.refused(access, columns, decision)

    def _require_reached(self, state: InstanceState[Any], mark: Mark, access: Access) -> None:
        """A new row is about to get the values of another one, which are those of the access that loaded them.

        :raises RowsDenied: `access` does not reach that row.
        """
        if self._memory.idle or self._gate.observed.everything:
            return
        for key, columns in self._memory.attributes.of(state.mapper).items():
            owner = owner_of(state, mark, key)
            if owner is not access and (key in state.dict or key in state.__dict__.get(AWAY, ())):
                if decide_columns(access.grant, columns, self._gate.policy).own:
                    self._memory.reading.require_own(access, state, columns)
                self._memory.reading.require_reached(access, state, columns, owner)

    def on_insert(self, mapper: Mapper[Any], connection: Any, state: InstanceState[Any]) -> None:
        """An object its maker created became a row: it belongs to the access that wrote it."""
        session = state.session
        if session is not None and MARK not in state.__dict__ and self._writes_through(connection):
            state.__dict__[MARK] = self._mark(session, state, always=True)

    def on_update(self, mapper: Mapper[Any], connection: Any, state: InstanceState[Any]) -> None:
        """What its user changed is saved now, and is to be put away like any other value."""
        if MARK in state.__dict__ and state.session is not None:
            self._mark(state.session, state)

    def assigned(self, state: InstanceState[Any], key: str, mark: Mark) -> None:
        """A value that is assigned belongs to the access that assigned it."""
        access = self._memory.access()
        if access is not None and access is not mark.access:
            self._memory.marks.own(state, [key], access)
            self._memory.away.uses(access, state)

    # -- letting go -----------------------------------------------------------------------------------------------

    def on_leaving(self, session: Session, instance: Any) -> None:
        """An object left its session, with the values it holds."""
        state = instance.__dict__[InstanceKey]
        mark = state.__dict__.get(MARK)
        if mark is None or mark.memory is not self._memory or self._memory.idle:
            return
        if state.key is not None:
            state.__dict__[FORMER] = state.key
        access = self._memory.access()
        if access is not None:
            self._memory.away.uses_loose(access, state)
        elif not self._gate.observed.everything:
            self._memory.away.unload(state, instance, self._gate.view(None).uncovered)

    def on_pickle(self, state: InstanceState[Any], state_dict: dict[str, Any]) -> None:
        """Pickles carry no access, but they carry that there was one."""
        mark = state.__dict__.get(MARK)
        if mark is not None and mark.memory is self._memory:
            state_dict[MARK] = self._gate.policy.id

    def on_unpickle(self, state: InstanceState[Any], state_dict: dict[str, Any]) -> None:
        """Whoever unpickles is not who loaded."""
        whose = state_dict.get(MARK)
        if whose and not self._closed and (MARK not in state.__dict__ or whose == self._gate.policy.id):
            state.__dict__[MARK] = self._memory.marks.nobody
            if state.key is not None:
                state.__dict__[FORMER] = state.key

    def copied(self, copy: Any) -> None:
        """A copy was made, or an object was unpickled: it holds what the access in force covers, and no longer."""
        if self._memory.idle or self._gate.observed.everything:
            return
        state = copy.__dict__[InstanceKey]
        access, away = self._memory.access(), self._memory.away
        uncovered = self._gate.current_view().uncovered
        if state.obj() is not copy:  # a shallow copy shares the state of its original
            away.strip(copy, uncovered)
            if access is not None:
                away.uses_copy(access, copy)
            return
        away.unload(state, copy, uncovered)
        if access is not None:
            away.uses_loose(access, state)
