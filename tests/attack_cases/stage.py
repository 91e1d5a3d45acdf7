"""Sets up the world of one test: a database with canaries in it, a protected engine, an engine that nobody guards."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any, Literal

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from sa_privacy import AccessLog, Keyring, Privacy
from tests.attack_cases import world as shop
from tests.attack_cases.case import RECHECK, Case
from tests.support.databases import AsyncDriver, Database

__all__ = ["async_stage", "listed", "stage", "world_of"]

Mode = Literal["enforce", "observe"]


def listed(value: Any) -> tuple[Any, ...]:
    """`value` as a tuple: a case may say one thing or several."""
    return value if isinstance(value, tuple) else (value,)


@contextmanager
def stage(database: Database, path: Path, module: ModuleType, mode: Mode = "enforce") -> Iterator[Case]:
    """The world of one sync case."""
    with _opened(path, mode, world_of(module)) as (privacy, log):
        admin = _filled(database, privacy, module)
        engine = _connected(database.engine(), module)
        privacy.install(engine)
        case = Case(engine, admin, privacy, log, path)
        try:
            yield case
        finally:
            case.close()
            database.dispose()


@asynccontextmanager
async def async_stage(
    database: Database, driver: AsyncDriver, path: Path, module: ModuleType, mode: Mode = "enforce"
) -> AsyncIterator[Case]:
    """The world of one async case."""
    with _opened(path, mode, world_of(module)) as (privacy, log):
        admin = _filled(database, privacy, module)
        engine = database.async_engine(driver)
        _connected(engine.sync_engine, module)
        privacy.install(engine)
        case = Case(engine.sync_engine, admin, privacy, log, path, engine)
        try:
            yield case
        finally:
            await case.aclose()
            await database.dispose_async()
            database.dispose()


def world_of(module: ModuleType) -> ModuleType:
    """The models and the policy of a case: the shop's, or its own."""
    found: ModuleType = getattr(module, "world", shop)
    return found


def _connected(engine: Engine, module: ModuleType) -> Engine:
    """The engine, with what else the case's world has behind each connection."""
    connected: Callable[[Engine], Engine] = getattr(world_of(module), "connected", lambda engine: engine)
    return connected(engine)


@contextmanager
def _opened(path: Path, mode: Mode, world: ModuleType = shop) -> Iterator[tuple[Privacy, AccessLog]]:
    log = AccessLog.open(path / "log")
    keys = Keyring.generate()
    privacy = Privacy(world.POLICY, keys=keys, log=log, mode=mode, metadata=world.Base, recheck=RECHECK)
    try:
        yield privacy, log
    finally:
        privacy.close()


def _filled(database: Database, privacy: Privacy, module: ModuleType) -> Engine:
    """Makes the tables and rows, and what the case wants prepared; the engine that nobody guards."""
    world = world_of(module)
    admin = _connected(database.engine(), module)
    world.Base.metadata.create_all(admin)
    owner = _connected(database.engine(), module)
    privacy.install(owner)
    engineer = privacy.access(maintenance=True, role="engineer", actor="tests", reason="rows")
    with engineer, Session(owner) as session:
        session.add_all(world.rows())
        session.commit()
    privacy.uninstall(owner)
    with admin.begin() as connection:
        if database.backend == "postgresql":
            for table in world.Base.metadata.tables:
                connection.exec_driver_sql(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), 100)")
        for statement in listed(getattr(module, "prepare", ())):
            connection.exec_driver_sql(statement)
    return admin
