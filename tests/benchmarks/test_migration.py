"""The benchmark of sealing seals what it says, in this process and in another, and tells of each way."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from benchmarks import migration


@pytest.mark.backends("sqlite")
def test_every_way_is_told_and_what_was_not_sealed_is_no_rate(engine: Engine, tmp_path: Path) -> None:
    lines, curves = migration.run(engine, "SQLite", 40, 2, tmp_path, workers=(1,))
    assert [line["what"].strip() for line in lines] == [
        "SQLite: seal, in this process",
        "SQLite: reseal, in this process",
        "SQLite: seal, threads: 1",
        "SQLite: seal, worker processes: 1",
        "SQLite: UPDATE by key",
        "SQLite: UPDATE at once",
    ]
    assert [[point[0] for point in one["points"]] for one in curves] == [[1], [1]]
    with engine.begin() as connection:
        connection.execute(text("UPDATE customers SET email = 'plain' WHERE id = 7"))
    with pytest.raises(SystemExit, match="1 of 40"):
        migration.must_be_sealed(engine, 40)
