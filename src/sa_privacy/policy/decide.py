"""The judge: may this be done under this grant? Values in, a value out, nothing else looked at."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from sa_privacy.policy.document import Policy
from sa_privacy.policy.grant import Grant
from sa_privacy.policy.vocabulary import Verb

__all__ = ["Decision", "Denial", "Request", "Touch", "decide"]


@dataclass(frozen=True, slots=True)
class Touch:
    """A personal column that a statement touches.

    :param column: ``"table.column"``, as the catalogue spells it.
    :param only: the purposes the column itself is narrowed to; None narrows nothing.
    """

    column: str
    category: str
    only: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class Request:
    """What a statement wants to do.

    :param grant: None where no access was declared.
    :param deletes: the tables rows are deleted from.
    :param policy: the policy to name ways out from where there is no grant; otherwise the grant's own.
    """

    grant: Grant | None
    reads: tuple[Touch, ...] = ()
    matches: tuple[Touch, ...] = ()
    writes: tuple[Touch, ...] = ()
    deletes: tuple[str, ...] = ()
    policy: Policy | None = None


@dataclass(frozen=True, slots=True)
class Denial:
    """One thing that is refused.

    :param column: the column; for ``"delete"`` the table.
    :param category: its category; empty for ``"delete"``.
    :param open_for: the purposes of the policy that would allow it, sorted.
    """

    verb: Literal["read", "match", "write", "delete"]
    column: str
    category: str
    open_for: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.verb} {self.column} ({self.category})" if self.category else f"{self.verb} {self.column}"


@dataclass(frozen=True, slots=True)
class Decision:
    """The judgement.

    :param denials: what is refused, in the order of the request.
    :param own: something is allowed only because of purposes with ``rows = "own"``: the statement must be bound to
        the rows of the person that the access is for.
    :param alone: where something is refused, the purposes each of which would allow the whole request by itself.
    """

    allowed: bool
    denials: tuple[Denial, ...] = ()
    own: bool = False
    alone: tuple[str, ...] = field(default=(), compare=False)


def decide(request: Request) -> Decision:
    """Judge a request. Without a grant everything personal is refused."""
    grant = request.grant
    policy = grant.policy if grant is not None else request.policy
    denials: dict[tuple[str, str, str], Denial] = {}
    own = False
    for verb, touch in _touches(request):
        if grant is None or not grant.covers(verb, touch.category, touch.only):
            refused = Denial(verb, touch.column, touch.category, _open_for(policy, verb, touch))
            denials.setdefault((verb, touch.column, touch.category), refused)
        elif grant.own_only(verb, touch.category, touch.only):
            own = True
    for table in request.deletes:
        if grant is None or not grant.may_delete(table):
            opening = sorted(p.name for p in policy.purposes.values() if table in p.delete) if policy else ()
            denials.setdefault(("delete", table, ""), Denial("delete", table, "", tuple(opening)))
        elif grant.deletes_own_only(table):
            own = True
    alone = _alone(policy, request) if denials else ()
    return Decision(not denials, tuple(denials.values()), own, alone)


def _touches(request: Request) -> Iterator[tuple[Verb, Touch]]:
    for touch in request.reads:
        yield "read", touch
    for touch in request.matches:
        yield "match", touch
    for touch in request.writes:
        yield "write", touch


def _open_for(policy: Policy | None, verb: Verb, touch: Touch) -> tuple[str, ...]:
    if policy is None:
        return ()
    return tuple(sorted(p.name for p in policy.purposes.values() if p.opens(verb, touch.category, touch.only)))


def _alone(policy: Policy | None, request: Request) -> tuple[str, ...]:
    if policy is None:
        return ()
    return tuple(
        sorted(
            purpose.name
            for purpose in policy.purposes.values()
            if purpose.delete.issuperset(request.deletes)
            and all(purpose.opens(verb, touch.category, touch.only) for verb, touch in _touches(request))
        )
    )
