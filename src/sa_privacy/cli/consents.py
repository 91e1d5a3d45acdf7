"""``sa-privacy consents``: what one person said, and how many said what."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy.orm import Session

from sa_privacy.cli.database import connecting
from sa_privacy.cli.keys import ServiceOption
from sa_privacy.cli.log.asking import JsonOption, Language, as_json, new_table, plain, show_table
from sa_privacy.cli.models import load_models
from sa_privacy.cli.sealing import KeysOption, ModelsOption, PolicyOption
from sa_privacy.cli.services import find_service
from sa_privacy.cli.telling import print_json, say, telling
from sa_privacy.cli.written import LogOption, NoLogOption, ReasonOption, WhoOption, operator, written_log
from sa_privacy.crypto import Keyring
from sa_privacy.privacy import Privacy

__all__ = ["app"]

app = typer.Typer(name="consents", help="What people agreed to, refused and took back.", no_args_is_help=True)

PersonArgument = Annotated[str, typer.Argument(help="The key of their row.", metavar="KEY", show_default=False)]
KindOption = Annotated[
    str | None, typer.Option(help="The kind of person, where there are several.", metavar="KIND", show_default=False)
]
RoleOption = Annotated[
    str | None,
    typer.Option(help="The role acted in, one that the policy names for consents; may be left out where there is one."),
]
UrlOption = Annotated[str | None, typer.Option(help="The database.", metavar="URL", envvar="SA_PRIVACY_URL")]


@app.command()
def history(
    *,
    person: PersonArgument,
    models: ModelsOption,
    kind: KindOption = None,
    policy: PolicyOption = Path("privacy.toml"),
    keys: KeysOption = Path("keys.json"),
    service: ServiceOption = None,
    url: UrlOption = None,
    log: LogOption = None,
    no_log: NoLogOption = False,
    actor: WhoOption = None,
    role: RoleOption = None,
    reason: ReasonOption = None,
    json: JsonOption = False,
) -> None:
    """All that a person ever said, in order. Evidence and agents' names are not shown."""
    with _asking(models, policy, keys, service, url, log, actor, role, reason, no_log=no_log) as (privacy, session):
        said = privacy.consents.history(session, person if kind is None else (kind, person))
    if json:
        hidden = ("evidence", "agent", "agent_evidence")
        print_json(as_json([{k: v for k, v in asdict(entry).items() if k not in hidden} for entry in said]))
        return
    if not said:
        say("Nothing was said.")
        return
    shown = new_table("When", "To", "Said", "How", "Text", "Entered by", "Entry", whole=["When", "Entry"])
    for entry in said:
        text = f"{entry.wording} {entry.version} {entry.language or ''}".rstrip() if entry.wording else ""
        how = entry.how if entry.authority is None else f"{entry.how}, {entry.authority} agent"
        when = f"{entry.at:%Y-%m-%d %H:%M}"
        shown.add_row(*map(plain, (when, entry.to, entry.said, how, text, entry.actor or "the person", entry.id)))
    show_table(shown)


@app.command()
def export(
    *,
    person: PersonArgument,
    models: ModelsOption,
    kind: KindOption = None,
    policy: PolicyOption = Path("privacy.toml"),
    keys: KeysOption = Path("keys.json"),
    service: ServiceOption = None,
    url: UrlOption = None,
    log: LogOption = None,
    no_log: NoLogOption = False,
    actor: WhoOption = None,
    role: RoleOption = None,
    reason: ReasonOption = None,
) -> None:
    """The same as JSON-LD, in the terms of the W3C Data Privacy Vocabulary."""
    with _asking(models, policy, keys, service, url, log, actor, role, reason, no_log=no_log) as (privacy, session):
        document = privacy.consents.export(session, person if kind is None else (kind, person))
    print_json(document)


@app.command()
def receipt(
    *,
    person: PersonArgument,
    entry: Annotated[str, typer.Argument(help="The entry, as history names it.", metavar="ENTRY")],
    models: ModelsOption,
    kind: KindOption = None,
    language: Annotated[Language, typer.Option("--lang", help="The language of the receipt.")] = Language.en,
    html: Annotated[bool, typer.Option("--html", help="As a page, to print or send.")] = False,
    policy: PolicyOption = Path("privacy.toml"),
    keys: KeysOption = Path("keys.json"),
    service: ServiceOption = None,
    url: UrlOption = None,
    log: LogOption = None,
    no_log: NoLogOption = False,
    actor: WhoOption = None,
    role: RoleOption = None,
    reason: ReasonOption = None,
) -> None:
    """A receipt of one entry, for the person."""
    with _asking(models, policy, keys, service, url, log, actor, role, reason, no_log=no_log) as (privacy, session):
        whom = person if kind is None else (kind, person)
        written = privacy.consents.receipt(session, whom, entry, language.value, format="html" if html else "text")
    typer.echo(written, nl=False)


@app.command()
def counts(
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
    json: JsonOption = False,
) -> None:
    """How many people said what, by purpose and recipient."""
    with _asking(models, policy, keys, service, url, log, actor, role, reason, no_log=no_log) as (privacy, session):
        found = privacy.consents.counts(session)
    if json:
        print_json([asdict(one) for one in found])
        return
    shown = new_table("To", "Agreed", "Lapsed", "Refused", "Withdrawn")
    for one in found:
        shown.add_row(*map(plain, (one.what, *map(str, (one.agreed, one.lapsed, one.refused, one.withdrawn)))))
    show_table(shown)


@contextmanager
def _asking(
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
    """The policy on the database, under the access of who asks. Nothing is changed."""
    with telling(), connecting(url) as engine:
        written = written_log(log, "who looks at what people said", no_log=no_log)
        ring = Keyring.load(keys, service=find_service(service))
        privacy = Privacy(policy, keys=ring, log=written, metadata=load_models(models))
        try:
            privacy.install(engine)
            able = sorted(privacy.policy.consents.roles) if privacy.policy.consents is not None else []
            acting = role or (able[0] if len(able) == 1 else None)
            with privacy.request(actor=operator(actor), role=acting, reason=reason), Session(engine) as session:
                yield privacy, session
        finally:
            privacy.close()
