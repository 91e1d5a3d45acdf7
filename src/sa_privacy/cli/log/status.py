"""``sa-privacy log status``: the log itself: its size, its writers, what waits."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from sa_privacy.accesslog import LogStatus
from sa_privacy.cli.log.asking import as_json, show_waiting, waiting, waiting_as_json
from sa_privacy.cli.log.place import DEFAULT, LogOption, directory, is_url, place
from sa_privacy.cli.log.times import Clock, LocalOption, ago
from sa_privacy.cli.options import JsonOption
from sa_privacy.cli.telling import print_json, say, telling

if TYPE_CHECKING:
    from sa_privacy.accesslog.sinks import Lag

__all__ = ["status"]

_METRICS: Final = {
    "bytes": ("bytes", "Size of all segments, or of the table."),
    "segments": ("segments", "Segments."),
    "compressed": ("compressed_segments", "Segment files that are compressed."),
    "writers": ("writers", "Writers that the segments are of."),
    "running": ("running_writers", "Writers at work on this machine."),
    "unclosed": ("unclosed_writers", "Other writers without an end: killed, at work elsewhere, or cut."),
    "first": ("first_opened_timestamp_seconds", "When the first segment was opened."),
    "checkpoint": ("last_checkpoint_timestamp_seconds", "When the last checkpoint was made."),
    "last": ("last_event_timestamp_seconds", "When the last event was written."),
    "unshipped_events": ("unshipped_events", "Events that the table does not have yet."),
    "unshipped_bytes": ("unshipped_bytes", "Bytes of these."),
    "unshipped_seconds": ("unshipped_seconds", "How long the oldest of these has waited."),
    "reviews_waiting": ("reviews_waiting", "Break-glass accesses that nobody has reviewed."),
    "oldest_review_waiting": ("oldest_review_waiting_timestamp_seconds", "When the first of these was entered."),
}


def status(
    *,
    log: LogOption = DEFAULT,
    shipped_to: Annotated[
        str | None,
        typer.Option(
            "--to",
            help="Of a directory: also what was not shipped to this database yet.",
            metavar="URL",
            envvar="SA_PRIVACY_LOG_URL",
        ),
    ] = None,
    local: LocalOption = False,
    prometheus: Annotated[
        bool, typer.Option("--prometheus", help="Print metrics in the text format of Prometheus.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """The log itself: its size, its segments and writers, its first and last event, and the reviews that wait."""
    clock = Clock(None, None, None if local else UTC)
    with telling():
        with place(log, written=False) as asked:
            found, reviews = asked.status(), waiting(asked)
        lag = None if shipped_to is None or is_url(log) else _lag(log, shipped_to)
    numbers: dict[str, Any] = {
        **found._asdict(),
        "reviews_waiting": len(reviews),
        "oldest_review_waiting": reviews[0].event.at if reviews else None,
        "unshipped_events": None if lag is None else lag.events,
        "unshipped_bytes": None if lag is None else lag.bytes,
        "unshipped_seconds": None if lag is None else lag.seconds,
    }
    if prometheus:
        _show_metrics(numbers)
    elif json:
        print_json(
            {**{name: as_json(one) for name, one in numbers.items()}, "reviews_waiting": waiting_as_json(reviews)}
        )
    else:
        show_waiting(reviews, clock)
        _show(found, clock)
        if lag is not None:
            waits = f", the oldest for {lag.seconds:,.0f} s" if lag.events else ""
            say(f"Unshipped   {lag.events:,} events{waits}")


def _lag(log: str, to: str) -> Lag:
    from sa_privacy.accesslog.sinks import Shipper  # noqa: PLC0415 - only who asks a table waits for it

    with Shipper(directory(log, "what was not shipped yet is in files."), to) as shipper:
        return shipper.lag()


def _show_metrics(numbers: dict[str, Any]) -> None:
    for name, (metric, meaning) in _METRICS.items():
        value = numbers[name]
        if value is None:
            continue
        typer.echo(f"# HELP sa_privacy_log_{metric} {meaning}")
        typer.echo(f"# TYPE sa_privacy_log_{metric} gauge")
        typer.echo(f"sa_privacy_log_{metric} {value.timestamp() if isinstance(value, datetime) else value}")


def _show(found: LogStatus, clock: Clock) -> None:
    if found.segments == 0:
        say("The log is empty.")
        return
    size = "" if found.bytes is None else f"{found.bytes / 1e6:,.1f} MB in "
    compressed = f", {found.compressed} of them compressed" if found.compressed else ""
    say(f"Size        {size}{found.segments} segments{compressed}")
    unclosed = f", {found.unclosed} without an end: killed, at work elsewhere, or cut" if found.unclosed else ""
    running = "" if found.running is None else f", {found.running} of them at work here"
    say(f"Writers     {found.writers}{running}{unclosed}")
    say(f"First       {clock.show(found.first)}")
    if found.last is not None:
        say(f"Last        {clock.show(found.last)}, {ago(found.last)}; times are {clock.name}")
    made = "none here: a chain that was written anew as a whole cannot be told from the true one"
    if found.checkpoint is not None:
        made = f"{clock.show(found.checkpoint)}, {ago(found.checkpoint)}"
    say(f"Checkpoint  {made}")
