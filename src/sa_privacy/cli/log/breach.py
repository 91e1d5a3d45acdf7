"""``sa-privacy log breach``: whom a breach concerns, and the report of it."""

from __future__ import annotations

import os
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from sa_privacy.accesslog.questions import Breach
from sa_privacy.accesslog.questions import breach as ask_breach
from sa_privacy.cli.log.asking import (
    PolicyOption,
    as_json,
    fields_as_json,
    known_policy,
    new_table,
    plain,
    show_table,
    show_waiting,
    waiting,
    waiting_as_json,
)
from sa_privacy.cli.log.by import TableOption
from sa_privacy.cli.log.denied import ActorOption
from sa_privacy.cli.log.place import DEFAULT, LogOption, place
from sa_privacy.cli.log.times import Clock, LocalOption, SinceOption, UntilOption, clock_of
from sa_privacy.cli.log.words import BREACH
from sa_privacy.cli.options import JsonOption, Language, LanguageOption
from sa_privacy.cli.telling import fail, print_json, say, telling
from sa_privacy.policy import Policy
from sa_privacy.publish.breach_report import BreachReport, breach_report
from sa_privacy.publish.breach_words import WORDS as REPORT

__all__ = ["breach"]


def breach(
    *,
    since: SinceOption = None,
    until: UntilOption = None,
    actor: ActorOption = None,
    table: TableOption = None,
    noticed: Annotated[
        str | None,
        typer.Option(help="When the breach became known; the reports are due so many days from then.", metavar="TIME"),
    ] = None,
    malicious: Annotated[
        bool,
        typer.Option("--malicious", help="A wrongful purpose is, or may be, behind it: 60 days for the final report."),
    ] = False,
    people_to: Annotated[
        Path | None,
        typer.Option(
            "--people",
            help="Write the pseudonyms of the people who were not erased since into this new file.",
            metavar="FILE",
        ),
    ] = None,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print the draft of the report as Markdown.")] = False,
    log: LogOption = DEFAULT,
    policy: PolicyOption = None,
    language: LanguageOption = Language.en,
    local: LocalOption = False,
    json: JsonOption = False,
) -> None:
    """Whose data was touched between two moments, what of it, whether it was sealed; and the report to the authority.

    The items of the report (APPI, Art. 26) are filled in as far as the log knows. A draft, no legal advice.
    """
    clock = clock_of(since, until, local=local)
    day = _day(noticed)
    with telling():
        known = known_policy(policy)
        categories = {name: rule.category for name, rule in known.columns.items()} if known is not None else {}
        with place(log) as asked:
            reviews = waiting(asked)
            found = ask_breach(
                asked, since=clock.since, until=clock.until, actor=actor, table=table, categories=categories
            )
        report = breach_report(
            found,
            language=language.value,
            policy=known,
            noticed=day,
            malicious=malicious,
            waiting=[one.id for one in reviews],
            span=clock.span(language.value),
            show=clock.show,
            zone=clock.name,
        )
    if people_to is not None:
        _write_people(people_to, found)
    if json:
        print_json({**_as_json(found, report), "reviews_waiting": waiting_as_json(reviews)})
    elif markdown:
        typer.echo(report.as_markdown(), nl=False)
    else:
        show_waiting(reviews, clock)
        _show(found, report, known, clock, language.value)


def _day(noticed: str | None) -> date | datetime | None:
    if noticed is None:
        return None
    try:
        if len(noticed) == len("2026-11-26"):
            return date.fromisoformat(noticed)
        at = datetime.fromisoformat(noticed)
        return at if at.tzinfo is not None else at.replace(tzinfo=UTC)
    except ValueError:
        fail(f"--noticed is no time: {noticed!r}.", "write 2026-11-26, or 2026-11-26T09:00+09:00.")


def _write_people(path: Path, found: Breach) -> None:
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
            file.writelines(f"{one}\n" for one in sorted(set(found.pseudonyms) - found.erased))
    except FileExistsError:
        fail(f"{path} is there already.", "name a file that is not.")
    except OSError as error:
        fail(f"{path} cannot be written: {error.strerror}.")


def _show(found: Breach, report: BreachReport, policy: Policy | None, clock: Clock, language: str) -> None:
    words = BREACH[language]
    numbers = [words[name] for name in ("people", "rows", "opened")]
    shown = new_table(
        *(words[name] for name in ("category", "column", "touched")), *numbers, words["sealed"], right=numbers
    )
    known = policy.categories if policy is not None else {}
    for column in found.columns:
        name = column.category or words["no_category"]
        title = known[name].title.get(language, name) if name in known else name
        touched = {"read": column.read, "match": column.matched, "write": column.written}
        shown.add_row(
            plain(title),
            plain(column.column),
            plain(
                "\n".join(f"{words[verb]} {count:,}" for verb, count in touched.items() if count)
                or f"{column.statements:,}"
            ),
            plain(f"{column.people:,}{'+' if column.unbounded else ''}"),
            plain(f"{max(touched.values()):,}"),
            plain(f"{column.cells:,}"),
            plain("\n".join((words[column.sealed], *sorted(column.keys)))),
            style="" if column.sealed == "always" else "yellow",
        )
    span = clock.span(language)
    if found.columns:
        show_table(shown)
    else:
        say(words["nothing"].format(span))
    more = words["more"].format(found.unbounded) if found.unbounded else ""
    say(words["summary"].format(found.people, more, found.statements + found.uses, span), "bold")
    if any(column.unbounded for column in found.columns):
        say(words["plus"])
    if found.erased:
        say(words["erased"].format(len(found.erased)), "yellow")
    for table, rows in sorted(found.deleted.items()):
        say(words["deleted"].format(table, rows))
    say(words["times"].format(clock.name))
    say()
    for line in (*report.due_lines, *report.triggers):
        say(line)
    say()
    for number, item in enumerate(report.items, 1):
        say(f"{number}. {item.title}", "bold")
        for line in item.known:
            say(f"   {line}")
        if item.missing is not None:
            say(f"   [{REPORT[language]['fill']}] {item.missing}", "yellow")


def _as_json(found: Breach, report: BreachReport) -> dict[str, Any]:
    facts = {name: as_json(value) for name, value in found._asdict().items() if name not in ("pseudonyms", "actors")}
    facts["erased"] = len(found.erased)
    facts["columns"] = [fields_as_json(column) | {"sealed": column.sealed} for column in found.columns]
    facts["categories"] = [as_json(one._asdict()) for one in found.categories]
    facts["actors"] = [{"actor": actor, "times": times} for actor, times in found.actors.most_common()]
    due = report.due
    return {
        **facts,
        "sealed": found.sealed,
        "keys": list(found.keys),
        "report": {
            "language": report.language,
            "rules": report.rules,
            "due": None
            if due is None
            else {
                "noticed": due.noticed.isoformat(),
                "preliminary": [day.isoformat() for day in due.preliminary],
                "final": due.final.isoformat(),
            },
            "malicious": report.malicious,
            "over_1000": report.over_1000,
            "triggers": list(report.triggers),
            "items": [item._asdict() for item in report.items],
        },
    }
