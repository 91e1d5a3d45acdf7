"""The database that a command works on."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import URL, Engine, create_engine, make_url

from sa_privacy.cli.telling import fail
from sa_privacy.privacy.engines import OWN

__all__ = ["connecting", "url_for_workers"]

_QUIET = "sa_privacy"
# Loading an application's models may set up its logging, too; at DEBUG, SQLAlchemy would write rows into it.
logging.getLogger(f"sqlalchemy.engine.Engine.{_QUIET}").setLevel(logging.INFO)
_DRIVERS = {"sqlite": "sqlite", "postgresql": "postgresql+psycopg"}


def url_for_workers(engine: Engine, cluster: str | None) -> str:
    """The database, as workers are told it: a password is sent to no other machine, where the driver finds its own.

    :param cluster: its address, where the workers are on one.
    """
    url = engine.url
    if cluster is not None:
        url = URL.create(url.drivername, url.username, None, url.host, url.port, url.database, url.query)
        url = url.difference_update_query(["password"])
    return url.render_as_string(hide_password=False)


@contextmanager
def connecting(url: str | None, *, new: bool = False) -> Iterator[Engine]:
    """An engine, with a driver that works without asyncio, and gone afterwards.

    :param new: a SQLite file may be made.
    """
    if url is None:
        fail("which database?", "give --url, or set SA_PRIVACY_URL.")
    made = make_url(url)
    if not new and made.get_backend_name() == "sqlite" and made.database and not Path(made.database).exists():
        fail(f"there is no database {made.database}.", "give --url the right path.")
    driver = _DRIVERS.get(made.get_backend_name())
    if driver is None:
        fail(f"{made.get_backend_name()} is not supported.", "sa_privacy works on SQLite and PostgreSQL.")
    try:
        engine = create_engine(
            made.set(drivername=driver), execution_options=OWN, hide_parameters=True, logging_name=_QUIET
        )
    except ModuleNotFoundError:
        fail("psycopg is not installed.", 'pip install "sa-privacy[postgres]"')
    try:
        yield engine
    finally:
        engine.dispose()
