"""Puts the policy's denials into errors."""

from __future__ import annotations

from collections.abc import Iterable

from sa_privacy.columns.catalogue import PersonalColumn
from sa_privacy.errors import AccessDenied
from sa_privacy.policy import Decision, Grant, Policy, Request, Touch, decide, denied

__all__ = ["decide_columns", "refusal_of_columns", "touches"]


def touches(columns: Iterable[PersonalColumn]) -> tuple[Touch, ...]:
    """The columns as the policy sees them."""
    return tuple(Touch(column.name, column.category, column.purposes) for column in columns)


def decide_columns(grant: Grant | None, columns: Iterable[PersonalColumn], policy: Policy | None = None) -> Decision:
    """Whether `grant` covers reading all of `columns`."""
    return decide(Request(grant=grant, reads=touches(columns), matches=(), writes=(), deletes=(), policy=policy))


def refusal_of_columns(grant: Grant | None, columns: Iterable[PersonalColumn]) -> AccessDenied:
    """The error for reading `columns` under `grant`."""
    return denied(decide_columns(grant, columns), grant)
