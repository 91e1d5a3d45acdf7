"""Sealing columns anew under the keys of the people whose rows they are: cells of the keyring's own keys, and cells whose lookup
slots are of another moment.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from sqlalchemy import Connection, Engine, LargeBinary, and_, func, or_, select, tuple_, type_coerce, update

from sa_privacy.accesslog import members
from sa_privacy.columns.subject_keys import SUBJECT_KEYS
from sa_privacy.crypto import ERASED, SubjectKey
from sa_privacy.crypto.cell import HEADER, SUITE_SUBJECT, SUITE_SUBJECT_SLOTS, is_cell
from sa_privacy.crypto.subject_cell import DESTROYED, MISSING, key_id_of
from sa_privacy.errors import CellRejected, KeyUnavailable, PersonErased
from sa_privacy.gate.people_keys import Owner
from sa_privacy.jobs.batch import connected, patiently
from sa_privacy.jobs.count import ColumnCount, TableCount
from sa_privacy.jobs.passes import Progress, Tally
from sa_privacy.jobs.sql import Key
from sa_privacy.jobs.target import Keeper, Target

__all__ = ["reseal_for_people"]

_OVERHEAD = {False: 50, True: 90}  # bytes that a cell has more than its plaintext; with lookup slots
_SLOTS = slice(6, 46)


def reseal_for_people(
    engine: Engine,
    privacy: Keeper,
    target: Target,
    said: bytes,
    *,
    batch: int,
    rate: float | None,
    dry_run: bool,
    progress: Callable[[Progress], object] | None,
) -> tuple[TableCount, Tally | None, float]:
    """Looks at every row once. Run it again after a break: what is done is left as it is.

    :param said: who runs it, for the log.
    """
    with connected(engine) as connection:
        counted = _count(connection, target)
    if dry_run:
        return counted, None, 0.0
    job, start, after = _Resealing(engine, privacy, target, said), time.monotonic(), None
    done = 0
    while True:
        began = time.monotonic()
        rows, after = patiently(lambda after=after: job.batch(after, batch))  # type: ignore[misc]
        done += rows
        if progress is not None:
            progress(Progress(target.name, done, max(done, counted.rows), time.monotonic() - start))
        if after is None:
            break
        if rate is not None:
            time.sleep(max(0.0, rows / rate - (time.monotonic() - began)))
    job.tally.passes = 1
    return counted, job.tally, time.monotonic() - start


class _Resealing:
    """The columns of one table, batch by batch."""

    def __init__(self, engine: Engine, privacy: Keeper, target: Target, said: bytes) -> None:
        self._engine, self._privacy, self._target = engine, privacy, target
        self._raw = [type_coerce(column, LargeBinary()) for column in target.columns]
        dialect = engine.dialect
        self._kinds = [target.sealed_type(column) for column in target.columns]
        self._seal = [kind.bind_processor(dialect) for kind in self._kinds]
        self._open = [kind.result_processor(dialect, None) for kind in self._kinds]
        names = sorted(target.names)
        self._said = (
            said
            + b","
            + members(
                **dict.fromkeys(("reads", "matches", "writes"), names),
                statement="job:reseal",
                decision="allowed",
                policy=privacy.policy.hash,
                unbounded=True,
            )
        )
        self.tally = Tally()

    def batch(self, after: Key | None, limit: int) -> tuple[int, Key | None]:
        """One transaction: how many rows were looked at, and the key of the last; None where there are no more."""
        key = self._target.key
        asked = select(*key, *self._raw).order_by(*key).limit(limit)
        if after is not None:
            asked = asked.where(tuple_(*key) > tuple_(*after) if len(key) > 1 else key[0] > after[0])
        with connected(self._engine) as connection:
            rows = [(tuple(row[: len(key)]), tuple(row[len(key) :])) for row in connection.execute(asked)]
            connection.rollback()
            if not rows:
                return 0, None
            intent = self._privacy.record("intent", self._said)
            changed = self._change(connection, rows)
            connection.commit()
        self._privacy.record("outcome", self._said + b"," + members(intent=intent, rows=changed, subjects=None))
        return len(rows), rows[-1][0] if len(rows) == limit else None

    def _change(self, connection: Connection, rows: list[tuple[Key, tuple[Any, ...]]]) -> int:
        frames = _frames(connection, rows)
        opened = {key: found for key, cells in rows if (found := self._to_seal(cells, frames))}
        keys = self._keys(connection, list(opened))
        changed = 0
        for key, cells in rows:
            owner_key = keys.get(key)
            for at, pending in opened.get(key, {}).items():
                name = self._target.names[at]
                if owner_key is None:
                    self.tally.rejected[name] += 1
                    continue
                where = [column == value for column, value in zip(self._target.key, key, strict=True)]
                statement = update(self._target.table).where(and_(*where), self._raw[at] == bytes(cells[at]))
                new = type_coerce(pending.sealed(owner_key), LargeBinary())
                written = connection.execute(statement.values({self._target.columns[at].key: new})).rowcount
                self.tally.values += written
                self.tally.lost += 1 - written
                changed += written
        self.tally.changed += changed
        self.tally.remaining = self.tally.rejected.total() + self.tally.lost
        return changed

    def _to_seal(self, cells: tuple[Any, ...], frames: Mapping[bytes, bytes]) -> dict[int, Any]:
        """By position, the values that have to be sealed anew, as pending cells."""
        found = {}
        for at, cell in enumerate(cells):
            if cell is None or not is_cell(bytes(cell)):
                continue
            raw, slots = bytes(cell), self._kinds[at].lookup is not None
            if not slots and raw[1] == SUITE_SUBJECT:
                continue
            key_id = key_id_of(raw)
            try:
                value = self._open[at](raw if key_id is None else frames.get(key_id, bytes((MISSING,))) + raw)
            except (CellRejected, KeyUnavailable):
                self.tally.rejected[self._target.names[at]] += 1
                continue
            if value is ERASED:
                continue
            pending = self._seal[at](value)
            if not (slots and raw[1] == SUITE_SUBJECT_SLOTS and raw[_SLOTS] == pending.slots):
                found[at] = pending
        return found

    def _keys(self, connection: Connection, rows: list[Key]) -> dict[Key, SubjectKey]:
        """The keys of the people whose rows these are. Who was erased has none."""
        people, name = self._privacy.people_keys, self._target.name
        columns = tuple(str(column.name) for column in self._target.key)
        owners: dict[Key, tuple[Owner, Any]] = {
            row: (owner, key) for row, owner, key in people.owners(connection, name, columns, rows) if owner is not None
        }
        wanted = dict(owners.values())
        try:
            found = people.of(connection, wanted)
        except PersonErased:  # one of them; each by themselves, then
            found = {}
            for owner, key in wanted.items():
                try:
                    found |= people.of(connection, {owner: key})
                except PersonErased:
                    continue
        return {row: found[owner] for row, (owner, _) in owners.items() if owner in found}


def _frames(connection: Connection, rows: list[tuple[Key, tuple[Any, ...]]]) -> dict[bytes, bytes]:
    """What stands before a cell in its frame, by the id of its key."""
    ids = {key for _, cells in rows for cell in cells if (key := key_id_of(cell)) is not None}
    found = {}
    for some in _in_batches(sorted(ids)):
        asked = select(SUBJECT_KEYS.c.id, SUBJECT_KEYS.c.wrapped).where(SUBJECT_KEYS.c.id.in_(some))
        for key, wrapped in connection.execute(asked):
            found[bytes(key)] = bytes((DESTROYED,)) if wrapped is None else bytes(wrapped)
    return found


def _in_batches(things: list[bytes]) -> Iterator[list[bytes]]:
    for start in range(0, len(things), 500):
        yield things[start : start + 500]


def _count(connection: Connection, target: Target) -> TableCount:
    """What the columns hold. Of searchable ones every cell has to be looked at."""
    raw = [type_coerce(column, LargeBinary()) for column in target.columns]
    heads = [func.substr(column, 1, 2) for column in raw]

    def under(head: Any, suites: tuple[int, ...]) -> Any:
        return head.in_([bytes((1, suite)) for suite in suites])

    columns, work = [], []
    table = target.table
    rows = connection.scalar(select(func.count()).select_from(table)) or 0
    for column, cell, head, name in zip(target.columns, raw, heads, target.names, strict=True):
        slots = target.sealed_type(column).lookup is not None
        wanted = (SUITE_SUBJECT_SLOTS,) if slots else (SUITE_SUBJECT,)
        work.append(
            and_(cell.is_not(None), under(head, tuple(HEADER)))
            if slots
            else under(head, tuple(set(HEADER) - {*wanted}))
        )
        asked = select(func.count(cell), func.coalesce(func.sum(func.length(cell)), 0))
        given, size = connection.execute(asked.select_from(table)).one()
        cells, cell_size = connection.execute(asked.select_from(table).where(under(head, tuple(HEADER)))).one()
        theirs = connection.scalar(
            select(func.count()).select_from(table).where(under(head, (SUITE_SUBJECT, SUITE_SUBJECT_SLOTS)))
        )
        columns.append(
            ColumnCount(
                name,
                plain=given - cells,
                plain_bytes=size - cell_size,
                cells=cells,
                cell_bytes=cell_size,
                nulls=rows - given,
                keys={"of people": theirs or 0, "of the keyring": cells - (theirs or 0)},
                sealed_bytes=size + _OVERHEAD[slots] * (given - cells),
            )
        )
    to_do = connection.scalar(select(func.count()).select_from(table).where(or_(*work))) or 0
    return TableCount(target.name, rows, to_do, tuple(columns), ())
