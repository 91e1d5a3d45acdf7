"""Two rings at once, in threads and in asyncio, under forced switching: is any cell sealed or opened under the wrong one?

    make mixups                              # 1,000,000 cells on each database
    python -m tests.crypto.mixups --cells N --backend postgresql

Four engines share the tables' types, so the same processors' caches: two with ring A, two with ring B, of each one that
threads use and one that tasks use. Rings rotate meanwhile, and the interpreter switches threads every 10 microseconds.
Each row says in the clear whose it is. At the end every cell is looked at: the key that it names, and what it holds.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event
from typing import Any

from sqlalchemy import Column, Engine, Integer, LargeBinary, MetaData, String, Table, column, insert, select, table
from sqlalchemy.ext.asyncio import AsyncEngine

from sa_privacy.columns import Encrypted
from sa_privacy.columns.binding import bind_keys
from sa_privacy.crypto import Keyring
from sa_privacy.errors import KeyUnavailable
from tests.support.databases import BACKENDS, Database, postgresql_database, sqlite_database
from tests.support.postgres import Server

__all__ = ["Tally", "mix"]

BATCH = 250
"""Rows of one INSERT; a row has two cells."""
SWITCH = 1e-5
ROTATIONS = 20
METADATA = MetaData()
PEOPLE = Table(
    "people",
    METADATA,
    Column("owner", String(1), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("name", Encrypted(String(100), category="name", field="people.name")),
    Column("email", Encrypted(String(100), category="email", field="people.email", lookup="exact")),
)
RAW = table(
    "people",
    column("owner"), column("number"), column("name", LargeBinary), column("email", LargeBinary),
)  # fmt: skip


@dataclass
class Tally:
    """What came out.

    :param cells: how many were looked at in the end.
    :param keys: how many different keys they were sealed under.
    :param wrong: what should not be, and how often.
    """

    cells: int = 0
    keys: int = 0
    wrong: Counter[str] = field(default_factory=Counter)


@contextmanager
def _switching() -> Iterator[None]:
    before = sys.getswitchinterval()
    sys.setswitchinterval(SWITCH)
    try:
        yield
    finally:
        sys.setswitchinterval(before)


def _rows(owner: str, start: int) -> list[dict[str, Any]]:
    return [
        {"owner": owner, "number": number, "name": f"{owner} {number}", "email": f"{number}@{owner}.example"}
        for number in range(start, start + BATCH)
    ]


def _batch(owner: str, start: int) -> Any:
    mine = (PEOPLE.c.owner == owner) & PEOPLE.c.number.between(start, start + BATCH - 1)
    return select(PEOPLE.c.number, PEOPLE.c.name, PEOPLE.c.email).where(mine)


def _check(owner: str, rows: Any, tally: Tally) -> None:
    """What an engine reads back of its own rows."""
    found = list(rows)
    if len(found) != BATCH:
        tally.wrong["rows lost or doubled"] += 1
    for number, name, email in found:
        if (name, email) != (f"{owner} {number}", f"{number}@{owner}.example"):
            tally.wrong["read back wrong"] += 1


def _in_threads(engine: Engine, owner: str, starts: Iterator[int], tally: Tally) -> None:
    for start in starts:
        with engine.begin() as connection:
            connection.execute(insert(PEOPLE), _rows(owner, start))
        with engine.connect() as connection:
            _check(owner, connection.execute(_batch(owner, start)), tally)


async def _in_tasks(engines: dict[str, AsyncEngine], starts: dict[str, Iterator[int]], tally: Tally) -> None:
    async def work(owner: str) -> None:
        for start in starts[owner]:
            async with engines[owner].begin() as connection:
                await connection.execute(insert(PEOPLE), _rows(owner, start))
            async with engines[owner].connect() as connection:
                _check(owner, await connection.execute(_batch(owner, start)), tally)

    await asyncio.gather(*(work(owner) for owner in engines for _ in range(2)))
    for engine in engines.values():
        await engine.dispose()


def _rotate(rings: dict[str, Keyring], seconds: float, over: Event) -> None:
    steps = {"steady": Keyring.rotate_lookup, "adding": Keyring.switch_lookup, "switching": Keyring.end_lookup}
    for _ in range(ROTATIONS):
        if over.wait(seconds):
            return
        for ring in rings.values():
            ring.rotate()
            steps[ring.lookup_phase](ring)


def mix(databases: dict[str, Database], cells: int, *, pause: float = 0.05) -> Tally:
    """Writes and reads at least so many cells, half of them for each ring, and then looks at every one.

    :param databases: for ``"A"`` and ``"B"``; they may be the same one.
    :param pause: seconds between two rotations.
    """
    tally, rings = Tally(), {owner: Keyring.generate() for owner in databases}
    batches = -(-cells // (BATCH * 2 * len(rings)))
    # Threads and tasks have half each: the interpreter must switch between them, not choose.
    starts, others = (
        {owner: iter([number * BATCH for number in range(first, batches, 2)]) for owner in rings} for first in (0, 1)
    )
    engines, tasks = {}, {}
    for owner, ring in rings.items():
        patience: dict[str, Any] = {}
        if databases[owner].backend == "sqlite":
            patience = {"connect_args": {"timeout": 600}}  # one writer at a time, and threads that are slow on purpose
        engines[owner], tasks[owner] = databases[owner].engine(**patience), databases[owner].async_engine(**patience)
        METADATA.create_all(engines[owner])
        if patience:
            with engines[owner].connect() as connection:
                connection.exec_driver_sql("PRAGMA journal_mode = WAL")
        bind_keys(engines[owner].dialect, ring)
        bind_keys(tasks[owner].sync_engine.dialect, ring)
    over = Event()
    with _switching(), ThreadPoolExecutor(2 * len(rings) + 2) as pool:
        rotating = pool.submit(_rotate, rings, pause, over)
        running = [pool.submit(asyncio.run, _in_tasks(tasks, others, tally))]
        running += [
            pool.submit(_in_threads, engines[owner], owner, starts[owner], tally) for owner in rings for _ in range(2)
        ]
        try:
            for one in running:
                one.result()
        finally:
            over.set()
            rotating.result()
    _look_at_all(engines, rings, tally)
    return tally


def _look_at_all(engines: dict[str, Engine], rings: dict[str, Keyring], tally: Tally) -> None:
    """Past the engines' own types: the bytes as they are stored, and both rings tried on them."""
    keys: set[int] = set()
    seen: set[tuple[str, int]] = set()
    ciphers = {
        owner: [ring.sealer("people.name"), ring.sealer("people.email", slots=True)] for owner, ring in rings.items()
    }
    for engine in {str(engine.url): engine for engine in engines.values()}.values():
        with engine.connect() as connection:
            rows = connection.execution_options(yield_per=1000).execute(select(RAW))
            for owner, number, *stored in rows:
                seen.add((owner, number))
                texts = (f"{owner} {number}", f"{number}@{owner}.example")
                for cell, text, own, other in zip(
                    map(bytes, stored), texts, ciphers[owner], ciphers["B" if owner == "A" else "A"], strict=True
                ):
                    tally.cells += 1
                    key = int.from_bytes(cell[2:6], "big")
                    keys.add(key)
                    if key not in rings[owner].ids or own.open(cell) != text.encode():
                        tally.wrong["sealed under the wrong key"] += 1
                    slots = [cell[6:26], cell[26:46]] if cell[1] == 2 else []
                    named = {int.from_bytes(slot[:4], "big") for slot in slots if any(slot)}
                    if slots and not (named and named <= set(rings[owner].ids)):
                        tally.wrong["digest under the wrong key"] += 1
                    if tally.cells % 100 == 0:
                        try:
                            other.open(cell)
                            tally.wrong["opened by the other ring"] += 1
                        except KeyUnavailable:
                            pass
    if 2 * len(seen) != tally.cells:
        tally.wrong["rows doubled"] += 1
    tally.keys = len(keys)


def main() -> int:
    """Ends with 1 where anything was wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.crypto.mixups", description=__doc__)
    parser.add_argument("--cells", type=int, default=1_000_000)
    parser.add_argument("--backend", choices=BACKENDS, default="sqlite")
    chosen = parser.parse_args()
    with ExitStack() as stack:
        if chosen.backend == "postgresql":
            one = stack.enter_context(postgresql_database(stack.enter_context(Server())))
            databases = {"A": one, "B": one}
        else:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            databases = {}
            for owner in "AB":
                (folder / owner).mkdir()
                databases[owner] = stack.enter_context(sqlite_database(folder / owner))
        began = time.perf_counter()
        tally = mix(databases, chosen.cells, pause=chosen.cells / 1_000_000)
        seconds = time.perf_counter() - began
    print(f"{tally.cells:,} cells under {tally.keys} keys of two rings on {chosen.backend}, in {seconds:.0f} s")
    for what, times in tally.wrong.items():
        print(f"wrong: {what}, {times} times")
    if not tally.wrong:
        print("none under the wrong key")
    return 1 if tally.wrong or tally.cells < chosen.cells else 0


if __name__ == "__main__":
    sys.exit(main())
