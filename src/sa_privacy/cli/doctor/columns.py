"""What stands against sealing each column, one finding after the other, with the way out of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import MetaData

from sa_privacy.accesslog.wanted import Wanted
from sa_privacy.cli.database import connecting
from sa_privacy.cli.doctor.models import applications_own
from sa_privacy.cli.log.place import place
from sa_privacy.cli.telling import fail, say
from sa_privacy.columns.catalogue import Catalogue
from sa_privacy.jobs import Finding, examine, matched_in

__all__ = ["Findings", "as_json", "matched", "named", "tell"]

Findings = Mapping[str, list[Finding]]


def named(catalogue: Catalogue, metadata: Sequence[MetaData], columns: Sequence[str], url: str | None) -> Findings:
    """What stands against sealing the columns of those names."""
    tables = {table.fullname: table for one in metadata for table in one.tables.values()}
    chosen = {}
    for name in columns:
        of, _, column = name.rpartition(".")
        if of not in tables or column not in tables[of].c:
            personal = ", ".join(applications_own(catalogue))
            fail(f'the models have no column "{name}".', f"write table.column; personal columns: {personal}.")
        chosen[name] = (tables[of], tables[of].c[column])
    with connecting(url) as engine, engine.connect() as connection:
        return {name: examine(connection, *one) for name, one in chosen.items()}


def matched(found: Findings, log: str | None) -> Findings:
    """The same, with what statements of a log compare, search or order by."""
    if log is None:
        return found
    together = {name: [*findings] for name, findings in found.items()}
    with place(log, written=False) as asked:
        for finding in matched_in(asked.find(Wanted(kinds=frozenset({"intent"}))), list(together)):
            together[finding.column].append(finding)
    return together


def tell(found: Findings) -> None:
    """Prints a verdict on each column, and under it what was found."""
    for name, findings in found.items():
        forbids = any(finding.forbids for finding in findings)
        word, style = ("no", "red") if forbids else ("yes, but", "yellow") if findings else ("yes", "green")
        say(f"{name}: can be sealed in place: {word}", style=style)
        for finding in findings:
            say(f"  {'forbids' if finding.forbids else 'mind':8} {finding.kind}: {finding.what}")
            say(f"           {finding.way_out}")


def as_json(found: Findings) -> list[dict[str, Any]]:
    """The same for programs."""
    return [
        {
            "column": name,
            "sealable": not any(finding.forbids for finding in findings),
            "findings": [
                {"kind": one.kind, "what": one.what, "forbids": one.forbids, "way_out": one.way_out} for one in findings
            ],
        }
        for name, findings in found.items()
    ]
