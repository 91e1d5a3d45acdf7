"""What shipping the access log costs: events a second, an event of a TableLog, and the floor.

    python -m benchmarks.accesslog.shipping                                  # SQLite and PostgreSQL, 10^4 and 10^5 events
    python -m benchmarks.accesslog.shipping --events 10000 100000 1000000    # some minutes

The floor is what no shipper can go below: the database's own time for the same rows, made beforehand, into the same tables
with the same indexes, in one thread. Shipping reads the next batch meanwhile, so on two idle cores it comes near to that; the
processor times of both sides say what it takes where cores are shared.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import random
import statistics
import tempfile
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine, text

from benchmarks.accesslog.bars import Bar, lines_of
from benchmarks.databases import databases
from benchmarks.report import report
from sa_privacy.accesslog import AccessLog, members
from sa_privacy.accesslog.journal.reading import open_segment, read_lines, segment_names
from sa_privacy.accesslog.sinks import EventTable, Shipper, TableLog
from sa_privacy.accesslog.sinks.entry import row_of
from sa_privacy.accesslog.sinks.put import put
from sa_privacy.accesslog.sinks.ship import BATCH

EVENTS_A_SECOND = 50_000
PEOPLE = 50_000
FLOOR = 50_000
"""Lines that the floor is measured with."""


def pseudonym(number: int) -> str:
    return f"customer:{hashlib.sha256(str(number).encode()).hexdigest()[:26]}"


def fill(directory: Path, events: int) -> None:
    """A journal of realistic lines, about 600 bytes, one to three subjects each."""
    draw = random.Random(1)
    with AccessLog.open(directory, fsync="never") as log:
        for number in range(events // 2):
            whose = [pseudonym(draw.randrange(PEOPLE)) for _ in range(draw.randint(1, 3))]
            said: dict[str, Any] = {
                "actor": f"staff:{draw.randrange(300)}",
                "roles": ["warehouse"],
                "purpose": ["shipping"],
                "reads": ["customers.address", "customers.name"],
                "matches": ["customers.id"],
                "statement": "sha256:0123456789abcdef",
                "decision": "allowed" if number % 100 else "denied",
                "policy": "sha256:" + "ab" * 32,
                "request": f"r-{number}",
            }
            intent = log.append("intent", members(**said, subjects=whose[:1]))
            log.append("outcome", members(**said, subjects=whose, rows=len(whose), intent=intent))


def lines(directory: Path) -> Iterator[bytes]:
    for name in segment_names(directory):
        with open_segment(directory / name) as file:
            yield from read_lines(file)


def bars(scratch: Path, events: int) -> Iterator[Bar]:
    """One journal into each database."""
    directory = scratch / "shipped"
    fill(directory, events)
    for name, url in databases(scratch):
        engine = create_engine(url)
        with EventTable(url) as table:  # an engine of its own, as it is meant
            table.create()
            shipper = Shipper(directory, table)
            server = processor_time(table.engine)
            began, busy = time.perf_counter(), time.process_time()
            shipped = shipper.run_once()
            took, busy = time.perf_counter() - began, time.process_time() - busy
            server = processor_time(table.engine) - server
            least = floor(engine, directory)
            yield Bar(f"shipped to {name}", shipped / took, "events/s", EVENTS_A_SECOND, least=True, floor=least)
            yield Bar(f"shipping to {name}, of this process", busy / shipped * 1e6, "us/event")
            if server:
                yield Bar(f"shipping to {name}, of the server", server / shipped * 1e6, "us/event")
            yield Bar(f"an event of a TableLog in {name}", direct(table), "us")
        engine.dispose()


def floor(engine: Engine, directory: Path) -> float:
    """Events a second where rows are there already, and the database has nothing to do but to take them."""
    with EventTable(engine.url, name="floor") as table:
        table.create()
        rows = [row_of(line) for line in islice(lines(directory), FLOOR)]
        table.make_months({row[2][:7] for row in rows})
        began = time.perf_counter()
        for begin in range(0, len(rows), BATCH):
            with table.engine.begin() as connection:
                put(connection, table.schema, rows[begin : begin + BATCH], {})
        took = time.perf_counter() - began
    return len(rows) / took


def processor_time(engine: Engine) -> float:
    """Seconds that the server worked for the connection at hand; SQLite works in this process."""
    if engine.dialect.name == "sqlite":
        return 0.0
    with engine.connect() as connection:
        process = connection.scalar(text("SELECT pg_backend_pid()"))
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def direct(table: EventTable) -> float:
    """The median cost of an event that the table keeps directly, a commit included, in us."""
    took = []
    with TableLog(table.engine) as log:
        for _ in range(200):
            began = time.perf_counter()
            log.append("intent", members(actor="staff:1", subjects=[pseudonym(1)]))
            took.append(time.perf_counter() - began)
    return round(statistics.median(took) * 1e6)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, nargs="+", default=[10_000, 100_000])
    given = parser.parse_args()
    for events in given.events:
        with tempfile.TemporaryDirectory() as scratch:
            print(f"{events:,} events")
            report(lines_of(bars(Path(scratch), events)))


if __name__ == "__main__":
    main()
