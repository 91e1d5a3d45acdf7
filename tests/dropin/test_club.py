"""An ordinary application with its own tests: as it is, observed, and protected from outside."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from sa_privacy import AccessLog
from tests.dropin.figures import TESTS
from tests.dropin.running import Mode, run
from tests.support.databases import Database

#: Of the application's tests, those that fail once the policy is enforced: what was refused, and where.
REFUSED: Final = {
    # Desks that nobody gave a purpose, or one that does not cover what they use.
    "test_sorted_by_birthday": ("GET /admin/members", "match members.birthday"),
    "test_birth_years": (None, "read members.birthday"),
    "test_export": (None, "read members.first_name"),
    # A migration that was not said to be one; and tests that look into the database themselves.
    "test_migration_of_addresses": (None, "write members.email"),
    "test_migration_of_nicknames": (None, "read members.birthday"),
    "test_sign_up_stores_a_hash": (None, "read members.password_hash"),
}
#: And those that pass because something was refused.
STILL_REFUSED: Final = {("GET /admin/members", "enter SP-203")}


def failed(mode: Mode, database: Database, directory: Path, *names: str) -> set[str]:
    results = run(mode, database.url, directory, *names)
    assert len(results) == TESTS or names
    return {name for name, reason in results.items() if reason is not None}


def refused(directory: Path, decision: str) -> Iterator[tuple[str | None, list[str]]]:
    log = AccessLog.open(directory / "access-log")
    try:
        assert log.verify().ok
        for event in log.events():
            if getattr(event, "decision", None) == decision:
                yield event.route, event.denials
    finally:
        log.close()


def cells_opened(directory: Path) -> set[str]:
    """The sealed columns that were read."""
    log = AccessLog.open(directory / "access-log")
    try:
        return {column for event in log.events() if isinstance(event.cells, dict) for column in event.cells}
    finally:
        log.close()


@pytest.mark.backends("sqlite")
def test_unprotected_it_works(database: Database, tmp_path: Path) -> None:
    """Before the others: a column that a policy has sealed stays so in the models of a process."""
    assert failed("unprotected", database, tmp_path) == set()


@pytest.mark.backends("postgresql")
def test_observed_it_works(database: Database, tmp_path: Path) -> None:
    assert failed("observe", database, tmp_path, "test_managers.py", "test_jobs.py") == set()
    would_be = [(route, denial) for route, denials in refused(tmp_path, "would_deny") for denial in denials]
    assert set(would_be) >= {*REFUSED.values()} - {REFUSED["test_sign_up_stores_a_hash"]} | STILL_REFUSED


def test_protected_what_the_policy_does_not_cover_fails(database: Database, tmp_path: Path) -> None:
    assert failed("enforce", database, tmp_path) == set(REFUSED)
    found = list(refused(tmp_path, "denied"))
    assert cells_opened(tmp_path) == {"members.phone"}
    assert len(found) == len(REFUSED) + len(STILL_REFUSED)
    for route, denial in {*REFUSED.values()} | STILL_REFUSED:
        assert any(route == one and denial in denials for one, denials in found), (route, denial)
