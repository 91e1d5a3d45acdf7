"""``sa-privacy seal``, ``reseal`` and ``unseal``: what stored columns hold, changed while the application runs."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Annotated, Any

import typer
from sqlalchemy import Engine, create_engine

from sa_privacy import jobs
from sa_privacy.accesslog import AccessLog
from sa_privacy.cli import job_report
from sa_privacy.cli.database import connecting
from sa_privacy.cli.keys import ServiceOption
from sa_privacy.cli.models import load_models, load_object
from sa_privacy.cli.services import find_service
from sa_privacy.cli.telling import FOUND, fail, print_json, say, telling
from sa_privacy.cli.written import LogOption, NoLogOption, ReasonOption, operator, written_log
from sa_privacy.crypto import Keyring
from sa_privacy.jobs import TableReport
from sa_privacy.policy import Policy
from sa_privacy.privacy import Privacy

__all__ = ["reseal", "seal", "unseal"]

ColumnsArgument = Annotated[
    list[str], typer.Argument(help="The columns.", metavar="TABLE.COLUMN...", show_default=False)
]
ModelsOption = Annotated[
    list[str], typer.Option(help="The models: a declarative base or MetaData. Repeatable.", metavar="MODULE:BASE")
]
PolicyOption = Annotated[Path, typer.Option(help="The policy document.", metavar="FILE")]
KeysOption = Annotated[Path, typer.Option(help="The keyring.", metavar="FILE")]
UrlOption = Annotated[
    str | None, typer.Option(help="The database, as the owner of its tables.", metavar="URL", envvar="SA_PRIVACY_URL")
]
ActorOption = Annotated[
    str | None,
    typer.Option(
        "--as",
        "--actor",
        help="Who runs it, for the log; this machine's user where left out.",
        metavar="ACTOR",
        show_default=False,
    ),
]
RoleOption = Annotated[
    str | None,
    typer.Option(
        help="The role acted in, one with maintenance = true; may be left out where there is one.", show_default=False
    ),
]
DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Count, and change nothing.")]
BatchOption = Annotated[int, typer.Option(help="Rows of one transaction.", min=1)]
RateOption = Annotated[str | None, typer.Option(help="Rows a second at most.", metavar="N/s", show_default=False)]
WorkersOption = Annotated[int, typer.Option(help="Processes that work at once.", min=1)]
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
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]


@dataclass(frozen=True)
class Said:
    """What was said of the application. Can be pickled: a worker process loads the rest by itself."""

    models: tuple[str, ...]
    policy: str
    keys: str
    service: str | None
    url: str
    stored_as: tuple[tuple[str, str], ...] = ()

    def privacy(self, log: AccessLog | None) -> Privacy:
        """The ``Privacy`` of the application, as far as a job needs it."""
        types = {
            column: load_object(name, "type", "name a SQLAlchemy type, made in a module of the application.")
            for column, name in self.stored_as
        }
        return Privacy(
            self.policy,
            keys=Keyring.load(self.keys, service=find_service(self.service)),
            log=log,
            metadata=load_models(self.models),
            accept_plaintext=dict.fromkeys(types, date.max),
            stored_as=types,
        )

    def make_worker(self) -> tuple[Engine, Privacy]:
        """What a worker process works with."""
        return create_engine(self.url), self.privacy(None)


def seal(
    *,
    columns: ColumnsArgument,
    models: ModelsOption,
    policy: PolicyOption = Path("privacy.toml"),
    keys: KeysOption = Path("keys.json"),
    service: ServiceOption = None,
    url: UrlOption = None,
    log: LogOption = None,
    no_log: NoLogOption = False,
    actor: ActorOption = None,
    role: RoleOption = None,
    reason: ReasonOption = None,
    dry_run: DryRunOption = False,
    batch: BatchOption = 500,
    rate: RateOption = None,
    workers: WorkersOption = 1,
    stored_as: StoredAsOption = None,
    lock_timeout: LockOption = 5.0,
    as_json: JsonOption = False,
) -> None:
    """Seal what columns hold, in place, while the application runs. Run it again after a break: it goes on.

    The models declare the columns sealed already, and the application reads both forms: Privacy(..., accept_plaintext=...).
    docs/sealing.md has it step by step.
    """
    types = tuple(_stored_as(one) for one in stored_as or ())
    options = {
        "dry_run": dry_run,
        "batch": batch,
        "rate": _rate(rate),
        "workers": workers,
        "lock_timeout": lock_timeout,
    }
    with telling(), connecting(url) as engine:
        said = Said(tuple(models), str(policy), str(keys), service, _url(engine), types)
        with _acting(said, log, actor, role, reason or "seal columns", unlogged=no_log or dry_run) as privacy:
            _run(jobs.seal, engine, privacy, columns, said, options, as_json=as_json)


def reseal(
    *,
    columns: Annotated[
        list[str] | None, typer.Argument(help="The columns.", metavar="TABLE.COLUMN...", show_default=False)
    ] = None,
    subject_keys: Annotated[
        bool,
        typer.Option("--subject-keys", help="The keys of people: wrapped anew, whatever is sealed under them stays."),
    ] = False,
    models: ModelsOption,
    policy: PolicyOption = Path("privacy.toml"),
    keys: KeysOption = Path("keys.json"),
    service: ServiceOption = None,
    url: UrlOption = None,
    log: LogOption = None,
    no_log: NoLogOption = False,
    actor: ActorOption = None,
    role: RoleOption = None,
    reason: ReasonOption = None,
    dry_run: DryRunOption = False,
    batch: BatchOption = 500,
    rate: RateOption = None,
    workers: WorkersOption = 1,
    as_json: JsonOption = False,
) -> None:
    """Seal cells anew, under the keyring's primary key and with the lookup slots of the moment: after a rotation."""
    options = {"dry_run": dry_run, "batch": batch, "rate": _rate(rate), "workers": workers}
    with telling(), connecting(url) as engine:
        said = Said(tuple(models), str(policy), str(keys), service, _url(engine))
        with _acting(said, log, actor, role, reason or "reseal columns", unlogged=no_log or dry_run) as privacy:
            if subject_keys:
                _rewrap(engine, privacy, batch, dry_run=dry_run, as_json=as_json)
            if columns or not subject_keys:
                _run(jobs.reseal, engine, privacy, columns or [], said, options, as_json=as_json)


