"""``sa-privacy log review``: four eyes on what was done by break glass."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC
from enum import StrEnum
from typing import Annotated

import typer

from sa_privacy.accesslog.questions.glass import Touched, touched_under
from sa_privacy.accesslog.reviews import BreakGlass
from sa_privacy.accesslog.reviews import review as close_review
from sa_privacy.cli.log.asking import as_json, by_table, new_table, people, plain, show_table, waiting, waiting_as_json
from sa_privacy.cli.log.place import DEFAULT, LogOption, place
from sa_privacy.cli.log.times import Clock, LocalOption, ago
from sa_privacy.cli.options import JsonOption
from sa_privacy.cli.telling import fail, print_json, say, telling

__all__ = ["review"]


class _Verdict(StrEnum):
    justified = "justified"
    unjustified = "unjustified"


def review(
    *,
    of: Annotated[
        str | None,
        typer.Argument(
            help="Which one to close, as the list names it: WRITER:SEQ.", metavar="[ID]", show_default=False
        ),
    ] = None,
    verdict: Annotated[_Verdict | None, typer.Option(help="What you found.")] = None,
    by: Annotated[
        str | None, typer.Option(help="Who you are: somebody else than who broke the glass.", metavar="NAME")
    ] = None,
    note: Annotated[str | None, typer.Option(help="Your note; it must name no one.", metavar="TEXT")] = None,
    log: LogOption = DEFAULT,
    local: LocalOption = False,
    json: JsonOption = False,
) -> None:
    """What waits for a second person: who broke the glass, when, why, what was touched. With an ID, close it."""
    clock = Clock(None, None, None if local else UTC)
    if of is not None:
        _close(of, verdict, by, note, log)
        return
    if verdict is not None or by is not None or note is not None:
        fail("a verdict on which one?", "give its ID: sa-privacy log review lists them.")
    with telling(), place(log) as asked:
        found = waiting(asked)
        touched = [touched_under(asked, one.event) for one in found]
    if json:
        entries = waiting_as_json(found)
        for entry, one in zip(entries, touched, strict=True):
            entry["touched"] = as_json(one._asdict())
        print_json({"reviews_waiting": entries})
    elif not found:
        say("No break-glass access waits for a review.")
    else:
        _show(found, touched, clock)


def _show(found: list[BreakGlass], touched: list[Touched], clock: Clock) -> None:
    shown = new_table("Entered", "Who", "Why", "Touched", "ID", whole=["Entered"])
    for one, what in zip(found, touched, strict=True):
        event = one.event
        whom = [event.actor or "", *([f"as {', '.join(event.roles)}"] if event.roles else [])]
        why = [event.reason or "", *([f"ticket {event.ticket}"] if event.ticket else [])]
        shown.add_row(
            plain(f"{clock.show(event.at)}\n{ago(event.at)}"),
            plain("\n".join(whom)),
            plain("\n".join(why)),
            plain(_touched(what)),
            plain(one.id.replace(":", ":\n")),
        )
    show_table(shown)
    say(f"{len(found)} waiting; times are {clock.name}.")
    say(f'sa-privacy log review {found[0].id} --verdict justified|unjustified --by NAME --note "..."')


def _touched(what: Touched) -> str:
    if not what.statements:
        return "nothing"
    more = ", perhaps more" if what.unbounded else ""
    lines = [f"{what.rows:,} rows, {people(what.people)}{more}"]
    return "\n".join((*lines, by_table(what.columns), *(f"rows of {table} deleted" for table in what.deletes)))


def _close(of: str, verdict: _Verdict | None, by: str | None, note: str | None, log: str) -> None:
    if verdict is None or by is None or note is None:
        missing = [name for name, said in (("--verdict", verdict), ("--by", by), ("--note", note)) if said is None]
        hint = 'for example --verdict justified --by dpo --note "as the ticket says".'
        fail(f"a review says also {', '.join(missing)}.", hint)
    with telling(), place(log) as asked, closing(asked.writing()) as written:
        close_review(written, of=of, verdict=verdict.value, by=by, reason=note, source=asked)
    say(f"{of}: {verdict.value}, reviewed by {by}.")
