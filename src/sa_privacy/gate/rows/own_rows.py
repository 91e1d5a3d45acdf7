"""Purposes that reach only one person's rows (``rows = "own"``).

Such a purpose brings a row rule (:mod:`sa_privacy.gate.rows.rules`), which SQLAlchemy puts into what it compiles. The law is here:
every mention of a table with the person's data must be bound to the person's key, in the table itself or in the row that it
leads to, by the rule or by who wrote the statement; a new row must be theirs; and no row may change hands.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from sa_privacy.access import Access
from sa_privacy.columns.catalogue import Catalogue, PersonalColumn, PersonalTable
from sa_privacy.errors import RowsDenied
from sa_privacy.footprint import KeyPredicate
from sa_privacy.gate.rows.rule import is_limited
from sa_privacy.gate.statements.plan import ByGrant
from sa_privacy.gate.statements.statement import bound_list
from sa_privacy.policy import Grant

if TYPE_CHECKING:
    from sa_privacy.gate.statements.plan import Plan

__all__ = [
    "Ask",
    "has_own_purpose",
    "is_subject",
    "key_of",
    "own_tables",
    "refusal_in_memory",
    "require",
    "require_kept",
]

Values = Sequence[Mapping[str | int, Any]]
#: Which of the keys, of a column of a table, stand in rows that are the subject's.
Ask = Callable[[str, str, Collection[Any]], Collection[Any]]


def has_own_purpose(access: Access) -> bool:
    """Whether one of the access's purposes reaches only the subject's rows."""
    purposes = access.grant.policy.purposes
    return any(purposes[name].rows == "own" for name in access.grant.purposes)


def key_of(access: Access, kind: str, catalogue: Catalogue) -> object:
    """The key of the access's subject as a subject of this kind; None where it is none, or could be of several kinds."""
    wanted = access.subject
    if isinstance(wanted, tuple) and len(wanted) == 2:
        return wanted[1] if wanted[0] == kind else None
    return wanted if len(_kinds(access, catalogue)) < 2 else None  # customer 7 is not employee 7


def is_subject(access: Access, kind: str, key: object, catalogue: Catalogue) -> bool:
    """Whether `key` is the key of the access's subject. Applications often hold keys as text."""
    wanted = key_of(access, kind, catalogue)
    return wanted is not None and key is not None and str(wanted) == str(key)


class OwnTable(NamedTuple):
    """A table that a plan reaches only for the subject's own rows.

    :param kind: of person; None where the table names nobody.
    :param inserts: the binds of the columns of each new row.
    :param bindings: for each mention of the table, the predicates that may bind it to the person's key.
    """

    table: PersonalTable
    kind: str | None
    inserts: tuple[Mapping[str, str | int], ...]
    bindings: tuple[tuple[KeyPredicate, ...], ...]


def own_tables(plan: Plan, grant: Grant) -> tuple[OwnTable, ...]:
    """Those that the plan reaches under the grant only for the subject's own rows; worked out once."""
    known = plan.own.get(grant)
    if known is None:
        known = plan.own[grant] = tuple(_own_table(plan, name) for name in sorted(_own_names(plan, grant)))
    return known


def _own_names(plan: Plan, grant: Grant) -> set[str]:
    footprint, catalogue = plan.footprint, plan.catalogue
    found = set()
    for verb, names in (("read", footprint.reads), ("match", footprint.matches), ("write", footprint.writes)):
        for name in names:
            column = catalogue.columns[name]
            if grant.own_only(verb, column.category, column.purposes):  # type: ignore[arg-type]
                found.add(column.table)
    return found | {table for table in footprint.deletes if grant.deletes_own_only(table)}


def _own_table(plan: Plan, name: str) -> OwnTable:
    footprint, catalogue = plan.footprint, plan.catalogue
    holder, kind = catalogue.holders.get(name, (None, None))
    return OwnTable(
        catalogue.by_name[name],
        kind,
        tuple(dict(columns) for table, columns in footprint.inserts if table == name),
        tuple(
            tuple(one for one in predicates if one.column == holder)
            for table, predicates in footprint.mentions
            if table == name
        ),
    )


def require(plan: Plan, access: Access, values: Values, ask: Ask) -> None:
    """Makes sure the statement is bound to the subject.

    :raises RowsDenied: it is not.
    """
    _require_subject(plan, access)
    for own in own_tables(plan, access.grant):
        if own.kind is None:
            name = own.table.name
            raise _refusal(
                plan, access, f"and {name} names no data subject", f"give {name} a __data_subject__ = DataSubject(...)."
            )
        if own.inserts:
            _require_new_rows(plan, access, own, values, ask)
        _require_bound(plan, access, own, values)
    if plan.footprint.moves:
        require_kept(plan, access, values, ask)


