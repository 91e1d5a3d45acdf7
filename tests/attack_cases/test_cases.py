"""Runs every file of `denied/`, `beyond/` and `allowed/`; `case.py` says what such a file holds."""

from __future__ import annotations

import inspect
import zlib
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from sqlalchemy.util import greenlet_spawn

from sa_privacy import AccessDenied, PrivacyError
from tests.attack_cases.case import Case, cells, frozen, held, personal, spread, strings
from tests.attack_cases.matrix import ALLOWED, BEYOND, DENIED, backends_of, runs_async
from tests.attack_cases.stage import async_stage, stage
from tests.attack_cases.ways import End, Way, end_of, listed, ways_of
from tests.attack_cases.world import COLUMNS
from tests.support.databases import ASYNC_DRIVERS, AsyncDriver, Backend, Database, postgresql_database, sqlite_database
from tests.support.draws import FEWER

Purpose = str | tuple[str, ...] | None
#: What the databases say where a wall stands.
PROHIBITED = ("prohibited", "not authorized", "permission denied")


def _is_async(module: ModuleType) -> bool:
    return inspect.iscoroutinefunction(getattr(module, "attack", getattr(module, "work", None)))


def _sync_cases(modules: list[ModuleType], *, everywhere: bool = True) -> list[Any]:
    return [
        pytest.param(module, backend, id=f"{module.__name__.rpartition('.')[2]}-{backend}")
        for module in modules
        if not _is_async(module) and not (hasattr(module, "paths") and all(w.is_async for w in ways_of(module)))
        for backend in (backends_of(module) if everywhere else backends_of(module)[:1])
    ]


def _async_cases(modules: list[ModuleType]) -> list[Any]:
    """The async cases on every driver, and others on one driver of each database; in CI of one, as the name has it."""
    return [
        pytest.param(module, backend, driver, id=f"{module.__name__.rpartition('.')[2]}-{driver}")
        for module in modules
        for backend, driver in (ASYNC_DRIVERS if _is_async(module) else _drivers_for(module))
        if backend in backends_of(module)
    ]


def _drivers_for(module: ModuleType) -> list[tuple[Backend, AsyncDriver]]:
    drivers = [pair for pair in ASYNC_DRIVERS if pair[1] != "psycopg" and pair[0] in backends_of(module)]
    return [drivers[zlib.crc32(module.__name__.encode()) % len(drivers)]] if FEWER else drivers


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
        check = Check(module, case)
        for way, purpose in _rounds(module):
            if not way.is_async:
                check.ended(way, purpose, [check.ran(_tried(one, case, purpose), purpose) for one in way.attacks])
        for way in _covered(module):
            if not way.is_async:
                check.brought(way, _tried(way.attacks[0], case, "everything"))


@pytest.mark.parametrize(("module", "on", "driver"), _async_cases([module for module in DENIED if runs_async(module)]))
async def test_denied_async(module: ModuleType, place: Database, driver: AsyncDriver, tmp_path: Path) -> None:
    async with async_stage(place, driver, tmp_path, module) as case:
        check = Check(module, case)
        for way, purpose in _rounds(module):
            ends = [check.ran(await _tried_async(one, case, purpose), purpose) for one in way.attacks]
            check.ended(way, purpose, ends)
        for way in _covered(module):
            check.brought(way, await _tried_async(way.attacks[0], case, "everything"))


def _rounds(module: ModuleType) -> Iterator[tuple[Way, str | None]]:
    for way in ways_of(module):
        for purpose in getattr(module, "purposes", (None, "shipping")):
            yield way, purpose


def _covered(module: ModuleType) -> list[Way]:
    """The ways that are also gone for the purpose that covers everything."""
    return ways_of(module) if hasattr(module, "paths") and not hasattr(module, "purposes") else []


