"""The accesses of tests: maintenance for what a test needs, and a request's for what it tests."""

from __future__ import annotations

from typing import Any

from sa_privacy.access import AccessBlock, Names, Scope
from sa_privacy.errors import PolicyError
from sa_privacy.privacy import Privacy

__all__ = ["Maintenance", "acting", "maintenance"]


class Maintenance:
    """What :func:`maintenance` returns: may be entered as often as one likes, also inside itself."""

    entered = 0
    """How many are open in this process: none may be while a test begins."""

    def __init__(self, block: AccessBlock) -> None:
        self._block = block

    def __enter__(self) -> Scope:
        scope = self._block.__enter__()
        Maintenance.entered += 1
        return scope

    def __exit__(self, *error: object) -> None:
        Maintenance.entered -= 1
        self._block.__exit__(*error)  # type: ignore[arg-type]

    async def __aenter__(self) -> Scope:
        return self.__enter__()

    async def __aexit__(self, *error: object) -> None:
        self.__exit__(*error)


def maintenance(privacy: Privacy, *, role: str | None = None, reason: str = "test fixture") -> Maintenance:
    """The access under which fixtures and factories make personal data.

    A request that is made inside the block does not inherit it: the middlewares open a root of their own. A fixture must
    leave the block before it yields, or what is under test would run in it: such a test is failed.

    :param role: the role acted in; None: the first that the policy marks ``maintenance = true``.
    :raises PolicyError: it marks none.
    """
    marked = sorted(name for name, one in privacy.policy.roles.items() if one.maintenance)
    if role is None and not marked:
        raise PolicyError("no role may do maintenance.", hint="mark one with maintenance = true in the policy.")
    return Maintenance(privacy.access(maintenance=True, actor="test", role=role or marked[0], reason=reason))


def acting(privacy: Privacy, purpose: Names = None, *, role: Names = None, **said: Any) -> AccessBlock:
    """The access of a request, for code that is called without one. Inherits nothing, as a request does.

    :param said: as for :meth:`sa_privacy.Privacy.access`; the actor is ``"test"`` unless it is said.
    """
    return privacy.request(said.pop("request", None), purpose=purpose, role=role, **{"actor": "test", **said})
