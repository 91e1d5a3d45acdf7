"""The commands, and what they share."""

from __future__ import annotations

import importlib.metadata
from typing import Annotated, Final

import typer

from sa_privacy.cli.later import commands

__all__ = ["app"]

# What a command says here it says in its own help, too: a test holds them against each other.
_COMMANDS: Final = {
    "report": (
        "sa_privacy.cli.adoption:report",
        "Show which routes and call sites touch what, and for which purposes they would have to be declared.",
    ),
    "check": (
        "sa_privacy.cli.check:check",
        "Fail where a column is neither annotated as personal nor said not to be. Exit status 1, and a line for each.",
    ),
    "doctor": (
        "sa_privacy.cli.doctor:doctor",
        "Say on one screen what is installed, protected, sealable, and at risk; or of columns, what stands against sealing them.",
    ),
    "backup": (
        "sa_privacy.cli.files:backup",
        "Back up a SQLite database without the keys of people, so that a key that is destroyed is destroyed in every copy.",
    ),
    "publish": (
        "sa_privacy.cli.publish:publish",
        "Write the notice, the record of processing, the policy for machines and the data map.",
    ),
    "scan": ("sa_privacy.cli.scan:scan", "Show which columns look personal, and why. Changes nothing."),
    "seal": (
        "sa_privacy.cli.sealing:seal",
        "Seal what columns hold, in place, while the application runs. Run it again after a break: it goes on.",
    ),
    "reseal": (
        "sa_privacy.cli.sealing:reseal",
        "Seal cells anew, under the keyring's primary key and with the lookup slots of the moment: after a rotation.",
    ),
    "unseal": (
        "sa_privacy.cli.sealing:unseal",
        "Put plain values where cells are, and give the columns their own types back. Nothing may write cells meanwhile.",
    ),
    "consents": ("sa_privacy.cli.consents:app", "What people agreed to, refused and took back."),
    "erase": ("sa_privacy.cli.erase:app", "Erase a person: everything of theirs, or nothing."),
    "hold": ("sa_privacy.cli.holds:app", "What must stay as it is for as long as a case lasts."),
    "keys": ("sa_privacy.cli.keys:app", "The keyring file: keys made, rotated, wrapped, counted."),
    "log": ("sa_privacy.cli.log:app", "The access log: prove it, keep it, ship it, ask it."),
    "requests": ("sa_privacy.cli.requests:app", "What people have asked for."),
    "restore": ("sa_privacy.cli.restore:app", "After a backup was restored."),
    "retention": ("sa_privacy.cli.retention:app", "The end of data whose time is over."),
    "staff": ("sa_privacy.cli.staff:app", "Accounts, granted roles and pledges, and their review."),
    "tables": ("sa_privacy.cli.tables:app", "The library's own tables in a database."),
    "wall": ("sa_privacy.cli.wall:app", "The database's own wall: roles, grants and logins."),
}

app = typer.Typer(
    name="sa-privacy",
    cls=commands(_COMMANDS),
    help="Makes a published privacy policy true inside a SQLAlchemy application.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"sa-privacy {importlib.metadata.version('sa-privacy')}")
        raise typer.Exit


@app.callback()
def main(
    *,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Say which version this is, and stop.")
    ] = False,
) -> None:
    """Makes a published privacy policy true inside a SQLAlchemy application."""
