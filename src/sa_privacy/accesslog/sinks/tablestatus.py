"""How large the table is, from when to when, and by how many writers."""

from __future__ import annotations

from sqlalchemy import Connection, func, select, text

from sa_privacy.accesslog.logplace import LogStatus
from sa_privacy.accesslog.questions.status import checkpoint_time
from sa_privacy.accesslog.sinks.checkpoints import CheckpointTable
from sa_privacy.accesslog.sinks.schema import KIND_RARE, as_indexed
from sa_privacy.accesslog.sinks.table import EventTable, reaching
from sa_privacy.accesslog.sinks.tabletail import last_rows
from sa_privacy.accesslog.wanted import Wanted

__all__ = ["table_status"]


def table_status(table: EventTable) -> LogStatus:
    """The state of the table.

    :raises LogUnavailable: the database cannot be read.
    """
    events, writers = table.schema.events.c, table.schema.writers.c
    ends = (events.kind.in_(("opened", "closed")), as_indexed(KIND_RARE))
    with reaching(table.engine), table.engine.connect() as connection:
        many, first = connection.execute(select(func.count(), func.min(writers.opened))).one()
        counted = select(events.kind, func.count()).where(*ends).group_by(events.kind)
        kinds = {row[0]: row[1] for row in connection.execute(counted)}
        size = _size(table, connection)
    newest = last_rows(table, Wanted(), 1)
    checkpoint = CheckpointTable(table.engine).last()
    opened = kinds.get("opened", 0)
    return LogStatus(
        bytes=size,
        segments=opened,
        compressed=0,
        writers=many,
        running=None,
        unclosed=max(0, opened - kinds.get("closed", 0)),
        first=None if first is None else table.time(first),
        last=newest[0].at if newest else None,
        checkpoint=None if checkpoint is None else checkpoint_time(checkpoint.text),
    )


def _size(table: EventTable, connection: Connection) -> int | None:
    """Of the tables and their indexes; of SQLite's file as a whole."""
    if table.engine.dialect.name == "sqlite":
        pages = "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()"
        return int(connection.scalar(text(pages)) or 0)
    if table.engine.dialect.name != "postgresql":
        return None
    prepare = table.engine.dialect.identifier_preparer
    of = text("SELECT sum(pg_total_relation_size(relid)) FROM pg_partition_tree(CAST(:name AS regclass))")
    plain = text("SELECT pg_total_relation_size(CAST(:name AS regclass))")
    size = 0
    for one in table.schema.all:
        parts = of if one in table.schema.by_month else plain
        size += int(connection.scalar(parts, {"name": prepare.format_table(one)}) or 0)
    return size
