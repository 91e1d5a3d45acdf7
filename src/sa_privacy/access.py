"""Who acts, for which purpose, on whose behalf: the access scope.

An :class:`Access` is a frozen statement: "actor X, in roles R, for purposes P". A :class:`Scope` is the time for which
it holds. Scopes nest; one is alive only while its own block and every enclosing one are open, so a task or thread that
outlives the block that started it finds its inherited scope dead, and is refused.

One :class:`AccessScopes` belongs to one policy: two policies in one process never see each other's accesses.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import AsyncGenerator, Callable, Collection, Generator, Mapping
from contextvars import ContextVar, Token
from dataclasses import dataclass, field
from types import MappingProxyType, TracebackType
from typing import Any, Literal, ParamSpec, TypeVar, cast

from contextvars_extras import ContextVarExt

from sa_privacy.errors import AccessDenied, AccessEnded, NoAccess, PolicyError, UnknownRole
from sa_privacy.policy import Grant, Policy, valid_part

__all__ = ["Access", "AccessScopes", "Declared", "Scope", "Withheld", "as_text"]

P = ParamSpec("P")
R = TypeVar("R")
Withheld = Literal["raise", "none", "mask"]
Names = str | Collection[str] | None

#: Takes ``(left, entered)``: the access that was in force, and the one that is.
Listener = Callable[["Access | None", "Access | None"], None]

_EMPTY: Mapping[str, object] = MappingProxyType({})
_ENDED = "ended"


@dataclass(frozen=True, slots=True, eq=False)
class Access:
    """What one caller declared. Compared by identity: two blocks are two accesses, however alike.

    :param purposes: the declared purposes, as the policy names them.
    :param actor: who acts, in the application's own words, e.g. ``"staff:17"``.
    :param roles: the roles acted in.
    :param subject: the person whose own rows may be reached, as the key of their row or ``(kind, key)``.
    :param reason: why, in human words.
    :param request: the caller's own id of the request.
    :param withheld: what uncovered attributes read as: an error, None, or the category's mask.
    :param maintenance: every column is covered and every event logged.
    :param details: whatever else the caller wants to keep with the access.
    :param grant: what the policy allows it.
    :param notes: room for the gate to keep what it worked out once for this access.
    """

    grant: Grant
    purposes: tuple[str, ...] = ()
    actor: str | None = None
    roles: tuple[str, ...] = ()
    subject: object = None
    reason: str | None = None
    request: str | None = None
    withheld: Withheld = "raise"
    maintenance: bool = False
    system: str | None = None
    details: Mapping[str, object] = field(default_factory=lambda: _EMPTY)
    notes: dict[object, Any] = field(default_factory=dict, repr=False)

    @property
    def ended(self) -> bool:
        """Whether its own scope was left for good."""
        return _ENDED in self.notes

    def __repr__(self) -> str:
        return f"<Access purposes={list(self.purposes)} roles={list(self.roles)}>"


class _Unset:
    def __repr__(self) -> str:
        return "UNSET"


_UNSET = _Unset()


@dataclass(frozen=True, slots=True, repr=False)
class Declared:
    """What was said at one ``access(...)``; what was left out is taken from the enclosing access."""

    purpose: tuple[str, ...] | _Unset = _UNSET
    actor: str | _Unset | None = _UNSET
    role: tuple[str, ...] | _Unset = _UNSET
    subject: object = _UNSET
    reason: str | _Unset | None = _UNSET
    request: str | _Unset | None = _UNSET
    withheld: Withheld | _Unset = _UNSET
    maintenance: bool | _Unset = _UNSET
    system: str | _Unset | None = _UNSET
    details: Mapping[str, object] = field(default_factory=lambda: _EMPTY)

    def over(self, other: Declared) -> Declared:
        """This declaration, with what it leaves open taken from `other`."""
        said = {name: value for name in _DECLARED if not isinstance(value := getattr(self, name), _Unset)}
        merged = {name: getattr(other, name) for name in _DECLARED} | said
        return Declared(**merged, details={**other.details, **self.details})


_DECLARED = ("purpose", "actor", "role", "subject", "reason", "request", "withheld", "maintenance", "system")


def _names(value: Names, what: str) -> tuple[str, ...] | _Unset:
    if value is None:
        return _UNSET
    names: tuple[Any, ...] = (value,) if isinstance(value, str) else tuple(value)
    if not all(isinstance(name, str) and name for name in names):
        raise PolicyError(
            f"{what} must be a name or a list of names.", hint=f'write {what}="..." or {what}=["...", "..."].'
        )
    return tuple(dict.fromkeys(map(as_text, names)))


class Scope:
    """The time for which an access holds. ``.access`` is what holds now; ``.alive`` says whether it still does."""

    __slots__ = ("__weakref__", "_children", "_declared", "_scopes", "access", "alive", "is_request", "parent")

    def __init__(
        self, scopes: AccessScopes, declared: Declared, parent: Scope | None, *, is_request: bool = False
    ) -> None:
        self._scopes = scopes
        self._declared = declared
        self.parent = parent
        self.is_request = is_request
        self._children: set[Scope] = set()
        self.access = self._resolve()
        self.alive = True
        if parent is not None:
            parent._children.add(self)
            if not parent.alive:  # it was left in another thread just now
                self.close()
                raise ended(self.access)

    def _resolve(self, declared: Declared | None = None, outer: Access | None = None) -> Access:
        declared = declared or self._declared
        if outer is None and self.parent is not None:
            outer = self.parent.access

        def value(name: str, inherited: object, default: object = None) -> Any:
            said = getattr(declared, name)
            if not isinstance(said, _Unset):
                return said
            return inherited if outer is not None else default

        purposes = value("purpose", outer and outer.purposes, ())
        roles = value("role", outer and outer.roles, ())
        narrowed = not isinstance(declared.purpose, _Unset)
        maintenance = value("maintenance", bool(outer and outer.maintenance and not narrowed), False)
        system = value("system", outer and outer.system)
        grant = self._scopes.grant(declared, purposes, roles, system, maintenance=bool(maintenance))
        return Access(
            grant=grant,
            purposes=purposes,
            actor=value("actor", outer and outer.actor),
            roles=roles,
            subject=value("subject", outer and outer.subject),
            reason=value("reason", outer and outer.reason),
            request=value("request", outer and outer.request),
            withheld=value("withheld", outer and outer.withheld, "raise"),
            maintenance=grant.everything,
            system=system,
            details=MappingProxyType({**(outer.details if outer else {}), **declared.details}),
        )

    def bind(
        self,
        *,
        actor: str | None = None,
        role: Names = None,
        purpose: Names = None,
        subject: object = None,
        reason: str | None = None,
        request: str | None = None,
        withheld: Withheld | None = None,
        **details: object,
    ) -> None:
        """Fills in the enclosing request as it learns who is there.

        Scopes opened inside the request that left these things out take them over. What is refused (an unknown role,
        a purpose the role may not act for) leaves everything as it was.

        :raises AccessDenied: the policy does not allow the combination.
        :raises PolicyError: there is no enclosing ``privacy.request()``.
        """
        root: Scope | None = self
        while root is not None and not root.is_request:
            root = root.parent
        if root is None:
            raise PolicyError(
                "only a request can be filled in later.", hint="open it with privacy.request(), then bind()."
            )
        root.check_alive()
        declared = _declare(purpose, actor, role, subject, reason, withheld, request=request, details=details).over(
            root._declared
        )
        resolved = list(root._rebound(declared, root.parent.access if root.parent else None))
        root._declared = declared
        replaced = [(scope.access, access) for scope, access in resolved]
        for scope, access in resolved:
            scope.access = access
        for before, access in replaced:
            self._scopes.changed(before, access)

    def _rebound(self, declared: Declared, outer: Access | None) -> Generator[tuple[Scope, Access], None, None]:
        access = self._resolve(declared, outer)
        yield self, access
        for child in tuple(self._children):
            yield from child._rebound(child._declared, access)

    def check_alive(self) -> None:
        """Raises AccessEnded where this scope, or one around it, has been left."""
        if not self.alive:
            raise ended(self.access)

    def close(self) -> None:
        """Ends this scope and every scope opened inside it."""
        if self.parent is not None:
            self.parent._children.discard(self)
        ending = [self]
        while ending:
            scope = ending.pop()
            scope.alive = False
            ending.extend(scope._children)
            scope._children.clear()

    def __repr__(self) -> str:
        return f"<Scope {'alive' if self.alive else 'ended'} {self.access!r}>"


def ended(access: Access) -> AccessEnded:
    """The error for an access whose scope has been left."""
    return AccessEnded(
        "the access was declared in a block that has since been left.",
        hint="open an access where the work is done, or hand this one over with privacy.carry(function).",
        purpose=access.purposes,
        roles=access.roles,
    )


def as_text(said: object) -> str:
    """What was said as text that can be written down: half a surrogate pair stands escaped, and is not lost."""
    return str(said).encode("utf-8", "backslashreplace").decode()


def _declare(
    purpose: Names,
    actor: str | None,
    role: Names,
    subject: object,
    reason: str | None,
    withheld: Withheld | None,
    *,
    request: str | None = None,
    maintenance: bool | None = None,
    details: Mapping[str, object] = _EMPTY,
) -> Declared:
    if withheld not in (None, "raise", "none", "mask"):
        raise PolicyError('withheld must be "raise", "none" or "mask".', hint='the default is "raise".')
    return Declared(
        purpose=_names(purpose, "purpose"),
        actor=_UNSET if actor is None else as_text(actor),
        role=_names(role, "role"),
        subject=_UNSET if subject is None else subject,
        reason=_UNSET if reason is None else as_text(reason),
        request=_UNSET if request is None else as_text(request),
        withheld=_UNSET if withheld is None else withheld,
        maintenance=_UNSET if maintenance is None else maintenance,
        details=details,
    )


class AccessBlock:
    """What ``privacy.access(...)`` returns: a context manager, and a decorator for functions of every kind."""

    def __init__(self, scopes: AccessScopes, declared: Declared, *, root: bool = False, request: bool = False) -> None:
        self._scopes = scopes
        self._declared = declared
        self._root = root
        self._request = request
        self._open: list[tuple[Scope, Token[Scope | None]]] = []

    def __enter__(self) -> Scope:
        scope = self._new_scope()
        self._open.append((scope, self._scopes.enter(scope)))
        return scope

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        # One block may be open several times: nested, or in several threads and tasks at once.
        here = self._scopes.get()
        mine = [opened for opened in tuple(self._open) if opened[0] is here]
        opened = mine[-1] if mine else self._open[-1]
        self._open.remove(opened)
        self._scopes.leave(*opened)

    async def __aenter__(self) -> Scope:
        return self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None
    ) -> None:
        self.__exit__(kind, error, tb)

    def _new_scope(self) -> Scope:
        return self._scopes.scope(self._declared, root=self._root, request=self._request)

    def __call__(self, function: Callable[P, R]) -> Callable[P, R]:
        return _within(function, self._scopes, self._new_scope)


def _within(function: Callable[P, R], scopes: AccessScopes, new_scope: Callable[[], Scope]) -> Callable[P, R]:
    """Runs `function`, of whatever kind, inside a new scope each time it is called."""
    called: Any = function
    kinds = (called, getattr(type(called), "__call__", None))  # noqa: B004 - an object is what its call is
    if any(map(inspect.isasyncgenfunction, kinds)):
        return cast("Callable[P, R]", _within_async_generator(called, scopes, new_scope))
    if any(map(inspect.isgeneratorfunction, kinds)):
        return cast("Callable[P, R]", _within_generator(called, scopes, new_scope))
    if any(map(inspect.iscoroutinefunction, kinds)):

        @functools.wraps(function)
        async def in_coroutine(*args: P.args, **kwargs: P.kwargs) -> Any:
            scope = new_scope()
            token = scopes.enter(scope)
            try:
                return await called(*args, **kwargs)
            finally:
                scopes.leave(scope, token)

        return cast("Callable[P, R]", in_coroutine)

    @functools.wraps(function)
    def in_function(*args: P.args, **kwargs: P.kwargs) -> R:
        scope = new_scope()
        token = scopes.enter(scope)
        try:
            return function(*args, **kwargs)
        finally:
            scopes.leave(scope, token)

    return in_function


def _within_generator(
    function: Callable[P, Generator[Any, Any, Any]], scopes: AccessScopes, new_scope: Callable[[], Scope]
) -> Callable[P, Generator[Any, Any, Any]]:
    """The scope is in force while the generator works, and not while its consumer does."""

    @functools.wraps(function)
    def in_generator(*args: P.args, **kwargs: P.kwargs) -> Generator[Any, Any, Any]:
        steps = function(*args, **kwargs)
        scope = new_scope()
        try:
            send: Any = None
            throw: BaseException | None = None
            while True:
                token = scopes.enter(scope)
                try:
                    value = steps.send(send) if throw is None else steps.throw(throw)
                except StopIteration as stop:
                    return stop.value
                finally:
                    scopes.step_out(scope, token)
                send, throw = None, None
                try:
                    send = yield value
                except GeneratorExit:
                    token = scopes.enter(scope)
                    try:
                        steps.close()
                    finally:
                        scopes.step_out(scope, token)
                    raise
                except BaseException as error:  # noqa: BLE001 - handed into the generator, where it belongs
                    throw = error
        finally:
            scopes.end(scope)

    return in_generator


def _within_async_generator(
    function: Callable[P, AsyncGenerator[Any, Any]], scopes: AccessScopes, new_scope: Callable[[], Scope]
) -> Callable[P, AsyncGenerator[Any, Any]]:
    """As for generators, step by step."""

    @functools.wraps(function)
    async def in_async_generator(*args: P.args, **kwargs: P.kwargs) -> AsyncGenerator[Any, Any]:
        steps = function(*args, **kwargs)
        scope = new_scope()
        try:
            send: Any = None
            throw: BaseException | None = None
            while True:
                token = scopes.enter(scope)
                try:
                    value = await (steps.asend(send) if throw is None else steps.athrow(throw))
                except StopAsyncIteration:
                    return
                finally:
                    scopes.step_out(scope, token)
                send, throw = None, None
                try:
                    send = yield value
                except GeneratorExit:
                    token = scopes.enter(scope)
                    try:
                        await steps.aclose()
                    finally:
                        scopes.step_out(scope, token)
                    raise
                except BaseException as error:  # noqa: BLE001 - handed into the generator, where it belongs
                    throw = error
        finally:
            scopes.end(scope)

    return in_async_generator


class AccessScopes:
    """The access scopes of one policy, in one context variable.

    :param policy: decides what a combination of purposes and roles grants.
    :param lenient: what the policy refuses is entered all the same, with what is valid of it.
    """

    def __init__(self, policy: Policy, *, lenient: bool = False) -> None:
        self.policy = policy
        self.lenient = lenient
        self._listeners: tuple[Listener, ...] = ()
        #: Called with the declaration and the error where an access is refused on entry.
        self.on_refused: Callable[[Declared, AccessDenied], None] | None = None
        variable: ContextVarExt[Scope | None] = ContextVarExt(f"sa_privacy.{policy.id}", default=None)
        self._variable: ContextVar[Scope | None] = variable.context_var
        #: The innermost scope of this context, alive or not; None outside all.
        self.get: Callable[[], Scope | None] = self._variable.get

    # -- declaring ------------------------------------------------------------------------------------------------

    def access(
        self,
        purpose: Names = None,
        *,
        actor: str | None = None,
        role: Names = None,
        subject: object = None,
        reason: str | None = None,
        withheld: Withheld | None = None,
        maintenance: bool | None = None,
        **details: object,
    ) -> AccessBlock:
        """See :meth:`sa_privacy.Privacy.access`."""
        declared = _declare(purpose, actor, role, subject, reason, withheld, maintenance=maintenance, details=details)
        return AccessBlock(self, declared)

    def request(
        self,
        request: str | None = None,
        *,
        purpose: Names = None,
        actor: str | None = None,
        role: Names = None,
        subject: object = None,
        reason: str | None = None,
        withheld: Withheld | None = None,
        maintenance: bool | None = None,
        **details: object,
    ) -> AccessBlock:
        """See :meth:`sa_privacy.Privacy.request`."""
        declared = _declare(
            purpose, actor, role, subject, reason, withheld, request=request, maintenance=maintenance, details=details
        )
        return AccessBlock(self, declared, root=True, request=True)

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
            reason=_UNSET if reason is None else as_text(reason),
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
            details=held.details,
        )
        return _within(function, self, lambda: self.scope(declared, root=True))

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
            return Scope(self, declared, parent, is_request=request)
        except AccessEnded as error:
            self._refused(declared, error)
            return Scope(self, declared, None, is_request=request)

    def grant(
        self,
        declared: Declared,
        purposes: tuple[str, ...],
        roles: tuple[str, ...],
        system: str | None,
        *,
        maintenance: bool,
    ) -> Grant:
        """What the policy allows of what was declared.

        :raises AccessDenied: it refuses that, and these scopes are not lenient.
        """
        try:
            return self.policy.grant(purposes, roles, system=system, maintenance=maintenance)
        except AccessDenied as error:
            self._refused(declared, error)
            return valid_part(self.policy, purposes, roles, system=system, maintenance=maintenance)

    def _refused(self, declared: Declared, error: AccessDenied) -> None:
        """Tells who wants to know, and raises unless these scopes are lenient."""
        if self.on_refused is not None:
            self.on_refused(declared, error)
        if not self.lenient:
            raise error

    def listen(self, listener: Listener) -> None:
        """Calls `listener` whenever the access in force changes, so that values in memory can be put away."""
        self._listeners = (*self._listeners, listener)

    def unlisten(self, listener: Listener) -> None:
        """Calls it no more."""
        self._listeners = tuple(one for one in self._listeners if one != listener)

    def changed(self, left: Access | None, entered: Access | None) -> None:
        """Tells those who listen."""
        for listener in self._listeners:
            listener(left, entered)

    def enter(self, scope: Scope) -> Token[Scope | None]:
        """Puts `scope` in force in this context."""
        outer = self.get()
        self.changed(outer.access if outer else None, scope.access)  # first: where it fails, nothing is in force yet
        return self._variable.set(scope)

    def step_out(self, scope: Scope, token: Token[Scope | None]) -> None:
        """Puts the scope before `token` back in force, without ending `scope`, which leaves."""
        try:
            self._variable.reset(token)
        except ValueError:
            # Left in another context than it was entered in, as frameworks do with generator dependencies.
            # What is in force here stays; there `scope` stays in the variable, where it must be dead.
            if self.get() is scope:  # a copy of that context
                self._variable.set(None if token.old_value is Token.MISSING else token.old_value)
        outer = self.get()
        self.changed(scope.access, outer.access if outer else None)

    def end(self, scope: Scope) -> None:
        """Ends `scope` for good."""
        scope.close()
        scope.access.notes[_ENDED] = True

    def leave(self, scope: Scope, token: Token[Scope | None]) -> None:
        """Ends `scope` and puts the one before it back in force."""
        self.end(scope)
        self.step_out(scope, token)
