"""One application process: it does what it is told through a pipe, and says what it did and what that took."""

from __future__ import annotations

import random
import resource
import time
from multiprocessing.connection import Connection
from pathlib import Path
from typing import NamedTuple

from benchmarks.processes.world import PEOPLE, SIDES, side

__all__ = ["MIX", "Did", "serve"]

MIX = ("read",) * 6 + ("list",) * 2 + ("campaign",) + ("insert",)
"""Six point reads, two lists of 20, one list of 20 by consent, one person entered with an order and committed."""


class Did(NamedTuple):
    """What a process did.

    :ivar cpu: seconds of processor time.
    :ivar waits: how often it gave the processor away to wait for something: the database, a disk, a lock.
    """

    operations: int
    rows: int
    cpu: float
    waits: int


def serve(
    pipe: Connection, url: str, folder: Path, number: int, people: int = PEOPLE, segment_bytes: int = 1 << 26
) -> None:
    """Takes (side, seconds, operations): works until so much is done or it is told something else, and ends with None."""
    sides = {name: side(name, url, folder, f"{number}", people=people, segment_bytes=segment_bytes) for name in SIDES}
    chosen = random.Random(number)
    pipe.send("ready")
    while (told := pipe.recv()) is not None:
        name, seconds, most = told
        operations = sides[name]
        done = rows = 0
        waits, cpu = resource.getrusage(resource.RUSAGE_SELF).ru_nvcsw, time.process_time()
        until = time.monotonic() + seconds
        while done < most and time.monotonic() < until and not pipe.poll():
            rows += operations[chosen.choice(MIX)](chosen)
            done += 1
        waited = resource.getrusage(resource.RUSAGE_SELF).ru_nvcsw - waits
        pipe.send(Did(done, rows, time.process_time() - cpu, waited))
