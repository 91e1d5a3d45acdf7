"""Copies of a SQLite file without the wrapped keys of people, and of those keys alone.

Destroying a person's key closes every copy of their cells, as long as no copy of the key is kept beside them. So the two are backed
up apart, and the keys' backups expire soon. On PostgreSQL ``pg_dump`` does the same: docs/backups.md.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

from sa_privacy.columns.subject_frame import KEY_TABLE
from sa_privacy.errors import PolicyError

__all__ = ["KEY_TABLE", "copy_data", "copy_keys"]

_COUNT: Final = f"SELECT count(*) FROM {KEY_TABLE}"  # noqa: S608 - a name of the library's own
_PAGES: Final = 1_000  # copied at once; others may write in between


def copy_data(database: Path, file: Path) -> int:
    """A copy of a SQLite database in which no person's key is. Others may write meanwhile.

    :param file: is not there yet; for its owner alone, and there once it is whole.
    :returns: how many keys were left out.
    :raises PolicyError: there is no such database, or the file is there already.
    """
    with _making(database, file) as copy:
        if not _has(copy, KEY_TABLE):
            return 0
        count = int(copy.execute(_COUNT).fetchone()[0])
        made = [sql for (sql,) in _made(copy)]
        copy.execute(f"DROP TABLE {KEY_TABLE}")  # with its indexes, and the triggers that keep rows from being removed
        for sql in made:
            copy.execute(sql)
        return count


def copy_keys(database: Path, file: Path) -> int:
    """A copy of the wrapped keys of people, and of nothing else.

    :returns: how many there are.
    :raises PolicyError: there is no such database, it has no such table, or the file is there already.
    """
    with _making(database, file) as copy:
        if not _has(copy, KEY_TABLE):
            raise PolicyError(
                f"{database} has no table {KEY_TABLE}: no person has a key.", hint="back up the data alone, then."
            )
        others = (
            "SELECT type, name FROM sqlite_master WHERE type IN ('trigger', 'view') OR (type = 'table' AND name <> ?)"
        )
        for kind, name in copy.execute(others, (KEY_TABLE,)).fetchall():
            if not name.startswith("sqlite_"):
                copy.execute(f"DROP {kind} IF EXISTS {_quoted(name)}")  # triggers go with their tables
        return int(copy.execute(_COUNT).fetchone()[0])


@contextmanager
def _making(database: Path, file: Path) -> Iterator[sqlite3.Connection]:
    """A copy of a database, in which what is taken away leaves no bytes."""
    if not database.exists():
        raise PolicyError(f"there is no database {database}.", hint="give --url the right path.")
    if file.exists():
        raise PolicyError(f"{file} is there already.", hint="name another file: a backup is written over nothing.")
    part = file.with_name(file.name + ".part")
    part.unlink(missing_ok=True)
    os.close(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    try:
        with closing(sqlite3.connect(database)) as source, closing(sqlite3.connect(part, isolation_level=None)) as copy:
            source.backup(copy, pages=_PAGES)
            copy.execute("PRAGMA journal_mode = DELETE")
            copy.execute("PRAGMA foreign_keys = OFF")
            copy.execute("PRAGMA secure_delete = ON")
            yield copy
            copy.execute("VACUUM")
        descriptor = os.open(part, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        part.rename(file)
    finally:
        part.unlink(missing_ok=True)


def _has(connection: sqlite3.Connection, table: str) -> bool:
    found = connection.execute("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?", (table,))
    return found.fetchone() is not None


def _made(connection: sqlite3.Connection) -> list[tuple[str]]:
    """How the key table, its indexes and its triggers were made."""
    return connection.execute(
        "SELECT sql FROM sqlite_master WHERE tbl_name = ? AND sql IS NOT NULL ORDER BY type <> 'table'", (KEY_TABLE,)
    ).fetchall()


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
