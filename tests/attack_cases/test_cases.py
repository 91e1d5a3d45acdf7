"""Runs every file of `denied/`, `allowed/` and `open/`; `case.py` says what such a file holds."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from sqlalchemy.exc import DBAPIError
from sqlalchemy.util import greenlet_spawn

from sa_privacy import AccessDenied, PrivacyError
from tests.attack_cases.case import Case, discover, frozen, held, personal, spread
from tests.attack_cases.stage import async_stage, listed, stage
from tests.attack_cases.world import COLUMNS
from tests.support.databases import (
    ASYNC_DRIVERS,
    BACKENDS,
    AsyncDriver,
    Backend,
    Database,
    postgresql_database,
    sqlite_database,
)

Purpose = str | tuple[str, ...] | None
DENIED = discover("denied")
ALLOWED = discover("allowed")
OPEN = discover("open")


def _backends(module: ModuleType) -> tuple[Backend, ...]:
    return getattr(module, "backends", BACKENDS)


def _is_async(module: ModuleType) -> bool:
    return inspect.iscoroutinefunction(getattr(module, "attack", getattr(module, "work", None)))


def _sync_cases(modules: list[ModuleType], *, everywhere: bool = True) -> list[Any]:
    return [
        pytest.param(module, backend, id=f"{module.__name__.rpartition('.')[2]}-{backend}")
        for module in modules
        if not _is_async(module)
        for backend in (_backends(module) if everywhere else _backends(module)[:1])
    ]


def _async_cases(modules: list[ModuleType]) -> list[Any]:
    """The async cases on every driver, and the SQL ones on one driver of each database."""
    return [
        pytest.param(module, backend, driver, id=f"{module.__name__.rpartition('.')[2]}-{driver}")
        for module in modules
        for backend, driver in ASYNC_DRIVERS
        if backend in _backends(module) and (_is_async(module) or (hasattr(module, "sql") and driver != "psycopg"))
    ]


@pytest.fixture
def place(request: pytest.FixtureRequest, on: Backend, tmp_path: Path) -> Iterator[Database]:
    """A fresh database of the kind that the parameter `on` says."""
    if on == "sqlite":
        with sqlite_database(tmp_path) as database:
            yield database
    else:
        with postgresql_database(request.getfixturevalue("postgresql_server")) as database:
            yield database


# -- denied -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("module", "on"), _sync_cases(DENIED))
def test_denied(module: ModuleType, place: Database, tmp_path: Path) -> None:
    with stage(place, tmp_path, module) as case:
        for purpose in getattr(module, "purposes", (None, "shipping")):
            for attack in _attacks(module):
                check = Check(module, case, purpose)
                check.ran(_tried(attack, case, purpose))


@pytest.mark.parametrize(("module", "on", "driver"), _async_cases(DENIED))
async def test_denied_async(module: ModuleType, place: Database, driver: AsyncDriver, tmp_path: Path) -> None:
    async with async_stage(place, driver, tmp_path, module) as case:
        for purpose in getattr(module, "purposes", (None, "shipping")):
            for attack in _attacks(module):
                check = Check(module, case, purpose)
                if _is_async(module):
                    check.ran(await _tried_async(attack, case, purpose))
                else:
                    check.ran(await greenlet_spawn(_tried, attack, case, purpose))


@pytest.mark.parametrize(
    ("module", "on"), _sync_cases([m for m in DENIED if not hasattr(m, "hollow")], everywhere=False)
)
def test_without_the_gate_the_attack_succeeds(module: ModuleType, place: Database, tmp_path: Path) -> None:
    """An attack that fails by itself shows nothing."""
    with stage(place, tmp_path, module, mode="observe") as case:
        before = case.contents()
        for attack in _attacks(module, ways=1):
            loot = _tried(attack, case, None)
            case.close()
            after = case.contents()
            assert not isinstance(loot, PrivacyError), loot
            if not getattr(module, "refused", False):
                changed = personal(after) != personal(before) or spread(before, after)
                assert changed or held(loot, COLUMNS), f"brought back {loot!r}"


def _attacks(module: ModuleType, ways: int = 2) -> Iterator[Callable[[Case], Any]]:
    if hasattr(module, "attack"):
        yield module.attack
    yield from _of_sql(module, ways)


def _of_sql(module: ModuleType, ways: int) -> Iterator[Callable[[Case], Any]]:
    """Each statement as a text, and again as driver SQL."""
    for sql in listed(getattr(module, "sql", ())):
        yield from [lambda case, sql=sql: case.rows(sql), lambda case, sql=sql: case.driver_rows(sql)][:ways]


def _tried(attack: Callable[[Case], Any], case: Case, purpose: Purpose) -> Any:
    """What the attack brings back: a refusal, or loot."""
    try:
        if purpose is None:
            return frozen(attack(case))
        with case.access(purpose):
            return frozen(attack(case))
    except PrivacyError as refusal:
        return refusal
    finally:
        case.close()


async def _tried_async(attack: Callable[[Case], Any], case: Case, purpose: Purpose) -> Any:
    try:
        if purpose is None:
            return frozen(await attack(case))
        with case.access(purpose):
            return frozen(await attack(case))
    except PrivacyError as refusal:
        return refusal
    finally:
        await case.aclose()


class Check:
    """Looks at a denied case before and after."""

    def __init__(self, module: ModuleType, case: Case, purpose: Purpose) -> None:
        self.module = module
        self.case = case
        self.secret = sorted(frozenset(COLUMNS) - case.covered(purpose))
        self.before = case.contents()
        self.events = sum(1 for event in case.log.events() if event.decision == "denied")

    def ran(self, loot: Any) -> None:
        """The attack came back with `loot`: all of it is searched, and so is what it left behind."""
        refused = isinstance(loot, PrivacyError)
        leaked = held(loot, self.secret)
        assert not leaked, f"got hold of {', '.join(leaked)}: {loot!r}"
        assert not self.case.slipped, self.case.slipped
        assert refused or not getattr(self.module, "refused", False), f"was not refused, and brought back {loot!r}"
        after = self.case.contents()
        assert personal(after) == personal(self.before), "personal columns were changed"
        assert not spread(self.before, after), f"personal data now stands in {spread(self.before, after)}"
        assert not self.case.log_holds(COLUMNS), "the access log holds personal data"
        if isinstance(loot, AccessDenied):
            denied = sum(1 for event in self.case.log.events() if event.decision == "denied")
            assert denied > self.events, "the refusal is not in the access log"


@pytest.mark.parametrize(("module", "on"), _sync_cases(OPEN))
def test_what_is_known_to_be_open_still_is(module: ModuleType, place: Database, tmp_path: Path) -> None:
    """Once the way round is closed this fails, and the file moves to `denied/`."""
    with stage(place, tmp_path, module) as case, pytest.raises((AssertionError, DBAPIError)):  # noqa: PT012 - all of it
        for purpose in getattr(module, "purposes", (None, "shipping")):
            for attack in _attacks(module):
                Check(module, case, purpose).ran(_tried(attack, case, purpose))


# -- allowed ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("module", "on"), _sync_cases(ALLOWED))
def test_allowed(module: ModuleType, place: Database, tmp_path: Path) -> None:
    with stage(place, tmp_path, module) as case:
        for purpose in getattr(module, "purposes", (None,)):
            for work in _works(module):
                if purpose is None:
                    _expect(module, case, work(case))
                else:
                    with case.access(purpose):
                        _expect(module, case, work(case))
                case.close()


@pytest.mark.parametrize(("module", "on", "driver"), _async_cases(ALLOWED))
async def test_allowed_async(module: ModuleType, place: Database, driver: AsyncDriver, tmp_path: Path) -> None:
    async with async_stage(place, driver, tmp_path, module) as case:
        for purpose in getattr(module, "purposes", (None,)):
            for work in _works(module):
                run = work if _is_async(module) else lambda case, work=work: greenlet_spawn(work, case)
                if purpose is None:
                    _expect(module, case, await run(case))
                else:
                    with case.access(purpose):
                        _expect(module, case, await run(case))
                await case.aclose()


def _works(module: ModuleType) -> Iterator[Callable[[Case], Any]]:
    if hasattr(module, "work"):
        yield module.work
    yield from _of_sql(module, 2)


def _expect(module: ModuleType, case: Case, got: Any) -> None:
    expected = module.expect(case) if callable(module.expect) else module.expect
    assert got == expected


# -- the cases themselves -----------------------------------------------------------------------------------------


def test_every_case_says_in_one_line_what_it_tries() -> None:
    for module in (*DENIED, *ALLOWED, *OPEN):
        assert (module.__doc__ or "").strip().endswith((".", "?")), module.__name__
        assert len((module.__doc__ or "").strip().splitlines()) == 1, module.__name__


def test_at_least_a_third_of_the_cases_must_work() -> None:
    assert len(ALLOWED) * 3 >= len(DENIED) + len(ALLOWED) + len(OPEN) >= 80
