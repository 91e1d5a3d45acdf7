"""Reading a value that is in memory, or could be: judged and written down."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from sqlalchemy import Connection
from sqlalchemy.exc import InvalidRequestError
from sqlalchemy.orm import InstanceState, Session, object_session

from sa_privacy.access import Access, ended
from sa_privacy.columns.catalogue import PersonalColumn
from sa_privacy.errors import NotLoaded, PrivacyError
from sa_privacy.gate.binds import dialect_of
from sa_privacy.gate.objects.mark import AWAY, MARK, Mark, is_of_another_row, owner_of
from sa_privacy.gate.objects.quiet import is_quiet, withhold
from sa_privacy.gate.objects.reached import Reached
from sa_privacy.gate.objects.subjects import subjects_of
from sa_privacy.gate.refusal import decide_columns, denials_of
from sa_privacy.gate.rows import own_rows
from sa_privacy.gate.rows.row_law import refusal_of_object
from sa_privacy.gate.sqlalchemy_private import InstanceKey, in_greenlet
from sa_privacy.policy import Decision, Grant, denied

if TYPE_CHECKING:
    from sa_privacy.gate.objects.memory import Memory

__all__ = ["Reading"]

Columns = tuple[PersonalColumn, ...]


class Reading:
    """Judges what is read of objects."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory
        self._gate = memory.gate
        self.reached = Reached(memory.gate)

    def value(self, attribute: Any, instance: Any, owner: Any, mark: Mark, give: Callable[..., Any]) -> Any:
        """The value of a personal attribute under the access in force, judged and written down.

        :raises AccessDenied: it is not covered.
        :raises NotLoaded: it is covered, not in memory, and asyncio allows no loading here.
        """
        memory = self._memory
        state: InstanceState[Any] = instance.__dict__[InstanceKey]
        key = attribute.key
        access = memory.access()
        loaded = key in instance.__dict__
        aside = None if loaded else state.__dict__.get(AWAY, {}).get(key)
        if memory.idle:
            if aside is not None:
                memory.away.bring_back(state, key, access)
            return give(attribute, instance, owner)
        columns = memory.attributes.behind(attribute.property)
        belongs = owner_of(state, mark, key)
        enforced = self._gate.observed.enforced(columns) if self._gate.observes else columns
        if not enforced:
            if loaded:
                self._observe(columns, access, state, belongs)
            return give(attribute, instance, owner) if loaded or is_quiet() is None else withhold()
        columns = enforced
        if access is not None and belongs is access and aside is not None:
            memory.away.bring_back(state, key, access)
            loaded = True
        if access is not None and belongs is access and loaded:
            return instance.__dict__[key]
        decision = decide_columns(access.grant if access is not None else None, columns, self._gate.policy)
        if is_quiet() is not None:
            return self._quietly(instance, state, key, access, decision, columns)
        if not decision.allowed or access is None:
            if access is not None and access.withheld != "raise":
                return self._withheld(access, columns)
            raise self.refused(access, columns, decision, state)
        session = object_session(instance)
        self.must_stand(access, state, columns, belongs, held=loaded or session is None)
        if aside is not None and session is None:
            memory.away.bring_back(state, key, access)
            loaded = key in instance.__dict__
        if loaded:
            if decision.own:
                self.require_own(access, state, columns)
            self.require_reached(access, state, columns, belongs)
            self.used(access, state, key, columns)
            return instance.__dict__[key]
        if state.obj() is not instance:
            raise NotLoaded(
                f"{type(instance).__name__}.{key} was put away from this copy when its access ended.",
                hint="read it from the original, which can load it again.",
            )
        if session is not None:
            with self.loading(access, state, columns, decision):
                self._load_covered(session, instance, state, access.grant, key)
        return give(attribute, instance, owner)

    def _quietly(
        self,
        instance: Any,
        state: InstanceState[Any],
        key: str,
        access: Access | None,
        decision: Decision,
        columns: Columns,
    ) -> Any:
        """For ``repr`` and the like: what is covered and at hand, and never an error."""
        if access is None or not decision.allowed or key not in instance.__dict__:
            return withhold()
        if decision.own and not self._is_own(access, state):
            return withhold()
        if self.reached.limit(access, state, owner_of(state, state.__dict__[MARK], key)) is not None:
            return withhold()
        try:
            self.must_stand(access, state, columns, owner_of(state, state.__dict__[MARK], key), ask=False)
            self.used(access, state, key, columns)
        except PrivacyError:
            return withhold()
        return instance.__dict__[key]

    def refused(
        self, access: Access | None, columns: Columns, decision: Decision, state: InstanceState[Any] | None = None
    ) -> PrivacyError:
        """The error for a value that is not given, written down."""
        names = [column.name for column in columns]
        scope = self._gate.scopes.get()
        asking = scope.access if access is None and scope is not None else access  # it ended: who had it asks
        whose = self._whose(state)
        self._gate.evidence.write_use(asking, names, "denied", [f"read {name}" for name in names], whose)
        if access is None and scope is not None:
            return ended(scope.access)
        return denied(decision, access.grant if access is not None else None)

    def _observe(
        self, columns: Columns, access: Access | None, state: InstanceState[Any], belongs: Access | None
    ) -> None:
        if not columns or (access is not None and belongs is access):
            return
        decision = decide_columns(access.grant if access else None, columns)
        denials = [f"read {column.name}" for column in columns] if not decision.allowed else []
        standings = self._gate.standings
        if standings is not None and access is not None and not denials:
            error = standings.refusal_in_memory(access, belongs, lambda: _connection_of(state))
            denials = denials_of(error, decision) if error is not None else []
        if denials:
            names = [column.name for column in columns]
            noted = self._noted(access, "would deny", state) if access is not None else set()
            if not noted.issuperset(names):
                self._gate.evidence.write_use(access, names, "would_deny", denials, self._whose(state))
                noted.update(names)

    def enforced(self, columns: Columns) -> Columns:
        """Those of the columns that are not only observed."""
        return self._gate.observed.enforced(columns) if self._gate.observes else columns

    # -- what is withheld -----------------------------------------------------------------------------------------

    def _withheld(self, access: Access, columns: Columns) -> str | None:
        if access.withheld == "mask":
            return self._gate.policy.categories[columns[0].category].mask
        return None

    def is_mask(self, access: Access, columns: Columns, value: object) -> bool:
        """Whether `value` is the mask that stands for such a value under `access`."""
        mask = self._gate.policy.categories[columns[0].category].mask
        if not self.enforced(columns):
            return False
        return mask is not None and isinstance(value, str) and value == mask and access.withheld == "mask"

    def is_withheld(self, state: InstanceState[Any], key: str, value: object) -> bool:
        """Whether `value` is what the attribute reads as where it is withheld: writing it back changes nothing."""
        access = self._memory.access()
        if access is None or access.withheld == "raise" or self._memory.idle:
            return False
        columns = self.enforced(self._memory.attributes.behind_key(state, key))
        mark = state.__dict__.get(MARK)
        if not columns or mark is None or value != self._withheld(access, columns):
            return False
        if key in state.dict and owner_of(state, mark, key) is access:
            return False
        return not decide_columns(access.grant, columns, self._gate.policy).allowed

    # -- what is used ---------------------------------------------------------------------------------------------

    def used(self, access: Access, state: InstanceState[Any], key: str, columns: Columns, *, lend: bool = True) -> None:
        """Writes the use down: once for the object where the access covers all it holds, else for the attribute."""
        memory = self._memory
        mark: Mark = state.__dict__[MARK]
        loaded = memory.attributes.loaded(state)
        whole = all(access.grant.covers("read", c.category, c.purposes) for found in loaded.values() for c in found)
        names = {column.name for column in columns}
        if whole:
            foreign = {k: found for k, found in loaded.items() if owner_of(state, mark, k) is not access}
            names |= {column.name for found in foreign.values() for column in found}
        noted = self._noted(access, "used", state)
        if not names <= noted:
            self._gate.evidence.write_use(access, sorted(names), "allowed", (), self._whose(state))
            noted |= names
        if whole and lend and not mark.mixed:
            state.__dict__[MARK] = memory.marks.of(access)
            memory.away.lends(access, state, mark)
            memory.away.uses(access, state)

    def _noted(self, access: Access, what: str, state: InstanceState[Any]) -> set[str]:
        """What was written down of an object under an access. Held by the object: another may get its number."""
        notes: WeakKeyDictionary[InstanceState[Any], set[str]]
        notes = access.notes.setdefault((self, what), WeakKeyDictionary())
        return notes.setdefault(state, set())

    def require_own(self, access: Access, state: InstanceState[Any], columns: Columns) -> None:
        """Under a purpose of one's own rows.

        :raises RowsDenied: the object is not the subject's. It is written down.
        """
        if not self._is_own(access, state):
            raise self._refused_row(access, columns, state)

    def require_reached(
        self, access: Access, state: InstanceState[Any], columns: Columns, owner: Access | None = None
    ) -> None:
        """Under row rules.

        :param owner: the access that the value belongs to.
        :raises RowsDenied: the access does not reach the object's row. It is written down.
        :raises NotLoaded: asyncio cannot ask the database here.
        """
        error = self.reached.require(access, state, columns, owner)
        if error is not None:
            raise self._not_reached(error, access, columns, state)

    def _not_reached(
        self, error: PrivacyError, access: Access, columns: Columns, state: InstanceState[Any]
    ) -> PrivacyError:
        names = [column.name for column in columns]
        denials = denials_of(error, decide_columns(access.grant, columns))
        self._gate.evidence.write_use(access, names, "denied", denials, self._whose(state))
        return error

    def _whose(self, state: InstanceState[Any] | None) -> dict[str, Any]:
        """Whose an object is, by kind; nobody's where that is not in memory, or its rows are of tables that name nobody."""
        return subjects_of(state, self._gate.catalogue()) if state is not None else {}

    def _is_own(self, access: Access, state: InstanceState[Any]) -> bool:
        if is_of_another_row(state):
            return False
        catalogue = self._gate.catalogue()
        subjects = subjects_of(state, catalogue)
        return any(own_rows.is_subject(access, kind, key, catalogue) for kind, key in subjects.items())

    def _refused_row(self, access: Access, columns: Columns, state: InstanceState[Any]) -> PrivacyError:
        names = [column.name for column in columns]
        self._gate.evidence.write_use(access, names, "denied", ["rows of others"], self._whose(state))
        return own_rows.refusal_in_memory(access, columns)

    def must_stand(
        self,
        access: Access,
        state: InstanceState[Any],
        columns: Columns,
        owner: Access | None,
        *,
        held: bool = True,
        ask: bool = True,
    ) -> None:
        """Who acts has to stand in a role that covers the access. Asked on the object's own session, where it has one.

        :param owner: the access that the value belongs to; what somebody loaded themselves is theirs.
        :param held: the value is at hand; else a statement will load it, and be asked.
        :param ask: the database may be asked.
        :raises NotGranted, NotPledged: they do not, or it is not known here. It is written down.
        """
        standings = self._gate.standings
        if standings is None or not held or owner is access:
            return
        error = standings.refusal_in_memory(access, owner, lambda: _connection_of(state) if ask else None)
        if error is not None:
            names = [column.name for column in columns]
            denials = denials_of(error, decide_columns(access.grant, columns))
            self._gate.evidence.write_use(access, names, "denied", denials, self._whose(state))
            raise error

    # -- what is loaded -------------------------------------------------------------------------------------------

    @contextmanager
    def loading(
        self, access: Access | None, state: InstanceState[Any], columns: Columns, decision: Decision
    ) -> Iterator[None]:
        """Around what loads values of an object.

        :raises RowsDenied: the access does not reach the object's row. It is written down.
        """
        own = access if decision.own else None
        if own is not None and subjects_of(state, self._gate.catalogue()):
            self.require_own(own, state, columns)
        try:
            yield
        except InvalidRequestError:
            if own is not None:  # the row is not among theirs
                raise self._refused_row(own, columns, state) from None
            limit = self.reached.limit(access, state) if access is not None else None
            if access is not None and limit is not None:
                error = refusal_of_object(limit, access, columns)
                raise self._not_reached(error, access, columns, state) from None
            raise

    def _load_covered(
        self, session: Session, instance: object, state: InstanceState[Any], grant: Grant | None, key: str
    ) -> None:
        """Loads all that is covered of the object in one SELECT."""
        dialect = dialect_of(session, state.mapper)
        if dialect is not None and dialect.is_async and not in_greenlet():
            raise NotLoaded(
                f"{type(instance).__name__}.{key} is covered, but not in memory, and asyncio cannot load it here.",
                hint="await privacy.load(obj) first, or load the object under the purpose that reads it.",
            )
        wanted = self._memory.attributes.covered_unloaded(state, grant)
        if wanted:
            with session.no_autoflush:
                session.refresh(instance, wanted)


def _connection_of(state: InstanceState[Any]) -> Connection | None:
    """A connection of the session of an object, where one can be had here."""
    session = state.session
    dialect = dialect_of(session, state.mapper) if session is not None else None
    if session is None or dialect is None or (dialect.is_async and not in_greenlet()):
        return None
    return session.connection(bind_arguments={"mapper": state.mapper})
