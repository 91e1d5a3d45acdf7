"""What a process left undone before it died is found by the one that goes on, though its chunks are marked as done."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine

from sa_privacy import Keyring, Privacy
from sa_privacy.bulk import CHUNKS, WORKS
from sa_privacy.jobs import batch, reseal, seal
from tests.jobs.test_lookups import COLUMN, PEOPLE
from tests.jobs.test_together import Forked
from tests.jobs.world import POLICY, maintaining

ROWS = 10


@pytest.fixture
def keys(engine: Engine, tmp_path: Path) -> Keyring:
    """Of cells that have one of two digests: a rotation is under way."""
    for table in (WORKS, CHUNKS, PEOPLE):
        table.create(engine)
    keys = Keyring.generate()
    lite = engine.dialect.name == "sqlite"
    with engine.begin() as connection:
        connection.exec_driver_sql(
            f"INSERT INTO people VALUES ({'?, ?' if lite else '%s, %s'})",
            [(n, f"p{n}@example.org" if lite else f"p{n}@example.org".encode()) for n in range(ROWS)],
        )
    with maintaining(keys, metadata=PEOPLE.metadata) as privacy:
        [sealed] = seal(engine, privacy, COLUMN)
    assert sealed.complete
    keys.rotate_lookup()
    keys.save(tmp_path / "keys.json")
    return keys


def left(engine: Engine) -> int:
    """How many cells lack the second digest."""
    with engine.connect() as connection:
        found = connection.exec_driver_sql("SELECT email FROM people").scalars()
        return sum(bytes(cell)[26:46] == bytes(20) for cell in found)


class Held(batch.Batch):
    """Somebody else holds the rows that it wants to write."""

    def _write_all(self, connection: Any, groups: Any, done: Any) -> None:
        done.lost += sum(map(len, groups.values()))


class Died(Exception):
    """Stands for a process that ends here."""


def test_rows_that_a_dead_coordinator_could_not_have(
    engine: Engine, keys: Keyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(_: object) -> None:
        raise Died

    with maintaining(keys, metadata=PEOPLE.metadata) as privacy:
        with monkeypatch.context() as patched:
            patched.setattr("sa_privacy.jobs.sealing.Batch", Held)
            with pytest.raises(Died):
                reseal(engine, privacy, COLUMN, batch=4, progress=die)
        assert left(engine) == ROWS
        [report] = reseal(engine, privacy, COLUMN, batch=4)
    assert report.complete
    assert left(engine) == 0


def make(url: str, keys: str, once: str) -> tuple[Engine, Privacy]:
    """A worker that cannot have the rows of its first chunk, and dies once it is marked as done."""
    if not Path(once).exists():
        Path(once).touch()
        setattr(batch.Batch, "_write_all", Held._write_all)  # noqa: B010
        plain = batch.Batch.carry_out
        setattr(batch.Batch, "carry_out", lambda self, lease: os._exit(bool(plain(self, lease))))  # noqa: B010
    return create_engine(url), Privacy(POLICY, keys=Keyring.load(keys), log=None, metadata=PEOPLE.metadata)


def test_rows_that_a_dead_worker_could_not_have(engine: Engine, keys: Keyring, tmp_path: Path) -> None:
    made: Callable[..., Any] = partial(
        make, engine.url.render_as_string(hide_password=False), str(tmp_path / "keys.json"), str(tmp_path / "once")
    )
    with maintaining(keys, metadata=PEOPLE.metadata) as privacy, Forked(1) as pool:
        [report] = reseal(engine, privacy, COLUMN, batch=4, executor=pool, make=made)
    assert report.complete
    assert left(engine) == 0
