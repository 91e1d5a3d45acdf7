"""Two runs with `--one-database`, even and odd, are together what one without it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tests.support.one_database import on_other_databases


@dataclass(eq=False)
class Params:
    params: dict[str, Any]


@dataclass(eq=False)
class Item:
    nodeid: str
    callspec: Params


def item(nodeid: str, **params: Any) -> Any:
    return Item(nodeid, Params(params))


SYNC = [item(f"a.py::test_{number}[{db}-x]", backend=db) for number in range(50) for db in ("sqlite", "postgresql")]
ASYNC = [
    item(f"a.py::test_async_{number}[{driver}]", backend=db, async_driver=driver)
    for number in range(50)
    for db, driver in (("sqlite", "aiosqlite"), ("postgresql", "asyncpg"), ("postgresql", "psycopg"))
]
CASES = [item(f"b.py::test_case[sqlite_way-{on}]", on=on) for on in ("sqlite", "postgresql")]
ONCE = [
    item("a.py::test_plain"),
    item("a.py::test_of_one[postgresql]", backend="postgresql"),
    item("a.py::test_words[sqlite]", word="sqlite"),
    item("a.py::test_words[postgresql]", word="postgresql"),
]
ALL = SYNC + ASYNC + CASES + ONCE


def test_each_run_is_on_just_one_side_and_what_has_one_database_on_both() -> None:
    even, odd = (on_other_databases(ALL, offset) for offset in (0, 1))
    assert not even & odd
    assert even | odd == set(SYNC + ASYNC + CASES)


def test_a_test_keeps_one_database_with_all_its_drivers() -> None:
    left_out = on_other_databases(ASYNC, 0)
    for number in range(50):
        drivers = {one.nodeid.split("[")[1][:-1] for one in set(ASYNC) - left_out if f"_{number}[" in one.nodeid}
        assert drivers in ({"aiosqlite"}, {"asyncpg", "psycopg"})


def test_neither_database_gets_all() -> None:
    kept = set(SYNC) - on_other_databases(SYNC, 0)
    assert 10 < sum("sqlite" in one.nodeid for one in kept) < 40
