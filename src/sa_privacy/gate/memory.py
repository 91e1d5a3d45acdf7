"""Values already in memory.

A loaded value belongs to the access that loaded it. Objects loaded through a protected engine carry a mark that says
under which access; personal attributes ask it before they give their value. Under the same access that is one
comparison. Under another one the value is judged again and its use written down; without one it is refused.

What does not pass an attribute (``__dict__``, serialisers) is met by putting values away: when the access changes,
loaded values that the new one does not cover are unloaded from the sessions that were in use.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

from sqlalchemy import Table, event
from sqlalchemy.exc import InvalidRequestError
from sqlalchemy.orm import (
    ColumnProperty,
    CompositeProperty,
    InstanceState,
    Mapper,
    Session,
    object_session,
)

from sa_privacy.access import Access, Scope, ended
from sa_privacy.columns.catalogue import PersonalColumn, SubjectPath
from sa_privacy.errors import NotLoaded
from sa_privacy.gate import own_rows, tasks
from sa_privacy.gate.orm import base_columns
from sa_privacy.gate.quiet import WITHHELD, is_quiet
from sa_privacy.gate.refusal import decide_columns
from sa_privacy.gate.sqlalchemy_private import InstanceKey, defer_for_state, in_greenlet
from sa_privacy.policy import Grant, denied

if TYPE_CHECKING:
    from sa_privacy.gate.engine import Gate

__all__ = ["Memory", "guard_attribute", "let_go_of_attribute", "marks"]

_MARK = "sa_privacy_mark"
_FRESH = "sa_privacy_fresh"
_SESSIONS = "sessions"


class Mark:
    """On a loaded object: whose gate it passed, and under which access.

    ``session`` is the number of the session that loaded last under this access.
    """

    __slots__ = ("access", "memory", "scope", "session")

    def __init__(self, memory: Memory, access: Access | None) -> None:
        self.memory = memory
        self.access = access
        self.scope: Callable[[], Scope | None] = memory.gate.scopes.get
        self.session = 0


def marks(instance: object) -> Mark | None:
    """The mark of an object, or None where it was not loaded through a protected engine."""
    state = instance.__dict__.get(InstanceKey)
    return None if state is None else state.__dict__.get(_MARK)


def _stored(state: InstanceState[Any]) -> Iterator[tuple[Table, dict[str, Any]]]:
    """The unchanged values in memory of an object, by table and column."""
    found: dict[Table, dict[str, Any]] = {}
    for prop in state.mapper.column_attrs:
        if prop.key in state.dict and prop.key not in state.committed_state:
            for column in prop.columns:
                table = getattr(column, "table", None)
                if isinstance(table, Table):
                    found.setdefault(table, {})[column.name] = state.dict[prop.key]
    yield from found.items()


def guard_attribute(attribute: Any) -> None:
    """Makes one class attribute ask before it gives a value."""
    plain = type(attribute)
    if getattr(plain, "sa_privacy_guards", False):
        return
    if plain not in _classes:
        composite = isinstance(attribute.property, CompositeProperty)
        _classes[plain] = _guarded_composite(plain) if composite else _guarded(plain)
    attribute.__class__ = _classes[plain]


def let_go_of_attribute(attribute: Any) -> None:
    """Puts the attribute's own class back."""
    if getattr(type(attribute), "sa_privacy_guards", False):
        attribute.__class__ = type(attribute).__mro__[1]


_classes: dict[type[Any], type[Any]] = {}


def _guarded(plain: Any) -> type[Any]:
    give = plain.__get__

    class Guarded(plain):  # type: ignore[misc]
        __slots__ = ()
        sa_privacy_guards = True
        inherit_cache = True

        def __get__(self, instance: Any, owner: Any) -> Any:
            if instance is None:
                return self
            values = instance.__dict__
            try:
                mark = values[InstanceKey].__dict__[_MARK]
            except KeyError:
                return give(self, instance, owner)
            scope = mark.scope()
            if scope is not None and scope.access is mark.access and scope.alive:
                try:
                    return values[self.key]
                except KeyError:
                    pass
            return mark.memory.value(self, instance, owner, mark, give)

    return _named_like(Guarded, plain)


