"""Chunks run on any executor; to another process no key is sent."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest
from sqlalchemy import Engine, select

from sa_privacy import Keyring, PolicyError
from sa_privacy.bulk import Lease, Task
from sa_privacy.crypto.cell import is_cell
from sa_privacy.jobs import prepare_worker, seal
from sa_privacy.jobs.batch import Done
from sa_privacy.jobs.worker import batch_at
from tests.jobs.far_away import make
from tests.jobs.killing import CONTEXT, start_server
from tests.jobs.world import Customer, fill, maintaining, opened, raw

COLUMNS = ["customers.email", "customers.name"]


def test_threads(engine: Engine, make_engine: Callable[..., Engine]) -> None:
    fill(engine, 100)
    before = raw(engine)
    with maintaining() as privacy, ThreadPoolExecutor(3) as pool:
        [report] = seal(engine, privacy, COLUMNS, batch=10, executor=pool, workers=3)
        assert report.tally is not None
        assert report.tally.changed == 100
        assert opened(privacy, make_engine, select(Customer.id, Customer.name, Customer.email)) == before


def test_processes(
    engine: Engine, make_engine: Callable[..., Engine], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(engine, 100)
    before = raw(engine)
    keys = Keyring.generate()
    keys.save(tmp_path / "keys.json")
    monkeypatch.setenv("TEST_KEYS", str(tmp_path / "keys.json"))
    monkeypatch.setenv("TEST_URL", engine.url.render_as_string(hide_password=False))
    start_server()
    with (
        maintaining(keys) as privacy,
        ProcessPoolExecutor(2, mp_context=CONTEXT, initializer=settled, initargs=(dict_of_environment(),)) as pool,
    ):
        [report] = seal(engine, privacy, COLUMNS, batch=10, executor=pool, workers=2)
        assert report.tally is not None
        assert report.tally.changed == 100
        assert opened(privacy, make_engine, select(Customer.id, Customer.name, Customer.email)) == before


def dict_of_environment() -> dict[str, str]:
    """A forkserver keeps the environment in which it was started."""
    import os

    return {name: os.environ[name] for name in ("TEST_KEYS", "TEST_URL")}


def settled(environment: dict[str, str]) -> None:
    """The initializer."""
    import os

    os.environ.update(environment)
    prepare_worker(make)


@pytest.mark.backends("sqlite")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")  # that is what is tried here
@pytest.mark.parametrize("method", ["forkserver", "fork"])
def test_a_worker_without_keys_is_told_so(engine: Engine, method: str) -> None:
    """A forked one, too: it has a copy of the parent's memory, but must not use its connections."""
    fill(engine, 3)
    before = raw(engine)
    start_server()
    with maintaining() as privacy, ProcessPoolExecutor(1, mp_context=get_context(method)) as pool:
        with pytest.raises(PolicyError, match="no keys") as refused:
            seal(engine, privacy, COLUMNS, executor=pool)
        assert "prepare_worker" in str(refused.value.hint)
    assert raw(engine) == before


def test_what_is_sent_holds_no_key_and_no_value() -> None:
    task = Task("job", "here", batch_at, ("seal", ("customers.email",), "hash", 20), make)
    sent = pickle.dumps((task, Lease("work", 1, 1)))
    back = pickle.dumps(Done(rows=2))
    assert len(sent) < 400
    assert len(back) < 400
    with pytest.raises(TypeError, match=r"pickle|copied"):
        pickle.dumps(Keyring.generate())


def test_a_job_that_fails_leaves_whole_batches(engine: Engine) -> None:
    fill(engine, 40)
    told: list[int] = []

    def stop(progress: object) -> None:
        told.append(1)
        if len(told) == 2:
            raise KeyboardInterrupt

    with maintaining() as privacy, pytest.raises(KeyboardInterrupt):
        seal(engine, privacy, COLUMNS, batch=10, progress=stop)
    sealed = [all(v is None or is_cell(v) for v in (name, email)) for _, name, email in raw(engine)]
    assert sealed == [True] * 20 + [False] * 20
