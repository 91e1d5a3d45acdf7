"""The access log as it lies on the disk, read by its own bytes, and what the drivers were given meanwhile."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, event
from sqlalchemy.ext.asyncio import AsyncEngine

from sa_privacy import AccessLog, Keyring

__all__ = ["CLERK", "Trail", "Whose", "at_the_driver"]

CLERK: dict[str, Any] = {"purpose": "everything", "role": "clerk", "actor": "staff:1"}
"""An access that covers every column of the shop."""

Line = dict[str, Any]


class Trail:
    """Reads the segment files; nothing of the library's is asked, and nothing in memory is believed."""

    def __init__(self, log: AccessLog | Path) -> None:
        self.directory = log.path if isinstance(log, AccessLog) else log
        self._read: dict[Path, int] = {}
        self._lines: list[Line] = []
        self.forget()

    def _follow(self) -> list[Line]:
        for path in sorted(self.directory.glob("*.jsonl")):
            with path.open("rb") as file:
                start = file.seek(self._read.get(path, 0))
                new = file.read()
            whole = new[: new.rfind(b"\n") + 1]
            self._read[path] = start + len(whole)
            self._lines += [json.loads(line) for line in whole.splitlines()]
        return self._lines

    def forget(self) -> None:
        """From here on, only what is written later counts."""
        self._seen = len(self._follow())

    def of(self, *kinds: str) -> list[Line]:
        """The events of these kinds that were written since this trail was made."""
        return [line for line in self._follow()[self._seen :] if line["kind"] in kinds]

    @property
    def intents(self) -> list[Line]:
        return self.of("intent")

    @property
    def outcomes(self) -> list[Line]:
        return self.of("outcome")

    @property
    def rows(self) -> int:
        """How many rows the outcomes speak of; one that cannot tell is an error here."""
        return sum(line["rows"] for line in self.outcomes)

    @property
    def cells(self) -> int:
        return sum(sum((line.get("cells") or {}).values()) for line in self.outcomes)

    @property
    def subjects(self) -> set[str] | None:
        """Whose data the outcomes speak of; None where one of them cannot tell."""
        found: set[str] = set()
        for line in self.outcomes:
            assert ("subjects" in line) is not line.get("unbounded", False), line
            if "unbounded" in line:
                return None
            found.update(line["subjects"])
        return found


class Whose:
    """The pseudonyms that the log must use for customers."""

    def __init__(self, keys: Keyring) -> None:
        self._of = keys.pseudonym_key().of

    def __call__(self, ids: Iterable[object]) -> set[str]:
        return {self._of("customer", one) for one in ids}


@contextmanager
def at_the_driver(engine: Engine | AsyncEngine, trail: Trail) -> Iterator[list[str]]:
    """Looks at the disk after the gate and right before the driver, for each statement over personal data.

    Collects the decision found there; a statement that stands before the driver with no intent written fails the test.
    """
    plain = engine.sync_engine if isinstance(engine, AsyncEngine) else engine
    decisions: list[str] = []
    seen: set[Any] = set()

    def look(cursor: Any, statement: str, *rest: Any) -> None:
        context = rest[-1]
        if context in seen or not any(table in statement for table in ("customers", "orders")):
            return  # all batches of one INSERT stand behind one intent
        seen.add(context)
        intents = trail.intents
        assert len(intents) == len(decisions) + 1, f"no intent of its own is written of: {statement}"
        decisions.append(intents[-1]["decision"])

    names = ("do_execute", "do_executemany", "do_execute_no_params")
    for name in names:
        event.listen(plain, name, look)
    try:
        yield decisions
    finally:
        for name in names:
            event.remove(plain, name, look)
