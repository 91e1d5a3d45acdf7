"""Shown means written: whoever pulls the plug, no row was seen that the log does not know of.

The suite kills a few times; `make kill KILLS=100` a hundred times.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, insert

from sa_privacy import AccessLog, Keyring, Privacy
from sa_privacy.accesslog import read_events, verify_directory
from tests.gate import world
from tests.gate.trail import CLERK, Whose
from tests.gate.world import Customer

KILLS = int(os.environ.get("SA_PRIVACY_KILLS", "5"))
READERS = 4
PEOPLE = 40

PROGRAM = """
import json, os, sys, threading
from sqlalchemy import create_engine, select
from sa_privacy import AccessLog, Keyring, Privacy
from tests.gate import world
from tests.gate.world import Customer

directory = sys.argv[1]
keys = Keyring.load(directory + "/keys.json")
ROWS = select(Customer.id, Customer.name).order_by(Customer.id)

def in_parts(connection):
    result = connection.execute(ROWS)
    for part in iter(lambda: result.fetchmany(3), []):
        yield from part

WAYS = [
    lambda connection: connection.execute(ROWS),
    lambda connection: connection.execute(ROWS).fetchall(),
    lambda connection: connection.execute(ROWS).yield_per(7),
    in_parts,
]

def read(privacy, engine, out, reader):
    for turn in range(10**9):
        actor = f"{os.getpid()}:{reader}:{turn}"
        with engine.connect() as connection, privacy.access("everything", role="clerk", actor=actor):
            for row in WAYS[turn % 4](connection):
                os.write(out, f"{actor} {row.id}\\n".encode())  # as a client would see it

