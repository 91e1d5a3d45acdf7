"""Which rows each role of the wall sees, as row level security of PostgreSQL. Pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import ColumnElement, and_, or_

from sa_privacy.access import Access
from sa_privacy.columns.catalogue import Catalogue, PersonalTable
from sa_privacy.columns.own_tables import OWN_TABLES
from sa_privacy.gate.rows.rule import RowRule, in_force
from sa_privacy.policy import ConsentPort, Grant
from sa_privacy.walls.conditions import (
    Taken,
    about,
    as_list,
    as_setting,
    is_subject,
    mentioned,
    questions,
    row_of,
    sql_of,
)
from sa_privacy.walls.quoting import literal
from sa_privacy.walls.row_rules import NotExpressible, stated, value_of

__all__ = ["RULES", "Condition", "RowSources", "WalledRules", "consented", "own_rows", "reads_of_consent"]

#: The setting that says which of the application's rules are in force; it begins with a comma wherever it was set.
RULES: Final = "sa_privacy.rules"
_RULES_NOW: Final = f"pg_catalog.current_setting({literal(RULES)}, true)"
Mentions = Mapping[tuple[str | None, str], set[str]]


@dataclass(frozen=True, slots=True)
class RowSources:
    """Where conditions about rows come from, beside the policy.

    :param consents: who agreed to what; None: nobody knows.
    :param rules: what the application restricts.
    """

    consents: ConsentPort | None = None
    rules: tuple[RowRule, ...] = ()


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition about the rows of one table.

    :param reads: the columns of other tables that it reads, by schema and table.
    :param asked: for tables of the library's own, which of their rows it can ask about.
    """

    sql: str
    reads: Mentions = field(default_factory=dict)
    asked: Mapping[tuple[str | None, str], tuple[str, ...]] = field(default_factory=dict)


def own_rows(known: PersonalTable, catalogue: Catalogue) -> Condition:
    """That a row is the subject's."""
    return _written(known, catalogue, is_subject)


def consented(
    known: PersonalTable, catalogue: Catalogue, sets: Iterable[frozenset[str]], consents: ConsentPort | None
) -> Condition:
    """That the person agreed to one purpose of each set.

    :raises NotExpressible: the store of consents is no table of this database.
    """
    if consents is None:
        raise NotExpressible("no store of consents is known")
    return _written(known, catalogue, _agreed(sets, consents))


def reads_of_consent(
    known: PersonalTable, catalogue: Catalogue, sets: Iterable[frozenset[str]], consents: ConsentPort
) -> Mentions:
    """What the question whether people agreed reads, on whichever database."""
    row = row_of(known, catalogue)
    return mentioned(about(known, row, catalogue, _agreed(sets, consents)), row)


def _agreed(
    sets: Iterable[frozenset[str]], consents: ConsentPort
) -> Callable[[str, ColumnElement[Any]], ColumnElement[bool]]:
    asked = sorted(tuple(sorted(names)) for names in sets)
    return lambda kind, key: and_(*(or_(*(consents.condition(name, kind, key) for name in names)) for names in asked))


def _written(
    known: PersonalTable, catalogue: Catalogue, said: Callable[[str, ColumnElement[Any]], ColumnElement[bool]]
) -> Condition:
    row = row_of(known, catalogue)
    condition = about(known, row, catalogue, said)
    sql, _ = sql_of(condition, row)
    asked: dict[tuple[str | None, str], list[str]] = {}
    for table, rows in questions(condition, lambda table: table.metadata is OWN_TABLES):
        asked.setdefault((table.schema, str(table.name)), []).append(sql_of(rows, table)[0])
    return Condition(
        sql, mentioned(condition, row), {place: tuple(dict.fromkeys(said)) for place, said in asked.items()}
    )


@dataclass(frozen=True, slots=True)
class _Rule:
    rule: RowRule
    mark: str
    sql: str
    reads: Mentions


