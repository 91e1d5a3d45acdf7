"""The same wall on PostgreSQL, tried from outside: psql logs in as the shop does, and the server refuses it."""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from rich.text import Text
from sqlalchemy import URL, Connection, Engine, MetaData, create_engine, inspect, text

from examples.shop_app.data import fill
from examples.shop_app.demo.stage import Stage
from examples.shop_app.models import Base
from sa_privacy.walls import Login, WallPlan, shapes_of
from sa_privacy.walls.postgresql import apply_wall, inspect_wall

__all__ = ["ASKED", "Unsuitable", "ask_psql", "look_at", "show_psql", "wall_of_shop"]

LOGIN = "sap_demo_shop_web"
CUSTOMERS = 20
PREFIX = "sap/belue-shop"
SHIPPING = f'SET ROLE "{PREFIX}/shipping"; '

#: What psql is asked as the login of the shop, and whether the server answers.
ASKED: dict[str, tuple[str, bool]] = {
    "What is not personal": ("SELECT language, count(*) FROM customers GROUP BY language ORDER BY language", True),
    "A personal column": ("SELECT email FROM customers", False),
    "A purpose that covers the column": (f"{SHIPPING}SELECT left(address::text, 26) FROM customers LIMIT 1", True),
    "And another column, for that purpose": (f"{SHIPPING}SELECT email FROM customers", False),
    "A role that is not the shop's": (f'SET ROLE "{PREFIX}+maintenance"', False),
}


class Unsuitable(Exception):
    """The database cannot be used for the demo, and nothing in it was touched."""


def look_at(url: URL) -> None:
    """Makes sure that the demo would neither overwrite nor remove what somebody else made.

    :raises Unsuitable: it would, or psql is missing.
    """
    if url.get_backend_name() != "postgresql":
        raise Unsuitable("name a PostgreSQL database: postgresql://owner@host/database")
    if shutil.which("psql") is None:
        raise Unsuitable("psql is not installed")
    engine = create_engine(url.set(drivername="postgresql+psycopg"))
    try:
        with engine.connect() as connection:
            taken = sorted({table.name for table in Base.metadata.tables.values()} & set(_tables(connection)))
            if taken:
                raise Unsuitable(f"the database has tables of these names already: {', '.join(taken)}")
            if _roles(connection):
                raise Unsuitable(f'the server has roles "{PREFIX}..." already, of another shop')
    finally:
        engine.dispose()


@contextmanager
def wall_of_shop(stage: Stage, url: URL) -> Iterator[tuple[WallPlan, URL]]:
    """Puts a small shop and its wall up in the database; takes both away again.

    :returns: the plan, and the address for the login of the shop.
    """
    owner = create_engine(url.set(drivername="postgresql+psycopg"))
    try:
        stage.privacy.install(owner)
        Base.metadata.create_all(owner)
        stage.privacy.metadata.create_all(owner)
        fill(stage.privacy, owner, CUSTOMERS)
        stage.privacy.uninstall(owner)
        password = secrets.token_urlsafe()
        with owner.begin() as connection:
            shapes = shapes_of([Base.metadata, stage.privacy.metadata])
            found = inspect_wall(
                connection, stage.privacy.policy, stage.privacy.catalogue, shapes, logins=[Login(LOGIN)]
            )
            apply_wall(connection, found)
            connection.execute(text(f"ALTER ROLE \"{LOGIN}\" PASSWORD '{password}'"))
        yield found.plan, owner.url.set(username=LOGIN, password=password)
    finally:
        _take_down(owner, stage.privacy.metadata)
        owner.dispose()


def _take_down(owner: Engine, ledgers: MetaData) -> None:
    with owner.begin() as connection:
        Base.metadata.drop_all(connection)
        ledgers.drop_all(connection)
        connection.exec_driver_sql("DROP FUNCTION IF EXISTS sa_privacy_append_only()")
        for role in _roles(connection):
            connection.exec_driver_sql(f'DROP OWNED BY "{role}"')
            connection.exec_driver_sql(f'DROP ROLE "{role}"')


def _tables(connection: Connection) -> list[str]:
    return inspect(connection).get_table_names()


def _roles(connection: Connection) -> list[str]:
    """The roles of this shop's wall; the base role, which others are members of, last."""
    found = text(
        "SELECT rolname FROM pg_roles WHERE rolname LIKE :ours OR rolname = :login ORDER BY length(rolname) DESC"
    )
    return list(connection.scalars(found, {"ours": f"{PREFIX}%", "login": LOGIN}))


def ask_psql(url: URL, sql: str) -> tuple[int, str]:
    """Runs SQL with psql, as whom `url` says; the password is not among the arguments.

    :returns: the exit status, and what it printed.
    """
    host = url.host or url.query.get("host") or ""
    port = url.port or url.query.get("port") or ""
    said = {
        "PGHOST": host,
        "PGPORT": port,
        "PGUSER": url.username,
        "PGPASSWORD": url.password,
        "PGDATABASE": url.database,
    }
    environment = {**os.environ, **{name: str(value) for name, value in said.items() if value}}
    command = [
        "psql",
        "--no-psqlrc",
        "--quiet",
        "--tuples-only",
        "--no-align",
        "--field-separator=  ",
        "--command",
        sql,
    ]
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    return ran.returncode, (ran.stdout + ran.stderr).rstrip()


def show_psql(stage: Stage, url: URL) -> None:
    stage.say(
        f"""The same on PostgreSQL: {CUSTOMERS} customers were written to the database that you named, the wall
        was put up as sa-privacy wall apply does, and psql logs in as the application would. It is the server that
        answers."""
    )
    with wall_of_shop(stage, url) as (plan, login):
        stage.say(f"{len(plan.roles)} roles and {len(plan.rights)} rights.")
        for title, (sql, answered) in ASKED.items():
            stage.console.print()
            stage.say(Text(title, style="bold"))
            stage.code(f"psql> {sql}", "sql")
            status, printed = ask_psql(login, sql)
            if (status == 0) is not answered:
                raise AssertionError(f"not as it should be: {title}: {printed}")
            stage.indented(Text(printed, style="" if answered else "red"))
    stage.console.print()
    stage.say("Tables, roles and login are gone again.")
