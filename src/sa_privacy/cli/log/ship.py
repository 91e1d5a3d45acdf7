"""``sa-privacy log ship``: the journal on its way to where it is kept."""

from __future__ import annotations

import signal
from threading import Event
from types import FrameType
from typing import Annotated

import typer

from sa_privacy.accesslog.sinks import EventTable, Shipper
from sa_privacy.accesslog.sinks.ship import BATCH, hopeless
from sa_privacy.cli.log.place import DEFAULT, DirectoryOption, directory, is_url
from sa_privacy.cli.telling import fail, print_json, telling

__all__ = ["ship"]


def ship(
    *,
    to: Annotated[
        str, typer.Option(help='A database URL, or "stdout".', metavar="URL|stdout", envvar="SA_PRIVACY_LOG_URL")
    ],
    log: DirectoryOption = DEFAULT,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on until it is told to end; wait while the database is away.")
    ] = False,
    every: Annotated[
        float, typer.Option(help="Seconds between two looks at the journal, with --follow.", min=0.01)
    ] = 1.0,
    batch: Annotated[int, typer.Option(help="Lines that are shipped together.", min=1)] = BATCH,
    lag: Annotated[bool, typer.Option("--lag", help="Only say, as JSON, what is not shipped yet.")] = False,
    ddl: Annotated[
        bool, typer.Option("--ddl", help="Only print the DDL of the tables, and what to grant to whom.")
    ] = False,
) -> None:
    """Ship the access log to a SQL table, or to stdout as JSON lines; each time it goes on where it was.

    The table is made if it is not there and the user of the URL may. Every event arrives, and none twice in a table; on
    stdout, lines may come again after a crash: they are told by "writer" and "seq".
    """
    if to != "stdout" and not is_url(to):
        fail(f'"{to}" is no place to ship to.', 'write a database URL, or "stdout".')
    with telling():
        if ddl:
            _print_ddl(to)
            return
        path = directory(log, "what is shipped are files.")
        with Shipper(path, to, batch=batch, make=not lag) as shipper:
            if lag:
                print_json(shipper.lag()._asdict())
            elif follow:
                _follow(shipper, every)
            else:
                shipped = shipper.run_once()
                typer.echo(f"{shipped} events shipped to {shipper.target.name}.", err=True)


def _print_ddl(to: str) -> None:
    if to == "stdout":
        fail("stdout has no tables.", "give the database URL with --to.")
    with EventTable(to) as table:
        typer.echo(table.ddl(), nl=False)


def _follow(shipper: Shipper, every: float) -> None:
    stop = Event()

    def end(_: int, __: FrameType | None) -> None:
        stop.set()

    before = {number: signal.signal(number, end) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        shipper.follow(every, stop, give_up=hopeless)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    shipper.run_once()
