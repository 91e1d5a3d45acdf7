"""Puts denials into errors, and into words for the log."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from sa_privacy.columns.catalogue import PersonalColumn
from sa_privacy.errors import (
    AccessDenied,
    NotGranted,
    NotPledged,
    PrivacyError,
    RowsDenied,
    SealedColumn,
    UnreadableStatement,
)
from sa_privacy.policy import Decision, Grant, Policy, Request, Touch, decide, denied

if TYPE_CHECKING:
    from sa_privacy.gate.statements.plan import Plan

__all__ = ["again", "decide_columns", "denials_of", "refusal_of_columns", "sealed_column", "touches"]


def touches(columns: Iterable[PersonalColumn]) -> tuple[Touch, ...]:
    """The columns as the policy sees them."""
    return tuple(Touch(column.name, column.category, column.purposes) for column in columns)


def decide_columns(grant: Grant | None, columns: Iterable[PersonalColumn], policy: Policy | None = None) -> Decision:
    """Whether `grant` covers reading all of `columns`."""
    return decide(Request(grant=grant, reads=touches(columns), matches=(), writes=(), deletes=(), policy=policy))


def refusal_of_columns(grant: Grant | None, columns: Iterable[PersonalColumn]) -> AccessDenied:
    """The error for reading `columns` under `grant`."""
    return denied(decide_columns(grant, columns), grant)


def denials_of(error: PrivacyError, decision: Decision | None = None) -> list[str]:
    """What stood against a statement, in words for the log."""
    if isinstance(error, UnreadableStatement):
        return ["unreadable"]
    if isinstance(error, SealedColumn):
        return [f"sealed {name}" for name in error.columns]
    if isinstance(error, RowsDenied):
        return [f"rows of {error.rule}" if error.rule else "rows of others"]
    if isinstance(error, NotGranted):
        return ["not granted"]
    if isinstance(error, NotPledged):
        return ["not pledged"]
    denials = decision.denials if decision is not None else ()
    return [f"{denial.verb} {denial.column}" for denial in denials] or [f"read {n}" for n in error.columns]


def again(error: PrivacyError) -> PrivacyError:
    """A fresh copy of a kept error, without the tracebacks of earlier times."""
    return type(error)(error.message, hint=error.hint, columns=error.columns, purpose=error.purpose, roles=error.roles)


def sealed_column(plan: Plan, grant: Grant | None) -> SealedColumn:
    """The error for sealed columns that stand where the database would compute with them, or make their values."""
    names = plan.sealed_inside or plan.unsealed
    are = f"{', '.join(names)} {'are' if len(names) > 1 else 'is'} sealed"
    if plan.sealed_inside:
        said = f"{are}: the database sees bytes that differ for equal values, so it cannot compare, order, group or "
        said += "compute with them."
        if all(plan.catalogue.columns[name].searchable for name in names):
            hint = "a lookup answers ==, !=, in_() and is_distinct_from(), with the column on the left, and joins of columns "
            hint += "that share one. For anything else read the column and work in Python, or annotate it with encrypt=False."
        else:
            hint = 'give it lookup="exact" or lookup="casefold" to find rows by equality; for anything else read the column '
            hint += "and work with it in Python, or annotate it with encrypt=False."
    else:
        said = f"{are}, and the statement puts something else there than a value sealed by the column's own type."
        hint = (
            "give the plain value as a parameter, through the mapped class or its table; SQL text may put NULL there."
        )
    return SealedColumn(
        said,
        hint=hint,
        columns=names,
        purpose=grant.purposes if grant else (),
        roles=grant.roles if grant else (),
    )
