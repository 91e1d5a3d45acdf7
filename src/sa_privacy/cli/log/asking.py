"""What the commands that ask a log share: their options, and what stands at the top of every answer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import typer
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from sa_privacy.accesslog import Source
from sa_privacy.accesslog.reviews import BreakGlass, open_reviews
from sa_privacy.cli.log.times import Clock, ago
from sa_privacy.cli.log.widths import fit
from sa_privacy.cli.telling import say
from sa_privacy.policy import Policy

__all__ = [
    "PolicyOption",
    "as_json",
    "by_table",
    "fields_as_json",
    "known_policy",
    "new_table",
    "people",
    "plain",
    "show_table",
    "show_waiting",
    "waiting",
    "waiting_as_json",
]

PolicyOption = Annotated[
    Path | None,
    typer.Option(help="The policy document, for titles and clauses; privacy.toml where it is there.", metavar="FILE"),
]


_POLICY: Final = Path("privacy.toml")
_SHOWN: Final = 5


def known_policy(path: Path | None) -> Policy | None:
    """The policy that was named, or the one that is there."""
    if path is None:
        return Policy.load(_POLICY) if _POLICY.exists() else None
    return Policy.load(path)


def waiting(source: Source) -> list[BreakGlass]:
    """The break-glass accesses that nobody has reviewed."""
    return open_reviews(source)


def waiting_as_json(found: Iterable[BreakGlass]) -> list[dict[str, Any]]:
    """The same for programs."""
    return [
        {
            "id": one.id,
            "at": as_json(one.event.at),
            "actor": one.event.actor,
            "roles": one.event.roles,
            "purposes": one.event.purpose,
            "reason": one.event.reason,
            "ticket": one.event.ticket,
            "until": as_json(one.event.until),
        }
        for one in found
    ]


def show_waiting(found: Sequence[BreakGlass], clock: Clock) -> None:
    """At the top of every report: what nobody has reviewed."""
    if not found:
        return
    many = len(found) > 1
    say(
        f"{len(found)} break-glass access{'es wait' if many else ' waits'} for a review (sa-privacy log review):",
        "bold red",
    )
    for one in found[:_SHOWN]:
        event = one.event
        ticket = f", ticket {event.ticket}" if event.ticket else ""
        say(
            f"  {clock.show(event.at)}  {event.actor}, {ago(event.at)}{ticket}: {event.reason or 'no reason given'}",
            "red",
        )
    if len(found) > _SHOWN:
        say(f"  and {len(found) - _SHOWN} more", "red")


def new_table(*titles: str, right: Iterable[str] = (), whole: Iterable[str] = ()) -> Table:
    """A table whose cells fold.

    :param right: the columns of numbers.
    :param whole: the columns that do not fold: times.
    """
    numbers, unbroken = set(right), {*right, *whole}
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    for title in titles:
        side: Literal["left", "right"] = "right" if title in numbers else "left"
        table.add_column(title, overflow="fold", justify=side, no_wrap=title in unbroken)
    return table


def by_table(columns: Iterable[str]) -> str:
    """Columns, each table named once: ``"customers: address, name; orders: amount"``."""
    tables: dict[str, list[str]] = {}
    for name in columns:
        table, _, column = name.rpartition(".")
        tables.setdefault(table, []).append(column)
    return "; ".join(f"{table}: {', '.join(names)}" if table else ", ".join(names) for table, names in tables.items())


def show_table(table: Table) -> None:
    """Prints it, as wide as the terminal is."""
    console = Console(highlight=False)
    fit(table, console.width)
    console.print(table)


def as_json(value: Any) -> Any:
    """A value as JSON has it: times in UTC with a Z, sets sorted."""
    if isinstance(value, datetime):
        return value.isoformat(timespec="microseconds").replace("+00:00", "Z")
    if isinstance(value, Mapping):
        return {key: as_json(one) for key, one in value.items()}
    if isinstance(value, (set, frozenset)):
        return sorted(value)
    if isinstance(value, (list, tuple)):
        return [as_json(one) for one in value]
    return value


def fields_as_json(found: Any) -> dict[str, Any]:
    """The fields of a dataclass."""
    return {field.name: as_json(getattr(found, field.name)) for field in fields(found)}


def people(count: int) -> str:
    """So many of them."""
    return f"{count:,} {'person' if count == 1 else 'people'}"


def plain(text: str) -> Text:
    """A cell of a table; brackets in it are no markup."""
    return Text(text)
