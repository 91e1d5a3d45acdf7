"""``sa-privacy erase``: a plan to look at, its execution, and whether a certificate is as it was signed."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from sa_privacy.cli import files
from sa_privacy.cli.application import Asked
from sa_privacy.cli.office import ERASING
from sa_privacy.cli.options import ErasuresOption, JsonOption, KindOption, Language, LanguageOption, PersonArgument
from sa_privacy.cli.spread import spread
from sa_privacy.cli.telling import FOUND, fail, print_json, say, telling
from sa_privacy.cli.written import written_erasures
from sa_privacy.crypto import SigningKey, VerifyingKey
from sa_privacy.customers.erasure import ErasurePlan
from sa_privacy.customers.erasure.certificate import read_certificate
from sa_privacy.privacy import Privacy

__all__ = ["Erasing", "app"]

app = typer.Typer(name="erase", help="Erase a person: everything of theirs, or nothing.", no_args_is_help=True)


@dataclass(frozen=True, kw_only=True)
class Erasing(Asked):
    """The application, and who erases."""

    what = "an erasure"
    office = ERASING


@app.command()
@spread
def plan(
    *,
    person: PersonArgument,
    kind: KindOption = None,
    data: Erasing,
    language: LanguageOption = Language.en,
    erasures: ErasuresOption = None,
    json: JsonOption = False,
) -> None:
    """Say what erasing a person would do, and change nothing; exit status 1 where something stands against it.

    The last line is the hash of the plan, for: sa-privacy erase run KEY --plan HASH.
    """
    with (
        telling(),
        data.opened(
            erasures=None if erasures is None else written_erasures(erasures),
        ) as (privacy, engine),
    ):
        made = _plan(privacy, engine, person, kind)
    if json:
        print_json(_plain(made))
    else:
        say(made.as_text(language.value))
    if made.held:
        raise typer.Exit(FOUND)


@app.command()
@spread
def run(
    *,
    person: PersonArgument,
    hash_: Annotated[str, typer.Option("--plan", help="The hash of the plan that was looked at.", metavar="HASH")],
    kind: KindOption = None,
    data: Erasing,
    request: Annotated[
        str | None, typer.Option(help="The request that asked for it.", metavar="REFERENCE", show_default=False)
    ] = None,
    signing_key: Annotated[
        Path | None, typer.Option("--sign", help="Sign the certificate with this key.", metavar="PEM")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Write the certificate here; else it is printed.")] = None,
    erasures: ErasuresOption = None,
    no_erasures: Annotated[
        bool, typer.Option("--no-erasures", help="There is no ledger: a restored backup brings the person back.")
    ] = False,
) -> None:
    """Erase a person as a plan said that was looked at: all of it, or nothing."""
    with (
        telling(),
        data.opened(
            erasures=None if no_erasures else written_erasures(erasures, "; or say --no-erasures"),
        ) as (privacy, engine),
    ):
        key = SigningKey.load(signing_key) if signing_key is not None else None
        if out is not None and out.exists():
            fail(f"{out} is there already.", "name another file: a certificate is written over nothing.")
        made = _plan(privacy, engine, person, kind)
        if made.hash != hash_:
            fail(
                "the data is not as it was when the plan was made, or the plan is of somebody else.",
                "nothing was erased: look at a new plan, sa-privacy erase plan.",
            )
        certificate = privacy.erasure.run(engine, made, request=request, signing_key=key)
    if out is None:
        typer.echo(certificate.json(), nl=False)
    else:
        out.write_text(certificate.json(), encoding="utf-8")
        say(f"Erased, as record {certificate.record} says. The certificate is {out}.")


@app.command()
def verify(
    *,
    certificate: Annotated[Path, typer.Argument(help="The certificate.", metavar="FILE")],
    key: Annotated[list[Path], typer.Option(help="A public key that may have signed it.", metavar="PEM")],
) -> None:
    """Say whether a certificate is as it was signed; exit status 1 where it is not."""
    with telling():
        try:
            text = certificate.read_bytes()
        except OSError as error:
            fail(f"{certificate} cannot be read ({error.strerror}).", "give the file that erase run wrote.")
        found = read_certificate(text)
        good = found.verify(*map(VerifyingKey.load, key))
    if not good:
        say("NOT as it was signed, or signed by none of these keys.", "red")
        raise typer.Exit(FOUND)
    say(f"Signed by {found.key}: one {found.kind} was erased at {found.at:%Y-%m-%d %H:%M} UTC, record {found.record}.")
    if not found.ledger:
        say("No ledger of erasures knows of it: a restored backup brings the person back.", "yellow")


def _plan(privacy: Privacy, engine: Engine, person: str, kind: str | None) -> ErasurePlan:
    with Session(engine) as session:
        return privacy.erasure.plan(session, person if kind is None else (kind, person))


def _plain(made: ErasurePlan) -> dict[str, object]:
    kept = [asdict(one) | {"until": None if one.until is None else one.until.isoformat()} for one in made.kept]
    held = [asdict(one) for one in made.held]
    return {
        "plan": made.hash,
        "counts": made.counts,
        "kept": kept,
        "held": held,
        "nobodys": list(made.nobodys),
        "ledger": made.ledger,
    }


app.command()(files.scan)
app.command()(files.clean)
