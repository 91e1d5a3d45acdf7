"""``sa-privacy tables``: the library's own tables (consent, provisions, requests, staff) in a database."""

from __future__ import annotations

from typing import Annotated

import typer

from sa_privacy.cli.database import connecting
from sa_privacy.cli.options import JsonOption, OwnerUrlOption
from sa_privacy.cli.telling import FOUND, fail, print_json, say, telling

try:
    from sa_privacy.integrations.alembic import tables
except ModuleNotFoundError as error:
    if error.name is None or error.name.partition(".")[0] != "alembic":
        raise
    tables = None  # type: ignore[assignment]

__all__ = ["app", "tables"]

app = typer.Typer(name="tables", help="The library's own tables in a database.", no_args_is_help=True)


@app.callback()
def needs_alembic() -> None:
    """The library's own tables in a database: consent, provisions, requests, staff."""
    if tables is None:
        fail(
            "the tables are brought up to date by Alembic, which is not installed.", 'pip install "sa-privacy[alembic]"'
        )


@app.command()
def upgrade(url: OwnerUrlOption = None) -> None:
    """Make the tables, or bring them to this release. Doing it twice changes nothing."""
    with telling(), connecting(url, new=True) as engine, engine.begin() as connection:
        there = tables.are_there(connection)
        before, after = tables.upgrade(connection)
    if there and before is None:
        say(f"the tables are there, as this release makes them: noted as version {after}.", "green")
    elif before == after:
        say(f"the tables are at version {after} already.", "green")
    else:
        say(f"the tables are at version {after} now{'' if before is None else f'; they were at {before}'}.", "green")


@app.command()
def script(
    dialect: Annotated[str, typer.Option(help="sqlite or postgresql.", metavar="NAME")] = "postgresql",
    start: Annotated[
        str | None, typer.Option("--from", help="The version that the database is at.", metavar="VERSION")
    ] = None,
) -> None:
    """Print the SQL that upgrade would run, and change nothing."""
    if dialect not in {"sqlite", "postgresql"}:
        fail(f"{dialect} is not supported.", "sa_privacy works on SQLite and PostgreSQL.")
    typer.echo(tables.script(dialect, start), nl=False)


@app.command()
def check(url: OwnerUrlOption = None, as_json: JsonOption = False) -> None:
    """Say whether the tables are as this release expects them; exit status 1 where they are not."""
    with telling(), connecting(url) as engine, engine.connect() as connection:
        at, wanted, found = tables.version(connection), tables.head(), tables.differences(connection)
        there = tables.are_there(connection)
    good = not found and at in (wanted, None)  # who made them without a version may have migrations of their own
    if as_json:
        print_json({"version": at, "newest": wanted, "differences": found})
    elif good:
        say(f"the tables are as they should be, {'without a version' if at is None else f'at version {at}'}.", "green")
    elif not there:
        say("the tables are not there.", "yellow")
        say("run: sa-privacy tables upgrade")
    else:
        say(f"the tables are at {'no version' if at is None else f'version {at}'}; the newest is {wanted}.", "yellow")
        for line in found:
            say(f"  {line}")
        say(
            "run: sa-privacy tables upgrade"
            if at not in (wanted, None)
            else "make them equal: sa-privacy tables script"
        )
    if not good:
        raise typer.Exit(FOUND)
