"""``sa-privacy hold``: what must stay as it is for as long as a case lasts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy.orm import Session

from sa_privacy.cli.database import connecting
from sa_privacy.cli.keys import ServiceOption
from sa_privacy.cli.log.asking import JsonOption, as_json, new_table, plain, show_table
from sa_privacy.cli.models import load_models
from sa_privacy.cli.sealing import KeysOption, ModelsOption, PolicyOption
from sa_privacy.cli.services import find_service
from sa_privacy.cli.telling import fail, print_json, say, telling
from sa_privacy.cli.written import LogOption, NoLogOption, WhoOption, operator, written_log
from sa_privacy.crypto import Keyring
from sa_privacy.policy import Policy
from sa_privacy.privacy import Privacy

__all__ = ["app"]

app = typer.Typer(name="hold", help="What must stay as it is for as long as a case lasts.", no_args_is_help=True)

RoleOption = Annotated[
    str | None,
    typer.Option(help="The role acted in, one that the policy names for erasure; may be left out where there is one."),
]
UrlOption = Annotated[str | None, typer.Option(help="The database.", metavar="URL", envvar="SA_PRIVACY_URL")]
OwnerOption = Annotated[
    str | None, typer.Option(help="The database, as the owner of its tables.", metavar="URL", envvar="SA_PRIVACY_URL")
]
HoldArgument = Annotated[str, typer.Argument(help="The hold, as list names it.", metavar="HOLD", show_default=False)]
WhyOption = Annotated[str, typer.Option("--reason", help="Why; it is sealed.", metavar="TEXT", show_default=False)]
DayOption = Annotated[
    str, typer.Option(help="The day by which somebody looks whether it is still wanted.", metavar="YYYY-MM-DD")
]


@app.command()
def place(
    *,
    case: Annotated[str, typer.Option(help="The number of the case.", metavar="NUMBER", show_default=False)],
    reason: WhyOption,
    review_by: DayOption,
    models: ModelsOption,
    subject: Annotated[str | None, typer.Option(help="Everything of a person.", metavar="[KIND:]KEY")] = None,
    row: Annotated[str | None, typer.Option(help="One row.", metavar="TABLE:KEY[,KEY]")] = None,
    table: Annotated[str | None, typer.Option(help="Every row of a table.", metavar="TABLE")] = None,
    query: Annotated[str | None, typer.Option(help="What a condition finds.", metavar="TABLE:SQL")] = None,
    freeze: Annotated[bool, typer.Option("--freeze", help="Values must not be changed either.")] = False,
    policy: PolicyOption = Path("privacy.toml"),
    keys: KeysOption = Path("keys.json"),
    service: ServiceOption = None,
    url: UrlOption = None,
    log: LogOption = None,
    no_log: NoLogOption = False,
    actor: WhoOption = None,
    role: RoleOption = None,
) -> None:
    """Place a hold on a person, a row, a table, or what a query finds."""
    found, condition = _pair(row), _pair(query)
    kind, _, key = (subject or "").rpartition(":")
    with _acting(models, policy, keys, service, url, log, actor, role, no_log=no_log) as (privacy, session):
        hold = privacy.holds.place(
            session,
            case=case,
            reason=reason,
            review_by=_day(review_by),
            subject=None if subject is None else (kind, key) if kind else key,
            row=None if found is None else (found[0], tuple(found[1].split(","))),
            table=table,
            query=condition,
            freeze=freeze,
        )
    say(f"{hold.id} is in force: case {hold.case}, to be reviewed by {hold.review_by}.", "green")


@app.command()
def review(
    *,
    hold: HoldArgument,
    reason: WhyOption,
    review_by: DayOption,
    models: ModelsOption,
    policy: PolicyOption = Path("privacy.toml"),
    keys: KeysOption = Path("keys.json"),
    service: ServiceOption = None,
    url: UrlOption = None,
    log: LogOption = None,
    no_log: NoLogOption = False,
    actor: WhoOption = None,
    role: RoleOption = None,
) -> None:
    """Say that a hold goes on until another day."""
    with _acting(models, policy, keys, service, url, log, actor, role, no_log=no_log) as (privacy, session):
        now = privacy.holds.review(session, hold, review_by=_day(review_by), reason=reason)
    say(f"{now.id} goes on, to be reviewed by {now.review_by}.", "green")


@app.command()
def release(
    *,
    hold: HoldArgument,
    reason: WhyOption,
    models: ModelsOption,
    policy: PolicyOption = Path("privacy.toml"),
    keys: KeysOption = Path("keys.json"),
    service: ServiceOption = None,
    url: UrlOption = None,
    log: LogOption = None,
    no_log: NoLogOption = False,
    actor: WhoOption = None,
    role: RoleOption = None,
) -> None:
    """End a hold. What was held back is due again."""
    with _acting(models, policy, keys, service, url, log, actor, role, no_log=no_log) as (privacy, session):
        privacy.holds.release(session, hold, reason=reason)
    say(f"{hold} is released.", "green")


@app.command(name="list")
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
    json: JsonOption = False,
) -> None:
    """The holds in force, the next to be reviewed first. Whose data it is, is not shown."""
    with _acting(models, policy, keys, service, url, log, actor, role, no_log=no_log) as (privacy, session):
        held = privacy.holds.in_force(session)
    if json:
        said = [{k: v for k, v in asdict(one).items() if k != "person"} for one in held]
        print_json(as_json([one | {"review_by": str(one["review_by"])} for one in said]))
        return
    if not held:
        say("Nothing is held.")
        return
    shown = new_table("Case", "Held", "Since", "Review by", "Placed by", "Hold", whole=["Case", "Hold"])
    for one in held:
        what = one.kind if one.table is None else f"{one.kind} of {one.table}" if one.kind != "table" else one.table
        late = " (overdue)" if one.review_by is not None and one.review_by < date.today() else ""  # noqa: DTZ011 - a day
        cells = (one.case, what + (", frozen" if one.freeze else ""), f"{one.since:%Y-%m-%d}")
        shown.add_row(*map(plain, (*cells, f"{one.review_by or ''}{late}", one.by or "", one.id[:8])))
    show_table(shown)


@app.command()
def guard(
    *,
    models: ModelsOption,
    policy: PolicyOption = Path("privacy.toml"),
    keys: KeysOption = Path("keys.json"),
    service: ServiceOption = None,
    url: OwnerOption = None,
    log: LogOption = None,
    no_log: NoLogOption = False,
    actor: WhoOption = None,
    role: RoleOption = None,
) -> None:
    """Make the triggers that keep held rows, as the owner of the tables. Doing it twice changes nothing."""
    with _acting(models, policy, keys, service, url, log, actor, role, no_log=no_log) as (privacy, session):
        made = privacy.holds.guard(session.connection())
    say(f"guarded: {', '.join(made)}." if made else "the triggers are there, and current.", "green")


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
    *,
    no_log: bool,
) -> Iterator[tuple[Privacy, Session]]:
    """The policy on the database, under the access of who acts. What the block did is committed."""
    with telling(), connecting(url) as engine:
        loaded = Policy.load(policy)
        roles = sorted(loaded.erasure.roles) if loaded.erasure is not None else []
        if role is None and len(roles) != 1:
            fail(
                "in which role do you act?",
                f"--role {' or '.join(roles)}."
                if roles
                else "name those who place holds in the policy: [erasure] roles.",
            )
        written = written_log(log, "what is done about holds", no_log=no_log)
        ring = Keyring.load(keys, service=find_service(service))
        privacy = Privacy(loaded, keys=ring, log=written, metadata=load_models(models))
        try:
            privacy.install(engine)
            with (
                privacy.request(actor=operator(actor), role=role or roles[0], reason="holds"),
                Session(engine) as session,
            ):
                yield privacy, session
                session.commit()
        finally:
            privacy.close()


def _pair(said: str | None) -> tuple[str, str] | None:
    if said is None:
        return None
    table, colon, rest = said.partition(":")
    if not colon or not rest:
        fail("the table is missing.", '--row orders:17, --query "orders:orders.total > 100".')
    return table, rest


def _day(said: str) -> date:
    try:
        return date.fromisoformat(said)
    except ValueError:
        fail(f"{said} is no day.", "--review-by 2027-03-31.")
