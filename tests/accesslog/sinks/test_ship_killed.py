"""`kill -9` of the shipper at any moment, while the application writes: every event arrives, none twice.

The suite kills a few times; SA_PRIVACY_KILLS=200 as often as one likes.
"""

from __future__ import annotations

import multiprocessing
import os
import random
import time
from multiprocessing.connection import Connection
from pathlib import Path
from threading import Event, Thread

from sqlalchemy import Engine

from sa_privacy.accesslog import AccessLog
from sa_privacy.accesslog.sinks import EventTable, Shipper
from tests.accesslog.sinks.journals import count, held, lines_of, write
from tests.jobs.killing import start_server

KILLS = int(os.environ.get("SA_PRIVACY_KILLS", "4"))
CONTEXT = multiprocessing.get_context("forkserver")


def ship(directory: str, url: str, batch: int, told: Connection) -> None:
    """The process that is killed."""
    shipper = Shipper(directory, url, batch=batch)
    told.send(True)
    while True:
        shipper.run_once()


def test_everything_arrives_once_whenever_it_is_killed(tmp_path: Path, engine: Engine) -> None:
    moments = random.Random(KILLS)
    table = EventTable(engine)
    table.create()
    url = engine.url.render_as_string(hide_password=False)
    stop = Event()

    def work() -> None:
        with AccessLog.open(tmp_path / "log", segment_bytes=30_000) as log:
            while not stop.is_set():
                write(log, 5)
                time.sleep(0.02)

    application = Thread(target=work)
    application.start()
    shipped = []
    start_server()
    try:
        for number in range(KILLS):
            pair = []
            for _ in range(1 + number % 2):  # every second time two at once
                ours, theirs = CONTEXT.Pipe(duplex=False)
                arguments = (str(tmp_path / "log"), url, moments.randint(5, 60), theirs)
                pair.append(CONTEXT.Process(target=ship, args=arguments))
                pair[-1].start()
                assert ours.recv()
            time.sleep(moments.uniform(0, 0.2))
            for one in pair:
                one.kill()
                one.join()
                assert one.exitcode == -9
            shipped.append(count(engine))
    finally:
        stop.set()
        application.join()
    assert shipped == sorted(shipped)
    Shipper(tmp_path / "log", table).run_once()
    assert held(table) == list(lines_of(tmp_path / "log"))
    assert table.verify().ok
