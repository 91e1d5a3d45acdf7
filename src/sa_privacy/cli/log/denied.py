"""``sa-privacy log denied``: what was refused."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Annotated

import typer

from sa_privacy.accesslog.questions import denied as ask_denied
from sa_privacy.accesslog.questions.refusals import Refusal
from sa_privacy.cli.log.asking import (
    by_table,
    fields_as_json,
    new_table,
    plain,
    show_table,
    show_waiting,
    waiting,
    waiting_as_json,
)
from sa_privacy.cli.log.by import TableOption
from sa_privacy.cli.log.place import DEFAULT, LogOption, place
from sa_privacy.cli.log.times import LocalOption, SinceOption, UntilOption, clock_of
from sa_privacy.cli.options import JsonOption
from sa_privacy.cli.telling import print_json, say, telling

__all__ = ["ActorOption", "denied"]

ActorOption = Annotated[str | None, typer.Option(help="Only this account's: staff:17.", metavar="ACTOR")]


def denied(
    *,
    since: SinceOption = None,
    until: UntilOption = None,
    actor: ActorOption = None,
    table: TableOption = None,
    log: LogOption = DEFAULT,
    local: LocalOption = False,
    json: JsonOption = False,
) -> None:
    """What was refused, or would have been while observing: to whom, what, and where in the application."""
    clock = clock_of(since, until, local=local)
    with telling(), place(log) as asked:
        reviews = waiting(asked)
        found = ask_denied(asked, since=clock.since, until=clock.until, actor=actor, table=table)
    if json:
        groups = [fields_as_json(one) for one in found.groups]
        said = {"denied": found.denied, "would_deny": found.would_deny, "groups": groups}
        print_json({**said, "reviews_waiting": waiting_as_json(reviews)})
        return
    show_waiting(reviews, clock)
    if not found.groups:
        say(f"Nothing was refused, {clock.span()}.")
        return
    shown = new_table("Last", "Times", "Who, and for what", "What", "Where", right=["Times"], whole=["Last"])
    for one in found.groups:
        shown.add_row(
            plain(clock.show(one.last)),
            plain(f"{one.times:,}"),
            plain(_whom(one)),
            plain("\n".join((*_what(one.denials), *["(ran while observing)"] * (one.decision != "denied")))),
            plain("\n".join(part.replace(" in ", "\nin ") for part in (one.route, one.site) if part) or "(not noted)"),
        )
    show_table(shown)
    observing = f", {found.would_deny:,} would have been" if found.would_deny else ""
    say(f"{found.denied:,} refused{observing}, {clock.span()}; times are {clock.name}.")


def _whom(one: Refusal) -> str:
    lines = [one.actor or "nobody signed in"]
    lines += [f"as {', '.join(one.roles)}"] if one.roles else []
    return "\n".join((*lines, f"for {', '.join(one.purposes)}" if one.purposes else "for no purpose"))


def _what(denials: Iterable[str]) -> Iterator[str]:
    """Refusals, the columns of each verb together."""
    verbs: dict[str, list[str]] = {}
    for denial in sorted(denials):
        verb, _, name = denial.partition(" ")
        if "." in name and " " not in name:
            verbs.setdefault(verb, []).append(name)
        else:
            yield denial
    for verb, names in verbs.items():
        yield f"{verb} {by_table(names)}"
