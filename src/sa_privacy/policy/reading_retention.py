"""Reading the sections about the end of data: clocks, retention, erasure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from types import MappingProxyType
from typing import Final, TypeVar

from sa_privacy.policy.faults import cut, nearest
from sa_privacy.policy.periods import Period
from sa_privacy.policy.reading_dealings import read_period
from sa_privacy.policy.retention import ACTIONS, MEANWHILE, Clock, ErasureRules, Guard, Reason, Schedule
from sa_privacy.policy.table import Table, is_name
from sa_privacy.policy.vocabulary import Role

__all__ = ["RETENTION", "SCHEDULE_PARTS", "read_clock", "read_erasure", "read_schedule"]

RETENTION: Final[Mapping[str, tuple[str, ...]]] = {
    "clocks": ("title", "table", "sql"),
    "retention": (
        *("title", "table", "category", "clock", "period", "action", "columns", "meanwhile", "clause"),
        *("values", "reasons", "guards", "since"),
    ),
    "erasure": ("roles",),
}
"""The sections, and the keys that may stand in each of their tables."""

SCHEDULE_PARTS: Final[Mapping[str, tuple[str, ...]]] = {
    "reasons": ("title", "law", "clock", "period", "keeps"),
    "guards": ("title", "sql", "ends"),
}
"""What may stand in ``[retention.NAME.reasons.NAME]`` and ``[retention.NAME.guards.NAME]``."""

_A_DAY: Final = Period(days=1)
_Part = TypeVar("_Part")


def read_clock(name: str, table: Table, languages: tuple[str, ...]) -> Clock:
    """A table ``[clocks.NAME]``."""
    where = table.needed("table", "name the table whose rows it is a moment of")
    _must_be_table(table, where)
    sql = table.needed("sql", "write the moment as an SQL expression over a row of the table")
    return Clock(name, table.words("title", languages, name), where, sql)


def read_schedule(
    name: str, table: Table, languages: tuple[str, ...], *, categories: Collection[str], clocks: Mapping[str, Clock]
) -> Schedule:
    """A table ``[retention.NAME]``."""
    where, category = table.text("table"), table.text("category")
    if table.is_table and ("table" in table.values) == ("category" in table.values):
        table.faults.add(table.path, "is about either a table or a category; say one of them.")
    if where is not None:
        _must_be_table(table, where)
    if category is not None and category not in categories:
        table.fault("category", f"there is no category {cut(category)}. {nearest(category, categories)}")
    action = table.choice("action", ACTIONS)
    table.needed("action", f"one of {', '.join(ACTIONS)}")
    if category is not None and action is not None and action != "anonymise":
        table.fault("action", "a category is anonymised; name the table to do something with its rows.")
    columns = table.names("columns")
    if columns is not None and action in ("delete", "shred"):
        table.fault("columns", "says what is emptied, but the action empties nothing; leave it out.")
    clock = _clock(table, where, clocks)
    table.needed("clock", "name a column of the table, or one of [clocks], from which the time runs")
    table.needed("period", 'say how long, as in "P2Y"')

    def reason(key: str, part: Table) -> Reason:
        title = part.words("title", languages, key)
        law = part.needed("law", "say which law wants it kept")
        part.needed("period", 'say how long, as in "P7Y"')
        period, runs = read_period(part, "period") or _A_DAY, _clock(part, where, clocks)
        return Reason(key, title, law, period, runs, part.names("keeps"))

    def guard(key: str, part: Table) -> Guard:
        sql = part.needed("sql", "write the condition in SQL, over a row of the table")
        if part.is_table and "ends" not in part.values:
            part.faults.add(part.path, "has no ends; say when it will not hold any more: nothing is kept for ever.")
        return Guard(key, part.words("title", languages, key), sql, part.words("ends", languages, None))

    reasons, guards = _parts(table, "reasons", reason), _parts(table, "guards", guard)
    meanwhile = table.choice("meanwhile", MEANWHILE)
    if meanwhile is not None and not reasons:
        table.fault("meanwhile", "is for rows that a reason keeps, and there are no reasons; leave it out.")
    return Schedule(
        name,
        table.words("title", languages, name),
        where,
        category,
        clock or "",
        read_period(table, "period") or _A_DAY,
        action or "delete",
        columns,
        meanwhile or "pseudonymise",
        table.text("clause"),
        _values(table),
        reasons,
        guards,
        _since(table, clock, clocks, languages),
    )


def read_erasure(table: Table, roles: Mapping[str, Role]) -> ErasureRules:
    """The table ``[erasure]``.

    :param roles: those that the policy defines.
    """
    names = table.names("roles", roles, "role") or ()
    if table.is_table and "roles" not in table.values:
        table.faults.add(table.path, "has no roles; name those who erase.")
    for name in names:
        if name in roles and roles[name].anonymous:
            table.fault("roles", f"{cut(name)} is anonymous: nobody would know who erased; name another.")
    return ErasureRules(frozenset(names))


def _parts(table: Table, key: str, make: Callable[[str, Table], _Part]) -> Mapping[str, _Part]:
    given = table.values.get(key)
    if given is None:
        return MappingProxyType({})
    found: dict[str, _Part] = {}
    for name, value in Table(given, (*table.path, key), table.faults).values.items():
        path = (*table.path, key, name)
        if not is_name(name):
            table.faults.add(path, 'is no name; a name is made of letters, digits, "_" and "-".')
        found[name] = make(name, Table(value, path, table.faults, SCHEDULE_PARTS[key]))
    return MappingProxyType(found)


def _clock(table: Table, where: str | None, clocks: Mapping[str, Clock]) -> str | None:
    name = table.text("clock")
    if name is not None and name in clocks and clocks[name].table != where:
        table.fault("clock", f"{cut(name)} is a moment of rows of another table.")
    return name


def _since(
    table: Table, clock: str | None, clocks: Mapping[str, Clock], languages: tuple[str, ...]
) -> Mapping[str, str]:
    since = table.words("since", languages, None)
    if since and clock in clocks:
        table.fault("since", f"says what {cut(clock or '')} is called, which has a title of its own; leave it out.")
    return since


def _values(table: Table) -> Mapping[str, object]:
    given = table.values.get("values")
    if given is None:
        return MappingProxyType({})
    read = Table(given, (*table.path, "values"), table.faults)
    for key, value in read.values.items():
        if not isinstance(value, (str, int, float, bool)):
            read.fault(key, "must be text, a number, or true or false.")
    return MappingProxyType(dict(read.values))


def _must_be_table(table: Table, name: str) -> None:
    parts = name.split(".")
    if name and not (1 <= len(parts) <= 2 and all(part and part == part.strip() for part in parts)):
        table.fault("table", f'{cut(name)} is no table; write "table" or "schema.table".')
