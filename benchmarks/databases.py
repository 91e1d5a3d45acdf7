"""An empty database of each kind, for as long as somebody looks at it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from tests.support.postgres import Server

__all__ = ["databases"]


def databases(scratch: Path) -> Iterator[tuple[str, str]]:
    """Their names and URLs, one after the other."""
    file = scratch / "bench.db"
    yield "SQLite", f"sqlite:///{file}"
    for path in scratch.glob("bench.db*"):
        path.unlink()
    with Server() as server:
        with server.connection.cursor() as cursor:
            cursor.execute(b"CREATE DATABASE bench")
        yield "PostgreSQL", f"postgresql+psycopg://{server.user}@/bench?host={server.host}&port={server.port}"
