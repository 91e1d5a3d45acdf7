"""Two rings at once: 20,000 cells here; ``make mixups`` looks at a million."""

from __future__ import annotations

from pathlib import Path

from tests.support.databases import Backend, Database, sqlite_database

from .mixups import mix

CELLS = 20_000


def test_no_cell_is_sealed_or_opened_under_the_key_of_another_engine(
    backend: Backend, database: Database, tmp_path: Path
) -> None:
    (tmp_path / "B").mkdir()
    with sqlite_database(tmp_path / "B") as second:
        tally = mix({"A": database, "B": database if backend == "postgresql" else second}, CELLS)
    assert tally.wrong == {}
    assert tally.cells >= CELLS
    assert tally.keys > 2, "the rings rotated meanwhile"
