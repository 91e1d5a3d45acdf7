"""Purposes that reach only one person's rows (``rows = "own"``).

ORM statements are limited to the person's rows by loader criteria. That is the courtesy. The law is here: under such a
purpose, every mention of a table with the person's data must be bound to the person's key, or the rows must prove that
they are theirs before they are handed over.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sa_privacy.access import Access
from sa_privacy.columns.catalogue import Catalogue, PersonalColumn, PersonalTable
from sa_privacy.errors import RowsDenied
from sa_privacy.policy import Grant

if TYPE_CHECKING:
    from sa_privacy.gate.plan import Plan

__all__ = ["check", "is_subject", "own_tables", "refusal_in_memory", "require"]

Values = Sequence[Mapping[str | int, Any]]
#: Result columns that must hold the subject's key in every row: position and kind; None where nothing is to prove.
Proofs = tuple[tuple[int, str], ...] | None


def is_subject(access: Access, kind: str, key: object) -> bool:
    """Whether `key` is the key of the access's subject."""
    wanted = access.subject
    if isinstance(wanted, tuple) and len(wanted) == 2:
        return wanted[0] == kind and str(wanted[1]) == str(key)
    return wanted is not None and key is not None and str(wanted) == str(key)


def own_tables(plan: Plan, grant: Grant) -> set[str]:
    """The tables of the plan that the grant reaches only for the subject's own rows."""
    footprint, catalogue = plan.footprint, plan.catalogue
    found = set()
    for verb, names in (("read", footprint.reads), ("match", footprint.matches), ("write", footprint.writes)):
        for name in names:
            column = catalogue.columns[name]
            if grant.own_only(verb, column.category, column.purposes):  # type: ignore[arg-type]
                found.add(column.table)
    return found | {table for table in footprint.deletes if grant.deletes_own_only(table)}


def require(plan: Plan, access: Access, values: Values) -> Proofs:
    """Makes sure the statement is bound to the subject, or says which result columns must prove it.

    :returns: positions of subject keys to check in every row, or None where the statement itself is bound.
    :raises RowsDenied: neither holds.
    """
    grant = access.grant
    if access.subject is None:
        raise _refusal(plan, access, "and the access names none", "say whose: privacy.access(subject=...).")
    proofs: list[tuple[int, str]] = []
    for name in own_tables(plan, grant):
        table = _table(plan.catalogue, name)
        if table.subject is None:
            raise _refusal(
                plan, access, f"and {name} names no data subject", f"give {name} a __data_subject__ = DataSubject(...)."
            )
        for binds in (dict(columns) for inserted, columns in plan.footprint.inserts if inserted == name):
            bind = binds.get(str(table.subject.key))
            if bind is None or not all(is_subject(access, table.subject.kind, one.get(bind)) for one in values):
                raise _refusal(plan, access, f"and the new row of {name} is not theirs", "give the row their key.")
        proofs.extend(_proofs(plan, access, table, values))
    return tuple(proofs) or None


def _proofs(plan: Plan, access: Access, table: PersonalTable, values: Values) -> list[tuple[int, str]]:
    subject = table.subject
    if subject is None:
        return []
    key = f"{table.name}.{subject.key}"
    loose = 0
    for mentioned, predicates in plan.footprint.mentions:
        if mentioned != table.name:
            continue
        bound = values and any(
            predicate.column == key
            and not predicate.many
            and all(is_subject(access, subject.kind, one.get(predicate.bind)) for one in values)
            for predicate in predicates
        )
        loose += not bound
    if not loose:
        return []
    footprint = plan.footprint
    found = [(index, subject.kind) for index, name in enumerate(footprint.outputs) if name == key]
    mentions = sum(1 for mentioned, _ in footprint.mentions if mentioned == table.name)
    if found and mentions == 1 and not (footprint.writes or footprint.deletes or footprint.matches or footprint.inside):
        return found
    raise _refusal(
        plan,
        access,
        f"and the statement reaches other rows of {table.name}",
        f"bind it to them: WHERE {key if subject.key else table.name + ' ...'} = their key.",
    )


def check(proofs: Sequence[tuple[int, str]], rows: Sequence[Any], plan: Plan, access: Access | None) -> None:
    """Makes sure that every row is the subject's."""
    for row in rows:
        for index, kind in proofs:
            if access is None or (row[index] is not None and not is_subject(access, kind, row[index])):
                raise _refusal(plan, access, "and a row of the result is someone else's", "bind the statement to them.")


def refusal_in_memory(access: Access, columns: Sequence[PersonalColumn]) -> RowsDenied:
    """The error for an object in memory that is not the subject's."""
    named = ", ".join(f'"{purpose}"' for purpose in access.purposes)
    return RowsDenied(
        f"{named} reaches only the rows of one person, and this object is not theirs.",
        hint="say whose they are: privacy.access(subject=...).",
        columns=[column.name for column in columns],
        purpose=access.purposes,
        roles=access.roles,
    )


def _table(catalogue: Catalogue, name: str) -> PersonalTable:
    return next(table for table in catalogue if table.name == name)


def _refusal(plan: Plan, access: Access | None, why: str, hint: str) -> RowsDenied:
    purposes = access.purposes if access else ()
    named = ", ".join(f'"{purpose}"' for purpose in purposes)
    return RowsDenied(
        f"{named} reaches only the rows of one person, {why}.",
        hint=hint,
        columns=sorted(plan.footprint.reads | plan.footprint.matches | plan.footprint.writes),
        purpose=purposes,
        roles=access.roles if access else (),
    )
