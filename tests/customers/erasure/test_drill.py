"""The drill: back up, erase, restore the backup somewhere else. Whoever was erased is back, until the ledger is replayed."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import Engine, create_engine, func, select
from sqlalchemy.orm import Session

from sa_privacy import ERASED, AccessLog, PolicyError
from sa_privacy.columns.subject_keys import SUBJECT_KEYS
from sa_privacy.customers.erasure.backup import KEY_TABLE, copy_data, copy_keys
from sa_privacy.customers.erasure.scan import scan
from tests.customers.erasure.canaries import CANARIES, PLAIN, Letter, Person, erase, fill, officer, protected
from tests.support.databases import Database
from tests.support.dumps import address, program, run
from tests.support.postgres import Server


@pytest.fixture
def backup(database: Database, tmp_path: Path) -> Callable[[], Path]:
    """Writes a backup of the data, without the keys of people."""

    def write() -> Path:
        file = tmp_path / "backup"
        if database.backend == "sqlite":
            copy_data(Path(str(database.url.database)), file)
        else:
            run("pg_dump", "-Fc", f"--exclude-table-data={KEY_TABLE}", f"--file={file}", address(database.url))
        return file

    return write


@pytest.fixture
def restore(database: Database, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Callable[[Path], Engine]]:
    """Makes a new database of a backup."""
    made: list[Engine] = []
    name = f"restored_{uuid4().hex[:12]}"

    def read(file: Path) -> Engine:
        if database.backend == "sqlite":
            (tmp_path / "restored.db").write_bytes(file.read_bytes())
            url = database.url.set(database=str(tmp_path / "restored.db"))
        else:
            server: Server = request.getfixturevalue("postgresql_server")
            server.connection.execute(f"CREATE DATABASE {name}".encode())
            url = database.url.set(database=name)
            run("pg_restore", "--exit-on-error", f"--dbname={address(url)}", file)
        made.append(create_engine(url))
        return made[-1]

    yield read
    for engine in made:
        engine.dispose()
    if made and database.backend == "postgresql":
        request.getfixturevalue("postgresql_server").connection.execute(f"DROP DATABASE {name} (FORCE)".encode())


@pytest.fixture
def carry_keys(database: Database, tmp_path: Path) -> Callable[[Engine], None]:
    """Brings the keys of people, as they are at this moment, into a restored database."""

    def carry(restored: Engine) -> None:
        if database.backend == "sqlite":
            copy_keys(Path(str(database.url.database)), tmp_path / "keys")
            with closing(sqlite3.connect(str(restored.url.database))) as into:
                into.execute("ATTACH ? AS kept", (str(tmp_path / "keys"),))
                into.execute(f"INSERT INTO {KEY_TABLE} SELECT * FROM kept.{KEY_TABLE}")
                into.commit()
        else:
            kept = tmp_path / "keys"
            run("pg_dump", "-Fc", "--data-only", f"--table={KEY_TABLE}", f"--file={kept}", address(database.url))
            run("pg_restore", "--exit-on-error", f"--dbname={address(restored.url)}", kept)

    return carry


def secrets(privacy: Any, engine: Engine) -> dict[int, Any]:
    with privacy.access(maintenance=True, role="engineer", actor="tests", reason="look"), Session(engine) as session:
        return {letter.person_id: letter.secret for letter in session.scalars(select(Letter))}


@pytest.mark.parametrize("carried", ["after the erasure", "before it"])
def test_shredded_cells_stay_closed(
    engine: Engine,
    backup: Callable[[], Path],
    restore: Callable[[Path], Engine],
    carry_keys: Callable[[Engine], None],
    tmp_path: Path,
    carried: str,
) -> None:
    """In the old backup, before any replay: where the keys are those of today. Older keys open them, until the replay."""
    with protected(engine, erasures=AccessLog.open(tmp_path / "erasures")) as privacy:
        fill(privacy, engine)
        restored = restore(backup())
        if carried == "before it":
            carry_keys(restored)
        erase(privacy, engine)
        if carried == "after the erasure":
            carry_keys(restored)
    with protected(restored, erasures=AccessLog.open(tmp_path / "erasures")) as privacy:
        found = secrets(privacy, restored)
        assert str(found[24]).startswith("secret of number 24 ")
        if carried == "after the erasure":
            assert found[25] is ERASED
        else:
            assert found[25] == CANARIES["secret"]
        with officer(privacy):
            assert privacy.erasure.replay(restored).erased == 1
        assert set(secrets(privacy, restored)) == set(range(1, 51)) - {25}
        reading = privacy.access(maintenance=True, role="engineer", actor="tests", reason="look")
        with reading, restored.connect() as connection:
            wrapped = connection.scalar(select(SUBJECT_KEYS.c.wrapped).where(SUBJECT_KEYS.c.subject == "25"))
            assert wrapped is None


def names(privacy: Any, engine: Engine) -> list[str]:
    reading = privacy.access(maintenance=True, role="engineer", actor="tests", reason="look")
    with reading, Session(engine) as session:
        return [*session.scalars(select(Person.name).order_by(Person.id))]


def letters(privacy: Any, engine: Engine) -> int:
    with (
        privacy.access(maintenance=True, role="engineer", actor="tests", reason="look"),
        engine.connect() as connection,
    ):
        return int(connection.scalar(select(func.count()).select_from(Letter)) or 0)


def test_nobody_is_resurrected(
    engine: Engine, backup: Callable[[], Path], restore: Callable[[Path], Engine], tmp_path: Path, backend: str
) -> None:
    erasures = tmp_path / "erasures"
    with protected(engine, erasures=AccessLog.open(erasures)) as privacy:
        fill(privacy, engine)
        file = backup()
        erase(privacy, engine)
        erase(privacy, engine, 7)
        assert CANARIES["name"] not in names(privacy, engine)
        left = names(privacy, engine)

    restored = restore(file)
    with protected(restored, erasures=AccessLog.open(erasures)) as privacy:
        assert CANARIES["name"] in names(privacy, restored), "the backup is of before"
        with officer(privacy):
            assert privacy.erasure.unknown(restored) == 2
            report = privacy.erasure.replay(restored)
            assert (report.entries, report.found, report.erased, report.refused) == (2, 2, 2, ())
            assert report.problems == ()
            assert privacy.erasure.unknown(restored) == 0
        assert names(privacy, restored) == left
        assert letters(privacy, restored) == 2 * 48

    clean_copy = tmp_path / "after"
    if backend == "sqlite":
        copy_data(Path(str(restored.url.database)), clean_copy)
    else:
        run("pg_dump", "-Fc", f"--file={clean_copy}", address(restored.url))
    restorer = program("pg_restore") if backend == "postgresql" else "none"
    assert scan(PLAIN, clean_copy, pg_restore=restorer) == ()
    assert {one.needle for one in scan(PLAIN, file, pg_restore=restorer)} == {0, 1}, "the old backup has to expire"


@pytest.fixture
def with_keys(tmp_path: Path) -> Path:
    """A database with wrapped keys, which nobody may remove."""
    file = tmp_path / "shop.db"
    with closing(sqlite3.connect(file)) as made:
        made.executescript(f"""
            CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT);
            INSERT INTO customers VALUES (1, 'Ann Arbor of the data');
            CREATE VIEW names AS SELECT name FROM customers;
            CREATE TABLE {KEY_TABLE} (id BLOB PRIMARY KEY, wrapped BLOB);
            CREATE INDEX by_wrapped ON {KEY_TABLE} (wrapped);
            INSERT INTO {KEY_TABLE} VALUES (x'01', CAST('a-wrapped-key-of-somebody' AS BLOB)), (x'02', NULL);
            CREATE TRIGGER no_delete BEFORE DELETE ON {KEY_TABLE} BEGIN SELECT RAISE(ABORT, 'held'); END;
        """)
    return file


def rows(file: Path, statement: str) -> list[Any]:
    with closing(sqlite3.connect(file)) as connection:
        return connection.execute(statement).fetchall()


NAMES = "SELECT name FROM sqlite_master WHERE sql IS NOT NULL ORDER BY name"


def test_a_backup_of_the_data_has_no_keys(with_keys: Path, tmp_path: Path) -> None:
    assert copy_data(with_keys, tmp_path / "data") == 2
    assert rows(tmp_path / "data", "SELECT * FROM customers") == rows(with_keys, "SELECT * FROM customers")
    assert rows(tmp_path / "data", f"SELECT * FROM {KEY_TABLE}") == []
    assert rows(tmp_path / "data", NAMES) == rows(with_keys, NAMES)
    assert scan(["a-wrapped-key-of-somebody"], tmp_path / "data") == ()
    assert scan(["a-wrapped-key-of-somebody"], with_keys) != ()
    assert (tmp_path / "data").stat().st_mode & 0o777 == 0o600


def test_a_backup_of_the_keys_has_no_data(with_keys: Path, tmp_path: Path) -> None:
    assert copy_keys(with_keys, tmp_path / "keys") == 2
    everything = f"SELECT * FROM {KEY_TABLE}"
    assert rows(tmp_path / "keys", everything) == rows(with_keys, everything)
    assert scan(["Ann Arbor of the data"], tmp_path / "keys") == ()
    assert not {("customers",), ("names",)} & set(rows(tmp_path / "keys", NAMES))


def test_a_backup_is_written_over_nothing(with_keys: Path, tmp_path: Path) -> None:
    (tmp_path / "there").write_bytes(b"yesterday's")
    for copy in (copy_data, copy_keys):
        with pytest.raises(PolicyError, match="there already"):
            copy(with_keys, tmp_path / "there")
        with pytest.raises(PolicyError, match="no database"):
            copy(tmp_path / "nowhere", tmp_path / "new")
    assert (tmp_path / "there").read_bytes() == b"yesterday's"
    assert not (tmp_path / "new").exists()
