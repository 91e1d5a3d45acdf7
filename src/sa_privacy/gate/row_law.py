"""The law of row rules: every mention of a restricted table in a statement has the condition of the access in force."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from typing import TYPE_CHECKING

from sa_privacy.errors import RowsDenied

if TYPE_CHECKING:
    from sa_privacy.access import Access
    from sa_privacy.columns.catalogue import PersonalColumn
    from sa_privacy.footprint import Footprint
    from sa_privacy.gate.limits import Limit, Limits
    from sa_privacy.gate.plan import Plan
    from sa_privacy.gate.ruling import Ruling

__all__ = ["reached", "refusal_of_object", "refusal_of_rows", "require"]


def reached(footprint: Footprint) -> frozenset[str]:
    """The tables of which rows are reached that are there already. A new row is its maker's."""
    mentioned = {table for table, _ in footprint.mentions}
    new = {table for table, _ in (*footprint.inserts, *footprint.returned)}
    touched = {name.rpartition(".")[0] for name in footprint.reads | footprint.matches | footprint.writes}
    return frozenset(mentioned | ((touched | footprint.deletes) - new))


def require(plan: Plan, limits: Limits | None, access: Access) -> None:
    """Makes sure that a statement reaches no row that a rule keeps from the access.

    :raises RowsDenied: it may.
    """
    if limits is None:
        return
    tables = reached(plan.footprint).intersection(limits.of)
    if not tables:
        return
    mentions = Counter(table for table, _ in plan.footprint.mentions)
    for name in sorted(tables):
        limit = limits.of[name]
        if limit.fault is not None:
            said = "mend the rule, or declare what it asks of access.details: privacy.access(..., NAME=...)."
            raise _refusal(plan, limit, access, f"and the rule {limit.fault}", said)
        if plan.ruling is None:
            raise _refusal(
                plan,
                limit,
                access,
                "and a rule cannot be put into SQL text, nor into what was compiled without it",
                "write it with select(), update() or delete() of SQLAlchemy, and let the session compile it.",
            )
        if plan.ruling.structure != limits.structure:
            raise _refusal(
                plan,
                limit,
                access,
                "and the statement was compiled under other rules",
                "give the session the statement, not what was compiled from it.",
            )
        if plan.ruling.open_text and plan.ruling.given[name]:
            raise _refusal(
                plan,
                limit,
                access,
                "and SQL text stands in the statement that could change what the rule means",
                "write text that is an expression by itself: brackets in pairs, no comments, no clauses; or use SQLAlchemy.",
            )
        if plan.ruling.thrown_away and plan.ruling.given[name]:
            raise _refusal(
                plan,
                limit,
                access,
                "and what a recursive WITH query begins with stands in the statement by itself too",
                "select from the recursive query only.",
            )
        if not mentions[name] or mentions[name] != plan.ruling.given[name]:
            raise _refusal(
                plan,
                limit,
                access,
                "and the statement reaches it where the rule cannot be put: by text, a view, a full join, UPDATE ... FROM, "
                "DELETE ... USING, or ON CONFLICT DO UPDATE",
                "select from it, join it, or ask for it in a subquery.",
            )


def refusal_of_rows(ruling: Ruling, limits: Limits | None, access: Access) -> RowsDenied | None:
    """The error for rows that a flush would change, and that are not there for the access; None where no rule limits it."""
    limit = next((limits.of[name] for name in ruling.given if name in limits.of), None) if limits is not None else None
    if limit is None:
        return None
    why = "and a row that would be changed is none of those it leaves, or was deleted"
    hint = "load the object under this access first: what it does not reach is not found."
    return _restricted(limit, access, why, hint, ())


def refusal_of_object(limit: Limit, access: Access, columns: Collection[PersonalColumn]) -> RowsDenied:
    """The error for an object in memory whose row the access does not reach."""
    names = [column.name for column in columns]
    why = "and this object's row is none of those it leaves, or cannot be looked for"
    return _restricted(limit, access, why, "use what was loaded under this access, in its own session.", names)


def _refusal(plan: Plan, limit: Limit, access: Access, why: str, hint: str) -> RowsDenied:
    touched = plan.footprint.reads | plan.footprint.matches | plan.footprint.writes
    return _restricted(limit, access, why, hint, sorted(touched))


def _restricted(limit: Limit, access: Access, why: str, hint: str, columns: Collection[str]) -> RowsDenied:
    table = limit.rules.table
    error = RowsDenied(
        f"{table} is restricted ({limit.rules}), {why}.",
        hint=hint,
        columns=columns,
        purpose=access.purposes,
        roles=access.roles,
    )
    error.rule = f"{table} ({limit.rules})"
    return error
