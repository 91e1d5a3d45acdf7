"""A worker in another process: what it needs of its own engine and keys to do chunks of a job."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sa_privacy.bulk import Station, Work
from sa_privacy.crypto.ring import key_name
from sa_privacy.errors import PolicyError
from sa_privacy.jobs.batch import Batch, working_on
from sa_privacy.jobs.target import Target, keys_for_job, targets_of
from sa_privacy.jobs.values import Operation

if TYPE_CHECKING:
    from sa_privacy.crypto import Keyring

__all__ = ["batch_at", "lent_keys", "work_of"]


def work_of(operation: str, table: str, columns: tuple[str, ...], keys: Keyring) -> Work:
    """What a job does in one table: with another keyring, or the same in another state, it is something else."""
    state = (keys.lookup_phase, str(keys.search_slot), *map(key_name, (keys.primary_id, *keys.ids)))
    return Work(operation, table, (*sorted(columns), *state))


def lent_keys(station: Station, operation: str, table: str, columns: tuple[str, ...], wanted: str) -> Keyring:
    """The keys of a station, which its engine has from now on.

    :param wanted: the hash of the work.
    :raises PolicyError: they are not those of whoever runs the job.
    """
    keys = keys_for_job(station.privacy)
    if work_of(operation, table, columns, keys).hash != wanted:
        raise PolicyError(
            "a worker has another keyring than the process that runs the job, or the same as it was before.",
            hint="give all of them the same file; workers load it when a job begins.",
        )
    if not station.is_open:
        station.open.enter_context(working_on(station.engine, keys))
        station.is_open = True
    return keys


def batch_at(station: Station, operation: Operation, columns: tuple[str, ...], wanted: str, limit: int) -> Batch:
    """The batches of one table, at a station.

    :param wanted: the hash of the work.
    """
    target: Target
    [target] = targets_of(station.privacy, columns)
    keys = lent_keys(station, operation, target.name, target.names, wanted)
    return Batch(station.engine, target, operation, keys, limit)
