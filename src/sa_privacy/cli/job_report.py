"""What a job's command tells: what it counted, what it did."""

from __future__ import annotations

from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from sa_privacy.cli.telling import say
from sa_privacy.jobs import TableReport

__all__ = ["as_json", "tell"]


def tell(report: TableReport) -> None:
    """Says what a job did, or would do."""
    counted, tally = report.counted, report.tally
    if tally is None:
        _tell_counts(report)
        return
    speed = f", {tally.changed / report.seconds:,.0f} rows/s" if report.seconds > 0.1 else ""
    say(f"{counted.table}: {tally.changed:,} rows, {tally.values:,} values in {report.seconds:.1f} s{speed}.")
    if report.locked:
        say(f"  The table was locked for {report.locked:.2f} s while its columns' type changed.")
    if tally.lost:
        say(f"  {tally.lost:,} rows were written or held by somebody else in the meantime, and came again.")
    for name, times in tally.rejected.items():
        say(
            f"  {name}: {times:,} values are none of the column's type, or do not open: left as they were.", style="red"
        )
    for name, times in tally.refused.items():
        say(
            f"  {name}: {times:,} rows were refused by the database (a value that is there twice in a unique lookup, a NULL where none may be): left.",
            style="red",
        )
    if tally.remaining:
        say(f"  {tally.remaining:,} rows are left: {report.find}", style="red")


def _tell_counts(report: TableReport) -> None:
    counted = report.counted
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for title in ("Column", "Plain", "Cells", "NULL", "Bytes now", "Bytes sealed", "Keys"):
        table.add_column(title, justify="left" if title in ("Column", "Keys") else "right", overflow="fold")
    for column in counted.columns:
        keys = "\n".join(f"{key}: {times:,}" for key, times in column.keys.items())
        figures = (
            column.plain,
            column.cells,
            column.nulls,
            column.plain_bytes + column.cell_bytes,
            column.sealed_bytes,
        )
        table.add_row(Text(column.name), *(f"{figure:,}" for figure in figures), keys)
    Console(highlight=False).print(table)
    say(f"{counted.table}: {counted.rows:,} rows, {counted.to_do:,} of them to look at. Nothing was changed.")
    if counted.rewritten:
        say(
            f"  The type of {', '.join(counted.rewritten)} becomes BYTEA first: the table is rewritten once, and locked "
            "meanwhile."
        )


def as_json(report: TableReport) -> dict[str, Any]:
    """The same for programs."""
    counted, tally = report.counted, report.tally
    return {
        "operation": report.operation,
        "table": counted.table,
        "rows": counted.rows,
        "to_do": counted.to_do,
        "rewritten": list(counted.rewritten),
        "columns": [
            {
                "name": column.name,
                "plain": column.plain,
                "cells": column.cells,
                "nulls": column.nulls,
                "bytes": column.plain_bytes + column.cell_bytes,
                "bytes_sealed": column.sealed_bytes,
                "keys": column.keys,
            }
            for column in counted.columns
        ],
        "done": None
        if tally is None
        else {
            "rows": tally.changed,
            "values": tally.values,
            "came_again": tally.lost,
            "rejected": dict(tally.rejected),
            "refused": dict(tally.refused),
            "remaining": tally.remaining,
            "seconds": round(report.seconds, 3),
            "locked_seconds": round(report.locked, 3),
        },
    }
