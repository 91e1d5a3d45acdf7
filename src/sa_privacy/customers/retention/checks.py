"""Whether schedules can be carried out on the models: said before the night in which they would have run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from sqlalchemy import Column, Date, DateTime, Table

from sa_privacy.columns.catalogue import Catalogue, PersonalTable
from sa_privacy.customers.destruction.graph import identity_of
from sa_privacy.customers.destruction.values import empty_value
from sa_privacy.errors import RetentionRefused
from sa_privacy.policy import Clock, Policy, Schedule

__all__ = ["check_schedules", "faults_of"]


def check_schedules(faults: Sequence[str]) -> None:
    """Refuses what :func:`faults_of` found.

    :raises RetentionRefused: names every fault.
    """
    if faults:
        raise RetentionRefused(
            "the policy's schedules do not fit the models: " + " ".join(faults),
            hint="put them right in the policy; nothing was changed.",
        )


def faults_of(policy: Policy, catalogue: Catalogue, tables: Mapping[str, Table], *, shreds: bool) -> list[str]:
    """What is wrong with schedules and clocks, a sentence for each.

    :param tables: those that are looked after, by full name.
    :param shreds: there are keys of people, which can be destroyed.
    """
    faults = [
        f'[clocks.{one.name}] there is no table "{one.table}".'
        for one in policy.clocks.values()
        if one.table not in tables
    ]
    for schedule in policy.retention.values():
        said = [*_of_schedule(schedule, policy.clocks, catalogue, tables)]
        if schedule.action == "shred" and not shreds:
            said.append('action: nothing is sealed under keys of people; pii_column(..., key="subject").')
        faults += [f"[retention.{schedule.name}] {one}" for one in said]
    return faults


def _of_schedule(
    schedule: Schedule, clocks: Mapping[str, Clock], catalogue: Catalogue, tables: Mapping[str, Table]
) -> Iterator[str]:
    if schedule.table is not None:
        if schedule.table not in tables:
            yield f'there is no table "{schedule.table}".'
            return
        chosen = [tables[schedule.table]]
    else:
        holders = [one for one in catalogue if any(c.category == schedule.category for c in one.columns.values())]
        chosen = [tables[one.name] for one in holders if one.name in tables]
        if not chosen:
            yield f'no column is of the category "{schedule.category}".'
    for table in chosen:
        yield from _of_table(schedule, table, clocks, catalogue)
    if schedule.category is not None:
        names = {column.name for table in chosen for column in table.columns}
        for one in sorted(set(schedule.columns or ()) - names):
            yield f'columns: no table with the category has a column "{one}".'


def _of_table(schedule: Schedule, table: Table, clocks: Mapping[str, Clock], catalogue: Catalogue) -> Iterator[str]:
    if not table.primary_key.columns:
        yield f"{table.fullname} has no primary key: its rows cannot be told apart."
    yield from _clocks(schedule, table, clocks)
    if schedule.table is not None:
        yield from _names(schedule, table)
    known = catalogue.by_name.get(table.fullname)
    if schedule.action == "shred":
        if known is None or known.subject is None or not known.subject.person:
            yield f"action: {table.fullname} is no table of people, who alone have keys; name theirs, or another action."
    elif schedule.action != "delete" or schedule.reasons:
        yield from _emptied(schedule, table, known)
    if known is not None:
        yield from _noise(schedule, known)


def _noise(schedule: Schedule, table: PersonalTable) -> Iterator[str]:
    """What a reason keeps that is noise once the person's key is destroyed."""
    keyed = {column.column: column for column in table.columns.values() if column.by_subject}
    for reason in schedule.reasons.values():
        kept = reason.keeps
        if kept is None:
            kept = tuple(name for name, one in keyed.items() if one.category == schedule.category)
        for name in kept:
            if name in keyed:
                yield f"reasons.{reason.name}: {keyed[name].name} is sealed under the person's key, which ends with them."


def _clocks(schedule: Schedule, table: Table, clocks: Mapping[str, Clock]) -> Iterator[str]:
    columns = {str(column.name): column for column in table.columns}
    for clock in dict.fromkeys([schedule.clock, *(one.clock for one in schedule.reasons.values() if one.clock)]):
        if clock in columns:
            if not isinstance(columns[clock].type, (Date, DateTime)):
                yield f"clock: {table.fullname}.{clock} is no date and no date with a time."
        elif clock not in clocks or clocks[clock].table != table.fullname:
            yield f'clock: "{clock}" is no column of {table.fullname} and no clock of the policy for it.'


def _names(schedule: Schedule, table: Table) -> Iterator[str]:
    """What the schedule names that the table has not."""
    named = [("columns", schedule.columns or ()), ("values", tuple(schedule.values))]
    named += [(f"reasons.{one.name}", one.keeps or ()) for one in schedule.reasons.values()]
    names = {column.name for column in table.columns}
    for where, columns in named:
        for column in columns:
            if column not in names:
                yield f'{where}: {table.fullname} has no column "{column}".'


def _emptied(schedule: Schedule, table: Table, known: PersonalTable | None) -> Iterator[str]:
    """What is to be emptied, and cannot be."""
    personal = {column.column: column.category for column in known.columns.values()} if known is not None else {}
    wanted = set(schedule.columns) if schedule.columns is not None else set(personal)
    if schedule.category is not None:
        wanted = {one for one in wanted if personal.get(one) == schedule.category}
    apart = {str(column.name) for column in identity_of(table)}
    if known is not None and known.subject is not None:
        apart.add(known.subject.key or known.subject.steps[0][0])
    for column in table.columns:
        if column.name not in wanted:
            continue
        if column.name not in apart:
            yield from () if column.name in schedule.values else _not_emptied(column)
        elif schedule.columns is not None:
            yield (
                f"columns: rows are told apart or held together by {table.fullname}.{column.name}, which cannot be emptied."
            )


def _not_emptied(column: Column[object]) -> Iterator[str]:
    try:
        empty_value(column)
    except RetentionRefused:
        yield (
            f"{column.table.fullname}.{column.name} cannot be emptied: it takes no NULL, and no value of its type says "
            f"nothing; say one: values = {{{column.name} = ...}}."
        )
