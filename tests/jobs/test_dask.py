"""A real Dask cluster: a worker is killed in the middle, another goes on, a third joins."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import pytest
from distributed import Client
from sqlalchemy import Engine

import sa_privacy
from sa_privacy import AccessLog, Keyring
from sa_privacy.bulk import CHUNKS, WORKS
from sa_privacy.jobs import seal
from tests.jobs.far_away import make_slow
from tests.jobs.test_together import COLUMNS, must_be_sealed, must_be_told_of
from tests.jobs.world import fill, maintaining, raw

ROWS = 600
SOURCES = Path(sa_privacy.__file__).parents[1]


class Cluster:
    """A scheduler, and as many workers as are asked for: each a process, as on a machine of its own."""

    def __init__(self, directory: Path, stack: ExitStack) -> None:
        self._directory, self._stack = directory, stack
        self.file = directory / "scheduler.json"
        self._run("scheduler", "--port", "0", "--scheduler-file", str(self.file))

    def _run(self, what: str, *options: str) -> subprocess.Popen[bytes]:
        places = os.pathsep.join([str(SOURCES), str(Path(__file__).parents[2])])
        said = (self._directory / f"{what}-{time.monotonic_ns()}.txt").open("wb")
        process = subprocess.Popen(
            [sys.executable, "-m", f"distributed.cli.dask_{what}", "--host", "127.0.0.1", "--no-dashboard", *options],
            env=os.environ | {"PYTHONPATH": places, "DASK_DISTRIBUTED__ADMIN__EVENT_LOOP": "asyncio"},
            cwd=self._directory,
            stdout=said,
            stderr=subprocess.STDOUT,
        )
        self._stack.callback(said.close)
        self._stack.callback(process.wait)
        self._stack.callback(process.kill)
        return process

    def add_worker(self) -> subprocess.Popen[bytes]:
        return self._run("worker", "--nthreads", "1", "--no-nanny", "--scheduler-file", str(self.file))

    def address(self) -> str:
        deadline = time.monotonic() + 60
        while not self.file.exists() and time.monotonic() < deadline:
            time.sleep(0.1)
        return str(json.loads(self.file.read_text())["address"])


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    with ExitStack() as stack:
        yield Cluster(tmp_path, stack)


@pytest.mark.backends("postgresql")
def test_workers_of_a_cluster_die_and_join(
    engine: Engine, make_engine: Callable[..., Engine], tmp_path: Path, cluster: Cluster
) -> None:
    for table in (WORKS, CHUNKS):
        table.create(engine)
    fill(engine, ROWS)
    before, log = raw(engine), AccessLog.open(tmp_path / "log")
    keys = Keyring.generate()
    keys.save(tmp_path / "keys.json")
    pids = tmp_path / "pids"
    pids.mkdir()
    address = cluster.address()
    workers = [cluster.add_worker() for _ in range(2)]
    make = partial(make_slow, engine.url.render_as_string(hide_password=False), str(tmp_path / "keys.json"), str(pids))

    def disturb(_: object) -> None:
        """Once both are at work, one of them is killed, and another one comes."""
        if len(workers) == 2 and len(list(pids.iterdir())) == 2:
            first = set(client.nthreads())
            workers[0].kill()
            workers.append(cluster.add_worker())
            while not set(client.nthreads()) - first:
                time.sleep(0.05)

    with maintaining(keys, log=log) as privacy, Client(address, set_as_default=False) as client:  # type: ignore[no-untyped-call]
        client.wait_for_workers(2)
        pool = client.get_executor(pure=False)
        [report] = seal(engine, privacy, COLUMNS, batch=10, executor=pool, workers=4, make=make, progress=disturb)
        assert report.complete
        must_be_told_of(log, ROWS)
    assert len(workers) == 3
    assert workers[0].wait(10) == -9
    assert len(list(pids.iterdir())) == 3, "the third one has worked, too"
    must_be_sealed(engine, keys, make_engine, before)
