"""Keys of people are wrapped anew after a rotation of the keyring. What is sealed under them stays as it is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic

from sqlalchemy import Connection, Engine, bindparam, func, select, update

from sa_privacy.accesslog import members
from sa_privacy.columns.binding import keys_of
from sa_privacy.columns.subject_keys import SUBJECT_KEYS
from sa_privacy.jobs.batch import connected, patiently, working_on
from sa_privacy.jobs.passes import Progress
from sa_privacy.jobs.target import Keeper, keys_for_job, said_of

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
    dry_run: bool = False,
    progress: Callable[[Progress], None] | None = None,
) -> Rewrapped:
    """Wraps all keys of people with the primary key of the ring. Run it again after a break: it goes on.

    Each is replaced only as it was read: one that is destroyed meanwhile stays destroyed.

    :param engine: its own, unprotected and synchronous.
    :param progress: told after each batch how far it is.
    :raises KeyUnavailable: the ring lacks a key that wraps some.
    :raises NoAccess: no maintenance access is declared around it.
    """
    keys, said = keys_for_job(privacy), said_of("reseal", privacy)
    with working_on(engine, keys):
        with connected(engine) as connection:
            counted = count_wrapped(connection)
        to_do = counted.total() - counted[keys.primary_id]
        changed, after, began = 0, b"", monotonic()
        while to_do and not dry_run:
            last, done = patiently(lambda after=after: _batch(engine, privacy, said, after, batch))  # type: ignore[misc]
            changed += done
            if progress is not None:
                progress(Progress(SUBJECT_KEYS.name, changed, to_do, monotonic() - began))
            if last is None:
                break
            after = last
    return Rewrapped(to_do, changed)


def _batch(engine: Engine, privacy: Keeper, said: bytes, after: bytes, batch: int) -> tuple[bytes | None, int]:
    """One transaction: the id of the last key that was looked at, and how many were wrapped anew."""
    with connected(engine) as connection:
        asked = select(_KEYS.id, _KEYS.wrapped).where(_KEYS.id > after).order_by(_KEYS.id).limit(batch)
        rows = [(bytes(key), wrapped) for key, wrapped in connection.execute(asked)]
        ring = keys_of(engine.dialect).subject_keys
        new = [
            {"key": key, "was": bytes(wrapped), "now": made}
            for key, wrapped in rows
            if wrapped is not None and (made := ring.rewrap(key, bytes(wrapped))) is not None
        ]
        done = 0
        if new:
            said += b"," + members(
                statement="job:rewrap", decision="allowed", policy=privacy.policy.hash, unbounded=True
            )
            intent = privacy.record("intent", said)
            statement = (
                update(SUBJECT_KEYS)
                .where(_KEYS.id == bindparam("key"), _KEYS.wrapped == bindparam("was"))
                .values(wrapped=bindparam("now"))
            )
            done = connection.execute(statement, new).rowcount
            connection.commit()
            privacy.record("outcome", said + b"," + members(intent=intent, rows=done, subjects=None))
        return (rows[-1][0] if rows else None), done
