"""``sa-privacy seal``, ``reseal`` and ``unseal``: what stored columns hold, changed while the application runs."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Annotated, Any

import typer
from sqlalchemy import Engine, create_engine

from sa_privacy import jobs
from sa_privacy.access import AccessBlock
from sa_privacy.cli import job_report
from sa_privacy.cli.application import Asked
from sa_privacy.cli.database import connecting, url_for_workers
from sa_privacy.cli.executors import Workers, executor
from sa_privacy.cli.models import load_object
from sa_privacy.cli.office import MAINTAINING
from sa_privacy.cli.options import JsonOption, OwnerUrlOption
from sa_privacy.cli.progress import bars
from sa_privacy.cli.spread import spread
from sa_privacy.cli.telling import FOUND, fail, print_json, say, telling
from sa_privacy.cli.written import operator, written_log
from sa_privacy.jobs import TableReport
from sa_privacy.privacy import Privacy
from sa_privacy.privacy.engines import OWN

__all__ = ["reseal", "seal", "unseal"]

ColumnsArgument = Annotated[
    list[str], typer.Argument(help="The columns.", metavar="TABLE.COLUMN...", show_default=False)
]
DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Count, and change nothing.")]
BatchOption = Annotated[int, typer.Option(help="Rows of one transaction.", min=1)]
RateOption = Annotated[str | None, typer.Option(help="Rows a second at most.", metavar="N/s", show_default=False)]
StoredAsOption = Annotated[
    list[str] | None,
    typer.Option(
        help="The type that wrote what a column holds, where it is another than the model's. Repeatable.",
        metavar="TABLE.COLUMN=MODULE:TYPE",
    ),
]
LockOption = Annotated[
    float, typer.Option(help="PostgreSQL: seconds to wait, ten times, for the lock that changes the column's type.")
]


@dataclass(frozen=True, kw_only=True)
class Job(Asked):
    """The application, and how a job works on it. Can be pickled: a worker process loads the rest by itself."""

    what = "a job"
    office = MAINTAINING

    url: OwnerUrlOption = None
    dry_run: DryRunOption = False
    batch: BatchOption = 500
    rate: RateOption = None
    as_json: JsonOption = False

    def access(self, privacy: Privacy, reason: str | None) -> AccessBlock:
        """Maintenance, in a role that may."""
        role = self.office.role(privacy.policy, self.role)
        return privacy.access(maintenance=True, actor=operator(self.actor), role=role, reason=self.reason or reason)

    @contextmanager
    def working(self, reason: str, **more: Any) -> Iterator[tuple[Privacy, Engine]]:
        """The engine is left as it is: jobs protect it themselves. Counting is written into no log."""
        with telling(), connecting(self.url) as engine:
            privacy = self.made(written_log(self.log, self.what, no_log=self.no_log or self.dry_run), **more)
            try:
                with self.access(privacy, reason):
                    yield privacy, engine
            finally:
                privacy.close()


@spread
def seal(
    *,
    columns: ColumnsArgument,
    job: Job,
    how: Workers,
    stored_as: StoredAsOption = None,
    lock_timeout: LockOption = 5.0,
) -> None:
    """Seal what columns hold, in place, while the application runs. Run it again after a break: it goes on.

    The models declare the columns sealed already, and the application reads both forms: Privacy(..., accept_plaintext=...).
    docs/sealing.md has it step by step.
    """
    _run(jobs.seal, job, how, columns, "seal columns", stored_as or (), lock_timeout=lock_timeout)


@spread
def reseal(
    *,
    columns: Annotated[
        list[str] | None, typer.Argument(help="The columns.", metavar="TABLE.COLUMN...", show_default=False)
    ] = None,
    subject_keys: Annotated[
        bool,
        typer.Option("--subject-keys", help="The keys of people: wrapped anew, whatever is sealed under them stays."),
    ] = False,
    job: Job,
    how: Workers,
) -> None:
    """Seal cells anew, under the keyring's primary key and with the lookup slots of the moment: after a rotation."""
    if subject_keys:
        _rewrap(job, how)
    if columns or not subject_keys:
        _run(jobs.reseal, job, how, columns or [], "reseal columns")


@spread
def unseal(
    *,
    columns: ColumnsArgument,
    job: Job,
    how: Workers,
    lock_timeout: LockOption = 5.0,
) -> None:
    """Put plain values where cells are, and give the columns their own types back. Nothing may write cells meanwhile."""
    _run(jobs.unseal, job, how, columns, "unseal columns", lock_timeout=lock_timeout)


def _rewrap(job: Job, how: Workers) -> None:
    with job.working("reseal keys of people") as (privacy, engine), executor(how) as pool, bars() as move:
        done = jobs.rewrap(
            engine,
            privacy,
            batch=job.batch,
            dry_run=job.dry_run,
            executor=pool,
            workers=how.at_once,
            make=partial(_make_worker, job, [], url_for_workers(engine, how.dask)),
            progress=lambda one: move("keys of people", one),
        )
    if job.as_json:
        print_json({"keys_of_people": {"to_do": done.to_do, "changed": done.changed}})
    elif job.dry_run:
        say(f"{done.to_do:,} keys of people are to be wrapped anew.")
    else:
        say(f"{done.changed:,} of {done.to_do:,} keys of people wrapped anew.")


def _run(
    work: Callable[..., list[TableReport]],
    job: Job,
    how: Workers,
    columns: list[str],
    reason: str,
    stored_as: Iterable[str] = (),
    **options: Any,
) -> None:
    types = [_stored_as(one) for one in stored_as]
    rate = _rate(job.rate)
    with (
        job.working(reason, **_kept(types)) as (privacy, engine),
        executor(how) as pool,
        bars() as move,
    ):
        reports = work(
            engine,
            privacy,
            columns,
            executor=None if job.dry_run else pool,
            workers=how.at_once,
            make=partial(_make_worker, job, types, url_for_workers(engine, how.dask)),
            progress=lambda one: move(one.table, one),
            dry_run=job.dry_run,
            batch=job.batch,
            rate=rate,
            **options,
        )
    if job.as_json:
        print_json([job_report.as_json(report) for report in reports])
    else:
        for report in reports:
            job_report.tell(report)
    if not job.dry_run and not all(report.complete for report in reports):
        raise typer.Exit(FOUND)


def _make_worker(job: Job, types: list[tuple[str, str]], url: str) -> tuple[Engine, Privacy]:
    """What a worker process works with."""
    return create_engine(url, execution_options=OWN), job.made(None, **_kept(types))


def _kept(types: list[tuple[str, str]]) -> dict[str, Any]:
    """What a ``Privacy`` is told of the types that wrote what columns hold."""
    found = {
        column: load_object(name, "type", "name a SQLAlchemy type, made in a module of the application.")
        for column, name in types
    }
    return {"accept_plaintext": dict.fromkeys(found, date.max), "stored_as": found}


def _rate(said: str | None) -> float | None:
    if said is None:
        return None
    found = re.fullmatch(r"(\d+(?:\.\d+)?)(?:/s)?", said)
    if found is None or float(found.group(1)) < 1:
        fail(f'"{said}" is no rate.', "write rows a second, as in --rate 500/s.")
    return float(found.group(1))


def _stored_as(said: str) -> tuple[str, str]:
    column, equals, name = said.partition("=")
    if not (column and equals and name):
        fail(f'"{said}" says no type of a column.', "write --stored-as table.column=package.module:TYPE.")
    return column, name
