"""Keys of people are wrapped anew after a rotation of the keyring. What is sealed under them stays as it is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from time import monotonic

from sqlalchemy import Connection, Engine, bindparam, func, select, update

from sa_privacy.accesslog import members
from sa_privacy.bulk import (
    Key,
    Lease,
    Make,
    Pace,
    Station,
    Waiting,
    begin_to_write,
    crew_of,
    end_of,
    mark_done,
    patiently,
    range_of,
    within,
)
from sa_privacy.columns.binding import keys_of
from sa_privacy.columns.subject_keys import SUBJECT_KEYS
from sa_privacy.jobs.batch import Done, connected, working_on
from sa_privacy.jobs.passes import Passes, Progress, Told
from sa_privacy.jobs.target import Keeper, keys_for_job, said_of
from sa_privacy.jobs.worker import lent_keys, work_of

__all__ = ["Rewrapped", "count_wrapped", "rewrap"]

_KEYS = SUBJECT_KEYS.c


@dataclass(frozen=True, slots=True)
class Rewrapped:
    """What was done.

    :param to_do: keys that another key of the ring than its primary wrapped.
    :param changed: those that were wrapped anew.
    """

    to_do: int
    changed: int


def count_wrapped(connection: Connection) -> Counter[int]:
    """How many keys of people each key of the ring wraps. Destroyed ones count for none."""
    wrapping = func.substr(_KEYS.wrapped, 2, 4)
    asked = select(wrapping, func.count()).where(_KEYS.wrapped.is_not(None)).group_by(wrapping)
    return Counter({int.from_bytes(bytes(key), "big"): count for key, count in connection.execute(asked)})


def rewrap(
    engine: Engine,
    privacy: Keeper,
    *,
    batch: int = 500,
    workers: int = 1,
    executor: Executor | None = None,
    make: Make | None = None,
    dry_run: bool = False,
    progress: Callable[[Progress], None] | None = None,
) -> Rewrapped:
    """Wraps all keys of people with the primary key of the ring. Run it again after a break: it goes on.

    Each is replaced only as it was read: one that is destroyed meanwhile stays destroyed.

    :param engine: its own, unprotected and synchronous.
    :param workers: and `executor` and `make`: as for :func:`sa_privacy.jobs.reseal`.
    :param progress: told after each batch how far it is.
    :raises KeyUnavailable: the ring lacks a key that wraps some.
    :raises NoAccess: no maintenance access is declared around it.
    """
    keys, said, done, began = keys_for_job(privacy), said_of("reseal", privacy), 0, monotonic()
    said += b"," + members(statement="job:rewrap", decision="allowed", policy=privacy.policy.hash, unbounded=True)

    def tell(rows: int, waiting: Waiting | None) -> None:
        nonlocal done
        done += rows
        if progress is not None:
            progress(Progress(SUBJECT_KEYS.name, done, to_do, monotonic() - began, waiting))

    with working_on(engine, keys):
        with connected(engine) as connection:
            counted = count_wrapped(connection)
        to_do = counted.total() - counted[keys.primary_id]
        if dry_run or not to_do:
            return Rewrapped(to_do, 0)
        work = work_of("rewrap", SUBJECT_KEYS.name, (), keys)
        made = (_Wrapping(engine, keys.primary_id), _wrapping_at, (work.hash,))
        passes = Passes(
            engine,
            work,
            *made,
            pace=Pace(batch),
            crew=crew_of(executor, workers, make),
            told=Told(privacy.record, said, tell),
        )
        return Rewrapped(to_do, passes.once()[0].changed)


def _wrapping_at(station: Station, wanted: str) -> _Wrapping:
    keys = lent_keys(station, "rewrap", SUBJECT_KEYS.name, (), wanted)
    return _Wrapping(station.engine, keys.primary_id)


class _Wrapping:
    """The keys that another key than the primary wraps, chunk by chunk."""

    def __init__(self, engine: Engine, primary: int) -> None:
        self._engine = engine
        self._ring = keys_of(engine.dialect).subject_keys
        self._to_do = select(_KEYS.id, _KEYS.wrapped).where(
            _KEYS.wrapped.is_not(None), func.substr(_KEYS.wrapped, 2, 4) != primary.to_bytes(4, "big")
        )

    def end_of_range(self, after: Key | None, size: int) -> Key | None:
        """The id with which a range of `size` keys ends; None: there are fewer."""

        def ask() -> Key | None:
            with connected(self._engine) as connection:
                found = connection.execute(end_of(self._to_do, [_KEYS.id], after, size)).first()
            return None if found is None else tuple(found)

        return patiently(ask)

    def carry_out(self, lease: Lease) -> Done:
        """All keys of a chunk, in one transaction."""

        def attempt() -> Done:
            with connected(self._engine) as connection:
                rows = connection.execute(self._to_do.where(*within([_KEYS.id], range_of(connection, lease)))).all()
                connection.rollback()
                new = [
                    {"key": bytes(key), "was": bytes(wrapped), "now": made}
                    for key, wrapped in rows
                    if (made := self._ring.rewrap(bytes(key), bytes(wrapped))) is not None
                ]
                begin_to_write(connection)
                done = Done(rows=len(rows))
                if new:
                    statement = (
                        update(SUBJECT_KEYS)
                        .where(_KEYS.id == bindparam("key"), _KEYS.wrapped == bindparam("was"))
                        .values(wrapped=bindparam("now"))
                    )
                    done.changed = connection.execute(statement, new).rowcount
                mark_done(connection, lease, done.changed)
                connection.commit()
                return done

        return patiently(attempt)
