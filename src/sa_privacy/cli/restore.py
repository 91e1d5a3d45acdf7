"""``sa-privacy restore``: what has to be done before anybody uses a database that was restored from a backup."""

from __future__ import annotations

from dataclasses import asdict
from functools import partial
from typing import Annotated, Any

import typer
from rich.console import Console

from sa_privacy.cli.database import url_for_workers
from sa_privacy.cli.erase import Erasing
from sa_privacy.cli.executors import Workers, executor
from sa_privacy.cli.options import ErasuresOption, JsonOption
from sa_privacy.cli.spread import spread
from sa_privacy.cli.telling import FOUND, print_json, say, telling
from sa_privacy.cli.written import written_erasures
from sa_privacy.customers.erasure.replay import ReplayReport

__all__ = ["app"]

app = typer.Typer(name="restore", help="After a backup was restored.", no_args_is_help=True)


@app.callback()
def restoring() -> None:
    """After a backup was restored."""


@app.command()
@spread
def replay(
    *,
    erasures: ErasuresOption = None,
    data: Erasing,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say who is back, and change nothing.")] = False,
    sure: Annotated[
        bool, typer.Option("--sure", help="It is this database's ledger, though they know no erasure in common.")
    ] = False,
    how: Workers,
    as_json: JsonOption = False,
) -> None:
    """Erase people anew who are back although they were erased, before anybody uses the restored database.

    Doing it twice, or again after it was stopped, is fine. Exit status 1 where somebody is still back, or something is wrong
    with the ledger.
    """
    with (
        telling(),
        data.opened(erasures=written_erasures(erasures)) as (privacy, engine),
        executor(how) as pool,
        Console(stderr=True).status("looking for people who were erased") as status,
    ):
        report = privacy.erasure.replay(
            engine,
            dry_run=dry_run,
            sure=sure,
            executor=pool,
            workers=how.at_once,
            make=partial(_at_work, data, url_for_workers(engine, how.dask), erasures),
            progress=lambda kind, count: status.update(f"{count:,} people of the kind {kind} looked at"),
        )
    _tell(report, as_json=as_json)
    if report.problems or report.refused or (dry_run and report.found):
        raise typer.Exit(FOUND)


def _at_work(data: Erasing, url: str, erasures: str | None) -> tuple[Any, ...]:
    """What a worker works with: the ledger, too."""
    return data.at_work(url, erasures=written_erasures(erasures))


def _tell(report: ReplayReport, *, as_json: bool) -> None:
    if as_json:
        said: dict[str, Any] = asdict(report)
        print_json(said)
        return
    for problem in report.problems:
        say(f"the ledger itself: {problem}", "red")
    if not report.entries:
        say("The database knows of every erasure: nobody is back.", "green")
        return
    looked = ", ".join(f"{count:,} of the kind {kind}" for kind, count in report.looked_at.items())
    say(f"Erasures that the database did not know: {report.entries:,}. People looked at: {looked}.")
    verb = "would be erased" if report.dry_run else "erased anew"
    say(f"Back: {report.found:,}; {verb}: {report.erased:,}.", "yellow" if report.dry_run and report.found else "green")
    if report.keys:
        say(
            f"Restored keys of people who are not in the database: {report.keys:,}; they are destroyed with the rest.",
            "yellow",
        )
    for one in report.refused:
        say(f"still back: the {one.kind} of erasure {one.record}: {one.why}", "red")
