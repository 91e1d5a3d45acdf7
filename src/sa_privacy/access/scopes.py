"""The access scopes of one policy."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from contextvars import ContextVar, Token
from typing import Any, ParamSpec, TypeVar

from contextvars_extras import ContextVarExt

from sa_privacy.access.access import ENDED, Access
from sa_privacy.access.block import AccessBlock, within
from sa_privacy.access.declared import UNSET, Declared, Names, Unset, declare
from sa_privacy.access.glass import BrokenGlass, must_be_on_record
from sa_privacy.access.scope import Scope, TimedScope
from sa_privacy.access.subjects import Subject, of_kinds
from sa_privacy.access.words import as_text
from sa_privacy.errors import AccessDenied, AccessEnded, NoAccess, UnknownRole
from sa_privacy.policy import Grant, Policy, may_act_for, must_be_known, valid_part

__all__ = ["AccessScopes"]

P = ParamSpec("P")
R = TypeVar("R")

#: Takes ``(left, entered)``: the access that was in force, and the one that is.
Listener = Callable[["Access | None", "Access | None"], None]


class AccessScopes:
    """The access scopes of one policy, in one context variable.

    :param policy: decides what a combination of purposes and roles grants.
    :param lenient: what the policy refuses is entered all the same, with what is valid of it.
    """

    def __init__(self, policy: Policy, *, lenient: bool = False) -> None:
        self.policy = policy
        self.lenient = lenient
        self._listeners: tuple[Listener, ...] = ()
        self._desk_listeners: tuple[Listener, ...] = ()
        #: Called with the declaration and the error where an access is refused on entry.
        self.on_refused: Callable[[Declared, AccessDenied], None] | None = None
        #: Puts a broken glass on record; what it raises keeps the access from being entered.
        self.on_break_glass: Callable[[Access], None] | None = None
        #: The kinds of people that the models know.
        self.kinds: Callable[[], Collection[str]] = frozenset
        variable: ContextVarExt[Scope | None] = ContextVarExt(f"sa_privacy.{policy.id}", default=None)
        #: Holds the innermost scope; set by who opens one.
        self.variable: ContextVar[Scope | None] = variable.context_var
        #: The innermost scope of this context, alive or not; None outside all.
        self.get: Callable[[], Scope | None] = self.variable.get

    # -- declaring ------------------------------------------------------------------------------------------------

    def access(self, purpose: Names = None, **said: Any) -> AccessBlock:
        """See :meth:`sa_privacy.Privacy.access`."""
        return AccessBlock(self, declare(purpose, **said))

    def request(self, request: str | None = None, **said: Any) -> AccessBlock:
        """See :meth:`sa_privacy.Privacy.request`."""
        return AccessBlock(self, declare(request=request, **said), root=True, request=True)

    def system(self, name: str, *, reason: str | None = None, **details: object) -> AccessBlock:
        """See :meth:`sa_privacy.Privacy.system`."""
        job = self.policy.systems.get(name)
        if job is None and not self.lenient:
            known = ", ".join(sorted(self.policy.systems)) or "none"
            raise UnknownRole(f'the policy knows no system "{name}".', hint=f"systems of the policy: {known}.")
        declared = Declared(
            purpose=tuple(sorted(job.purposes)) if job is not None else (),
            actor=f"system:{name}",
            role=(),
            system=name,
            reason=UNSET if reason is None else as_text(reason),
            details=details,
        )
        return AccessBlock(self, declared, root=True)

    def carry(self, function: Callable[P, R]) -> Callable[P, R]:
        """See :meth:`sa_privacy.Privacy.carry`."""
        scope = self.require()
        held = scope.access
        declared = Declared(
            purpose=held.purposes,
            actor=held.actor,
            role=held.roles,
            subject=held.subject,
            reason=held.reason,
            request=held.request,
            withheld=held.withheld,
            maintenance=held.maintenance,
            system=held.system,
            subjects=held.subjects,
            break_glass=UNSET if held.break_glass is None else held.break_glass,
            details=held.details,
        )
        return within(function, self, lambda: self.scope(declared, root=True))

    # -- in force -------------------------------------------------------------------------------------------------

    def current(self) -> Scope | None:
        """The innermost scope of this context if it is alive, else None."""
        scope = self.get()
        return scope if scope is not None and scope.alive else None

    def require(self) -> Scope:
        """The innermost scope.

        :raises NoAccess: there is none.
        :raises AccessEnded: it has been left.
        """
        scope = self.get()
        if scope is None:
            raise NoAccess("no access is declared here.", hint='declare one: with privacy.access(purpose="...") ...')
        scope.check_alive()
        return scope

    def scope(self, declared: Declared, *, root: bool = False, request: bool = False) -> Scope:
        """A new scope inside the current one, or a root that inherits nothing."""
        parent = None if root else self.get()
        try:
            if parent is not None:
                parent.check_alive()
            return self._new(declared, parent, is_request=request)
        except AccessEnded as error:
            self._refused(declared, error, parent.access if parent is not None else None)
            return self._new(declared, None, is_request=request)

    def _new(self, declared: Declared, parent: Scope | None, *, is_request: bool) -> Scope:
        asked = declared.break_glass
        if isinstance(asked, str):
            return self._break(asked, declared, parent, is_request=is_request)
        glass: BrokenGlass | Unset | None = asked
        if isinstance(asked, Unset) and parent is not None and declared.actor in (UNSET, parent.access.actor):
            glass = parent.access.break_glass  # to somebody else, it is whole: who broke it is on record
        if isinstance(glass, BrokenGlass):
            return TimedScope(self, declared, parent, is_request=is_request, glass=glass)
        return Scope(self, declared, parent, is_request=is_request)

    def _break(self, ticket: str, declared: Declared, parent: Scope | None, *, is_request: bool) -> Scope:
        """A scope for which the glass is broken, which is on record before anything is done in it."""
        outer = parent.access if parent is not None else None

        def said(name: str, inherited: object) -> Any:
            value = getattr(declared, name)
            return inherited if isinstance(value, Unset) else value

        roles = said("role", outer.roles if outer is not None else ())
        actor, reason = (said(name, getattr(outer, name, None)) for name in ("actor", "reason"))
        try:
            lasting = self.policy.break_glass_for(roles)
            must_be_on_record(actor, reason, roles)
        except AccessDenied as error:
            self._refused(declared, error, outer)
            return self._new(declared._replace(break_glass=UNSET), parent, is_request=is_request)
        glass = BrokenGlass.now(ticket, lasting, roles).within(outer.break_glass if outer is not None else None)
        scope = TimedScope(self, declared, parent, is_request=is_request, glass=glass)
        try:
            if self.on_break_glass is not None:
                self.on_break_glass(scope.access)
        except BaseException:
            scope.close()
            raise
        return scope

    def whose(self, subjects: Iterable[Subject]) -> tuple[tuple[str, object], ...]:
        """The people of ``access(subjects=...)``, with their kinds.

        :raises PolicyError: there is no such kind, or it has to be said.
        """
        return of_kinds(subjects, self.kinds())

    def grant(
        self,
        declared: Declared,
        purposes: tuple[str, ...],
        roles: tuple[str, ...],
        system: str | None,
        *,
        maintenance: bool,
        break_glass: bool = False,
        outer: Access | None = None,
    ) -> Grant:
        """What the policy allows of what was declared.

        :param outer: the access around it.

        :raises AccessDenied: it refuses that, and these scopes are not lenient.
        """
        try:
            return self.policy.grant(purposes, roles, system=system, maintenance=maintenance, break_glass=break_glass)
        except AccessDenied as error:
            self._refused(declared, error, outer)
            return valid_part(
                self.policy, purposes, roles, system=system, maintenance=maintenance, break_glass=break_glass
            )

    def until_somebody_acts(self, purposes: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """What of a request's purposes holds while no role is bound, and what waits for one: all, or nothing."""
        known, anonymous = self.policy.purposes.keys(), may_act_for(self.policy, ())
        waits = known >= set(purposes) and not anonymous.issuperset(purposes)  # an unknown one is refused at once
        return ((), purposes) if waits else (purposes, ())

    def must_know(self, *purposes: str) -> None:
        """Raises UnknownPurpose where the policy lacks one, unless these scopes are lenient."""
        if not self.lenient:
            must_be_known(self.policy, purposes)

    def _refused(self, declared: Declared, error: AccessDenied, outer: Access | None) -> None:
        """Tells who wants to know, and raises unless these scopes are lenient."""
        if self.on_refused is not None:
            self.on_refused(declared if outer is None else declared.by_whom(outer), error)
        if not self.lenient:
            raise error

    def listen(self, listener: Listener, *, desk: bool = False) -> None:
        """Calls `listener` whenever the access in force changes, so that values in memory can be put away.

        :param desk: also whenever the library's own desk opens and closes, which puts nothing away.
        """
        self._listeners = (*self._listeners, listener)
        if desk:
            self._desk_listeners = (*self._desk_listeners, listener)

    def unlisten(self, listener: Listener) -> None:
        """Calls it no more."""
        self._listeners = tuple(one for one in self._listeners if one != listener)
        self._desk_listeners = tuple(one for one in self._desk_listeners if one != listener)

    def desk_changed(self, left: Access, entered: Access) -> None:
        """Tells those who listen to the desk."""
        for listener in self._desk_listeners:
            listener(left, entered)

    def changed(self, left: Access | None, entered: Access | None) -> None:
        """Tells those who listen."""
        for listener in self._listeners:
            listener(left, entered)

    def enter(self, scope: Scope) -> Token[Scope | None]:
        """Puts `scope` in force in this context."""
        outer = self.get()
        self.changed(outer.access if outer else None, scope.access)  # first: where it fails, nothing is in force yet
        return self.variable.set(scope)

    def step_out(self, scope: Scope, token: Token[Scope | None]) -> None:
        """Puts the scope before `token` back in force, without ending `scope`, which leaves."""
        try:
            self.variable.reset(token)
        except ValueError:
            # Left in another context than it was entered in, as frameworks do with generator dependencies.
            # What is in force here stays; there `scope` stays in the variable, where it must be dead.
            if self.get() is scope:  # a copy of that context
                self.variable.set(None if token.old_value is Token.MISSING else token.old_value)
        outer = self.get()
        self.changed(scope.access, outer.access if outer else None)

    def end(self, scope: Scope) -> None:
        """Ends `scope` for good."""
        scope.close()
        scope.access.notes[ENDED] = True

    def leave(self, scope: Scope, token: Token[Scope | None]) -> None:
        """Ends `scope` and puts the one before it back in force."""
        self.end(scope)
        self.step_out(scope, token)
