"""The access log: who used what about whom, and how a change of it shows."""

from __future__ import annotations

import shutil
from collections import deque
from pathlib import Path

from rich.cells import chop_cells
from rich.text import Text

from examples.shop_app.demo.stage import Stage
from sa_privacy import AccessLog

__all__ = ["change_one_byte", "show_chain", "show_log"]

_ACTOR = b'"actor":"staff:17"'
_FORGED = b'"actor":"staff:11"'


def show_log(stage: Stage) -> None:
    stage.chapter(
        "What the log says",
        """An intent is in the log before a statement runs, an outcome before its rows are handed over, a use when a
        loaded value is used later. No log, no data. These are the last events, but for those of the library's own tables.""",
    )
    last = deque((event for event in stage.log.events() if not _of_own_tables([*event.reads, *event.matches])), 12)
    table = stage.table("kind", "purpose", "actor", "reads or matches", "rows", "people", "decision")
    for event in last:
        people = None if event.subjects is None else len(event.subjects)
        table.add_row(
            Text(event.kind, style="bold"),
            Text("\n".join(event.purpose) or "-"),
            Text(event.actor or "-"),
            Text(_by_table([*event.reads, *event.matches]) or "-"),
            Text("-" if event.rows is None else str(event.rows)),
            Text("-" if people is None else str(people)),
            Text(event.decision or "-", style="red" if event.decision == "denied" else ""),
        )
    stage.console.print(table)
    stage.say(
        "One of them as it stands in the file, but for the breaks. People are keyed pseudonyms; no event holds a value:"
    )
    chosen = next((event for event in reversed(last) if event.kind == "outcome" and event.subjects), last[-1])
    line = _line(stage.log.path, chosen.hash).decode().rstrip("\n")
    for part in chop_cells(line, stage.console.width - 4):
        stage.console.print(Text(f"    {part}", style="cyan"), soft_wrap=True)  # as it is: no padding, no other breaks


def _of_own_tables(columns: list[str]) -> bool:
    """Whether it asked the library's own tables: who was granted a role, who consented."""
    return any(column.startswith("sa_privacy_") for column in columns)


def _by_table(columns: list[str]) -> str:
    """Columns under their tables, e.g. ``customers (email, name)``."""
    tables: dict[str, set[str]] = {}
    for column in columns:
        table, _, name = column.rpartition(".")
        tables.setdefault(table, set()).add(name)
    return "\n".join(f"{table} ({', '.join(sorted(names))})" for table, names in sorted(tables.items()))


def _line(directory: Path, wanted: str) -> bytes:
    """The line with this hash."""
    for segment in sorted(directory.glob("*.jsonl")):
        with segment.open("rb") as lines:
            for line in lines:
                if line.endswith(b'"hash":"' + wanted.encode() + b'"}\n'):
                    return line
    raise LookupError(wanted)


def show_chain(stage: Stage) -> None:
    stage.chapter(
        "A log that shows its wounds",
        "Every event holds the hash of the one before it. First the log as it is; then a copy with one byte changed.",
    )
    _verify(stage, "the log", stage.log, holds=True)
    copy = stage.directory / "access-log-forged"
    shutil.copytree(stage.log.path, copy)
    segment, line = change_one_byte(copy)
    stage.console.print()
    stage.say(f"In the copy, line {line} of {segment.name} now says staff:11 where it said staff:17.")
    _verify(stage, "the copy", AccessLog.open(copy), holds=False)


def _verify(stage: Stage, what: str, log: AccessLog, *, holds: bool) -> None:
    found = log.verify()
    if found.ok is not holds:
        raise AssertionError(f"{what}: ok is {found.ok}")
    stage.code("log.verify()")
    verdict = (
        f"the chain holds, {found.events:,} events"
        if found.ok
        else f"the chain is broken after {found.events:,} events"
    )
    stage.indented(Text(f"{what}: {verdict}", style="bold green" if found.ok else "bold red"))
    for problem in found.problems:
        stage.indented(Text(f"  {problem}", style="red"))


def change_one_byte(directory: Path) -> tuple[Path, int]:
    """Puts another actor into one line in the middle of a log.

    :returns: the segment and the number of the line, counted from 1.
    """
    segment = max(directory.glob("*.jsonl"))
    lines = segment.read_bytes().splitlines(keepends=True)
    named = [number for number, line in enumerate(lines) if _ACTOR in line]
    chosen = named[len(named) // 2]
    lines[chosen] = lines[chosen].replace(_ACTOR, _FORGED)
    segment.write_bytes(b"".join(lines))
    return segment, chosen + 1