def work(**opening):
    log = AccessLog.open(directory + "/log", **opening)
    log.preamble = lambda: b'"keys":["0a1b2c3d"]'
    privacy = Privacy(world.POLICY, keys=keys, log=log, metadata=world.Base)
    engine = create_engine(f"sqlite:///{directory}/shop.db")
    privacy.install(engine)
    out = os.open(directory + "/seen", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    for reader in range(int(sys.argv[2])):
        threading.Thread(target=read, args=(privacy, engine, out, reader)).start()

# One process waits, with everything imported, and becomes a reading one for each line it is sent.
for line in sys.stdin:
    child = os.fork()
    if child == 0:
        work(**json.loads(line))
        break
    print(child, flush=True)
    os.waitpid(child, 0)
    print("gone", flush=True)
"""


@pytest.fixture
def whose(tmp_path: Path) -> Whose:
    """A shop of forty people, its keys on the disk, no log yet."""
    keys = Keyring.generate()
    keys.save(tmp_path / "keys.json")
    privacy = Privacy(world.POLICY, keys=keys, log=None, metadata=world.Base)
    engine = create_engine(f"sqlite:///{tmp_path / 'shop.db'}")
    privacy.install(engine)
    world.Base.metadata.create_all(engine)
    with privacy.access(**CLERK), engine.begin() as connection:
        rows = [{"id": i, "name": f"n{i}", "email": "e", "tier": "t"} for i in range(1, PEOPLE + 1)]
        connection.execute(insert(Customer), rows)
    privacy.close()
    engine.dispose()
    return Whose(keys)


@pytest.fixture
def readers(tmp_path: Path, whose: Whose) -> Iterator[subprocess.Popen[str]]:
    root = Path(__file__).parent.parent.parent
    environment = os.environ | {"PYTHONPATH": f"{root / 'src'}{os.pathsep}{root}"}
    command = [sys.executable, "-c", PROGRAM, str(tmp_path), str(READERS)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment, text=True, cwd=root
    ) as process:
        try:
            yield process
        finally:
            assert process.stdin is not None
            process.stdin.close()
            process.wait(20)


def run_and_kill(readers: subprocess.Popen[str], seen: Path, *, wanted: int = 1, **opening: Any) -> None:
    """Starts a process of readers, lets so many of them get some rows, and ends it with kill -9."""
    assert readers.stdin is not None
    assert readers.stdout is not None
    size = seen.stat().st_size if seen.exists() else 0
    readers.stdin.write(json.dumps(opening) + "\n")
    readers.stdin.flush()
    child = int(readers.stdout.readline())
    until = time.monotonic() + 60
    while not seen.exists() or len(readers_in(seen.read_bytes()[size:])) < wanted:
        assert time.monotonic() < until, "no row was ever seen"
        time.sleep(0.002)
    time.sleep(random.uniform(0, 0.1))
    os.kill(child, signal.SIGKILL)
    assert readers.stdout.readline() == "gone\n"


def readers_in(rows: bytes) -> set[bytes]:
    """Which readers saw them."""
    return {line.split(b":")[1] for line in rows.split(b"\n")[:-1]}


def shown(seen: Path) -> dict[str, set[int]]:
    """Which rows each access was shown."""
    found = defaultdict(set)
    for line in seen.read_text().splitlines():
        actor, key = line.split()
        found[actor].add(int(key))
    return found


def written(log: Path) -> dict[str, set[str]]:
    """Whose rows each access was given, as the log has it."""
    found = defaultdict(set)
    intents = set()
    for event in read_events(log):
        if event.kind == "intent":
            intents.add((event.writer, event.seq))
        elif event.kind == "outcome":
            assert (event.writer, event.intent) in intents, "an outcome stands behind its intent"
            assert event.actor is not None
            assert event.subjects is not None
            assert event.rows == len(event.subjects)
            found[event.actor].update(event.subjects)
    return found


def test_after_kill_nine_every_row_that_was_seen_has_its_outcome_in_the_log(
    tmp_path: Path, readers: subprocess.Popen[str], whose: Whose
) -> None:
    """With segments so short that a process hands over many times, under each way of syncing."""
    log, seen = tmp_path / "log", tmp_path / "seen"
    lengths = [1, *random.choices([1, 3000, 30_000], k=KILLS - 1)]
    for round_, length in enumerate(lengths, 1):
        fsync = ("never", "interval", "always")[round_ % 3]
        wanted = READERS if round_ == 1 else 1
        run_and_kill(readers, seen, wanted=wanted, segment_bytes=length, fsync=fsync, interval=0.01)
        if round_ > 5 and round_ % 20 and round_ < KILLS:
            continue  # the log grows, and a look at all of it takes its time
        found = verify_directory(log)
        assert found.ok, str(found)
        writers = {path.stem[-16:] for path in log.glob("*.jsonl")}
        assert len(writers) == round_, "each process is a writer of its own"
        assert round_ <= len(found.unclosed) <= 2 * round_  # killed at a hand-over it leaves an empty file as well
    segments = Counter(path.stem[-16:] for path in sorted(log.glob("*.jsonl")))
    for length, count in zip(lengths, segments.values(), strict=True):
        assert count > 1 or length > 1, "an intent and its outcome stand in two segments, where one event fills one"
    outcomes = written(log)
    rows = shown(seen)
    assert len({actor.partition(":")[0] for actor in rows}) == KILLS
    assert len({actor.split(":")[1] for actor in rows}) == READERS
    for actor, keys in rows.items():
        assert whose(keys) <= outcomes[actor], actor


def test_a_line_that_was_not_finished_is_torn_and_no_tampering_and_the_next_process_goes_on(
    tmp_path: Path, readers: subprocess.Popen[str], whose: Whose
) -> None:
    log, seen = tmp_path / "log", tmp_path / "seen"
    for round_ in range(1, 4):
        run_and_kill(readers, seen)
        last = max(log.glob("*.jsonl"))
        lines = last.read_bytes().splitlines(keepends=True)
        cut = random.randrange(1, len(lines[-1]))
        os.truncate(last, last.stat().st_size - cut)  # what a crash of the machine leaves of a last write
        found = verify_directory(log)
        assert found.ok, str(found)
        assert len(found.torn) == round_
        assert found.torn[-1].segment == last.name
        assert found.torn[-1].line == len(lines)
        assert sum(1 for _ in read_events(log)) == found.events
    reader = AccessLog.open(log)
    assert reader.append("use", b"") == 1
    reader.close()
    found = verify_directory(log)
    assert (found.ok, found.segments, len(found.torn)) == (True, 4, 3)
