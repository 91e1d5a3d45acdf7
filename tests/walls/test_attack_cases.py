"""The attack cases again, behind a wall: what must work still works, and raw cursors bring nothing back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from sqlalchemy import create_engine
from sqlalchemy.exc import DBAPIError

from sa_privacy import PrivacyError
from sa_privacy.walls import Login
from tests.attack_cases.case import Case, frozen, held
from tests.attack_cases.stage import _filled, _opened, listed, world_of
from tests.attack_cases.test_cases import ALLOWED, DENIED, _expect, _sync_cases, _works, place
from tests.attack_cases.world import COLUMNS
from tests.support.databases import Database
from tests.walls import owner
from tests.walls.owner import LOGIN

__all__ = ["place"]

ZONE = Login(LOGIN, roles=("clerk", "engineer"))
# The application's login owns nothing and is no superuser, so it makes no tables and writes no files on the server.
OF_THE_OWNER = {
    "postgresql": {"create_and_drop_tables", "changes_of_the_schema", "copy_of_a_plain_table"},
    "sqlite": {"changes_of_the_schema"},  # ALTER TABLE of a table with personal columns is maintenance
}
# A search table of SQLite's is a copy, made by the owner, that no model knows; the gate refuses it.
COPIES = {"sqlite_search_table"}
# Nothing tells a wall that a view without a model holds nothing personal, so the owner says it.
ALSO = {"view_over_plain_columns": [("public", "shelf")]}


@contextmanager
def walled_stage(database: Database, path: Path, module: ModuleType) -> Iterator[Case]:
    """The world of one case, behind its wall."""
    world = world_of(module)
    with _opened(path, "enforce", world) as (privacy, log):
        admin = _filled(database, privacy, module)
        url = database.url
        if database.backend == "postgresql":
            also = ALSO.get(_name(module), ())
            owner.raised(admin, world.POLICY, privacy.catalogue, world.Base.metadata, [ZONE], also=also)
            url = url.set(username=LOGIN)
        engine = create_engine(url)
        privacy.install(engine, walls=True)
        case = Case(engine, admin, privacy, log, path)
        try:
            yield case
        finally:
            case.close()
            engine.dispose()
            if database.backend == "postgresql":
                owner.dropped(admin)
            database.dispose()


def _name(module: ModuleType) -> str:
    return module.__name__.rpartition(".")[2]


WORKS = [case for case in _sync_cases(ALLOWED) if _name(case.values[0]) not in OF_THE_OWNER[case.values[1]]]
RAW = _sync_cases([module for module in DENIED if hasattr(module, "sql") and _name(module) not in COPIES])


@pytest.mark.parametrize(("module", "on"), WORKS)
def test_what_is_allowed_works_behind_a_wall(module: ModuleType, place: Database, tmp_path: Path) -> None:
    with walled_stage(place, tmp_path, module) as case:
        for purpose in getattr(module, "purposes", (None,)):
            for work in _works(module):
                if purpose is None:
                    _expect(module, case, work(case))
                else:
                    with case.access(purpose):
                        _expect(module, case, work(case))
                case.close()


@pytest.mark.parametrize(("module", "on"), RAW)
def test_a_raw_cursor_gets_nothing_from_an_attack(module: ModuleType, place: Database, tmp_path: Path) -> None:
    """The gate is out of sight here: whatever is refused, the wall refuses."""
    with walled_stage(place, tmp_path, module) as case:
        for sql in listed(module.sql):
            for purpose in (None, "shipping"):
                loot = _raw(case, sql, purpose)
                assert not held(loot, sorted(frozenset(COLUMNS) - case.covered(purpose))), loot


def _raw(case: Case, sql: str, purpose: str | None) -> Any:
    def run() -> Any:
        try:
            with closing(case.engine.raw_connection()) as connection:
                cursor = connection.cursor()
                cursor.execute(sql)
                return frozen(cursor.fetchall() if cursor.description else None)
        except case.engine.dialect.loaded_dbapi.Error as refusal:
            return frozen(DBAPIError("", None, refusal))
        except PrivacyError as refusal:  # of the first connection: SQLAlchemy asks for the server's version
            return refusal

    if purpose is None:
        return run()
    with case.access(purpose):
        return run()