@pytest.mark.parametrize(
    ("module", "on"), _sync_cases([m for m in DENIED if not hasattr(m, "hollow")], everywhere=False)
)
def test_without_the_gate_the_attack_succeeds(module: ModuleType, place: Database, tmp_path: Path) -> None:
    """An attack that fails by itself shows nothing."""
    with stage(place, tmp_path, module, mode="observe") as case:
        before = case.contents()
        for way in ways_of(module):
            for attack in () if way.is_async else way.attacks[:: 2 if hasattr(module, "sql") else 1]:
                loot = _tried(attack, case, None)
                case.close()
                after = case.contents()
                assert not isinstance(loot, PrivacyError), f"{way.path}: {loot}"
                if not way.learns:
                    changed = personal(after) != personal(before) or spread(before, after)
                    assert changed or held(loot, COLUMNS), f"{way.path}: brought back {loot!r}"


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
    if not inspect.iscoroutinefunction(attack):
        return await greenlet_spawn(_tried, attack, case, purpose)
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

    def __init__(self, module: ModuleType, case: Case) -> None:
        self.module = module
        self.case = case
        self.before = case.contents()
        self.cells = cells(self.before)
        self.events = 0

    def ran(self, loot: Any, purpose: Purpose) -> set[End]:
        """The attack came back with `loot`: all of it is searched, and so is what it left behind. How it ended."""
        secret = sorted(frozenset(COLUMNS) - self.case.covered(purpose))
        leaked = held(loot, secret)
        assert not leaked, f"got hold of {', '.join(leaked)}: {loot!r}"
        assert not self.case.slipped, self.case.slipped
        after = self.case.contents()
        assert personal(after) == personal(self.before), "personal columns were changed"
        assert not spread(self.before, after), f"personal data now stands in {spread(self.before, after)}"
        assert not self.case.log_holds(COLUMNS), "the access log holds personal data"
        if isinstance(loot, AccessDenied):
            denied = sum(1 for event in self.case.log.events() if event.decision == "denied")
            assert denied > self.events, "the refusal is not in the access log"
            self.events = denied
        attempts, self.case.attempts = self.case.attempts or [loot], []
        return {end_of(one, strings(one), self.cells) for one in attempts}

    def ended(self, way: Way, purpose: Purpose, ends: list[set[End]]) -> None:
        """All attacks of a way were made: they ended as it says."""
        seen = set[End]().union(*ends)
        assert seen == set(way.ends), f"{way.path}, under {purpose}, is classified as {way.ends}, and ended {seen}"

    def brought(self, way: Way, loot: Any) -> None:
        """The same under a purpose that covers everything."""
        attempts, self.case.attempts = self.case.attempts or [loot], []
        self.case.slipped.clear()
        refused = [one for one in attempts if isinstance(one, PrivacyError)]
        if way.always:
            assert len(refused) == len(attempts), f"{way.path}: {loot!r}"
        else:
            assert not refused, f"{way.path} is refused where it is covered: {refused}"
            assert way.learns or held(loot, COLUMNS), f"{way.path} brings nothing where it is covered: {loot!r}"


# -- beyond -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("walls", [False, True], ids=["gate", "wall"])
@pytest.mark.parametrize(("module", "on"), _sync_cases(BEYOND))
def test_beyond(module: ModuleType, walls: bool, place: Database, tmp_path: Path) -> None:
    with stage(place, tmp_path, module, walls=walls) as case:
        for way in ways_of(module):
            _past(way, case, _brought_back(way, case), walls=walls)


@pytest.mark.parametrize("walls", [False, True], ids=["gate", "wall"])
@pytest.mark.parametrize(("module", "on", "driver"), _async_cases(BEYOND))
async def test_beyond_async(
    module: ModuleType, walls: bool, place: Database, driver: AsyncDriver, tmp_path: Path
) -> None:
    async with async_stage(place, driver, tmp_path, module, walls=walls) as case:
        for way in ways_of(module):
            loot = await greenlet_spawn(_brought_back, way, case)
            _past(way, case, loot, walls=walls)


def _brought_back(way: Way, case: Case) -> Any:
    try:
        return _tried(way.attacks[0], case, None)
    except Exception as error:  # noqa: BLE001 - what the driver raises is looked at
        return error


def _past(way: Way, case: Case, loot: Any, *, walls: bool) -> None:
    """The gate has nothing to say of it; the wall has, where the way says so."""
    assert not any(event.decision == "denied" for event in case.log.events()), "the gate saw it"
    if "sealed" in way.ends:
        kept = cells(case.contents())
        assert {end_of(one, strings(one), kept) for one in case.attempts} == {"sealed"}, loot
        assert not held(loot, COLUMNS), loot
        case.attempts.clear()
    elif walls and "wall" in way.ends:
        assert isinstance(loot, Exception), f"{way.path}: the wall let it through: {loot!r}"
        assert any(word in str(loot) for word in PROHIBITED), loot
        assert not held(loot, COLUMNS), loot
    else:
        assert held(loot, ["customers.email"]), f"{way.path} is not past the gate: {loot!r}"


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


@pytest.mark.parametrize(
    ("module", "on", "driver"), _async_cases([m for m in ALLOWED if _is_async(m) or hasattr(m, "sql")])
)
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
    for sql in listed(getattr(module, "sql", ())):
        yield partial(Case.rows, sql=sql)
        yield partial(Case.driver_rows, sql=sql)


def _expect(module: ModuleType, case: Case, got: Any) -> None:
    expected = module.expect(case) if callable(module.expect) else module.expect
    assert got == expected


# -- the cases themselves -----------------------------------------------------------------------------------------


def test_every_case_says_in_one_line_what_it_tries() -> None:
    for module in (*DENIED, *BEYOND, *ALLOWED):
        assert (module.__doc__ or "").strip().endswith((".", "?")), module.__name__
        assert len((module.__doc__ or "").strip().splitlines()) == 1, module.__name__


def test_at_least_a_third_of_the_cases_must_work() -> None:
    assert len(ALLOWED) * 3 >= len(DENIED) + len(BEYOND) + len(ALLOWED) >= 120
