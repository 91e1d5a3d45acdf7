"""Who acts, in which role, for which purpose."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, ParamSpec, TypeVar

from sa_privacy.access import AccessBlock, AccessScopes, Names, Scope, Withheld
from sa_privacy.gate.objects.load import load_covered
from sa_privacy.gate.objects.memory import Memory

__all__ = ["Acting"]

P = ParamSpec("P")
R = TypeVar("R")


class Acting:
    """The accesses of one policy."""

    def __init__(self, scopes: AccessScopes, memory: Memory) -> None:
        self._scopes, self._memory = scopes, memory

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
        subjects: object = None,
        break_glass: bool = False,
        ticket: str | None = None,
        **details: object,
    ) -> AccessBlock:
        """Declares who acts, in which role, for which purpose: a context manager, and a decorator.

        What is left out comes from the enclosing access. As a decorator it serves functions, coroutines and
        generators; each call is an access of its own.

        :param purpose: one purpose of the policy, or several.
        :param actor: who acts, in the application's own words.
        :param role: the role acted in, or several.
        :param subject: the person whose own rows are meant: the key of their row, or ``(kind, key)``.
        :param reason: why, in human words; it goes into the log, so it must name no one.
        :param withheld: what uncovered attributes of loaded objects read as: ``"raise"`` (an error), ``"none"``, or
            ``"mask"`` (the category's mask).
        :param maintenance: covers every column, logs everything; only for roles with ``maintenance = true``.
        :param subjects: the people whose data it is about, where statements do not say so themselves: a key,
            ``(kind, key)``, or a list of these. Their pseudonyms stand in every event, which is then not "unbounded".
        :param break_glass: acts for a purpose that the policy opens to the role in an emergency only, for the time that it
            says: later the access has ended. Takes ``actor``, ``reason`` and ``ticket``; it is on the disk before the block
            runs, and waits for a review by somebody else.
        :param ticket: where the emergency is on record; it goes into the log.
        :param details: whatever else is to be kept with the access. ``route``, what is being served, goes into the log.
        :raises UnknownPurpose, UnknownRole, RoleDenied: on entry, where the policy does not allow the combination.
        :raises AccessEnded: on entry, where the enclosing access has been left.
        :raises LogUnavailable: on entry, where a broken glass cannot be written down.
        :raises PolicyError: an argument cannot be meant. Under ``mode="observe"`` all of these are
            logged instead, and the block runs with as much of the declaration as the policy allows.
        """
        return self._scopes.access(
            purpose,
            actor=actor,
            role=role,
            subject=subject,
            reason=reason,
            withheld=withheld,
            maintenance=maintenance,
            subjects=subjects,
            break_glass=break_glass,
            ticket=ticket,
            **details,
        )

    def request(self, request: str | None = None, **declared: Any) -> AccessBlock:
        """Opens a root that inherits nothing, to be filled in by ``privacy.current().bind(...)``.

        :param request: the caller's own id of the request, for the log.
        :param declared: what is known already, as for :meth:`access`. ``route="GET /orders/{id}"`` says what is being
            served, for the log and its reports: the pattern, not the address, which may hold a person's key. A purpose
            that nobody unknown may act for waits until a role is bound, and covers nothing until then.
        """
        return self._scopes.request(request, **declared)

    def purpose(self, *names: str) -> Callable[[], Coroutine[Any, Any, None]]:
        """A dependency that says what a route is for: ``Depends(privacy.purpose("shipping"))``.

        It binds the purpose to the request around it, so that it holds for serialisers too, which run after the endpoint.
        It may stand before or after the one that signs somebody in.

        :param names: one purpose of the policy, or several.
        :raises UnknownPurpose: at once, where the policy knows no such purpose.
        """
        self._scopes.must_know(*names)

        async def bind_purpose() -> None:
            self.current().bind(purpose=names)

        return bind_purpose

    def system(self, name: str, *, reason: str | None = None, **details: object) -> AccessBlock:
        """The access of a job that the policy names under ``[systems]``. Inherits nothing.

        :raises UnknownRole: the policy knows no such system. Under ``mode="observe"`` that is logged on entry instead.
        """
        return self._scopes.system(name, reason=reason, **details)

    def carry(self, function: Callable[P, R]) -> Callable[P, R]:
        """Takes the current access, as one of its own, into a thread, task or background job.

        :raises NoAccess: none is declared here.
        """
        return self._scopes.carry(function)

    def current(self) -> Scope:
        """The scope in force: ``.access`` says what is declared, ``.bind(...)`` fills in the request around it.

        :raises NoAccess: none is declared here.
        """
        return self._scopes.require()

    async def load(self, *objects_and_names: Any) -> None:
        """Loads what the access in force covers of objects of an ``AsyncSession``, one SELECT an object.

        :param objects_and_names: objects, and names of attributes where not all covered ones are wanted.
        :raises AccessDenied: a named attribute is not covered.
        """
        objects = [thing for thing in objects_and_names if not isinstance(thing, str)]
        names = [thing for thing in objects_and_names if isinstance(thing, str)]
        for instance in objects:
            await load_covered(self._memory, instance, names)
