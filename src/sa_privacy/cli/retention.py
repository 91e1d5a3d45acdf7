"""``sa-privacy retention``: what is due and what is held back, and the night's run."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import partial
from typing import Annotated

import typer
from sqlalchemy.orm import Session

from sa_privacy.access import AccessBlock
from sa_privacy.cli.application import Asked
from sa_privacy.cli.database import url_for_workers
from sa_privacy.cli.executors import Workers, executor
from sa_privacy.cli.log.asking import new_table, plain, show_table
from sa_privacy.cli.office import ERASING
from sa_privacy.cli.options import JsonOption, Language, LanguageOption
from sa_privacy.cli.progress import bars
from sa_privacy.cli.spread import spread
from sa_privacy.cli.telling import fail, print_json, say
from sa_privacy.customers.retention.plan import RetentionPlan
from sa_privacy.customers.retention.running import RetentionReport
from sa_privacy.customers.retention.words import moment_of, rows_of, waiting_of
from sa_privacy.privacy import Privacy

__all__ = ["app", "show"]

app = typer.Typer(name="retention", help="The end of data whose time is over.", no_args_is_help=True)

AsOfOption = Annotated[
    str | None,
    typer.Option("--as-of", help="As of this day (UTC), or moment; now where left out.", metavar="YYYY-MM-DD"),
]
ScheduleOption = Annotated[
    str | None, typer.Option(help="This schedule of the policy alone.", metavar="NAME", show_default=False)
]
SystemOption = Annotated[
    str | None, typer.Option(help="A system of the policy that acts, instead of a person in a role.", metavar="NAME")
]


@dataclass(frozen=True, kw_only=True)
class Ending(Asked):
    """The application, and who ends the life of its data: a person in a role, or a system."""

    what = "what ends data"
    office = ERASING

    system: SystemOption = None

    def access(self, privacy: Privacy, reason: str | None) -> AccessBlock:
        """Who acts, and why."""
        if self.system is not None:
            return privacy.system(self.system, reason=self.reason or reason)
        return super().access(privacy, reason)


@app.command()
@spread
def plan(
    *,
    data: Ending,
    as_of: AsOfOption = None,
    schedule: ScheduleOption = None,
    language: LanguageOption = Language.en,
    as_json: JsonOption = False,
) -> None:
    """Show what is due, since when, and what is held back, by what, until when. Changes nothing."""
    with (
        data.opened() as (privacy, engine),
        Session(engine) as session,
    ):
        found = privacy.retention.plan(session, as_of=_moment(as_of), schedule=schedule)
    if as_json:
        print_json(found.as_data())
    elif sys.stdout.isatty():
        show(found, language.value)
    else:
        typer.echo(found.as_text(language.value), nl=False)


@app.command()
@spread
def run(
    *,
    data: Ending,
    as_of: AsOfOption = None,
    schedule: ScheduleOption = None,
    chunk: Annotated[int, typer.Option(help="Rows in one transaction.", min=1)] = 1000,
    how: Workers,
    as_json: JsonOption = False,
) -> None:
    """Do what is due. A run that was stopped is simply begun anew: what is left to do stands in the data.

    The same command on another machine joins it.
    """
    with (
        data.opened() as (privacy, engine),
        executor(how) as pool,
        bars() as move,
    ):
        report = privacy.retention.run(
            engine,
            as_of=_moment(as_of),
            schedule=schedule,
            chunk=chunk,
            executor=pool,
            workers=how.at_once,
            make=partial(data.at_work, url_for_workers(engine, how.dask)),
            progress=lambda one: move(f"{one.schedule}: {one.table}", one),
        )
    if as_json:
        print_json(_as_data(report))
    else:
        _tell(report)


def show(found: RetentionPlan, language: str) -> None:
    """The plan as wide as the terminal is."""
    heads, *rows = rows_of(found, language)
    say(moment_of(found, language))
    shown = new_table(*heads, right=[heads[3]])
    for row in rows:
        shown.add_row(*map(plain, row))
    show_table(shown)


def _moment(said: str | None) -> date | datetime | None:
    if said is None:
        return None
    try:
        if len(said) <= len("2027-04-01"):
            return date.fromisoformat(said)
        moment = datetime.fromisoformat(said)
    except ValueError:
        fail(f'"{said}" is no day and no moment.', "--as-of 2027-04-01, or 2027-04-01T03:00:00+09:00.")
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def _tell(report: RetentionReport) -> None:
    for one in report.done:
        what = ", ".join(
            f"{table}: " + ", ".join(f"{verb} {times:,}" for verb, times in verbs.items())
            for table, verbs in one.changed.items()
        )
        say(
            f"{one.planned.schedule} in {one.planned.table}: {one.rows:,} rows in {one.seconds:.1f} s{f' ({what})' if what else ''}."
        )
        for held in one.planned.waiting:
            say(f"  {waiting_of(held, 'en')}")
        if one.held:
            say(f"  {one.held:,} stayed for something that came to light when they were to go", style="yellow")
    if report.nobodys:
        say(f"{report.nobodys:,} rows that were nobody's, and that nothing led to any more, went.")
    if not report.rows:
        say("Nothing was due.")


def _as_data(report: RetentionReport) -> dict[str, object]:
    return {
        "as_of": report.as_of.isoformat(),
        "done": [
            {
                "schedule": one.planned.schedule,
                "table": one.planned.table,
                "action": one.planned.action,
                "rows": one.rows,
                "changed": {table: dict(verbs) for table, verbs in one.changed.items()},
                "waiting": {f"{held.by} {held.what}": held.rows for held in one.planned.waiting},
                "held": one.held,
                "seconds": round(one.seconds, 3),
            }
            for one in report.done
        ],
        "nobodys": report.nobodys,
    }
