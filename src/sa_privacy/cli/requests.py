"""``sa-privacy requests``: what people have asked for, and what waits for an answer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.console import Console
from sqlalchemy.orm import Session

from sa_privacy.cli.database import connecting
from sa_privacy.cli.keys import ServiceOption
from sa_privacy.cli.log.asking import JsonOption, new_table, plain
from sa_privacy.cli.models import load_models
from sa_privacy.cli.sealing import KeysOption, ModelsOption, PolicyOption
from sa_privacy.cli.services import find_service
from sa_privacy.cli.telling import FOUND, fail, print_json, say, telling
from sa_privacy.cli.written import LogOption, NoLogOption, ReasonOption, WhoOption, operator, written_log
from sa_privacy.crypto import Keyring
from sa_privacy.customers.requests.view import Request
from sa_privacy.policy import Policy
from sa_privacy.privacy import Privacy

__all__ = ["app"]

app = typer.Typer(name="requests", help="What people have asked for.", no_args_is_help=True)

RoleOption = Annotated[
    str | None,
    typer.Option(help="The role acted in, one that the policy names for requests; may be left out where there is one."),
]
StateOption = Annotated[str | None, typer.Option(help="Only those in this state.", metavar="STATE")]
WordsOption = Annotated[bool, typer.Option("--words", help="Show who they say they are, and what was noted, too.")]
_WHOLE: Final = 200
"""Columns for lines that are not broken, however narrow the terminal is: references are copied from them."""

UrlOption = Annotated[str | None, typer.Option(help="The database.", metavar="URL", envvar="SA_PRIVACY_URL")]
ReferenceArgument = Annotated[str, typer.Argument(help="The reference of the request.", show_default=False)]


@app.command("list")
def list_(
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
    reason: ReasonOption = None,
    state: StateOption = None,
    as_json: JsonOption = False,
) -> None:
    """List all requests, those that are due first."""
    wanted: Any = state
    with _acting(models, policy, keys, service, url, log, actor, role, reason, no_log=no_log) as (privacy, session):
        _print(privacy.requests.list(session, state=wanted), as_json=as_json)


@app.command()
def overdue(
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
    reason: ReasonOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the requests whose day has passed; exit status 1 where there are any."""
    with _acting(models, policy, keys, service, url, log, actor, role, reason, no_log=no_log) as (privacy, session):
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
    log: LogOption = None,
    no_log: NoLogOption = False,
    actor: WhoOption = None,
    role: RoleOption = None,
    reason: ReasonOption = None,
    words: WordsOption = False,
    as_json: JsonOption = False,
) -> None:
    """Show one request and what was done about it."""
    with _acting(models, policy, keys, service, url, log, actor, role, reason, no_log=no_log) as (privacy, session):
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
    log: Path | None,
    actor: str | None,
    role: str | None,
    reason: str | None,
    *,
    no_log: bool,
) -> Iterator[tuple[Privacy, Session]]:
    """The application's Privacy on its database, under an access of somebody who deals with requests."""
    with telling(), connecting(url) as engine:
        written = written_log(log, "who looks at requests", no_log=no_log)
        ring = Keyring.load(keys, service=find_service(service))
        privacy = Privacy(policy, keys=ring, log=written, metadata=load_models(models))
        try:
            privacy.install(engine)
            acted_in = role or _role(privacy.policy)
            with privacy.access(actor=operator(actor), role=acted_in, reason=reason), Session(engine) as session:
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
        say("There are none.")
        return
    heads = ("Reference", "Kind", "State", "Received", "Due")
    shown = new_table(*heads, whole=heads)
    for request in requests:
        received, due = f"{request.received_at:%Y-%m-%d}", request.due_on.isoformat()
        shown.add_row(*map(plain, (request.reference, request.kind, request.state, received, due)))
    Console(highlight=False, width=_WHOLE).print(shown)


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