def _rewrap(engine: Engine, privacy: Privacy, batch: int, *, dry_run: bool, as_json: bool) -> None:
    done = jobs.rewrap(engine, privacy, batch=batch, dry_run=dry_run)
    if as_json:
        print_json({"keys_of_people": {"to_do": done.to_do, "changed": done.changed}})
    else:
        say(f"{done.changed:,} of {done.to_do:,} keys of people wrapped anew.")


def unseal(
    *,
    columns: ColumnsArgument,
    models: ModelsOption,
    policy: PolicyOption = Path("privacy.toml"),
    keys: KeysOption = Path("keys.json"),
    service: ServiceOption = None,
    url: UrlOption = None,
    log: LogOption = None,
    no_log: NoLogOption = False,
    actor: ActorOption = None,
    role: RoleOption = None,
    reason: ReasonOption = None,
    dry_run: DryRunOption = False,
    batch: BatchOption = 500,
    rate: RateOption = None,
    workers: WorkersOption = 1,
    lock_timeout: LockOption = 5.0,
    as_json: JsonOption = False,
) -> None:
    """Put plain values where cells are, and give the columns their own types back. Nothing may write cells meanwhile."""
    options = {
        "dry_run": dry_run,
        "batch": batch,
        "rate": _rate(rate),
        "workers": workers,
        "lock_timeout": lock_timeout,
    }
    with telling(), connecting(url) as engine:
        said = Said(tuple(models), str(policy), str(keys), service, _url(engine))
        with _acting(said, log, actor, role, reason or "unseal columns", unlogged=no_log or dry_run) as privacy:
            _run(jobs.unseal, engine, privacy, columns, said, options, as_json=as_json)


@contextmanager
def _acting(
    said: Said, log: Path | None, actor: str | None, role: str | None, reason: str, *, unlogged: bool
) -> Iterator[Privacy]:
    """The application's Privacy, under a maintenance access."""
    privacy = said.privacy(written_log(log, "a job", no_log=unlogged))
    try:
        with privacy.access(maintenance=True, actor=operator(actor), role=role or _role(privacy.policy), reason=reason):
            yield privacy
    finally:
        privacy.close()


def _role(policy: Policy) -> str:
    marked = sorted(role.name for role in policy.roles.values() if role.maintenance)
    if len(marked) != 1:
        fail(
            "which role may do maintenance?",
            f"--role {' or '.join(marked)}." if marked else "mark one with maintenance = true in the policy.",
        )
    return marked[0]


def _url(engine: Engine) -> str:
    return engine.url.render_as_string(hide_password=False)


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


def _run(
    job: Callable[..., list[TableReport]],
    engine: Engine,
    privacy: Privacy,
    columns: list[str],
    said: Said,
    options: dict[str, Any],
    *,
    as_json: bool,
) -> None:
    with _pool(said, options) as pool, job_report.shown() as progress:
        reports = job(engine, privacy, columns, executor=pool, progress=progress, **options)
    if as_json:
        print_json([job_report.as_json(report) for report in reports])
    else:
        for report in reports:
            job_report.tell(report)
    if not options["dry_run"] and not all(report.complete for report in reports):
        raise typer.Exit(FOUND)


@contextmanager
def _pool(said: Said, options: dict[str, Any]) -> Iterator[Executor | None]:
    if options["workers"] == 1 or options["dry_run"]:
        yield None
        return
    make = partial(jobs.prepare_worker, said.make_worker)
    with ProcessPoolExecutor(options["workers"], mp_context=get_context("spawn"), initializer=make) as pool:
        yield pool
