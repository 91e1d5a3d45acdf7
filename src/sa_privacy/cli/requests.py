"""``sa-privacy requests``: what people have asked for, and what waits for an answer."""

from __future__ import annotations

import getpass
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from sqlalchemy.orm import Session

from sa_privacy.accesslog import AccessLog
from sa_privacy.cli.database import connecting
from sa_privacy.cli.keys import ServiceOption
from sa_privacy.cli.models import load_models
from sa_privacy.cli.services import find_service
from sa_privacy.cli.telling import FOUND, fail, print_json, say, telling
from sa_privacy.crypto import Keyring
from sa_privacy.customers.requests.states import State
from sa_privacy.customers.requests.view import Request
from sa_privacy.policy import Policy
from sa_privacy.privacy import Privacy

__all__ = ["app"]

app = typer.Typer(name="requests", help="What people have asked for.", no_args_is_help=True)

ModelsOption = Annotated[
    list[str], typer.Option(help="The models: a declarative base or MetaData. Repeatable.", metavar="MODULE:BASE")
]
PolicyOption = Annotated[Path, typer.Option(help="The policy document.", metavar="FILE")]
KeysOption = Annotated[Path, typer.Option(help="The keyring.", metavar="FILE")]
UrlOption = Annotated[str | None, typer.Option(help="The database.", metavar="URL", envvar="SA_PRIVACY_URL")]
LogOption = Annotated[Path, typer.Option(help="The access log.", metavar="DIR", envvar="SA_PRIVACY_LOG")]
ActorOption = Annotated[
    str | None, typer.Option(help="Who asks, for the log; this machine's user where left out.", show_default=False)
]
RoleOption = Annotated[
    str | None,
    typer.Option(help="The role acted in, one of [requests]; may be left out where there is one.", show_default=False),
]
StateOption = Annotated[str | None, typer.Option(help="Only those in this state.", metavar="STATE")]
WordsOption = Annotated[bool, typer.Option("--words", help="Show who they say they are, and what was noted, too.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]
ReferenceArgument = Annotated[str, typer.Argument(help="The reference of the request.", show_default=False)]


@app.command("list")
def list_(
    *,
    models: ModelsOption,
    policy: PolicyOption = Path("privacy.toml"),
    keys: KeysOption = Path("keys.json"),
    service: ServiceOption = None,
    url: UrlOption = None,
    log: LogOption = Path("var/access-log"),
    actor: ActorOption = None,
    role: RoleOption = None,
    state: StateOption = None,
    as_json: JsonOption = False,
) -> None:
    """List all requests, those that are due first."""
    wanted: Any = state
    with _acting(models, policy, keys, service, url, log, actor, role) as (privacy, session):
        _print(privacy.requests.list(session, state=wanted), as_json=as_json)


@app.command()
def overdue(
    *,
    models: ModelsOption,
    policy: PolicyOption = Path("privacy.toml"),
    keys: KeysOption = Path("keys.json"),
    service: ServiceOption = None,
    url: UrlOption = None,
    log: LogOption = Path("var/access-log"),
    actor: ActorOption = None,
    role: RoleOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the requests whose day has passed; exit status 1 where there are any."""
    with _acting(models, policy, keys, service, url, log, actor, role) as (privacy, session):
        found = privacy.requests.overdue(session)
        _print(found, as_json=as_json)
    if found:
        raise typer.Exit(FOUND)


@app.command()
def show(
    *,
    reference: ReferenceArgument,
    models: ModelsOption,
    policy: PolicyOption = Path("privacy.toml"),
    keys: KeysOption = Path("keys.json"),
    service: ServiceOption = None,
    url: UrlOption = None,
    log: LogOption = Path("var/access-log"),
    actor: ActorOption = None,
    role: RoleOption = None,
    words: WordsOption = False,
    as_json: JsonOption = False,
) -> None:
    """Show one request and what was done about it."""
    with _acting(models, policy, keys, service, url, log, actor, role) as (privacy, session):
        request = privacy.requests.show(session, reference)
    said = _plain(request)
    said["steps"] = [
        {
            "at": taken.at.isoformat(timespec="seconds"),
            "step": taken.step,
            "state": taken.state,
            "by": "the person" if taken.by_person else taken.by,
            "method": taken.method,
            "article": taken.article,
            "what": list(taken.what),
            **({"reason": taken.reason, "evidence": taken.evidence} if words else {}),
        }
        for taken in request.steps
    ]
    if words:
        said |= {"claimed": request.claimed, "about": request.about}
    if as_json:
        print_json(said)
        return
    for name, value in said.items():
        if name != "steps" and value is not None:
            say(f"{name.replace('_', ' ')}: {value}")
    for taken in said["steps"]:
        more = ", ".join(
            f"{name} {', '.join(value) if isinstance(value, list) else value}"
            for name, value in taken.items()
            if value and name not in {"at", "step", "state", "by"}
        )
        say(f"{taken['at']}  {taken['step']} by {taken['by']}: {taken['state']}" + (f" ({more})" if more else ""))


@contextmanager
def _acting(
    models: Sequence[str],
    policy: Path,
    keys: Path,
    service: str | None,
    url: str | None,
    log: Path,
    actor: str | None,
    role: str | None,
) -> Iterator[tuple[Privacy, Session]]:
    """The application's Privacy on its database, under an access of somebody who deals with requests."""
    with telling(), connecting(url) as engine:
        privacy = Privacy(
            policy,
            keys=Keyring.load(keys, service=find_service(service)),
            log=AccessLog.open(log),
            metadata=load_models(models),
        )
        try:
            privacy.install(engine)
            who = actor or f"operator:{getpass.getuser()}"
            with privacy.access(actor=who, role=role or _role(privacy.policy)), Session(engine) as session:
                yield privacy, session
        finally:
            privacy.close()


def _role(policy: Policy) -> str:
    roles = sorted(policy.requests.roles) if policy.requests is not None else []
    if len(roles) != 1:
        fail(
            "in which role?",
            f"--role {' or '.join(roles)}." if roles else 'name roles in the policy: [requests] roles = ["..."].',
        )
    return roles[0]


def _print(requests: Sequence[Request], *, as_json: bool) -> None:
    if as_json:
        print_json([_plain(request) for request in requests])
        return
    if not requests:
        say("none.")
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("reference", "kind", "state", "received", "due"):
        table.add_column(name, no_wrap=True)
    for request in requests:
        state: State = request.state
        table.add_row(
            *(request.reference, request.kind, state, f"{request.received_at:%Y-%m-%d}", request.due_on.isoformat())
        )
    Console(highlight=False, markup=False, soft_wrap=True).print(table)


def _plain(request: Request) -> dict[str, Any]:
    return {
        "reference": request.reference,
        "kind": request.kind,
        "state": request.state,
        "received_at": request.received_at.isoformat(timespec="seconds"),
        "due_on": request.due_on.isoformat(),
        "language": request.language,
        "by_agent": request.authority,
        "failed_checks": request.failures,
    }
