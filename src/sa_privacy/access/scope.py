"""The time for which an access holds."""

from __future__ import annotations

from collections.abc import Generator
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from sa_privacy.access.access import Access, Withheld
from sa_privacy.access.declared import UNSET, Declared, Names, declare
from sa_privacy.access.glass import BrokenGlass
from sa_privacy.errors import AccessEnded, PolicyError

if TYPE_CHECKING:
    from sa_privacy.access.scopes import AccessScopes

__all__ = ["Scope", "TimedScope", "ended"]

_UNGRANTED: Any = None
#: What an access takes over that is inside none.
_OUTSIDE: Final = Access(grant=_UNGRANTED)


class Scope:
    """The time for which an access holds. ``.access`` is what holds now; ``.alive`` says whether it still does."""

    __slots__ = (
        "__weakref__",
        "_children",
        "_declared",
        "_glass",
        "_scopes",
        "access",
        "alive",
        "is_request",
        "parent",
    )

    def __init__(
        self,
        scopes: AccessScopes,
        declared: Declared,
        parent: Scope | None,
        *,
        is_request: bool = False,
        glass: BrokenGlass | None = None,
    ) -> None:
        self._scopes = scopes
        self._glass = glass
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
        said = declared or self._declared
        if outer is None and self.parent is not None:
            outer = self.parent.access
        around = outer or _OUTSIDE
        narrowed = said.purpose is not UNSET
        purposes = (around.purposes or around.waiting) if said.purpose is UNSET else said.purpose
        roles = around.roles if said.role is UNSET else said.role
        system = around.system if said.system is UNSET else said.system
        maintenance = (around.maintenance and not narrowed) if said.maintenance is UNSET else said.maintenance
        waiting: tuple[str, ...] = ()
        if purposes and not roles and system is None and not maintenance and (self.is_request or not narrowed):
            purposes, waiting = self._scopes.until_somebody_acts(purposes)
        emergency = self._glass is not None and self._glass.opens_to(roles)
        grant = self._scopes.grant(
            said, purposes, roles, system, maintenance=maintenance, break_glass=emergency, outer=outer
        )
        subjects = around.subjects if said.subjects is UNSET else said.subjects
        details = around.details
        if said.details:
            details = MappingProxyType({**details, **said.details})
        return Access(
            grant=grant,
            purposes=purposes,
            actor=around.actor if said.actor is UNSET else said.actor,
            roles=roles,
            subject=around.subject if said.subject is UNSET else said.subject,
            reason=around.reason if said.reason is UNSET else said.reason,
            request=around.request if said.request is UNSET else said.request,
            withheld=around.withheld if said.withheld is UNSET else said.withheld,
            maintenance=grant.everything,
            system=system,
            subjects=self._scopes.whose(subjects) if subjects else (),
            break_glass=self._glass,
            waiting=waiting,
            details=details,
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

        Purpose and role may come in either order: a purpose that nobody unknown may act for waits for a role, and covers
        nothing until then.

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
        if root._glass is not None and (actor is not None or reason is not None):
            raise PolicyError(
                "who broke the glass, and why, is on record already.",
                hint="say actor and reason where the request is opened: privacy.request(break_glass=True, ...).",
            )
        said = declare(
            purpose, actor=actor, role=role, subject=subject, reason=reason, withheld=withheld, request=request
        )
        declared = said._replace(details=details).over(
            root._declared
        )  # any other word is a detail here: no maintenance
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
            scope.alive = False  # before its children are looked at: who is made meanwhile looks at this
            if scope._children:
                ending.extend(scope._children)
                scope._children.clear()

    def __repr__(self) -> str:
        return f"<Scope {'alive' if self.alive else 'ended'} {self.access!r}>"


class TimedScope(Scope):
    """A scope under a broken glass: it ends by itself."""

    __slots__ = ("_open",)

    @property
    def alive(self) -> bool:  # a slot of ordinary scopes, which pay nothing for this
        """Whether its block is open, and its time not up."""
        return self._open and not (self._glass is not None and self._glass.over)

    @alive.setter
    def alive(self, is_open: bool) -> None:
        self._open = is_open


def ended(access: Access) -> AccessEnded:
    """The error for an access whose scope has been left, or whose time is up."""
    if access.break_glass is not None and access.break_glass.over:
        return AccessEnded(
            f"the glass was broken until {access.break_glass.until:%H:%M:%S} UTC, and that has passed.",
            hint="if the emergency goes on, break it again: access(break_glass=True, reason=..., ticket=...).",
            purpose=access.purposes,
            roles=access.roles,
        )
    return AccessEnded(
        "the access was declared in a block that has since been left.",
        hint="open an access where the work is done, or hand this one over with privacy.carry(function).",
        purpose=access.purposes,
        roles=access.roles,
    )
