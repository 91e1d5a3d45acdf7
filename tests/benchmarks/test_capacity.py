"""What an event costs is measured of events that are there, and are all of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import capacity
from tests.support.databases import postgresql_database
from tests.support.postgres import Server


def test_each_step_of_an_events_life(postgresql_server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    with postgresql_database(postgresql_server) as database:
        url = database.url.render_as_string(hide_password=False)

        def databases(_: Path) -> list[tuple[str, str]]:
            return [("PostgreSQL", url)]

        monkeypatch.setattr(capacity, "databases", databases)
        monkeypatch.setattr("os.cpu_count", lambda: 1)
        found = {line["what"]: line["median"] for line in capacity.measure(1_000, 2)}
    assert len(found) == 11
    assert all(value > 0 for what, value in found.items() if what not in (capacity.SERVER, capacity.SHIPPER))
    assert 500 < found[capacity.LINE] < 700
    assert 64 < found[capacity.PACKED] < found[capacity.LINE] / 4  # no less than what nothing compresses
    assert found[capacity.ROW] > found[capacity.LINE]
