"""``sa-privacy consents``: what one person said, and how many said what."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Annotated

import typer

from sa_privacy.cli.application import Asked
from sa_privacy.cli.log.asking import as_json, new_table, plain, show_table
from sa_privacy.cli.office import CONSENTS
from sa_privacy.cli.options import JsonOption, KindOption, Language, LanguageOption, PersonArgument
from sa_privacy.cli.spread import spread
from sa_privacy.cli.telling import print_json, say

__all__ = ["app"]

app = typer.Typer(name="consents", help="What people agreed to, refused and took back.", no_args_is_help=True)


@dataclass(frozen=True, kw_only=True)
class Consents(Asked):
    """Where it stands what people said."""

    what = "who looks at what people said"
    office = CONSENTS


@app.command()
@spread
def history(
    *,
    person: PersonArgument,
    kind: KindOption = None,
    people: Consents,
    json: JsonOption = False,
) -> None:
    """All that a person ever said, in order. Evidence and agents' names are not shown."""
    with people.session() as (privacy, session):
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
@spread
def export(
    *,
    person: PersonArgument,
    kind: KindOption = None,
    people: Consents,
) -> None:
    """The same as JSON-LD, in the terms of the W3C Data Privacy Vocabulary."""
    with people.session() as (privacy, session):
        document = privacy.consents.export(session, person if kind is None else (kind, person))
    print_json(document)


@app.command()
@spread
def receipt(
    *,
    person: PersonArgument,
    entry: Annotated[str, typer.Argument(help="The entry, as history names it.", metavar="ENTRY")],
    kind: KindOption = None,
    language: LanguageOption = Language.en,
    html: Annotated[bool, typer.Option("--html", help="As a page, to print or send.")] = False,
    people: Consents,
) -> None:
    """A receipt of one entry, for the person."""
    with people.session() as (privacy, session):
        whom = person if kind is None else (kind, person)
        written = privacy.consents.receipt(session, whom, entry, language.value, format="html" if html else "text")
    typer.echo(written, nl=False)


@app.command()
@spread
def counts(
    *,
    people: Consents,
    json: JsonOption = False,
) -> None:
    """How many people said what, by purpose and recipient."""
    with people.session() as (privacy, session):
        found = privacy.consents.counts(session)
    if json:
        print_json([asdict(one) for one in found])
        return
    shown = new_table("To", "Agreed", "Lapsed", "Refused", "Withdrawn")
    for one in found:
        shown.add_row(*map(plain, (one.what, *map(str, (one.agreed, one.lapsed, one.refused, one.withdrawn)))))
    show_table(shown)