class WalledRules:
    """The application's rules, as far as the database can keep them.

    One policy of a table holds all of them. Which are in force, and what they take from the access, are settings.

    :ivar refused: the rules that it cannot keep, and why.
    :ivar taken: the settings that they read.
    """

    def __init__(self, rules: Sequence[RowRule]) -> None:
        self._rules: dict[str, list[RowRule]] = {}
        self._kept: dict[RowRule, _Rule] = {}
        self.refused: list[tuple[RowRule, str]] = []
        self.taken: dict[str, Taken] = {}
        for rule in rules:
            self._rules.setdefault(str(rule.table.fullname), []).append(rule)
            try:
                self._keep(rule)
            except NotExpressible as error:
                self.refused.append((rule, str(error)))

    def _keep(self, rule: RowRule) -> None:
        condition = stated(rule)
        sql, taken = sql_of(condition, rule.table)
        for name, one in taken.items():
            known = self.taken.setdefault(name, one)
            if known.many is not one.many or type(known.kind) is not type(one.kind):
                raise NotExpressible("it takes a value of the access that another rule takes as another type")
        mark = _mark("rule", rule.table.fullname, rule.role, rule.purpose, sql)
        self._kept[rule] = _Rule(rule, mark, sql, mentioned(condition, rule.table))

    def give_up(self, table: str, why: str) -> None:
        """The rules of a table cannot be kept after all."""
        for rule in self._rules[table]:
            if self._kept.pop(rule, None) is not None:
                self.refused.append((rule, why))

    @property
    def tables(self) -> list[str]:
        """The full names of the tables that have rules which can be kept."""
        return [name for name, rules in self._rules.items() if any(rule in self._kept for rule in rules)]

    def condition(self, table: str) -> Condition:
        """What holds in a table, by the settings of the transaction: nothing does where they are not set."""
        rules = self._rules[table]
        parts = [f"pg_catalog.starts_with({_RULES_NOW}, ',')"]
        parts += [self._if_in_force(rule) for rule in rules if rule.role is None and rule in self._kept]
        groups = []
        for role in dict.fromkeys(rule.role for rule in rules if rule.role is not None):
            kept = [self._if_in_force(rule) for rule in rules if rule.role == role and rule in self._kept]
            groups.append(" AND ".join([_said(_mark("role", table, role)), *kept]))
        if groups:
            either = " OR ".join(f"({group})" for group in groups)
            parts.append(f"(NOT {_said(_mark('roles', table))} OR {either})")
        reads: dict[tuple[str | None, str], set[str]] = {}
        for rule in rules:
            for place, columns in self._kept[rule].reads.items() if rule in self._kept else ():
                reads.setdefault(place, set()).update(columns)
        return Condition(" AND ".join(parts), reads)

    def _if_in_force(self, rule: RowRule) -> str:
        kept = self._kept[rule]
        return f"(NOT {_said(kept.mark)} OR ({kept.sql}))"

    def said(self, grant: Grant) -> str:
        """Which rules are in force for a grant, as the text of the setting."""
        marks = []
        for table, rules in self._rules.items():
            always, groups = in_force(rules, grant)
            held = [*always, *(rule for group in groups for rule in group)]
            marks += [self._kept[rule].mark for rule in held if rule in self._kept]
            marks += [_mark("role", table, group[0].role) for group in groups]
            if groups:
                marks.append(_mark("roles", table))
        return "," + "".join(f"{mark}," for mark in marks)

    def values(self, access: Access, dialect: Any) -> Iterator[str]:
        """What the rules take from an access, in the order of ``taken``."""
        for name, (kind, many) in self.taken.items():
            value = value_of(access, name)
            yield as_list(value, kind, dialect) if many else as_setting(value, kind, dialect)


def _said(mark: str) -> str:
    return f"(pg_catalog.strpos({_RULES_NOW}, ',{mark},') > 0)"


def _mark(*what: str | None) -> str:
    return hashlib.sha256(json.dumps(what).encode()).hexdigest()[:10]
