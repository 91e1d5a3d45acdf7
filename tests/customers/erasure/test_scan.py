"""What was erased is in no file any more, once the files are clean; and the scan finds it where they are not."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine, event, text

from sa_privacy import PolicyError
from sa_privacy.customers.erasure.clean import clean
from sa_privacy.customers.erasure.scan import Sighting, scan
from tests.customers.erasure.canaries import PLAIN, SEALED, erase, fill, protected
from tests.support.databases import Database
from tests.support.dumps import address, program, run
from tests.support.postgres import Server

ALL = (*PLAIN, *SEALED)


def seen(sightings: Iterable[Sighting], *, logs: bool = True) -> set[int]:
    return {one.needle for one in sightings if logs or not one.in_log}


@pytest.mark.backends("sqlite")
@pytest.mark.parametrize("journal", ["wal", "delete", "persist"])
def test_a_sqlite_file_and_what_lies_beside_it(database: Database, engine: Engine, journal: str) -> None:
    file = str(database.url.database)
    keeper = create_engine(database.url)  # the log stays while somebody is connected

    def begin(connection: Any, _: object) -> None:
        connection.execute(f"PRAGMA journal_mode = {journal}")
        connection.execute("PRAGMA secure_delete = OFF")  # as SQLite itself has it; packagers differ

    for one in (engine, keeper):
        event.listen(one, "connect", begin)
    keeper.connect().close()
    with protected(engine) as privacy:
        fill(privacy, engine)
        assert seen(scan(ALL, file)) == {0, 1}  # what is sealed is noise already
        erase(privacy, engine)
    assert seen(scan(ALL, file)) == {0, 1}, "deleted rows stay in the file"
    engine.dispose()
    cleaned = clean(keeper)
    assert "VACUUM" in cleaned.done
    assert seen(scan(ALL, file)) == set()
    keeper.dispose()


@pytest.mark.backends("sqlite")
def test_a_log_that_somebody_reads_is_told(database: Database, engine: Engine) -> None:
    other = create_engine(database.url, connect_args={"timeout": 0.1})
    with engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA journal_mode = wal")
        connection.exec_driver_sql("CREATE TABLE t (a)")
        connection.exec_driver_sql("INSERT INTO t VALUES (1)")
        connection.commit()
        connection.exec_driver_sql("SELECT * FROM t").fetchall()
        connection.exec_driver_sql("BEGIN")
        connection.exec_driver_sql("SELECT * FROM t").fetchall()
        with other.connect() as writer:
            writer.exec_driver_sql("INSERT INTO t VALUES (2)")
            writer.commit()
        assert any("somebody else reads" in one for one in clean(other).left)
    other.dispose()


def checkpoint(engine: Engine) -> None:
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("CHECKPOINT"))


def outside_of_other_databases(data: Path, files: Path) -> list[Path]:
    """The server's files but for its log and the databases of other tests, which would take long to read."""
    assert files.parent == data / "base"
    return [*(path for path in data.iterdir() if path.name not in {"base", "pg_wal"}), files]


