"""Sealing columns anew under the keys of the people whose rows they are: cells of the keyring's own keys, and cells whose lookup
slots are of another moment.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from sqlalchemy import Connection, Engine, LargeBinary, and_, func, or_, select, type_coerce, update

from sa_privacy.accesslog import members
from sa_privacy.bulk import (
    Crew,
    Key,
    Lease,
    Pace,
    Station,
    Waiting,
    begin_to_write,
    end_of,
    mark_done,
    patiently,
    range_of,
    within,
)
from sa_privacy.columns.subject_keys import SUBJECT_KEYS
from sa_privacy.crypto import ERASED, SubjectKey
from sa_privacy.crypto.cell import HEADER, SUITE_SUBJECT, SUITE_SUBJECT_SLOTS, is_cell
from sa_privacy.crypto.subject_cell import DESTROYED, MISSING, key_id_of
from sa_privacy.errors import CellRejected, KeyUnavailable, PersonErased
from sa_privacy.gate.people.people_keys import Owner
from sa_privacy.jobs.batch import Done, connected
from sa_privacy.jobs.count import ColumnCount, TableCount
from sa_privacy.jobs.passes import Passes, Progress, Tally, Told
from sa_privacy.jobs.target import Keeper, Target, keys_for_job, targets_of
from sa_privacy.jobs.worker import lent_keys, work_of

__all__ = ["reseal_for_people"]

_OVERHEAD = {False: 50, True: 90}  # bytes that a cell has more than its plaintext; with lookup slots
_SLOTS = slice(6, 46)


def reseal_for_people(
    engine: Engine,
    privacy: Keeper,
    target: Target,
    said: bytes,
    *,
    pace: Pace,
    crew: Crew,
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
    start, done, names = time.monotonic(), 0, sorted(target.names)
    said += b"," + members(
        **dict.fromkeys(("reads", "matches", "writes"), names),
        statement="job:reseal",
        decision="allowed",
        policy=privacy.policy.hash,
        unbounded=True,
    )

    def tell(rows: int, waiting: Waiting | None) -> None:
        nonlocal done
        done += rows
        if progress is not None:
            progress(Progress(target.name, done, max(done, counted.rows), time.monotonic() - start, waiting))

    work = work_of("reseal", target.name, target.names, keys_for_job(privacy))
    passes = Passes(
        engine,
        work,
        _Resealing(engine, privacy, target),
        _resealing_at,
        (target.names, work.hash),
        pace=pace,
        crew=crew,
        told=Told(privacy.record, said, tell),
    )
    return counted, passes.run(None), time.monotonic() - start


def _resealing_at(station: Station, columns: tuple[str, ...], wanted: str) -> _Resealing:
    [target] = targets_of(station.privacy, columns)
    lent_keys(station, "reseal", target.name, target.names, wanted)
    return _Resealing(station.engine, station.privacy, target)


class _Resealing:
    """The columns of one table, chunk by chunk."""

    def __init__(self, engine: Engine, privacy: Keeper, target: Target) -> None:
        self._engine, self._privacy, self._target = engine, privacy, target
        self._raw = [type_coerce(column, LargeBinary()) for column in target.columns]
        dialect = engine.dialect
        self._kinds = [target.sealed_type(column) for column in target.columns]
        self._seal = [kind.sealer(dialect) for kind in self._kinds]
        self._open = [kind.result_processor(dialect, None) for kind in self._kinds]

    def end_of_range(self, after: Key | None, size: int) -> Key | None:
        """The key with which a range of `size` rows ends; None: there are fewer."""
        asked = end_of(select(self._target.table), self._target.key, after, size)

        def ask() -> Key | None:
            with connected(self._engine) as connection:
                found = connection.execute(asked).first()
            return None if found is None else tuple(found)

        return patiently(ask)

    def carry_out(self, lease: Lease) -> Done:
        """All rows of a chunk, in one transaction."""
        key = self._target.key

        def attempt() -> Done:
            with connected(self._engine) as connection:
                asked = select(*key, *self._raw).where(*within(key, range_of(connection, lease)))
                rows = [(tuple(row[: len(key)]), tuple(row[len(key) :])) for row in connection.execute(asked)]
                connection.rollback()
                begin_to_write(connection)
                done = Done(rows=len(rows))
                self._change(connection, rows, done)
                mark_done(connection, lease, done.changed)
                connection.commit()
                return done

        return patiently(attempt)

    def _change(self, connection: Connection, rows: list[tuple[Key, tuple[Any, ...]]], done: Done) -> None:
        frames = _frames(connection, rows)
        opened = {key: found for key, cells in rows if (found := self._to_seal(cells, frames, done))}
        keys = self._keys(connection, list(opened))
        for key, cells in rows:
            owner_key = keys.get(key)
            for at, pending in opened.get(key, {}).items():
                name = self._target.names[at]
                if owner_key is None:
                    done.rejected[name] += 1
                    done.stuck += 1
                    continue
                where = [column == value for column, value in zip(self._target.key, key, strict=True)]
                statement = update(self._target.table).where(and_(*where), self._raw[at] == bytes(cells[at]))
                new = type_coerce(pending.sealed(owner_key), LargeBinary())
                written = connection.execute(statement.values({self._target.columns[at].key: new})).rowcount
                done.values[name] += written
                done.lost += 1 - written
                done.changed += written

    def _to_seal(self, cells: tuple[Any, ...], frames: Mapping[bytes, bytes], done: Done) -> dict[int, Any]:
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
                done.rejected[self._target.names[at]] += 1
                done.stuck += 1
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
