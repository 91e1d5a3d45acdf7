"""``sa-privacy log by``: what one account did."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from sa_privacy.accesslog.questions import by as ask_by
from sa_privacy.accesslog.questions.accounts import Group
from sa_privacy.cli.log.asking import (
    fields_as_json,
    new_table,
    people,
    plain,
    show_table,
    show_waiting,
    waiting,
    waiting_as_json,
)
from sa_privacy.cli.log.place import DEFAULT, LogOption, place
from sa_privacy.cli.log.times import LocalOption, SinceOption, UntilOption, clock_of
from sa_privacy.cli.options import JsonOption
from sa_privacy.cli.telling import print_json, say, telling

__all__ = ["by"]

TableOption = Annotated[str | None, typer.Option(help="Only what touches this table: customers.", metavar="TABLE")]


def by(
    actor: Annotated[str, typer.Argument(help="The account, as the application names it: staff:17.", metavar="ACTOR")],
    *,
    since: SinceOption = None,
    until: UntilOption = None,
    table: TableOption = None,
    log: LogOption = DEFAULT,
    local: LocalOption = False,
    json: JsonOption = False,
) -> None:
    """What an account did: for which purposes, on which tables, about how many people."""
    clock = clock_of(since, until, local=local)
    with telling(), place(log) as asked:
        reviews = waiting(asked)
        found = ask_by(asked, actor, since=clock.since, until=clock.until, table=table)
    if json:
        groups = [fields_as_json(one) for one in found.groups]
        said: dict[str, Any] = {"actor": actor, "people": found.people, "groups": groups}
        print_json({**said, "reviews_waiting": waiting_as_json(reviews)})
        return
    show_waiting(reviews, clock)
    if not found.groups:
        say(f"{actor}: nothing, {clock.span()}.")
        return
    numbers = ("Done", "Refused", "Rows", "People")
    shown = new_table("For", "Table", "Columns", *numbers, "First and last", right=numbers)
    for group in found.groups:
        shown.add_row(
            plain(_under(group)),
            plain(group.table or "(on entry)"),
            plain(_columns(group)),
            plain(f"{group.statements + group.uses:,}"),
            plain(_refused(group)),
            plain(f"{group.rows:,}"),
            plain(f"{group.people:,}{'+' if group.unbounded else ''}"),
            plain("\n".join(dict.fromkeys((clock.show(group.first)[:-3], clock.show(group.last)[:-3])))),
            style="red" if group.break_glass else "yellow" if group.refused or group.would_refuse else "",
        )
    show_table(shown)
    say(f"{actor} touched data of {people(found.people)}, {clock.span()}; times are {clock.name}.")
    if any(group.unbounded for group in found.groups):
        say("+: of some statements it cannot be told whose data it was; there may be more people.")


def _under(group: Group) -> str:
    lines = [", ".join(group.purposes) or ("maintenance" if group.maintenance else "no purpose")]
    if group.roles:
        lines.append(f"as {', '.join(group.roles)}")
    if group.break_glass:
        lines.append("BREAK GLASS")
    return "\n".join(lines)


def _columns(group: Group) -> str:
    done, refused = (
        sorted(name.rpartition(".")[2] for name in names)
        for names in (group.columns, group.refused_columns - group.columns)
    )
    lines = [", ".join(done + ["rows deleted"] * group.deleted)] if done or group.deleted else []
    lines += [f"refused: {', '.join(refused)}"] if refused else []
    lines += [f"({group.unfinished:,} not known to have ended)"] if group.unfinished else []
    return "\n".join(lines)


def _refused(group: Group) -> str:
    lines = [f"{group.refused:,}"] if group.refused else []
    lines += [f"{group.would_refuse:,} would be"] if group.would_refuse else []
    return "\n".join(lines)
