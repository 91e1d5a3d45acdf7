"""The library's own tables, from one release to the next: versions that Alembic runs, and who runs them.

``upgrade`` brings a database to the newest version, ``script`` gives the SQL of it, ``differences`` compares a database with
what this release expects. ``sa-privacy tables`` is their face. An application with migrations of its own can take these in as
a branch instead::

    version_locations = migrations/versions sa_privacy.integrations.alembic:tables/versions

and ``alembic upgrade heads``; the branch is called ``sa_privacy``. A version, once released, is never changed.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, MetaData

from sa_privacy.columns.own_tables import OWN_TABLES
from sa_privacy.integrations.alembic.tables.frozen import VERSION_TABLE

__all__ = ["differences", "head", "script", "upgrade", "version"]

_HERE = Path(__file__).parent


def head() -> str:
    """The newest version that this release knows."""
    found = ScriptDirectory.from_config(_config()).get_current_head()
    if found is None:
        raise FileNotFoundError("the versions of the library's tables are missing from this installation")
    return found


def version(connection: Connection) -> str | None:
    """The version that a database is at; None where the tables were never made by :func:`upgrade`."""
    return MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE}).get_current_revision()


def upgrade(connection: Connection, to: str = "head") -> tuple[str | None, str | None]:
    """Brings the tables of a database to a version, in the transaction of the connection.

    Run it as the owner of the schema, on an engine without a ``Privacy``.

    :returns: the version before, and after.
    """
    before = version(connection)
    command.upgrade(_config(connection=connection), to)
    return before, version(connection)


def script(dialect: str, start: str | None = None, to: str = "head") -> str:
    """The SQL that :func:`upgrade` would run, for people to read or psql to run.

    :param dialect: ``"sqlite"`` or ``"postgresql"``.
    :param start: the version that the database is at; None: there are no tables.
    """
    written = io.StringIO()
    command.upgrade(_config(output=written, dialect=dialect), f"{start or 'base'}:{to}", sql=True)
    return written.getvalue()


def differences(connection: Connection) -> list[str]:
    """How the library's tables in a database differ from what this release expects, a line each; empty: not at all."""

    def ours(thing: Any, name: str | None, kind: str, *_: Any) -> bool:
        table = name if kind == "table" else thing.table.name
        return str(table) in OWN_TABLES.tables

    context = MigrationContext.configure(connection, opts={"include_object": ours, "compare_type": True})
    return [_words(found) for found in compare_metadata(context, OWN_TABLES)]


def _words(found: Any) -> str:
    if isinstance(found, list):  # changes of one column
        return "; ".join(_words(one) for one in found)
    what, *things = found
    named = [thing for thing in things if isinstance(thing, str)]
    named += [
        str(name) for thing in things if (name := getattr(thing, "name", None)) and not isinstance(thing, MetaData)
    ]
    return f"{what.replace('_', ' ')}: {'.'.join(dict.fromkeys(named))}"


def _config(
    *, connection: Connection | None = None, output: io.StringIO | None = None, dialect: str | None = None
) -> Config:
    config = Config(output_buffer=output) if output is not None else Config()
    config.set_main_option("script_location", str(_HERE).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes.update(connection=connection, dialect=dialect)
    return config
