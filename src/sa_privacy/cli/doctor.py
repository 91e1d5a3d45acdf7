"""``sa-privacy doctor``: what forbids or complicates sealing a column, and the way out of each."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from sqlalchemy import Column, Connection, MetaData, Table

from sa_privacy.accesslog import read_events
from sa_privacy.cli.database import connecting
from sa_privacy.cli.models import load_models
from sa_privacy.cli.options import JsonOption, ModelsOption, PolicyOption, UrlOption
from sa_privacy.cli.telling import FOUND, fail, print_json, say, telling
from sa_privacy.columns.own_tables import OWN_CATEGORY
from sa_privacy.jobs import Finding, examine, matched_in
from sa_privacy.privacy import Privacy

__all__ = ["doctor"]


def doctor(
    *,
    columns: Annotated[
        list[str] | None,
        typer.Argument(
            help="The columns; all personal ones where left out.", metavar="[TABLE.COLUMN]...", show_default=False
        ),
    ] = None,
    models: ModelsOption,
    policy: PolicyOption = Path("privacy.toml"),
    url: UrlOption = None,
    log: Annotated[
        Path | None, typer.Option(help="An access log: what its statements compare or order by.", metavar="DIR")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Say of each column what stands against sealing it, and what to do about it, and which schedules of retention do not fit
    the models. Exit status 1 where something forbids it.

    Asks the models, the database, and the access log where one is given. Changes nothing.
    """
    with telling(), connecting(url) as engine:
        metadata = load_models(models)
        chosen, faults = _chosen(policy, metadata, columns)
        with engine.connect() as connection:
            found = {f"{t.fullname}.{c.name}": examine(connection, t, c) for t, c in chosen}
            open_to_holds = _without_guards(policy, metadata, connection)
    if log is not None:
        if not log.is_dir():
            fail(f"there is no access log in {log}.", 'name the directory that AccessLog.open("...") was given.')
        for finding in matched_in(read_events(log), list(found)):
            found[finding.column].append(finding)
    if as_json:
        print_json(
            [*(_as_json(name, findings) for name, findings in found.items()), *({"schedule": f} for f in faults)]
        )
    else:
        for name, findings in found.items():
            _tell(name, findings)
        if open_to_holds:
            say(
                f"no hold can be placed on rows of {', '.join(open_to_holds)}: run sa-privacy hold guard",
                style="yellow",
            )
        for fault in faults:
            say(fault, style="red")
    if faults or any(finding.forbids for findings in found.values() for finding in findings):
        raise typer.Exit(FOUND)


def _chosen(
    policy: Path, metadata: list[MetaData], columns: Sequence[str] | None
) -> tuple[list[tuple[Table, Column[Any]]], list[str]]:
    """The columns to look at; and where none were named, what is wrong with schedules."""
    privacy = Privacy(policy, log=None, metadata=metadata)
    try:
        personal = sorted(c.name for c in privacy.catalogue.columns.values() if c.category != OWN_CATEGORY)
        faults = [] if columns else privacy.retention.faults()
    finally:
        privacy.close()
    tables = {table.fullname: table for one in metadata for table in one.sorted_tables}
    chosen = []
    for name in columns or personal:
        place, _, column = name.rpartition(".")
        if place not in tables or column not in tables[place].c:
            fail(
                f'the models have no column "{name}".', f"write table.column; personal columns: {', '.join(personal)}."
            )
        chosen.append((tables[place], tables[place].c[column]))
    return chosen, faults


def _without_guards(policy: Path, metadata: list[MetaData], connection: Connection) -> list[str]:
    """The tables that lack the triggers which keep held rows, where the policy says who places holds."""
    privacy = Privacy(policy, log=None, metadata=metadata)
    try:
        return privacy.holds.missing(connection) if privacy.policy.erasure is not None else []
    finally:
        privacy.close()


def _tell(name: str, findings: list[Finding]) -> None:
    forbids = sum(finding.forbids for finding in findings)
    word, style = ("no", "red") if forbids else ("yes, but", "yellow") if findings else ("yes", "green")
    say(f"{name}: can be sealed in place: {word}", style=style)
    for finding in findings:
        say(f"  {'forbids' if finding.forbids else 'mind':8} {finding.kind}: {finding.what}")
        say(f"           {finding.way_out}")


def _as_json(name: str, findings: list[Finding]) -> dict[str, Any]:
    return {
        "column": name,
        "sealable": not any(finding.forbids for finding in findings),
        "findings": [
            {"kind": one.kind, "what": one.what, "forbids": one.forbids, "way_out": one.way_out} for one in findings
        ],
    }
