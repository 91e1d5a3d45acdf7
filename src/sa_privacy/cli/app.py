"""The commands, and what they share."""

from __future__ import annotations

import importlib.metadata
from typing import Annotated

import typer

from sa_privacy.cli import (
    adoption,
    check,
    consents,
    doctor,
    erase,
    files,
    holds,
    keys,
    log,
    publish,
    requests,
    restore,
    retention,
    scan,
    sealing,
    staff,
    tables,
    wall,
)

__all__ = ["app"]

app = typer.Typer(
    name="sa-privacy",
    help="Makes a published privacy policy true inside a SQLAlchemy application.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command()(adoption.report)
app.command()(check.check)
app.command()(doctor.doctor)
app.command()(files.backup)
app.command()(publish.publish)
app.command()(scan.scan)
erase.app.command()(files.scan)
erase.app.command()(files.clean)
app.command()(sealing.seal)
app.command()(sealing.reseal)
app.command()(sealing.unseal)
app.add_typer(consents.app)
app.add_typer(erase.app)
app.add_typer(holds.app)
app.add_typer(keys.app)
app.add_typer(log.app)
app.add_typer(requests.app)
app.add_typer(restore.app)
app.add_typer(retention.app)
app.add_typer(staff.app)
app.add_typer(tables.app)
app.add_typer(wall.app)


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
