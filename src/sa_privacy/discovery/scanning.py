"""The scan: every column of some tables, judged by name, type, table, and by a sample of its values where there is one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Column, Table

from sa_privacy.columns import Encrypted, annotation_of
from sa_privacy.columns.own_tables import OWN_TABLES
from sa_privacy.discovery.evidence import Evidence, Finding, weigh
from sa_privacy.discovery.kinds import category_for
from sa_privacy.discovery.names import Nature, TableSense, judge_name, nature_of, prefix_of
from sa_privacy.discovery.owners import Owner, owners_of, points_at_people
from sa_privacy.discovery.types import judge_type
from sa_privacy.discovery.values import judge_values
from sa_privacy.discovery.words import OF_PEOPLE
from sa_privacy.policy import Policy

__all__ = ["Scan", "scan", "scanned_tables"]

_SURE: Final = 0.9

Sampler = Callable[[Table], Mapping[str, Sequence[str]]]


@dataclass(frozen=True, slots=True)
class Scan:
    """What was found.

    :param findings: the columns that look personal, by table and as they stand in it.
    :param owners: whose the rows of a table are, where that can be told and nobody has said it.
    :param columns: how many columns were looked at.
    :param annotated: how many of them say already what they hold; these are not judged.
    :param sampled: of how many columns values were read.
    """

    findings: tuple[Finding, ...]
    owners: tuple[Owner, ...]
    columns: int
    annotated: int
    sampled: int


def scanned_tables(tables: Iterable[Table]) -> list[Table]:
    """The tables that are the application's own, and not the library's."""
    return [one for one in tables if one.name not in OWN_TABLES.tables]


def scan(
    tables: Iterable[Table],
    *,
    known: Mapping[str, str] | None = None,
    policy: Policy | None = None,
    at_least: float = 0.5,
    sampler: Sampler | None = None,
) -> Scan:
    """Looks at every column.

    :param known: the category of columns that are annotated elsewhere, by ``"table.column"``.
    :param policy: gives categories their names.
    :param at_least: leaves out findings that are less certain, from 0 to 1.
    :param sampler: gives values of a table's columns; they are judged and let go.
    """
    given = scanned_tables(tables)
    said = dict(known or {})
    for table in given:
        said |= {_name(table, one): note.category for one in table.columns if (note := annotation_of(one)) is not None}
    natures = _natures(given)
    findings: list[Finding] = []
    sampled = 0
    for table in given:
        open_columns = [
            one for one in table.columns if _name(table, one) not in said and not isinstance(one.type, Encrypted)
        ]
        values = sampler(table) if sampler is not None and open_columns else {}
        sense = _sense(table, natures)
        for one in open_columns:
            seen = values.get(one.name, ())
            sampled += bool(seen)
            best = weigh(_judged(one, sense, seen))
            if best is not None and best[1] >= at_least:
                kind, sure, evidence = best
                findings.append(Finding(table.fullname, one.name, kind, category_for(kind, policy), sure, evidence))
    personal = {finding.table for finding in findings} | {name.rpartition(".")[0] for name in said}
    return Scan(
        tuple(findings),
        tuple(owners_of(given, natures, personal)),
        sum(len(table.columns) for table in given),
        len(said),
        sampled,
    )


def _name(table: Table, column: Column[Any]) -> str:
    return f"{table.fullname}.{column.name}"


def _judged(column: Column[Any], sense: TableSense, values: Sequence[str]) -> list[Evidence]:
    found = judge_name(column.name, sense)
    named = {one.kind for one in found if one.kind is not None}
    found += judge_values(values, named)
    kinds = {one.kind for one in found if one.kind is not None and one.points > 0}
    return found + list(judge_type(column, kinds))


def _natures(tables: Sequence[Table]) -> dict[str, Nature]:
    """What rows of each table are: by its name; and where that says nothing, by what it has."""
    natures: dict[str, Nature] = {}
    for table in tables:
        nature = nature_of(table.name)
        if nature == "unknown" and _has_people(table):
            nature = "people"
        natures[table.fullname] = nature
    return natures


def _has_people(table: Table) -> bool:
    """Whether a table of no telling name has what only people have, in words of their own and twice."""
    sense = TableSense(table.name)
    kinds = []
    for column in table.columns:
        if prefix_of(column.name):
            continue
        best = weigh(_judged(column, sense, ()))
        if best is not None and best[1] >= _SURE:
            kinds.append(best[0])
    return len(set(kinds) & (OF_PEOPLE | {"name"})) >= 2 or ({"name", "email"} <= set(kinds))


def _sense(table: Table, natures: Mapping[str, Nature]) -> TableSense:
    bare = TableSense(table.name, natures[table.fullname])
    beside = []
    for column in table.columns:
        best = weigh(_judged(column, bare, ()))
        if best is not None and best[1] >= 0.5:
            beside.append((prefix_of(column.name), best[0]))
    return TableSense(table.name, natures[table.fullname], points_at_people(table, natures), tuple(beside))
