"""The library's own tables, from one release to the next: versions that Alembic runs, and who runs them.

``upgrade`` brings a database to the newest version, ``script`` gives the SQL of it, ``differences`` compares a database with
what this release expects. ``sa-privacy tables`` is their face. An application with migrations of its own can take these in as
a branch instead::

    version_locations = migrations/versions sa_privacy.integrations.alembic:tables/versions

and ``alembic upgrade heads``; the branch is called ``sa_privacy``. A version, once released, is never changed. docs/tables.md
says what to watch.
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
from sqlalchemy import Connection, MetaData, inspect

from sa_privacy.columns.own_tables import OWN_TABLES
from sa_privacy.errors import PolicyError
from sa_privacy.integrations.alembic.autogenerate import OWN_TABLES_TOO
from sa_privacy.integrations.alembic.tables.frozen import VERSION_TABLE
from sa_privacy.ledger.append_only import missing_triggers
from sa_privacy.privacy import Privacy  # noqa: F401 - with it every table of the library is declared

__all__ = ["are_there", "differences", "head", "script", "upgrade", "version"]

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

    Tables that are there without a version, as ``metadata.create_all()`` makes them, get one if they are as this release
    expects them. Run it as the owner of the schema, on an engine without a ``Privacy``.

    :returns: the version before, and after.
    :raises PolicyError: they are there without a version, and differ.
    """
    before = version(connection)
    if before is not None or not are_there(connection):
        command.upgrade(_config(connection=connection), to)
        return before, version(connection)
    found = differences(connection)
    if found:
        raise PolicyError(
            f"the tables are there, no version says of which release, and they differ from this one's: {'; '.join(found)}.",
            hint="make them equal, as `sa-privacy tables script` has them, and upgrade again.",
        )
    command.stamp(_config(connection=connection), to)
    return before, version(connection)


def are_there(connection: Connection) -> bool:
    """Whether a database has any of the library's tables, whoever made them."""
    return not OWN_TABLES.tables.keys().isdisjoint(inspect(connection).get_table_names())


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

    def ours(name: str | None, kind: str, _parents: Any) -> bool:
        return kind != "table" or name in OWN_TABLES.tables

    options = {"include_name": ours, "compare_type": True, OWN_TABLES_TOO: True}
    found = compare_metadata(MigrationContext.configure(connection, opts=options), OWN_TABLES)
    return [_words(one) for one in found] + [f"missing trigger: {name}" for name in missing_triggers(connection)]


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
