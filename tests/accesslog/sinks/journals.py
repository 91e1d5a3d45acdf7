"""Journals to ship: written by the library itself, with segments that roll, end torn, or are compressed."""

from __future__ import annotations

import gzip
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, text

from sa_privacy.accesslog import AccessLog, members
from sa_privacy.accesslog.journal.reading import open_segment, read_lines, segment_names
from sa_privacy.accesslog.sinks import EventTable

PEOPLE = [f"customer:{number:04x}" for number in range(40)]
ODD = ('staff:\\N\t"x"', "職員:一", "nul\0nul", "long" * 900, None)


def write(log: Any, number: int, seed: int = 1) -> None:
    """So many events, most with subjects, some with what a database may stumble over."""
    draw = random.Random(seed)
    for index in range(number):
        actor = draw.choice(ODD) if index % 7 == 0 else f"staff:{draw.randrange(9)}"
        decision = draw.choice(["allowed", "allowed", "denied", "would_deny", None])
        said = {"actor": actor, "decision": decision, "reads": ["customers.name"], "reason": "back\\slash\ttab"}
        if index % 11 == 0:
            seq = log.append("intent", members(**said, subjects=None, unbounded=True))
        else:
            seq = log.append("intent", members(**said, subjects=draw.choices(PEOPLE, k=draw.randint(0, 3))))
        if index % 2:
            log.append("outcome", members(actor=actor, rows=1, intent=seq, subjects=[draw.choice(PEOPLE)]))
        if index % 10 == 1:
            log.append("use", members(actor=actor, reads=["customers.name"], unbounded=True))
        if index % 50 == 0:
            log.append("break_glass", members(actor=actor, ticket="T-1", break_glass=True))


def journal(directory: Path, events: int = 200, writers: int = 2, segment_bytes: int = 20_000) -> Path:
    """A journal of several writers whose segments roll."""
    for number in range(writers):
        with AccessLog.open(directory, segment_bytes=segment_bytes) as log:
            write(log, events, seed=number)
    return directory


def compress(directory: Path, name: str) -> None:
    """As the keeping of old segments does it."""
    path = directory / name
    path.with_name(name + ".gz").write_bytes(gzip.compress(path.read_bytes()))
    path.unlink()


def lines_of(directory: Path) -> Iterator[bytes]:
    """All finished lines of a journal, by writer in order of seq."""
    by_writer: dict[str, list[bytes]] = {}
    for name in segment_names(directory):
        with open_segment(directory / name) as file:
            mine = [line for line in read_lines(file) if line.endswith(b"\n")]
        by_writer.setdefault(name.removesuffix(".gz")[-22:-6], []).extend(mine)
    for lines in by_writer.values():
        yield from lines


def held(place: Engine | EventTable) -> list[bytes]:
    """All lines in the table, as the table gives them."""
    table = place if isinstance(place, EventTable) else EventTable(place)
    return [line for writer in table.writers() for line in table.lines(writer)]


def count(engine: Engine, table: str = "sa_privacy_events") -> int:
    """The rows of a table."""
    with engine.connect() as connection:
        return int(connection.scalar(text(f"SELECT count(*) FROM {table}")) or 0)