def _guarded_composite(plain: Any) -> type[Any]:
    give = plain.__get__

    class Guarded(plain):  # type: ignore[misc]
        __slots__ = ()
        sa_privacy_guards = True
        inherit_cache = True

        def __get__(self, instance: Any, owner: Any) -> Any:
            if instance is not None and marks(instance) is not None:
                for part in self.property.props:  # a composite keeps its object: ask its parts each time
                    getattr(instance, part.key)
            return give(self, instance, owner)

    return _named_like(Guarded, plain)


def _named_like(guarded: type[Any], plain: type[Any]) -> type[Any]:
    guarded.__name__ = plain.__name__
    guarded.__qualname__ = plain.__qualname__
    return guarded


class Memory:
    """Judges values in memory for one gate.

    :param governs: whether a session sends statements for a mapper to an engine of this gate.
    """

    def __init__(self, gate: Gate, governs: Callable[[Session, Mapper[Any]], bool]) -> None:
        self.gate = gate
        self._governs = governs
        self._scope = gate.scopes.get
        self._columns: dict[Any, Any] = {}
        self._catalogue: object = None
        self._nobody = Mark(self, None)
        #: Whether no engine is protected any more: what is in memory is then its holder's.
        self.idle = False

    # -- marking --------------------------------------------------------------------------------------------------

    def listen(self, class_: type[Any]) -> None:
        """Marks the objects of a mapped class as they are loaded or flushed."""
        for name, listener in self._listeners():
            event.listen(class_, name, listener, raw=True)

    def unlisten(self, class_: type[Any]) -> None:
        """Marks no more."""
        for name, listener in self._listeners():
            if event.contains(class_, name, listener):  # not where its registry was disposed of
                event.remove(class_, name, listener)

    def _listeners(self) -> tuple[tuple[str, Callable[..., None]], ...]:
        return (
            ("load", self.on_load),
            ("refresh", self.on_refresh),
            ("refresh_flush", self.on_refresh),
            ("after_insert", self.on_insert),
            ("unpickle", self.on_unpickle),
            ("pickle", self.on_pickle),
        )

    def narrow_expired(self, plain: Callable[..., None]) -> Callable[..., None]:
        """Loads expired attributes without the personal ones that are not covered; those wait for an access that is."""

        def load_expired(state: InstanceState[Any], names: set[str], passive: Any) -> None:
            mark = state.__dict__.get(_MARK)
            if mark is not None:
                memory: Memory = mark.memory
                uncovered = memory.gate.current_view().uncovered
                personal = memory._attributes(state.mapper)
                hidden = {key for key in names if any(c.name in uncovered for c in personal.get(key, ()))}
                for key in hidden:
                    defer_for_state(state.mapper, key, state)
                names = names - hidden
            if names:
                plain(state, names, passive)

        return load_expired

    def on_load(self, state: InstanceState[Any], context: Any) -> None:
        """A new object came from the database."""
        session = context.session
        known = session.info.get(self)
        governed = None if known is None else known.get(state.manager.mapper)
        if not (self._governed(session, state) if governed is None else governed):
            return
        scope = self._scope()
        if scope is not None and scope.alive:
            mark = scope.access.notes.get(self)
            if mark is None or mark.session != session.hash_key:
                mark = self._mark(session)
            state.__dict__[_MARK] = mark
        else:
            state.__dict__[_MARK] = self._nobody

    def on_refresh(self, state: InstanceState[Any], context: Any, attributes: Any) -> None:
        """Some of its attributes came again."""
        session = state.session
        if session is None or not self._governed(session, state):
            return
        mark = state.__dict__.get(_MARK)
        now = self._mark(session, always=mark is None)
        if attributes is None:
            self._drop_stale(state)
        if mark is None or attributes is None or (mark is not now and not self._loaded(state, but=attributes)):
            state.__dict__[_MARK] = now
            state.__dict__.pop(_FRESH, None)
        elif mark is not now:
            # Its other values still belong to the access before; these were written down as they were loaded.
            access, keys = state.__dict__.get(_FRESH, (None, frozenset()))
            state.__dict__[_FRESH] = (
                now.access,
                frozenset(attributes) | (keys if access is now.access else frozenset()),
            )

    def _drop_stale(self, state: InstanceState[Any]) -> None:
        """A full refresh marks the object clean: values it left out for want of a grant must not stay as if saved."""
        uncovered = self.gate.current_view().uncovered
        for key, columns in self._loaded(state).items():
            if any(column.name in uncovered for column in columns):
                state.dict.pop(key, None)

    def on_insert(self, mapper: Mapper[Any], connection: Any, state: InstanceState[Any]) -> None:
        """An object its maker created became a row: it belongs to the access that wrote it."""
        session = state.session
        if session is not None and _MARK not in state.__dict__ and self._governed(session, state):
            state.__dict__[_MARK] = self._mark(session, always=True)

    def on_pickle(self, state: InstanceState[Any], state_dict: dict[str, Any]) -> None:
        """Pickles carry no access, but they carry that there was one."""
        if _MARK in state.__dict__:
            state_dict[_MARK] = True

    def on_unpickle(self, state: InstanceState[Any], state_dict: dict[str, Any]) -> None:
        """Whoever unpickles is not who loaded."""
        if state_dict.get(_MARK):
            state.__dict__[_MARK] = self._nobody

    def _governed(self, session: Session, state: InstanceState[Any]) -> bool:
        known: dict[Any, bool] = session.info.get(self) or session.info.setdefault(self, {})
        mapper = state.manager.mapper
        found = known.get(mapper)
        if found is None:
            found = known[mapper] = self._governs(session, mapper)
        return found

    def _mark(self, session: Session, *, always: bool = False) -> Mark:
        scope = self.gate.scopes.get()
        if scope is None or not scope.alive or (self.gate.mode == "observe" and not always):
            return self._nobody  # where nothing is left out of a load, every attribute is judged when it is read
        notes = scope.access.notes
        mark: Mark | None = notes.get(self)
        if mark is None:
            mark = notes[self] = Mark(self, scope.access)
            notes.setdefault(_SESSIONS, WeakSet())
        sessions = notes[_SESSIONS]
        if session not in sessions:
            sessions.add(session)
            tasks.remember(session)
        mark.session = session.hash_key
        return mark

    # -- reading --------------------------------------------------------------------------------------------------

    def value(self, attribute: Any, instance: Any, owner: Any, mark: Mark, give: Callable[..., Any]) -> Any:
        """The value of a personal attribute under the access in force, judged and written down.

        :raises AccessDenied: it is not covered.
        :raises NotLoaded: it is covered, not in memory, and asyncio allows no loading here.
        """
        state: InstanceState[Any] = instance.__dict__[InstanceKey]
        key = attribute.key
        scope = self.gate.scopes.get()
        access = scope.access if scope is not None and scope.alive else None
        grant = access.grant if access is not None else None
        if self.idle:
            return give(attribute, instance, owner)
        columns = self._personal(attribute.property)
        if not columns or not state.has_identity or (self.gate.mode == "observe" and key in instance.__dict__):
            self._observe(columns, access, state)
            return give(attribute, instance, owner)
        loaded = key in instance.__dict__
        if loaded and mark.access is access and access is not None:
            return instance.__dict__[key]
        decision = decide_columns(grant, columns, self.gate.policy)
        if is_quiet() and not (decision.allowed and loaded):
            return WITHHELD
        if not decision.allowed:
            if access is not None and access.withheld != "raise":
                return self._withheld(access, columns)
            if self.gate.mode == "observe":
                return give(attribute, instance, owner)
            names = [column.name for column in columns]
            self.gate.write_use(access, names, "denied", [f"read {name}" for name in names], {})
            if grant is None and scope is not None:
                raise ended(scope.access)
            raise denied(decision, grant)
        if access is None:  # nothing is covered without an access
            raise denied(decision, None)
        if loaded:
            if decision.own:
                self._require_own(access, state, columns)
            self._used(access, state, mark, columns)
            return instance.__dict__[key]
        self._load_decided(decision.own, access, instance, state, key, columns)
        return give(attribute, instance, owner)

    def _load_decided(
        self,
        own: bool,
        access: Access,
        instance: object,
        state: InstanceState[Any],
        key: str,
        columns: tuple[PersonalColumn, ...],
    ) -> None:
        if own and self._subject(state):
            self._require_own(access, state, columns)
        session = object_session(instance)
        if session is not None:
            try:
                self._load_covered(session, instance, state, access.grant, key)
            except InvalidRequestError:
                if own:  # the row is not among theirs
                    raise own_rows.refusal_in_memory(access, columns) from None
                raise

    def _observe(self, columns: Iterable[PersonalColumn], access: Access | None, state: InstanceState[Any]) -> None:
        if self.gate.mode != "observe" or not columns or _MARK not in state.__dict__:
            return
        if not decide_columns(access.grant if access else None, columns).allowed:
            names = [column.name for column in columns]
            noted = access.notes.setdefault((self, "used"), set()) if access is not None else set()
            if (id(state), frozenset(names)) not in noted:
                self.gate.write_use(access, names, "would_deny", [f"read {name}" for name in names], {})
                noted.add((id(state), frozenset(names)))

    def _withheld(self, access: Access, columns: tuple[PersonalColumn, ...]) -> str | None:
        if access.withheld == "mask":
            return self.gate.policy.categories[columns[0].category].mask
        return None

    def _used(self, access: Access, state: InstanceState[Any], mark: Mark, columns: tuple[PersonalColumn, ...]) -> None:
        """Writes the use down: once for the object where the access covers all it holds, else for the attribute."""
        loader, fresh = state.__dict__.get(_FRESH, (None, frozenset()))
        loaded = self._loaded(state)
        whole = all(access.grant.covers("read", c.category, c.purposes) for found in loaded.values() for c in found)
        if whole:
            known = fresh if loader is access else frozenset()
            names = {column.name for key, found in loaded.items() if key not in known for column in found}
        else:
            names = {column.name for column in columns}
        noted = access.notes.setdefault((self, "used"), set())
        if names and (id(state), frozenset(names)) not in noted:
            self.gate.write_use(access, sorted(names), "allowed", (), self._subject(state))
            noted.add((id(state), frozenset(names)))
        if whole:
            state.__dict__[_MARK] = self._mark_of(access, state)
            state.__dict__.pop(_FRESH, None)

    def _mark_of(self, access: Access, state: InstanceState[Any]) -> Mark:
        session = state.session
        if session is not None:
            return self._mark(session)
        found: Mark | None = access.notes.get(self)
        if found is None:
            found = access.notes[self] = Mark(self, access)
            access.notes.setdefault(_SESSIONS, WeakSet())
        return found

    def _require_own(self, access: Access, state: InstanceState[Any], columns: tuple[PersonalColumn, ...]) -> None:
        subjects, catalogue = self._subject(state), self.gate.catalogue()
        if not any(own_rows.is_subject(access, kind, key, catalogue) for kind, key in subjects.items()):
            raise own_rows.refusal_in_memory(access, columns)

    def _subject(self, state: InstanceState[Any]) -> dict[str, Any]:
        """Whose the object is, where the key is in memory, in it or in the objects it leads to: kind and key."""
        found: dict[str, Any] = {}
        for table, values in _stored(state):
            for known in self.gate.catalogue().find(table.schema, table.name):
                holder = self._holder(known.subject, values, state) if known.subject is not None else None
                if holder is not None:
                    found[holder[0]] = holder[1]
        return found

    def _holder(
        self, subject: SubjectPath, values: Mapping[str, Any], state: InstanceState[Any]
    ) -> tuple[str, Any] | None:
        if subject.key is not None:
            return (subject.kind, values[subject.key]) if subject.key in values else None
        here, there, column = subject.steps[0]
        session, after = state.session, self.gate.catalogue().by_name.get(there)
        if session is None or after is None or after.subject is None or values.get(here) is None:
            return None
        for relation in state.mapper.relationships:
            pairs = [(one.name, str(other)) for one, other in relation.local_remote_pairs or ()]
            if pairs == [(here, f"{there}.{column}")] and len(relation.mapper.primary_key) == 1:
                instance = session.identity_map.get(relation.mapper.identity_key_from_primary_key((values[here],)))
                other: InstanceState[Any] | None = instance and instance.__dict__[InstanceKey]
                for table, held in _stored(other) if other is not None else ():
                    if table.fullname == there and held.get(column) == values[here] and other is not None:
                        return self._holder(after.subject, held, other)
        return None

    # -- loading --------------------------------------------------------------------------------------------------

    def covered_unloaded(self, state: InstanceState[Any], grant: Grant | None) -> list[str]:
        """The personal attributes that `grant` covers and that are not in memory."""
        view = self.gate.view(grant)
        return [
            prop.key
            for prop in state.mapper.column_attrs
            if prop.key in state.unloaded
            and (columns := self._personal(prop))
            and not any(column.name in view.uncovered for column in columns)
        ]

    def columns_of(self, state: InstanceState[Any], key: str) -> tuple[PersonalColumn, ...]:
        """The personal columns behind one attribute."""
        return self._attributes(state.mapper).get(key, ())

    def _load_covered(
        self, session: Session, instance: object, state: InstanceState[Any], grant: Grant | None, key: str
    ) -> None:
        """Loads all that is covered of the object in one SELECT."""
        if session.get_bind(state.mapper).dialect.is_async and not in_greenlet():
            raise NotLoaded(
                f"{type(instance).__name__}.{key} is covered, but not in memory, and asyncio cannot load it here.",
                hint="await privacy.load(obj) first, or load the object under the purpose that reads it.",
            )
        wanted = self.covered_unloaded(state, grant)
        if wanted:
            with session.no_autoflush:
                session.refresh(instance, wanted)

    # -- putting away ---------------------------------------------------------------------------------------------

    def put_away(self, left: Access | None, entered: Access | None) -> None:
        """The access changed: unloads what the new one does not cover from the sessions the old one used."""
        sessions = left.notes.get(_SESSIONS) if left is not None else None
        if not sessions or self.gate.mode == "observe":
            return
        if entered is not None:  # what stays in them is the next one's to put away
            entered.notes.setdefault(_SESSIONS, WeakSet()).update(sessions)
        before = self.gate.view(left.grant if left else None).uncovered
        uncovered = self.gate.view(entered.grant if entered else None).uncovered
        if uncovered <= before and entered is not None:
            return
        here = self.gate.scopes.get()
        entering = here is not None and here.access is left  # for this task alone; an access ends for all
        for session in tuple(sessions):
            if entering and tasks.elsewhere(session):
                continue
            for instance in tuple(session.identity_map.values()):
                state = instance.__dict__[InstanceKey]
                if _MARK in state.__dict__:
                    self._unload(session, instance, state, uncovered)

    def _unload(self, session: Session, instance: object, state: InstanceState[Any], uncovered: frozenset[str]) -> None:
        pending = state.committed_state
        keys = [
            key
            for key, columns in self._loaded(state).items()
            if key not in pending and any(column.name in uncovered for column in columns)
        ]
        if keys:
            session.expire(instance, keys)
            for prop in state.mapper.composites:
                if any(part.key in keys for part in prop.props):
                    state.dict.pop(prop.key, None)

    def _loaded(self, state: InstanceState[Any], but: Any = None) -> dict[str, tuple[PersonalColumn, ...]]:
        """The personal attributes in memory, with the columns behind each."""
        excluded = set(but or ())
        values = state.dict
        return {
            key: columns
            for key, columns in self._attributes(state.mapper).items()
            if key in values and key not in excluded
        }

    def _attributes(self, mapper: Mapper[Any]) -> dict[str, tuple[PersonalColumn, ...]]:
        found: dict[str, tuple[PersonalColumn, ...]] | None = self._columns_by("mapper", mapper)
        if found is None:
            found = {prop.key: columns for prop in mapper.column_attrs if (columns := self._personal(prop))}
            self._columns[("mapper", mapper)] = found
        return found

    def _personal(self, prop: Any) -> tuple[PersonalColumn, ...]:
        found: tuple[PersonalColumn, ...] | None = self._columns_by("prop", prop)
        if found is None:
            found = ()
            if isinstance(prop, ColumnProperty):
                found = tuple(dict.fromkeys(self.gate.view(None).personal(base_columns(prop))))
            self._columns[("prop", prop)] = found
        return found

    def _columns_by(self, what: str, of: Any) -> Any:
        catalogue = self.gate.catalogue()
        if catalogue is not self._catalogue:
            self._columns.clear()
            self._catalogue = catalogue
        return self._columns.get((what, of))
