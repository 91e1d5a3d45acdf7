"""The law of row rules: every mention of a restricted table in a statement has the condition of the access in force."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from sa_privacy.errors import RowsDenied
from sa_privacy.footprint import Footprint, KeyPredicate
from sa_privacy.gate.rows.ruling import RULING

if TYPE_CHECKING:
    from sa_privacy.access import Access
    from sa_privacy.columns.catalogue import Catalogue, PersonalColumn
    from sa_privacy.gate.rows.limits import Limit, Limits
    from sa_privacy.gate.rows.ruling import Ruling
    from sa_privacy.gate.statements.plan import Plan

__all__ = [
    "bound_by_rules",
    "is_same",
    "reached",
    "refusal_of_fetch",
    "refusal_of_object",
    "refusal_of_rows",
    "require",
]

_BESIDE: Final = (
    "and the statement reaches it where the rule cannot be put, or SQL text in it changes what the rule means",
    "select from it, join it, or ask for it in a subquery; not by text, a view, a full join, UPDATE ... FROM, or an upsert.",
)


def reached(footprint: Footprint) -> frozenset[str]:
    """The tables of which rows are reached that are there already. A new row is its maker's."""
    mentioned = {table for table, _ in footprint.mentions}
    new = {table for table, _ in (*footprint.inserts, *footprint.returned)}
    touched = {name.rpartition(".")[0] for name in footprint.reads | footprint.matches | footprint.writes}
    return frozenset(mentioned | ((touched | footprint.deletes) - new))


def bound_by_rules(footprint: Footprint, compiled: Any, catalogue: Catalogue) -> Footprint:
    """What a statement touches, with the person that the rule of one's own rows binds it to: in every mention of a table.

    :param compiled: what the statement was compiled to.
    """
    ruling: Ruling | None = vars(compiled).get(RULING)
    if ruling is None or not ruling.owners:
        return footprint
    said = {
        table: KeyPredicate(catalogue.holders[table][0], compiled.bind_names[bind])
        for table, (bind, asks) in ruling.owners.items()
        if table in footprint.limited and bind in compiled.bind_names and asks.isdisjoint(footprint.withs)
    }
    mentions = [(table, (*by, said[table]) if table in said else by) for table, by in footprint.mentions]
    return replace(footprint, mentions=tuple(mentions))


def require(plan: Plan, limits: Limits | None, access: Access) -> None:
    """Makes sure that a statement reaches no row that a rule keeps from the access.

    :raises RowsDenied: it may.
    """
    if limits is None or not limits.beyond_own:  # whose rows they are, sa_privacy.gate.rows.own_rows asks
        return
    if plan.lawful == limits.law:
        return
    for name in sorted(reached(plan.footprint) & limits.beyond_own):
        limit = limits.of[name]
        said = _against(plan, limits, limit)
        if said is not None:
            raise _refusal(plan, limit, access, *said)
    plan.lawful = limits.law


def _against(plan: Plan, limits: Limits, limit: Limit) -> tuple[str, str] | None:
    """Why a statement that reaches a table may not run, and what to do; None where it reaches what the rule leaves."""
    name = limit.rules.table
    if limit.fault is not None:
        return (
            f"and the rule {limit.fault}",
            "mend the rule, or declare what it asks of access.details: privacy.access(..., NAME=...).",
        )
    if plan.ruling is None:
        return (
            "and a rule cannot be put into SQL text, nor into what was compiled without it",
            "write it with select(), update() or delete() of SQLAlchemy, and let the session compile it.",
        )
    if plan.ruling.structure != limits.structure:
        return (
            "and the statement was compiled under other rules",
            "give the session the statement, not what was compiled from it.",
        )
    if not limit.shape.asks.isdisjoint(plan.footprint.withs):
        names = ", ".join(sorted(limit.shape.asks & plan.footprint.withs))
        return f"and the rule would take the WITH query {names} for a table that it asks", "give it another name."
    if name not in plan.footprint.limited:
        return _BESIDE
    return None


def refusal_of_rows(footprint: Footprint, limits: Limits | None, access: Access) -> RowsDenied | None:
    """The error for rows that a flush would change, and that are not there for the access; None where no rule limits it."""
    if limits is None:
        return None
    limit = next((limits.of[name] for name in sorted(footprint.limited) if name in limits.of), None)
    if limit is None:
        return None
    why = "and a row that would be changed is none of those it leaves, or was deleted"
    hint = "load the object under this access first: what it does not reach is not found."
    return _restricted(limit, access, why, hint, ())


def refusal_of_fetch(plan: Plan, asked: Limits | None, now: Limits | None, access: Access) -> RowsDenied | None:
    """The error for rows that are fetched under another access than they were asked for under; None where both reach the same.

    :param asked: what limits the access of the statement.
    :param now: what limits `access`, which is in force.
    """
    for name in sorted(reached(plan.footprint).intersection(now.of)) if now is not None else ():
        if now is not None and not is_same(asked, now, name):
            why = "and these rows were asked for under an access with other rows"
            return _refusal(plan, now.of[name], access, why, "fetch them there, or ask again under this access.")
    return None


def is_same(before: Limits | None, now: Limits | None, table: str) -> bool:
    """Whether a table is limited for both to the same rows."""
    one = before.of.get(table) if before is not None else None
    other = now.of.get(table) if now is not None else None
    return one is not None and other is not None and one.is_like(other)


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
