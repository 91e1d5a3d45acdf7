"""People are looked through by several processes, one of which is killed; what they tell of it names nobody."""

from __future__ import annotations

import os
import pickle
import signal
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine, func, select
from sqlalchemy.orm import Session

from sa_privacy import AccessLog, Keyring, NoAccess, Privacy
from sa_privacy.bulk import CHUNKS, WORKS
from sa_privacy.customers.erasure import replay as replaying
from sa_privacy.customers.erasure.looking import Found, Refused
from tests.customers.destruction import world
from tests.customers.erasure.test_ledger import erase, officer
from tests.customers.retention.test_together import Forked
from tests.support.databases import Database

GONE = (1, 12, 33)


@pytest.fixture
def made(database: Database, engine: Engine, tmp_path: Path) -> Any:
    world.KEYS.save(tmp_path / "keys.json")
    database.fill("many people", fill)
    with world.protected(engine, erasures=AccessLog.open(tmp_path / "erasures")) as privacy:
        for key in GONE:
            erase(privacy, engine, key)
        engine.dispose()
        database.fill("many people", fill)  # as a restored backup has them
        yield privacy


def fill(database: Database) -> None:
    """Forty people more."""
    world._fill(database)
    people = [
        world.Person(id=key, shop_id=1, name=f"P{key}", email=f"p{key}@example.com", handle=f"p{key}")
        for key in range(10, 50)
    ]
    engine = database.engine()
    with world.protected(engine) as privacy, world.maintenance(privacy), Session(engine) as session:
        session.add_all(people)
        session.commit()
    engine.dispose()


def make(url: str, place: str, acts: bool) -> tuple[Any, ...]:
    """What a worker works with."""
    engine = create_engine(url)
    Path(place, "pids", str(os.getpid())).touch()
    privacy = Privacy(
        world.POLICY,
        keys=Keyring.load(Path(place, "keys.json")),
        log=None,
        metadata=world.Base,
        erasures=AccessLog.open(Path(place, "erasures")),
    )
    privacy.install(engine)
    return (engine, privacy, partial(officer, privacy)) if acts else (engine, privacy)


@pytest.fixture
def maker(database: Database, tmp_path: Path) -> Callable[..., Any]:
    (tmp_path / "pids").mkdir()
    return partial(make, database.url.render_as_string(hide_password=False), str(tmp_path))


def left(privacy: Privacy, engine: Engine) -> tuple[set[int], list[int | None]]:
    """The keys of those who should be gone, and how much work is left in the tables."""
    with world.maintenance(privacy), engine.connect() as connection:
        there = set(connection.scalars(select(world.Person.id).where(world.Person.id.in_(GONE))))
        return there, [connection.scalar(select(func.count()).select_from(table)) for table in (WORKS, CHUNKS)]


def test_threads(made: Privacy, engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replaying, "_AT_ONCE", 5)
    with officer(made), ThreadPoolExecutor(3) as pool:
        report = made.erasure.replay(engine, executor=pool, workers=3)
        assert (report.found, report.erased, report.refused) == (3, 3, ())
        assert made.erasure.replay(engine).entries == 0
    assert left(made, engine) == (set(), [0, 0])


def test_processes_that_are_killed(
    made: Privacy, engine: Engine, tmp_path: Path, maker: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replaying, "_AT_ONCE", 5)
    kills = list[int]()

    def kill_one(*_: object) -> None:
        if not kills:
            kills.append(int(next((tmp_path / "pids").iterdir()).name))
            os.kill(kills[0], signal.SIGKILL)

    with officer(made), Forked(2) as pool:
        report = made.erasure.replay(engine, executor=pool, workers=2, make=partial(maker, True), progress=kill_one)
        assert report.refused == ()
        assert made.erasure.replay(engine).entries == 0
    assert kills
    assert left(made, engine) == (set(), [0, 0])


def test_somebody_has_to_act_in_a_worker(made: Privacy, engine: Engine, maker: Callable[..., Any]) -> None:
    with officer(made), Forked(1) as pool, pytest.raises(NoAccess, match="nobody acts"):
        made.erasure.replay(engine, executor=pool, make=partial(maker, False))
    assert left(made, engine)[0] == set(GONE)


def test_what_is_told_names_nobody() -> None:
    told = pickle.dumps(Found(5, {"record": ("record",)}, {"record": Refused("record", "person", "why")}))
    assert len(told) < 400
