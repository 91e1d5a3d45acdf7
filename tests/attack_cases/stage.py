"""Sets up the world of one test: a database with canaries in it, a protected engine, an engine that nobody guards."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from types import ModuleType
from typing import Final, Literal

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from sa_privacy import AccessLog, Keyring, Privacy
from sa_privacy.walls import Login
from tests.attack_cases import world as shop
from tests.attack_cases.case import RECHECK, Case
from tests.attack_cases.ways import listed
from tests.support.databases import AsyncDriver, Database
from tests.walls.owner import LOGIN, dropped, raised

__all__ = ["async_stage", "stage", "world_of"]

Mode = Literal["enforce", "observe"]
KEYS: Final = Keyring.generate()
_ZONE: Final = Login(LOGIN, roles=("clerk", "engineer"))


@contextmanager
def stage(
    database: Database,
    path: Path,
    module: ModuleType,
    mode: Mode = "enforce",
    *,
    walls: bool = False,
    also: Sequence[tuple[str, str]] = (),
) -> Iterator[Case]:
    """The world of one sync case; `also` are relations that the wall is told to hold nothing personal."""
    with _opened(path, mode, world_of(module)) as (privacy, log):
        admin = _filled(database, module)
        with _login(database, admin, privacy, world_of(module), walls=walls, also=also) as login:
            engine = _connected(login.engine(), module)
            privacy.install(engine, walls=walls)
            case = Case(engine, admin, privacy, log, path)
            try:
                yield case
            finally:
                case.close()
                login.dispose()
        database.dispose()


@asynccontextmanager
async def async_stage(
    database: Database,
    driver: AsyncDriver,
    path: Path,
    module: ModuleType,
    mode: Mode = "enforce",
    *,
    walls: bool = False,
) -> AsyncIterator[Case]:
    """The world of one async case."""
    with _opened(path, mode, world_of(module)) as (privacy, log):
        admin = _filled(database, module)
        with _login(database, admin, privacy, world_of(module), walls=walls) as login:
            engine = login.async_engine(driver)
            _connected(engine.sync_engine, module)
            privacy.install(engine, walls=walls)
            case = Case(engine.sync_engine, admin, privacy, log, path, engine)
            try:
                yield case
            finally:
                await case.aclose()
                await login.dispose_async()
        database.dispose()


@contextmanager
def _login(
    database: Database,
    owner: Engine,
    privacy: Privacy,
    world: ModuleType,
    *,
    walls: bool,
    also: Sequence[tuple[str, str]] = (),
) -> Iterator[Database]:
    """The database as the application logs in to it: behind a wall, with a login of its own where there are logins."""
    if not walls or database.backend != "postgresql":
        yield Database(database.backend, database.url)
        return
    raised(owner, world.POLICY, privacy.catalogue, world.Base.metadata, [_ZONE], also=also)
    try:
        yield Database(database.backend, database.url.set(username=LOGIN))
    finally:
        dropped(owner)


def world_of(module: ModuleType) -> ModuleType:
    """The models and the policy of a case: the shop's, or its own."""
    found: ModuleType = getattr(module, "world", shop)
    return found


def _connected(engine: Engine, module: ModuleType) -> Engine:
    """The engine, with what else the case's world has behind each connection."""
    connected: Callable[[Engine], Engine] = getattr(world_of(module), "connected", lambda engine: engine)
    return connected(engine)


@contextmanager
def _opened(path: Path, mode: Mode, world: ModuleType) -> Iterator[tuple[Privacy, AccessLog]]:
    log = AccessLog.open(path / "log")
    privacy = Privacy(world.POLICY, keys=KEYS, log=log, mode=mode, metadata=world.Base, recheck=RECHECK)
    try:
        yield privacy, log
    finally:
        privacy.close()


def _filled(database: Database, module: ModuleType) -> Engine:
    """Makes the tables and rows, and what the case wants prepared; the engine that nobody guards."""
    if world_of(module) is shop:
        database.fill("attack_cases", lambda empty: _fill(empty, module))
    else:
        _fill(database, module)
    admin = _connected(database.engine(), module)
    prepared = listed(getattr(module, "prepare", ()))
    if prepared:
        with admin.begin() as connection:
            for statement in prepared:
                connection.exec_driver_sql(statement)
    return admin


def _fill(database: Database, module: ModuleType) -> None:
    world = world_of(module)
    owner = _connected(database.engine(), module)
    privacy = Privacy(world.POLICY, keys=KEYS, log=None, metadata=world.Base)
    world.Base.metadata.create_all(owner)
    privacy.install(owner)
    engineer = privacy.access(maintenance=True, role="engineer", actor="tests", reason="rows")
    with engineer, Session(owner) as session:
        session.add_all(world.rows())
        session.commit()
    privacy.close()
    if database.backend == "postgresql":
        with owner.begin() as connection:
            for table in world.Base.metadata.tables:
                if connection.exec_driver_sql(f"SELECT pg_get_serial_sequence('{table}', 'id')").scalar():
                    connection.exec_driver_sql(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), 100)")