def require_kept(plan: Plan, access: Access, values: Values, ask: Ask) -> None:
    """Makes sure that no row of the subject's is given away, and that none of somebody else is taken.

    :raises RowsDenied: a column that says whose a row is gets another value than the subject's own.
    """
    for name, column, bind in plan.footprint.moves:
        if name not in _leading_tables(access, plan.catalogue):
            continue
        _require_subject(plan, access)
        table = plan.catalogue.by_name[name]
        _require_bound(plan, access, _own_table(plan, name), values)
        given = [one.get(bind) for one in values] if bind is not None else [None]
        if not _leads_to_subject(access, table, column, given, plan.catalogue, ask):
            raise _refusal(
                plan,
                access,
                f"and the statement changes whose a row of {name} is",
                f"leave {name}.{column} as it is, or do it for a purpose that reaches all rows.",
            )


def _require_subject(plan: Plan, access: Access) -> None:
    if access.subject is None:
        raise _refusal(plan, access, "and the access names none", "say whose: privacy.access(subject=...).")
    kinds = _kinds(access, plan.catalogue)
    if len(kinds) > 1 and not (isinstance(access.subject, tuple) and len(access.subject) == 2):
        raise _refusal(
            plan,
            access,
            f"and the subject's key could be that of {' or '.join(sorted(kinds))}",
            f'say which: privacy.access(subject=("{min(kinds)}", ...)).',
        )


def _require_new_rows(plan: Plan, access: Access, own: OwnTable, values: Values, ask: Ask) -> None:
    table, subject = own.table, own.table.subject
    column = "" if subject is None else subject.key or subject.steps[0][0]
    for binds in own.inserts:
        bind = binds.get(column)
        given = [one.get(bind) for one in values] if bind is not None else [None]
        if not _leads_to_subject(access, table, column, given, plan.catalogue, ask):
            raise _refusal(
                plan, access, f"and the new row of {table.name} is not theirs", f"give its {column} a value of theirs."
            )


def _leads_to_subject(
    access: Access, table: PersonalTable, column: str, given: Sequence[Any], catalogue: Catalogue, ask: Ask
) -> bool:
    """Whether rows with these values in `column` are the subject's."""
    subject = table.subject
    if subject is None or not given or any(value is None for value in given):
        return False
    if column == subject.key:
        return all(is_subject(access, subject.kind, value, catalogue) for value in given)
    if subject.steps and column == subject.steps[0][0]:
        _, there, key = subject.steps[0]
        wanted = {str(value) for value in given}
        return wanted <= {str(value) for value in ask(there, key, dict.fromkeys(given))}
    return False


def _require_bound(plan: Plan, access: Access, own: OwnTable, values: Values) -> None:
    wanted = key_of(access, own.kind, plan.catalogue) if own.kind is not None else None
    for predicates in own.bindings:
        if wanted is None or not _is_bound(predicates, str(wanted), values):
            name, holder = own.table.name, plan.catalogue.holders[own.table.name][0]
            raise _refusal(
                plan,
                access,
                f"and the statement reaches other rows of {name}",
                f"bind it to them: {_condition(own.table, holder)}.",
            )


def _is_bound(predicates: Sequence[KeyPredicate], wanted: str, values: Values) -> bool:
    """Whether one of the predicates asks for this key alone, in every set of values."""
    for predicate in predicates:
        for one in values:
            keys = bound_list(one, predicate.bind) if predicate.many else (one.get(predicate.bind),)
            if not keys or any(key is None or str(key) != wanted for key in keys):
                break
        else:
            return bool(values)
    return False


def _condition(table: PersonalTable, holder: str) -> str:
    subject = table.subject
    if subject is None or subject.key is not None:
        return f"WHERE {holder} = their key"
    here, there, column = subject.steps[0]
    return f"JOIN {there} ON {there}.{column} = {table.name}.{here} ... WHERE {holder} = their key"


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


def _kinds(access: Access, catalogue: Catalogue) -> frozenset[str]:
    """The kinds of people whose rows the access's own purposes are about."""
    return _own(access.grant, catalogue)[0]


def _leading_tables(access: Access, catalogue: Catalogue) -> frozenset[str]:
    """The tables with rows of the subject's, and those that lead to them."""
    return _own(access.grant, catalogue)[1]


def _own(grant: Grant, catalogue: Catalogue) -> tuple[frozenset[str], frozenset[str]]:
    by_grant: ByGrant[tuple[frozenset[str], frozenset[str]]] | None = catalogue.worked_out.get(_own)
    if by_grant is None:
        by_grant = catalogue.worked_out[_own] = ByGrant()
    found = by_grant.get(grant)
    if found is None:
        limited = [table for table in catalogue if is_limited(table, grant)]
        kinds = frozenset(table.subject.kind for table in limited if table.subject is not None)
        steps = {there for t in limited if t.subject is not None for _, there, _ in t.subject.steps}
        leading = frozenset({t.name for t in limited if t.name in catalogue.holders} | (steps & set(catalogue.holders)))
        found = by_grant[grant] = (kinds, leading)
    return found


def _refusal(plan: Plan, access: Access, why: str, hint: str) -> RowsDenied:
    named = ", ".join(f'"{purpose}"' for purpose in access.purposes)
    return RowsDenied(
        f"{named} reaches only the rows of one person, {why}.",
        hint=hint,
        columns=sorted(plan.footprint.reads | plan.footprint.matches | plan.footprint.writes),
        purpose=access.purposes,
        roles=access.roles,
    )
