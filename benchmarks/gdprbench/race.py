"""One workload on both systems: batches of the same operations in turn, every answer checked."""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from benchmarks.gdprbench.oracle import Answer, Oracle, compare
from benchmarks.gdprbench.records import FIELDS, METADATA
from benchmarks.gdprbench.sides import Side
from benchmarks.gdprbench.systems import System
from benchmarks.gdprbench.trace import Operation

__all__ = ["Race", "race"]

BATCH = 20
_MAKING_WAY = 2  # batches in which statements are seen for the first time; checked, and timed apart


@dataclass
class Race:
    """What one workload took.

    :ivar seconds: by system, of each batch.
    :ivar by_operation: by operation and system, in seconds.
    :ivar found_nothing: how many operations concerned no record.
    """

    seconds: defaultdict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    by_operation: defaultdict[str, defaultdict[str, list[float]]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(list))
    )
    operations: int = 0
    found_nothing: int = 0

    @property
    def ratios(self) -> list[float]:
        """Operations per second of the protected system, in those of the plain one, batch by batch."""
        pairs = zip(self.seconds["plain"], self.seconds["protected"], strict=True)
        return [plain / protected for plain, protected in pairs][_MAKING_WAY:]

    def completion(self, system: str) -> float:
        """Seconds for all operations."""
        return sum(self.seconds[system])

    def lines(self) -> list[str]:
        """Each operation: how often, milliseconds of each system."""
        found = []
        for name, took in sorted(self.by_operation.items()):
            plain, protected = (statistics.median(took[one]) * 1e3 for one in ("plain", "protected"))
            found.append(f"    {name:26} {len(took['plain']):6} x {plain:8.2f} ms {protected:8.2f} ms")
        return found


def race(what: str, sides: Sequence[Side], records: Sequence[dict[str, Any]], operations: Sequence[Operation]) -> Race:
    """Lets the systems take turns, batch by batch.

    :param what: names the workload in errors.
    :raises WrongAnswer: one of them answered something else than the oracle. Nothing is timed then.
    """
    oracle, found = Oracle(records), Race(operations=len(operations))
    for side in sides:
        side.ask(_load, records)
    for start in range(0, len(operations), BATCH):
        batch = operations[start : start + BATCH]
        expected = [oracle.answer(one) for one in batch]
        found.found_nothing += sum(one in ([], 0) and one is not False for one in expected)
        turns = list(sides) if start // BATCH % 2 == 0 else list(reversed(sides))
        for side in turns:
            answers, times = side.ask(System.batch, batch)
            found.seconds[side.name].append(sum(times))
            for number, (one, wanted, answer) in enumerate(zip(batch, expected, answers, strict=True)):
                where = f"{what}, {side.name}, operation {start + number} ({one})"
                compare(where, wanted, _in_order(answer), METADATA if one.verb == "read-metadata" else FIELDS)
                found.by_operation[str(one)][side.name].append(times[number])
    for side in sides:
        compare(f"{what}, {side.name}, at the end", oracle.rows(), side.ask(System.rows))
    return found


def _load(system: System, records: Sequence[dict[str, Any]]) -> None:
    system.load(records)


def _in_order(answer: Answer) -> Answer:
    """Rows in order of their keys: the database promises none."""
    if isinstance(answer, list) and answer and isinstance(answer[0], tuple):
        return sorted(answer)
    return answer
