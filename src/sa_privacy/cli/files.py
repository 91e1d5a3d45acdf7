"""What is done with the files of a database: ``sa-privacy erase scan``, ``erase clean`` and ``sa-privacy backup``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from sqlalchemy import make_url

from sa_privacy.cli.database import connecting
from sa_privacy.cli.options import JsonOption, OwnerUrlOption
from sa_privacy.cli.telling import FOUND, fail, print_json, say, telling
from sa_privacy.customers.erasure import scan as scanning
from sa_privacy.customers.erasure.backup import KEY_TABLE, copy_data, copy_keys
from sa_privacy.customers.erasure.clean import clean as clean_files

__all__ = ["backup", "clean", "scan"]


def scan(
    *,
    places: Annotated[
        list[Path],
        typer.Argument(help="SQLite files, directories of PostgreSQL, dumps.", metavar="PLACE...", show_default=False),
    ],
    needles: Annotated[
        Path,
        typer.Option(help="A file with what to look for, a line each; - reads them from stdin.", metavar="FILE"),
    ],
    pg_restore: Annotated[str, typer.Option(help="The program that opens dumps.", metavar="PATH")] = "pg_restore",
    as_json: JsonOption = False,
) -> None:
    """Look for bytes of somebody in the files of a database; exit status 1 where there are any.

    What is looked for is not printed: it is named by the number of its line. A server writes to its files late: CHECKPOINT
    first, or erase clean.
    """
    with telling():
        try:
            read = sys.stdin.read() if str(needles) == "-" else needles.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            fail(f"{needles} cannot be read.", "give a text file in UTF-8, one text a line.")
        lines = [(at, line) for at, line in enumerate(read.splitlines(), 1) if line.strip()]
        if not lines:
            fail(f"{needles} holds nothing to look for.", "one text a line: a name with its birthday, say.")
        with Console(stderr=True).status("reading") as status:
            found = scanning.scan(
                [line for _, line in lines],
                *places,
                pg_restore=pg_restore,
                progress=lambda path: status.update(f"reading {path}"),
            )
    if as_json:
        print_json(
            [
                {
                    "line": lines[one.needle][0],
                    "path": str(one.path),
                    "offset": one.offset,
                    "count": one.count,
                    "whole": one.whole,
                    "in_log": one.in_log,
                }
                for one in found
            ]
        )
    elif not found:
        say("Nothing of it is there.", "green")
    else:
        for one in found:
            what = "" if one.whole else ", a half of it"
            where = " (a log, which ends by itself)" if one.in_log else ""
            say(
                f"line {lines[one.needle][0]}{what}: {one.count} x in {one.path}, first at byte {one.offset}{where}",
                "red",
            )
    if found:
        raise typer.Exit(FOUND)


def clean(
    *,
    url: OwnerUrlOption = None,
    table: Annotated[
        list[str] | None,
        typer.Option(help="PostgreSQL: only this table. Repeatable.", metavar="TABLE", show_default=False),
    ] = None,
    rewrite: Annotated[
        bool, typer.Option("--rewrite", help="PostgreSQL: write tables and indexes anew, and lock them meanwhile.")
    ] = False,
) -> None:
    """Take out of the database's files what no row holds any more, and say what this cannot reach."""
    with telling(), connecting(url) as engine:
        cleaned = clean_files(engine, table or (), rewrite=rewrite)
    for one in cleaned.done:
        say(f"done: {one}", "green")
    for one in cleaned.left:
        say(f"left: {one}", "yellow")


def backup(
    *,
    file: Annotated[Path, typer.Argument(help="The backup; is not there yet.", metavar="FILE", show_default=False)],
    url: OwnerUrlOption = None,
    keys: Annotated[bool, typer.Option("--keys", help="Back up the keys of people instead, and nothing else.")] = False,
) -> None:
    """Back up a SQLite database without the keys of people, so that a key that is destroyed is destroyed in every copy.

    On PostgreSQL: pg_dump --exclude-table-data=sa_privacy_subject_keys.
    """
    with telling(), connecting(url) as engine:
        made = make_url(engine.url)
        if made.get_backend_name() != "sqlite" or not made.database:
            fail(
                "this copies files of SQLite.",
                f"on PostgreSQL: pg_dump --exclude-table-data={KEY_TABLE}, and for the keys pg_dump --table={KEY_TABLE}.",
            )
        count = copy_keys(Path(made.database), file) if keys else copy_data(Path(made.database), file)
    if keys:
        say(f"{file}: {count:,} keys of people, wrapped. Let it expire soon: it opens what it is kept beside.", "green")
    else:
        say(f"{file}: the data, without {count:,} keys of people.", "green")
