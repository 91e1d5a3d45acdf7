"""Fixtures of all tests: `def test_x(engine)` runs on SQLite and on PostgreSQL, without a word more.

| ask for | and get |
|---|---|
| `engine` | a sync engine on an empty database: SQLite (sqlite3) and PostgreSQL (psycopg) |
| `async_engine` | an async engine: aiosqlite, asyncpg, psycopg; the test is an `async def` |
| `make_engine` | a function that makes more sync engines on the same database, with options of `create_engine` |
| `make_async_engine` | the same for async engines |
| `database` | the database itself: its URL, its engines (`tests/support/databases.py`) |
| `backend` | `"sqlite"` or `"postgresql"` |
| `postgresql_server` | the server of this run, for tests that need roles or several databases |

A test may ask for several: they are all of one database, so tables can be made by `engine` and read by `async_engine`.
`@pytest.mark.backends("postgresql")` keeps a test to one database, where the rule tested belongs to that database.
`--one-database=even` runs each test on one of its databases only, `--one-database=odd` on another; as its name has it.
Those under `--on-both=tests/room/` run on all of them all the same.
Each process of pytest-xdist has a PostgreSQL server of its own, so roles do not collide either.
"""

from __future__ import annotations

import gc
import os
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy
from sqlalchemy import Engine
from sqlalchemy.ext.asyncio import AsyncEngine

from tests.support.chromium import find_chromium
from tests.support.databases import (
    ASYNC_DRIVERS,
    BACKENDS,
    AsyncDriver,
    Backend,
    Database,
    postgresql_database,
    sqlite_database,
)
from tests.support.draws import load_profile
from tests.support.one_database import on_other_databases
from tests.support.pooler import find_pgbouncer
from tests.support.postgres import MEMORY, Server, has_room

if has_room(MEMORY):  # tests write thousands of small files, and sync them, and none has to outlive the run
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(MEMORY))
    os.environ.setdefault("TMPDIR", str(MEMORY))  # also of the processes that they start
    tempfile.tempdir = None  # somebody may have asked before

GARBAGE = 20_000  # objects made, before the collector looks for those that only hold each other

load_profile()


def pytest_addoption(parser: pytest.Parser) -> None:
    """For CI, whose runs on several versions share the databases between them."""
    parser.addoption("--one-database", choices=["even", "odd"], help="run each test on one of its databases only")
    parser.addoption("--on-both", action="append", default=[], help="but those whose name begins so on all of them")


def pytest_configure(config: pytest.Config) -> None:
    """SQLAlchemy 2.0.25 leaves connections of cancelled tasks to the garbage collector, whichever test that then runs
    in. Newer versions close them: there a connection left open stays an error.
    """
    if sqlalchemy.__version__ == "2.0.25":
        config.addinivalue_line("filterwarnings", "ignore::ResourceWarning")


def pytest_collectstart() -> None:
    """What collecting makes is no garbage; `pytest_collection_finish` starts the collector again."""
    gc.disable()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what needs PgBouncer or Chromium where there is none, and say so at the end of the run (CI has them, or
    fails); and what runs on another database, where one is enough.
    """
    left_out = set()
    if "CI" not in os.environ and find_pgbouncer() is None:
        left_out |= {item for item in items if item.get_closest_marker("pooler")}
    if "CI" not in os.environ and find_chromium() is None:
        left_out |= {item for item in items if item.get_closest_marker("browser")}
    if chosen := config.getoption("--one-database"):
        on_both = tuple(config.getoption("--on-both"))
        shared = [item for item in items if not item.nodeid.startswith(on_both)]
        left_out |= on_other_databases(shared, int(chosen == "odd"))
    if left_out:
        config.hook.pytest_deselected(items=[item for item in items if item in left_out])
        items[:] = [item for item in items if item not in left_out]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What was not run for want of a program."""
    if "CI" not in os.environ and find_chromium() is None:
        terminalreporter.line(
            "not run, for want of Chromium: tests marked browser (apt-get install chromium)", yellow=True
        )
    if "CI" not in os.environ and find_pgbouncer() is None:
        terminalreporter.line(
            "not run, for want of PgBouncer: tests marked pooler (apt-get install pgbouncer)", yellow=True
        )


def pytest_collection_finish() -> None:
    """Nothing that collecting made goes away before the run ends: looking through it each time made the run twice as
    long. Of what tests leave, more may gather than the usual 700 objects: a mapped class alone makes as many.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(GARBAGE)
    gc.enable()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test once for each database, or async driver, it can run on."""
    if "backend" not in metafunc.fixturenames:
        return
    marker = metafunc.definition.get_closest_marker("backends")
    wanted = marker.args if marker else BACKENDS
    if unknown := set(wanted) - set(BACKENDS):
        raise pytest.UsageError(f"{metafunc.definition.nodeid}: unknown backends {sorted(unknown)}")
    if "async_driver" in metafunc.fixturenames:
        pairs = [(backend, driver) for backend, driver in ASYNC_DRIVERS if backend in wanted]
        metafunc.parametrize(("backend", "async_driver"), pairs, indirect=True, ids=[driver for _, driver in pairs])
    else:
        metafunc.parametrize("backend", list(wanted), indirect=True)


@pytest.fixture
def backend(request: pytest.FixtureRequest) -> Backend:
    """The name of the database the test runs on."""
    chosen: Backend = request.param
    return chosen


@pytest.fixture
def async_driver(request: pytest.FixtureRequest) -> AsyncDriver:
    """The name of the async driver the test runs on."""
    chosen: AsyncDriver = request.param
    return chosen


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[Server]:
    """The PostgreSQL server of this process. That it cannot start is an error, never a skip."""
    with Server() as server:
        yield server


@pytest.fixture
def database(backend: Backend, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """A fresh, empty database."""
    if backend == "sqlite":
        with sqlite_database(tmp_path) as made:
            yield made
    else:
        with postgresql_database(request.getfixturevalue("postgresql_server")) as made:
            yield made


@pytest.fixture
def make_engine(database: Database) -> Callable[..., Engine]:
    """Makes sync engines on the test's database; takes the options of `create_engine`."""
    return database.engine


@pytest.fixture
def engine(make_engine: Callable[..., Engine]) -> Engine:
    """A sync engine on the test's database."""
    return make_engine()


@pytest.fixture
async def make_async_engine(database: Database, async_driver: AsyncDriver) -> AsyncIterator[Callable[..., AsyncEngine]]:
    """Makes async engines on the test's database; takes the options of `create_async_engine`."""

    def make(**options: object) -> AsyncEngine:
        return database.async_engine(async_driver, **options)

    yield make
    await database.dispose_async()


@pytest.fixture
def async_engine(make_async_engine: Callable[..., AsyncEngine]) -> AsyncEngine:
    """An async engine on the test's database."""
    return make_async_engine()
