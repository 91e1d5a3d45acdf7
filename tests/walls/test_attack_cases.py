"""The attack cases again, behind a wall: what must work still works, and raw cursors bring nothing back."""

from __future__ import annotations

from contextlib import AbstractContextManager, closing
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from sqlalchemy.exc import DBAPIError

from sa_privacy import PrivacyError
from tests.attack_cases.case import Case, frozen, held
from tests.attack_cases.matrix import ALLOWED, DENIED
from tests.attack_cases.stage import stage
from tests.attack_cases.test_cases import _expect, _sync_cases, _works, place
from tests.attack_cases.ways import listed
from tests.attack_cases.world import COLUMNS
from tests.support.databases import Database

__all__ = ["place"]

# The application's login owns nothing and is no superuser, so it makes no tables and writes no files on the server.
OF_THE_OWNER = {
    "postgresql": {"create_and_drop_tables", "changes_of_the_schema", "copy_of_a_plain_table"},
    "sqlite": {"changes_of_the_schema"},  # ALTER TABLE of a table with personal columns is maintenance
}
# On SQLite, copies that the owner made and no model knows are not walled; the gate refuses them.
COPIES = {"sqlite_search_table", "foreign_key_carries_a_personal_key"}
# Nothing tells a wall that a relation without a model holds nothing personal, so the owner says it.
ALSO = {"view_over_plain_columns": [("public", "shelf")], "foreign_key_to_a_plain_column": [("public", "visits")]}


def walled_stage(database: Database, path: Path, module: ModuleType) -> AbstractContextManager[Case]:
    """The world of one case, behind its wall."""
    return stage(database, path, module, walls=True, also=ALSO.get(_name(module), ()))


def _name(module: ModuleType) -> str:
    return module.__name__.rpartition(".")[2]


WORKS = [case for case in _sync_cases(ALLOWED) if _name(case.values[0]) not in OF_THE_OWNER[case.values[1]]]
RAW = [
    case
    for case in _sync_cases([module for module in DENIED if hasattr(module, "sql")])
    if case.values[1] != "sqlite" or _name(case.values[0]) not in COPIES
]


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