@pytest.mark.backends("postgresql")
@pytest.mark.parametrize("compression", ["pglz", "lz4"])
def test_the_directory_of_postgresql(
    database: Database, engine: Engine, make_engine: Callable[..., Engine], postgresql_server: Server, compression: str
) -> None:
    owner = make_engine()
    with owner.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        if compression not in str(
            connection.scalar(text("SELECT enumvals FROM pg_settings WHERE name = 'default_toast_compression'"))
        ):
            pytest.fail(f"this server knows no {compression}")
        connection.execute(
            text(f"ALTER DATABASE {database.url.database} SET default_toast_compression = {compression}")
        )
        connection.execute(text("SELECT pg_switch_wal()"))  # what follows stands in a new file of the log
    owner.dispose()
    with protected(engine) as privacy:
        fill(privacy, engine)
        with owner.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("ANALYZE"))
            kinds = {
                str(path): str(kind)
                for path, kind in connection.execute(
                    text(
                        "SELECT pg_relation_filepath(oid), relkind FROM pg_class WHERE relname = 'canary_name' "
                        "OR relname LIKE 'canary_%s' OR relname = 'pg_statistic' "
                        "OR oid = (SELECT reltoastrelid FROM pg_class WHERE relname = 'canary_letters')"
                    )
                )
            }
        checkpoint(owner)
        data = postgresql_server.data
        with owner.connect() as connection:
            own = connection.scalar(text("SELECT oid FROM pg_database WHERE datname = current_database()"))
            log = connection.scalar(text("SELECT pg_walfile_name(pg_current_wal_lsn())"))
        logged = scan(ALL, data / "pg_wal" / str(log))
        assert 0 in seen(logged)
        assert seen(logged, logs=False) == set(), "that ends by itself"
        files = data / "base" / str(own)
        found = scan(ALL, files)
        assert seen(found) == {0, 1}
        places = {kinds.get(str(one.path.relative_to(data))) for one in found}
        assert {"r", "i", "t"} <= places, "rows, the index, and what is kept elsewhere"
        assert {one.needle for one in found if kinds.get(str(one.path.relative_to(data))) == "t"} == {1}
        erase(privacy, engine)
    checkpoint(owner)
    assert seen(scan(ALL, files)) == {0, 1}, "deleted rows stay in the files"
    halfway = clean(owner, ["canary_people", "canary_letters"])
    assert any("not overwritten" in one for one in halfway.left)
    cleaned = clean(owner, ["canary_people", "canary_letters"], rewrite=True)
    assert "CHECKPOINT" in cleaned.done
    assert any("write-ahead log" in one for one in cleaned.left)
    assert seen(scan(ALL, *outside_of_other_databases(data, files)), logs=False) == set()
    assert clean(owner).done[0] == "VACUUM (ANALYZE)", "without names, all that the owner has"


@pytest.mark.backends("postgresql")
@pytest.mark.parametrize("form", ["plain", "custom", "directory", "tar"])
def test_a_dump(database: Database, engine: Engine, tmp_path: Path, form: str) -> None:
    with protected(engine) as privacy:
        fill(privacy, engine)
        run("pg_dump", f"--format={form}", f"--file={tmp_path / 'before'}", address(database.url))
        erase(privacy, engine)
        run("pg_dump", f"--format={form}", f"--file={tmp_path / 'after'}", address(database.url))
    assert seen(scan(ALL, tmp_path / "before", pg_restore=program("pg_restore"))) == {0, 1}
    assert seen(scan(ALL, tmp_path / "after", pg_restore=program("pg_restore"))) == set()


def test_whatever_lies_between_its_halves(tmp_path: Path) -> None:
    (tmp_path / "page").write_bytes(b"x" * 100 + b"what-Zyx9-the-8Kqw-lette" + b"\0\0\0\7" + b"r-5Jvb-says")
    (found,) = scan([PLAIN[1]], tmp_path)
    assert (found.offset, found.count, found.whole) == (100, 1, False)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le", "utf-16-be"])
def test_other_letters_and_encodings(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "file").write_bytes(b"\0" + "山田花子と申します".encode(encoding))
    (found,) = scan(["nobody", "山田花子"], tmp_path / "file")
    assert (found.needle, found.offset, found.whole) == (1, 1, True)


def test_a_packed_dump_is_unpacked_some_at_a_time(tmp_path: Path) -> None:
    with gzip.open(tmp_path / "dump.sql.gz", "wb") as file:
        for _ in range(40):
            file.write(b"nothing " * 13_107)
            file.write(PLAIN[0].encode())
    (found,) = [one for one in scan([PLAIN[0]], tmp_path / "dump.sql.gz") if one.whole]
    assert (found.count, found.offset) == (40, 8 * 13_107)


def test_what_cannot_be_looked_for_is_said(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match="found everywhere"):
        scan(["Bo"], tmp_path)
    with pytest.raises(PolicyError, match="nothing at"):
        scan(["Canary"], tmp_path / "nowhere")
    (tmp_path / "dump").write_bytes(b"PGDMP and so on")
    with pytest.raises(PolicyError, match="there is no /nowhere/pg_restore"):
        scan(["Canary"], tmp_path / "dump", pg_restore="/nowhere/pg_restore")
    with pytest.raises(PolicyError, match="cannot open the dump"):
        scan(["Canary"], tmp_path / "dump", pg_restore=program("pg_restore"))
