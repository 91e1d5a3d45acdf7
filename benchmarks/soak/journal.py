"""What each process was told, apart from the library: lines of JSON down a pipe, which outlive it.

An operation leaves *begin*, *writes* before anything is written, and *end*; one whose process was killed leaves no end.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any, Final

from benchmarks.soak.believing import End, Write

__all__ = ["Operation", "Reporter", "operations_of"]

_STDOUT: Final = 1


class Reporter:
    """Writes the journal of one process to its stdout."""

    def __init__(self) -> None:
        self._lock = Lock()

    def say(self, kind: str, *what: Any) -> None:
        """One line: its kind, the moment (seconds of a clock that all processes share), and the rest."""
        line = json.dumps([kind, time.monotonic(), *what], separators=(",", ":")).encode() + b"\n"
        with self._lock:
            while line:
                line = line[os.write(_STDOUT, line) :]


@dataclass
class Operation:
    """One operation, as its process told of it.

    :ivar name: stands in the access log as the id of the request.
    :ivar end: None where the process was killed in the middle.
    :ivar error: the type of what ended it.
    :ivar rows: personal rows that were handed over.
    :ivar ran: statements that name personal columns and that the database is known to have carried out.
    :ivar people: keys of all whose data it touched; None: of others too.
    """

    name: str
    kind: str
    actor: str
    began: float
    writes: list[Write] = field(default_factory=list)
    end: End | None = None
    ended: float = 0.0
    error: str | None = None
    rows: int = 0
    ran: int = 0
    people: list[int] | None = None


def operations_of(file: Path) -> Iterator[Operation]:
    """The operations of one process's journal, as they ended; those without an end come last."""
    open_: dict[str, Operation] = {}
    with file.open("rb") as lines:
        for line in lines:
            if not line.endswith(b"\n"):
                break  # its process was killed while it wrote
            kind, at, *rest = json.loads(line)
            name = rest.pop(0) if rest else ""
            if kind == "begin":
                what, actor = rest
                open_[name] = Operation(name, what, actor, at)
            elif kind == "writes":
                open_[name].writes += [(table, tag, columns) for table, tag, columns in rest[0]]
            elif kind == "end":
                one = open_.pop(name)
                one.ended = at
                one.end, one.error, one.rows, one.ran, one.people = rest
                yield one
    yield from open_.values()
