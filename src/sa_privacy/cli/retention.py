"""``sa-privacy retention``: what is due and what is held back, and the night's run."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bars
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from sa_privacy.access import AccessBlock
from sa_privacy.cli.database import connecting
from sa_privacy.cli.keys import ServiceOption
from sa_privacy.cli.log.asking import JsonOption, Language
from sa_privacy.cli.models import load_models
from sa_privacy.cli.sealing import KeysOption, ModelsOption, PolicyOption
from sa_privacy.cli.services import find_service
from sa_privacy.cli.telling import fail, print_json, say, telling
from sa_privacy.cli.written import LogOption, NoLogOption, ReasonOption, WhoOption, operator, written_log
from sa_privacy.crypto import Keyring
from sa_privacy.customers.retention.running import Progress, RetentionReport
from sa_privacy.privacy import Privacy

__all__ = ["app"]

app = typer.Typer(name="retention", help="The end of data whose time is over.", no_args_is_help=True)

AsOfOption = Annotated[
    str | None,
    typer.Option("--as-of", help="As of this day (UTC), or moment; now where left out.", metavar="YYYY-MM-DD"),
]
ScheduleOption = Annotated[
    str | None, typer.Option(help="This schedule of the policy alone.", metavar="NAME", show_default=False)
]
RoleOption = Annotated[
    str | None,
    typer.Option(help="The role acted in, one of those that erase; may be left out where there is one."),
]
SystemOption = Annotated[
    str | None, typer.Option(help="A system of the policy that acts, instead of a person in a role.", metavar="NAME")
]
UrlOption = Annotated[str | None, typer.Option(help="The database.", metavar="URL", envvar="SA_PRIVACY_URL")]


@app.command()
def plan(
    *,
    models: ModelsOption,
    policy: PolicyOption = Path("privacy.toml"),
    keys: KeysOption = Path("keys.json"),
    service: ServiceOption = None,
    url: UrlOption = None,
    log: LogOption = None,
    no_log: NoLogOption = False,
    actor: WhoOption = None,
    role: RoleOption = None,
    system: SystemOption = None,
    reason: ReasonOption = None,
    as_of: AsOfOption = None,
    schedule: ScheduleOption = None,
    language: Annotated[Language, typer.Option("--lang", help="The language of the table.")] = Language.en,
    as_json: JsonOption = False,
) -> None:
    """Show what is due, since when, and what is held back, by what, until when. Changes nothing."""
    with (
        _acting(models, policy, keys, service, url, log, actor, role, system, reason, no_log=no_log) as (
            privacy,
            engine,
        ),
        Session(engine) as session,
    ):
        found = privacy.retention.plan(session, as_of=_moment(as_of), schedule=schedule)
    if as_json:
        print_json(found.as_data())
        return
    for line in found.as_text(language.value).splitlines():
        say(line)


@app.command()
def run(
    *,
    models: ModelsOption,
    policy: PolicyOption = Path("privacy.toml"),
    keys: KeysOption = Path("keys.json"),
    service: ServiceOption = None,
    url: UrlOption = None,
    log: LogOption = None,
    no_log: NoLogOption = False,
    actor: WhoOption = None,
    role: RoleOption = None,
    system: SystemOption = None,
    reason: ReasonOption = None,
    as_of: AsOfOption = None,
    schedule: ScheduleOption = None,
    chunk: Annotated[int, typer.Option(help="Rows in one transaction.", min=1)] = 1000,
    as_json: JsonOption = False,
) -> None:
    """Do what is due. A run that was stopped is simply begun anew: what is left to do stands in the data."""
    with (
        _acting(models, policy, keys, service, url, log, actor, role, system, reason, no_log=no_log) as (
            privacy,
            engine,
        ),
        _shown() as progress,
    ):
        report = privacy.retention.run(engine, as_of=_moment(as_of), schedule=schedule, chunk=chunk, progress=progress)
    if as_json:
        print_json(_as_data(report))
    else:
        _tell(report)


@contextmanager
def _acting(
    models: Sequence[str],
    policy: Path,
    keys: Path,
    service: str | None,
    url: str | None,
    log: Path | None,
    actor: str | None,
    role: str | None,
    system: str | None,
    reason: str | None,
    *,
    no_log: bool,
) -> Iterator[tuple[Privacy, Engine]]:
    """The application's Privacy on its database, under an access of somebody who ends the life of data."""
    with telling(), connecting(url) as engine:
        written = written_log(log, "what ends data", no_log=no_log)
        ring = Keyring.load(keys, service=find_service(service))
        privacy = Privacy(policy, keys=ring, log=written, metadata=load_models(models))
        try:
            privacy.install(engine)
            with _access(privacy, actor, role, system, reason):
                yield privacy, engine
        finally:
            privacy.close()


def _access(
    privacy: Privacy, actor: str | None, role: str | None, system: str | None, reason: str | None
) -> AccessBlock:
    if system is not None:
        return privacy.system(system, reason=reason)
    rules = privacy.policy.erasure
    roles = sorted(rules.roles) if rules is not None else []
    if role is None and len(roles) != 1:
        fail(
            "in which role?",
            f"--role {' or '.join(roles)}." if roles else 'name roles in the policy: [erasure] roles = ["..."].',
        )
    return privacy.access(actor=operator(actor), role=role or roles[0], reason=reason)


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


@contextmanager
def _shown() -> Iterator[Callable[[Progress], None]]:
    """Progress on stderr, where that is a terminal."""
    bars = Bars(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]:,.0f} rows/s"),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    )
    tasks: dict[str, TaskID] = {}

    def move(progress: Progress) -> None:
        name = f"{progress.schedule}: {progress.table}"
        if name not in tasks:
            tasks[name] = bars.add_task(name, total=progress.total, rate=0.0)
        bars.update(tasks[name], completed=progress.done, total=progress.total, rate=progress.rate)

    if not bars.console.is_terminal:
        yield lambda _: None
        return
    with bars:
        yield move


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
            say(f"  {held.rows:,} held back by {held.by} {held.what}")
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
