"""``sa-privacy requests``: what people have asked for, and what waits for an answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final

import typer
from rich.console import Console

from sa_privacy.cli.application import Asked
from sa_privacy.cli.log.asking import new_table, plain
from sa_privacy.cli.office import ANSWERING
from sa_privacy.cli.options import JsonOption
from sa_privacy.cli.spread import spread
from sa_privacy.cli.telling import FOUND, print_json, say
from sa_privacy.customers.requests.view import Request

__all__ = ["app"]

app = typer.Typer(name="requests", help="What people have asked for.", no_args_is_help=True)

StateOption = Annotated[str | None, typer.Option(help="Only those in this state.", metavar="STATE")]
WordsOption = Annotated[bool, typer.Option("--words", help="Show who they say they are, and what was noted, too.")]
_WHOLE: Final = 200
"""Columns for lines that are not broken, however narrow the terminal is: references are copied from them."""

ReferenceArgument = Annotated[str, typer.Argument(help="The reference of the request.", show_default=False)]


@dataclass(frozen=True, kw_only=True)
class Requests(Asked):
    """Where it stands what people asked for."""

    what = "who looks at requests"
    office = ANSWERING


@app.command("list")
@spread
def list_(
    *,
    desk: Requests,
    state: StateOption = None,
    as_json: JsonOption = False,
) -> None:
    """List all requests, those that are due first."""
    wanted: Any = state
    with desk.session() as (privacy, session):
        _print(privacy.requests.list(session, state=wanted), as_json=as_json)


@app.command()
@spread
def overdue(
    *,
    desk: Requests,
    as_json: JsonOption = False,
) -> None:
    """List the requests whose day has passed; exit status 1 where there are any."""
    with desk.session() as (privacy, session):
        found = privacy.requests.overdue(session)
        _print(found, as_json=as_json)
    if found:
        raise typer.Exit(FOUND)


@app.command()
@spread
def show(
    *,
    reference: ReferenceArgument,
    desk: Requests,
    words: WordsOption = False,
    as_json: JsonOption = False,
) -> None:
    """Show one request and what was done about it."""
    with desk.session() as (privacy, session):
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
