"""`kill -9` at any moment, with writers running, and again: no row lost, none sealed twice, no stale write.

The suite kills at a few moments; `make kill KILLS=100` at a hundred, on each database.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import Engine, LargeBinary, inspect, select

from sa_privacy import Keyring
from sa_privacy.crypto.cell import is_cell
from tests.jobs.killing import Row, killed, put_plain, writers
from tests.jobs.world import Customer, fill, maintaining, opened, raw

KILLS = int(os.environ.get("SA_PRIVACY_KILLS", "5"))
ROWS, BATCH = 600, 60


def is_bytes(engine: Engine) -> list[bool]:
    """Whether columns are ready for cells."""
    return [
        isinstance(c["type"], LargeBinary)
        for c in inspect(engine).get_columns("customers")
        if c["name"] in ("name", "email")
    ]


def test_nothing_is_lost_whenever_it_is_killed(
    engine: Engine, make_engine: Callable[..., Engine], tmp_path: Path
) -> None:
    moments = random.Random(KILLS)
    url = engine.url.render_as_string(hide_password=False)
    keys = Keyring.generate()
    keys.save(tmp_path / "keys.json")
    fill(engine, ROWS)
    expected: dict[int, Row] = {key: (name, email) for key, name, email in raw(engine)}
    after = 0.02  # the change of type comes before the new release
    killed(url, tmp_path / "keys.json", rows=BATCH, after=after)
    while engine.dialect.name == "postgresql" and not all(is_bytes(engine)):
        killed(url, tmp_path / "keys.json", rows=BATCH, after=(after := 2 * after))
    kills, next_key = 0, 1_000_001
    with writers(make_engine(), keys, expected) as running:
        while kills < KILLS:
            if killed(url, tmp_path / "keys.json", rows=BATCH, after=moments.uniform(0, 0.25)):
                for writer in running:
                    more: dict[int, Row] = {
                        key: (None, f"old{key}@example.org") for key in range(next_key, next_key + ROWS // 2)
                    }
                    put_plain(engine, more)
                    writer.take(more)
                    next_key += ROWS
            else:
                kills += 1
        assert killed(url, tmp_path / "keys.json", rows=BATCH, after=None)
    assert all(writer.written > 10 for writer in running)
    expected = {key: row for writer in running for key, row in writer.expected.items()}
    assert all(is_cell(email) and (name is None or is_cell(name)) for _, name, email in raw(engine))
    with maintaining(keys) as privacy:  # accepts no plain value: what it opens was sealed once
        found = opened(privacy, make_engine, select(Customer.id, Customer.name, Customer.email))
    assert {key: (name, email) for key, name, email in found} == expected
