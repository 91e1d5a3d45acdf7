"""Puts the wall up for one protected engine, whichever database it speaks to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from sqlalchemy import Engine

from sa_privacy.errors import PolicyError
from sa_privacy.gate.engine import Gate
from sa_privacy.walls.rows import RowSources
from sa_privacy.walls.run import PostgreSQLWall
from sa_privacy.walls.sqlite import SQLiteWall

__all__ = ["Wall", "raise_wall"]


class Wall(Protocol):
    """The wall of one engine."""

    def remove(self) -> None:
        """Takes it off the engine."""


def raise_wall(engine: Engine, gate: Gate, rows: Callable[[], RowSources] = RowSources) -> Wall:
    """Puts the wall up for an engine that `gate` protects.

    :param rows: where conditions about rows come from at the moment, beside the policy.
    :raises PolicyError: the gate only observes, or observes a table, and a wall cannot.
    """
    if gate.observes:
        raise PolicyError(
            "a wall cannot observe: the database refuses what the policy does not cover.",
            hint='install with walls=True once mode="enforce" holds for every table.',
        )
    return SQLiteWall(engine, gate, rows) if engine.dialect.name == "sqlite" else PostgreSQLWall(engine, gate, rows)
