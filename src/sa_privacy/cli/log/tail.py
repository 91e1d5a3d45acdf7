"""``sa-privacy log tail``: the last events, and those that come."""

from __future__ import annotations

import time
from collections.abc import Iterable
from datetime import UTC
from typing import Annotated, Final

import msgspec
import typer

from sa_privacy.accesslog import Event, Wanted
from sa_privacy.cli.log.asking import by_table, people, show_waiting, waiting
from sa_privacy.cli.log.by import TableOption
from sa_privacy.cli.log.denied import ActorOption
from sa_privacy.cli.log.place import DEFAULT, LogOption, place
from sa_privacy.cli.log.times import Clock, LocalOption
from sa_privacy.cli.telling import say, telling

__all__ = ["tail"]

_POLL: Final = 0.5
_REFUSED: Final = frozenset({"denied", "would_deny"})


def tail(
    *,
    count: Annotated[int, typer.Option("-n", "--lines", help="How many of the last events.", min=0)] = 10,
    follow: Annotated[
        bool, typer.Option("-f", "--follow", help="Go on with what is written, by whichever process, until Ctrl-C.")
    ] = False,
    actor: ActorOption = None,
    table: TableOption = None,
    subject: Annotated[str | None, typer.Option(help="Only what names this pseudonym.", metavar="PSEUDONYM")] = None,
    refused: Annotated[bool, typer.Option("--denied", help="Only refusals.")] = False,
    log: LogOption = DEFAULT,
    local: LocalOption = False,
    json: Annotated[bool, typer.Option("--json", help="Print each event as a line of JSON, for programs.")] = False,
) -> None:
    """The last events, and with -f those that are written, or shipped, from now on."""
    clock = Clock(None, None, None if local else UTC)
    wanted = Wanted(actor=actor, table=table, subject=subject, decisions=_REFUSED if refused else frozenset())
    try:
        with telling(), place(log, written=False) as asked:
            following = asked.follow(wanted)
            if not json:
                show_waiting(waiting(asked), clock)
            _print(asked.last(wanted, count), clock, json=json)
            while follow:
                _print(following.new(), clock, json=json)
                time.sleep(_POLL)
    except KeyboardInterrupt:
        pass


def _print(events: Iterable[Event], clock: Clock, *, json: bool) -> None:
    for event in events:
        if json:
            said = {
                name: value for name, value in msgspec.to_builtins(event).items() if value not in (None, [], {}, False)
            }
            typer.echo(msgspec.json.encode(said).decode())
        else:
            say(_line(event, clock), _style(event))


def _style(event: Event) -> str:
    if event.kind in ("break_glass", "review") or event.break_glass:
        return "bold red"
    if event.decision in _REFUSED:
        return "yellow"
    return "dim" if event.kind in ("opened", "closed", "context") else ""


def _line(event: Event, clock: Clock) -> str:
    parts = [clock.show(event.at), f"{event.kind:8}"]
    if event.kind in ("opened", "closed", "context"):
        return "  ".join((*parts, f"writer {event.writer}"))
    whom = event.actor or "nobody signed in"
    whom += f" as {', '.join(event.roles)}" if event.roles else ""
    whom += f" for {', '.join(event.purpose)}" if event.purpose else " for maintenance" if event.maintenance else ""
    parts.append(whom)
    verbs = {"read": event.reads, "match": event.matches, "write": event.writes}
    parts += [f"{verb} {by_table(columns)}" for verb, columns in verbs.items() if columns]
    parts += [f"delete {', '.join(event.deletes)}"] if event.deletes else []
    if event.decision in _REFUSED:
        parts.append(f"{(event.decision or '').upper()}: {', '.join(event.denials)}")
    parts += [f"{event.rows:,} {'row' if event.rows == 1 else 'rows'}"] if event.rows is not None else []
    parts += [people(len(event.subjects))] if event.subjects else []
    if event.unbounded:
        parts.append("not known yet of whom" if event.kind == "intent" else "of whom cannot be told")
    parts += [f"{event.verdict}: {event.of}"] if event.verdict else []
    parts += [f"ticket {event.ticket}"] if event.ticket else []
    parts += [f"({event.reason})"] if event.reason else []
    return "  ".join(parts)
