"""Memory is flat, however many rows there are. ``RETENTION_ROWS=1000000`` (or more) runs it on so many."""

from __future__ import annotations

import os
import resource
import time
from typing import Any, Final

from sqlalchemy import Engine, create_engine, text

from tests.customers.retention import world
from tests.support.databases import Database

ROWS: Final = int(os.environ.get("RETENTION_ROWS", "100000"))
VISITS: Final = {"table": "visits", "clock": "at", "period": "P6M", "action": "delete"}
MOST_BYTES: Final = 12 * 2**20
"""More than that between the first tenth of the rows and the last is no measuring error."""


def make(engine: Engine, database: Database) -> None:
    """Visits, of which every tenth is of yesterday."""
    with world.made(engine, world.policy({})) as privacy, world.engineer(privacy), engine.begin() as connection:
        world.Base.metadata.create_all(connection)
        privacy.metadata.create_all(connection)
    numbers = (
        f"WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < {ROWS}) SELECT"
        if database.backend == "sqlite"
        else "SELECT"
    )
    source = "numbers" if database.backend == "sqlite" else f"generate_series(1, {ROWS}) AS numbers(n)"
    at = "CASE n % 10 WHEN 0 THEN '2026-11-25 00:00:00.000000' ELSE '2026-01-01 00:00:00.000000' END"
    at = at if database.backend == "sqlite" else f"({at})::timestamp"
    values = f"n, NULL, {at}, 'page', 'token' || n"
    plain = create_engine(database.url)
    with plain.begin() as connection:
        connection.execute(
            text(f"INSERT INTO visits (id, person_id, at, page, token) {numbers} {values} FROM {source}")
        )
    plain.dispose()


def test_memory_is_flat(database: Database, engine: Engine) -> None:
    make(engine, database)
    most: list[int] = []

    def told(_: Any) -> None:
        most.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)

    with world.made(engine, world.policy({"visits": VISITS})) as privacy, world.officer(privacy):
        start = time.monotonic()
        report = privacy.retention.run(engine, progress=told)
        seconds = time.monotonic() - start
    due = ROWS - ROWS // 10
    assert report.rows == due
    with engine.connect() as connection, world.made(engine, world.policy({})) as privacy, world.engineer(privacy):
        assert connection.execute(text("SELECT count(*) FROM visits")).scalar_one() == ROWS - due
    assert most[-1] - most[len(most) // 10] < MOST_BYTES
    print(f"{database.backend}: {due:,} rows in {seconds:.1f} s, {due / seconds:,.0f} rows/s")  # noqa: T201 - for docs
