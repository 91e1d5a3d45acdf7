"""What is to be done, and the parts that it comes in."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Final, Protocol, TypeVar

from sqlalchemy import Connection

from sa_privacy.bulk.keys import Key

__all__ = ["ALL", "Board", "Cut", "Lease", "LeaseLost", "Range", "Waiting", "Work"]

T_co = TypeVar("T_co", covariant=True)


@dataclass(frozen=True, slots=True)
class Work:
    """What is done in one table. Who begins the same work while it is under way joins it.

    :param what: ``"seal"``, ``"retention: orders"``.
    :param under: what else makes it this work and no other: columns, ids of keys, the hash of the policy.
    """

    what: str
    table: str
    under: tuple[str, ...]

    @property
    def hash(self) -> str:
        """The same for the same work, on every machine."""
        return sha256(json.dumps([self.what, self.table, *self.under]).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Range:
    """Keys from behind `after` to `upto`. None: from the first, to the last."""

    after: Key | None
    upto: Key | None


Cut = Callable[[Key | None, int], tuple[list[Range], bool]]
"""Cuts at most so many ranges behind a key: them, and whether there are no more."""


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to work on one chunk. It may travel to any worker: the range stands in the database.

    :param work: the id of the work; empty where nothing is kept.
    :param turn: of how many leases of the chunk it is the last.
    :param range: where nothing is kept.
    """

    work: str
    number: int
    turn: int
    range: Range | None = None


ALL: Final = Lease("", 0, 1, Range(None, None))
"""All rows as one chunk, which nobody leases and nothing is kept of: where there are few, and nobody could help."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """For what nothing is done here for the moment.

    :param chunks: so many are leased by other processes.
    :param seconds: when the last of these leases runs out, if nobody renews it.
    """

    chunks: int
    seconds: float


class LeaseLost(Exception):
    """Somebody else has the chunk, or has done it: what was done in this transaction is to be undone."""


class Board(Protocol):
    """Where the chunks of one work are given out."""

    lasting: float
    """How long a lease lasts that nobody renews, in seconds."""

    def is_begun(self, connection: Connection) -> bool:
        """Whether somebody has begun the work, and did not say that it is over.

        :param connection: of an open desk.
        """
        ...

    def begin(self, as_of: datetime) -> datetime:
        """Begins the work, or joins those who are at it.

        :returns: as of which moment it is done: what was said by whoever began it.
        """
        ...

    def take(self, cut: Cut, wanted: int) -> list[Lease]:
        """Leases at most so many chunks: such as nobody has, then new ones."""
        ...

    def settle(self, lease: Lease) -> Lease | int | None:
        """What became of a chunk whose worker did not say: how many rows it changed; or the chunk once more, and nothing that
        is still done under the old lease counts; or None: it is somebody else's.
        """
        ...

    def renew(self) -> None:
        """All leases last again as long as at first."""
        ...

    def give_back(self) -> None:
        """Others may have the chunks that are leased and not done."""
        ...

    def is_over(self) -> bool:
        """Whether all chunks are done, whoever did them."""
        ...

    def waiting(self) -> Waiting:
        """What others have of it."""
        ...

    def close(self) -> int | None:
        """The work is over: nothing of it is kept. Who begins it again begins anew.

        :returns: how many chunks it had; None: somebody else closed it.
        """
        ...


class Part(Protocol[T_co]):
    """One work, as a worker does it."""

    def carry_out(self, lease: Lease) -> T_co:
        """Does one chunk in a transaction, and in the same marks it as done.

        :raises LeaseLost: it is somebody else's.
        """
        ...
