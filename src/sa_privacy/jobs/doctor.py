"""What forbids or complicates sealing a column: the database's own word, the model's, and that of the access log."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import Column, Connection, Table, inspect

from sa_privacy.columns.sealable import check_sealing
from sa_privacy.columns.sealed import Encrypted
from sa_privacy.columns.subject_frame import KEY_TABLE
from sa_privacy.errors import PolicyError
from sa_privacy.jobs import postgresql, sqlite
from sa_privacy.jobs.finding import Finding
from sa_privacy.jobs.target import Target

if TYPE_CHECKING:
    from sa_privacy.accesslog import Event

__all__ = ["examine", "matched_in", "require_sealable"]


def examine(connection: Connection, table: Table, column: Column[Any]) -> list[Finding]:
    """What stands against sealing a column, in the model and in the database connected to. Changes nothing.

    :raises PolicyError: the database has no such column.
    """
    known = inspect(connection)
    if not known.has_table(table.name, table.schema) or column.name not in {
        each["name"] for each in known.get_columns(table.name, table.schema)
    }:
        raise PolicyError(
            f"the database has no {table.fullname}.{column.name}.",
            hint="is it the right database, and its schema up to date?",
            columns=(f"{table.fullname}.{column.name}",),
        )
    findings = [*_of_model(table, column), *_of_database(connection, table, column)]
    if getattr(column.type, "key", None) is not None and not known.has_table(KEY_TABLE):
        findings.append(Finding(f"{table.fullname}.{column.name}", "keys of people", KEY_TABLE, forbids=True))
    return list(dict.fromkeys(findings))


def require_sealable(connection: Connection, target: Target) -> None:
    """Makes sure that nothing in the database stands against sealing these columns in place.

    :raises PolicyError: names all that does.
    """
    against = [
        finding
        for column in target.columns
        for finding in _of_database(connection, target.table, column)
        if finding.forbids
    ]
    if against:
        raise PolicyError(
            f"{target.name} cannot be sealed in place: "
            + "; ".join(f"{finding.column}: {finding.kind} ({finding.what})" for finding in against)
            + ".",
            hint=" ".join(dict.fromkeys(finding.way_out for finding in against)),
            columns=tuple(dict.fromkeys(finding.column for finding in against)),
        )


def matched_in(events: Iterable[Event], columns: Sequence[str]) -> list[Finding]:
    """The columns that statements of the log compare, search, or order by. The log keeps no SQL, but where each statement
    came from, and its fingerprint.
    """
    found: dict[str, Counter[str]] = {name: Counter() for name in columns}
    for event in events:
        for name in event.matches:
            if event.kind == "intent" and name in found and not str(event.statement).startswith("job:"):
                found[name][event.site or event.route or str(event.statement)] += 1
    return [
        Finding(name, "matched", f"{times} times at {place}", forbids=False)
        for name, places in found.items()
        for place, times in places.most_common(10)
    ]


def _of_model(table: Table, column: Column[Any]) -> Iterator[Finding]:
    name = f"{table.fullname}.{column.name}"
    if isinstance(column.type, Encrypted):
        return
    try:
        Encrypted(column.type, category="-")
    except PolicyError as error:
        yield Finding(name, "type", error.message, forbids=True)
    try:
        check_sealing(column, table)
    except PolicyError as error:
        yield Finding(name, "model", error.message, forbids=True)


def _of_database(connection: Connection, table: Table, column: Column[Any]) -> Iterator[Finding]:
    name = f"{table.fullname}.{column.name}"
    if connection.dialect.name == "postgresql":
        quoted = connection.dialect.identifier_preparer.format_table(table)
        yield from postgresql.findings(connection, quoted, column.name, name)
    else:
        yield from sqlite.findings(connection, table.schema, table.name, column.name, name)
