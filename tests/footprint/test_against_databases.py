"""The databases' own judges agree: what SQLite's authorizer or PostgreSQL's privileges ask for is in the footprint.

`SA_PRIVACY_TEST_STATEMENTS=20000` draws more statements of each kind than CI does, `SA_PRIVACY_TEST_SEED` others.
"""

from __future__ import annotations

import os
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Final

import psycopg
import pytest

from sa_privacy.errors import UnreadableStatement
from sa_privacy.footprint import Declarations, Footprint, footprint_of_text
from sa_privacy.gate.relations import LiveRelations
from tests.footprint.maker import CATALOGUE, PERSONAL, SCHEMA, TABLES, Maker
from tests.support.databases import postgresql_database
from tests.support.postgres import Server

STATEMENTS: Final = int(os.environ.get("SA_PRIVACY_TEST_STATEMENTS", "2500"))
SEED: Final = int(os.environ.get("SA_PRIVACY_TEST_SEED", "1"))
_PLAIN = {
    (name, column) for name, columns in TABLES.items() for column in columns if f"{name}.{column}" not in PERSONAL
}


@dataclass
class Tally:
    """What became of the statements drawn."""

    drawn: int = 0
    valid: int = 0
    refused: int = 0
    claimed: int = 0
    needed: int = 0
    missed: list[str] = field(default_factory=list)
    wrongly_refused: dict[str, str] = field(default_factory=dict)

    def check(self, database: str) -> None:
        print(  # noqa: T201 - shown by `pytest -s`
            f"\n{database}: {self.drawn} statements, {self.valid / self.drawn:.1%} valid, "
            f"{self.refused / self.valid:.1%} of those refused, {self.claimed / max(self.needed, 1):.3f} columns claimed for each needed"
        )
        for reason, sql in self.wrongly_refused.items():
            print(f"  refused: {reason}\n    {sql}")  # noqa: T201
        assert not self.missed, f"{len(self.missed)} missed:\n" + "\n".join(sorted(self.missed, key=len)[:10])
        assert self.valid > 0.8 * self.drawn
        assert self.refused < 0.15 * self.valid
        assert self.claimed < 1.15 * self.needed


def judged(sql: str, dialect: str, relations: LiveRelations, tally: Tally) -> Footprint | None:
    """The footprint; None where the statement is refused."""
    try:
        return footprint_of_text(
            sql,
            dialect=dialect,  # type: ignore[arg-type]
            paramstyle="none",
            catalogue=CATALOGUE,
            relations=relations,
            declarations=Declarations(),
        )
    except UnreadableStatement as error:
        tally.refused += 1
        copied = "may not be copied" in str(error)
        tally.wrongly_refused.setdefault("a copy" if copied else str(error).split("\n")[0], sql)
        return None


# -- SQLite -------------------------------------------------------------------------------------------------------


def asked_by_sqlite(connection: sqlite3.Connection, sql: str) -> tuple[set[str], set[str], set[str]] | None:
    """The personal columns read and updated, and the tables deleted from; None where SQLite does not take it."""
    read: set[str] = set()
    written: set[str] = set()
    deleted: set[str] = set()

    def authorize(action: int, first: str | None, second: str | None, *_: str | None) -> int:
        name = f"{first}.{second}".lower()
        if action == sqlite3.SQLITE_READ and name in PERSONAL:
            read.add(name)
        elif action == sqlite3.SQLITE_UPDATE and name in PERSONAL:
            written.add(name)
        elif action == sqlite3.SQLITE_DELETE and first in {"people", "orders"}:
            deleted.add(first)
        return sqlite3.SQLITE_OK

    connection.set_authorizer(authorize)
    try:
        connection.execute("EXPLAIN " + sql)
    except sqlite3.Error:
        return None
    finally:
        connection.set_authorizer(None)
    return read, written, deleted


def test_sqlites_authorizer_asks_for_nothing_that_a_footprint_misses() -> None:
    tally, maker = Tally(), Maker(SEED, "sqlite")
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        for definition in SCHEMA:
            connection.execute(definition)
        for _ in range(STATEMENTS):
            sql = maker.statement()
            tally.drawn += 1
            asked = asked_by_sqlite(connection, sql)
            if asked is None:
                continue
            tally.valid += 1
            relations = LiveRelations(SimpleNamespace(connection=connection), "sqlite")
            footprint = judged(sql, "sqlite", relations, tally)
            if footprint is None:
                continue
            read, written, deleted = asked
            claimed = footprint.reads | footprint.matches
            tally.claimed += len(claimed)
            tally.needed += len(read)
            if not (read <= claimed and written <= footprint.writes and deleted <= footprint.deletes):
                tally.missed.append(f"{sql}\n  misses {sorted((read - claimed) | (written - footprint.writes))}")
    tally.check("SQLite")


# -- PostgreSQL ---------------------------------------------------------------------------------------------------


class Roles:
    """Roles that hold exactly the privileges of a footprint, made when they are first needed."""

    def __init__(self, connection: psycopg.Connection) -> None:
        self.connection = connection
        self.made: dict[frozenset[str], str] = {}
        self.run("CREATE ROLE plain", "GRANT SELECT ON v_people, v_deep, v_plain TO plain")
        for name, column in sorted(_PLAIN):
            self.run(f"GRANT SELECT ({column}), INSERT ({column}), UPDATE ({column}) ON {name} TO plain")
        self.run("GRANT DELETE ON products, tags TO plain")
        for full in sorted(PERSONAL):
            name, column = full.split(".")
            self.run(f"CREATE ROLE r_{name}_{column}", f"GRANT SELECT ({column}) ON {name} TO r_{name}_{column}")
            self.run(f"CREATE ROLE w_{name}_{column}")
            self.run(f"GRANT INSERT ({column}), UPDATE ({column}) ON {name} TO w_{name}_{column}")
        for name in ("people", "orders"):
            self.run(f"CREATE ROLE d_{name}", f"GRANT DELETE ON {name} TO d_{name}")

    def run(self, *statements: str) -> None:
        for statement in statements:
            self.connection.execute(statement)

    def having(self, parts: frozenset[str]) -> str:
        if parts not in self.made:
            name = self.made[parts] = f"having_{len(self.made)}"
            self.run(f"CREATE ROLE {name}", *(f"GRANT {part} TO {name}" for part in ("plain", *sorted(parts))))
        return self.made[parts]

    def takes(self, sql: str, parts: frozenset[str] | None = None) -> bool:
        """Whether the database would run the statement for a role of these parts; None: for its owner."""
        if parts is not None:
            self.run(f"SET ROLE {self.having(parts)}")
        try:
            self.run("EXPLAIN " + sql)
        except psycopg.errors.InsufficientPrivilege:
            return False
        except psycopg.Error:
            if parts is not None:
                raise
            return False
        finally:
            self.run("RESET ROLE")
        return True

    def close(self) -> None:
        """Gives up the roles: they belong to the server, and outlive the database."""
        mine = [*self.made.values(), "plain", *(f"d_{name}" for name in ("people", "orders"))]
        mine += [f"{letter}_{full.replace('.', '_')}" for letter in "rw" for full in PERSONAL]
        for role in mine:
            self.run(f"DROP OWNED BY {role}", f"DROP ROLE {role}")


def parts_of(footprint: Footprint) -> frozenset[str]:
    """The privileges that a footprint claims."""
    reads = {f"r_{name.replace('.', '_')}" for name in footprint.reads | footprint.matches}
    writes = {f"w_{name.replace('.', '_')}" for name in footprint.writes}
    return frozenset(reads | writes | {f"d_{name}" for name in footprint.deletes})


def offered(sql: str) -> frozenset[str]:
    """Columns of ``excluded``: PostgreSQL asks to read them, though their values are those the statement brought."""
    names = re.findall(r"\bexcluded\.(\w+)", sql)
    table = sql.split()[2] if names else ""
    return frozenset(f"r_{table}_{name}" for name in names if f"{table}.{name}" in PERSONAL)


@pytest.fixture
def roles(postgresql_server: Server) -> Iterator[Roles]:
    with postgresql_database(postgresql_server) as database:
        url = database.url.set(drivername="postgresql").render_as_string(hide_password=False)
        with psycopg.connect(url, autocommit=True) as connection:
            for definition in SCHEMA:
                connection.execute(definition)
            if connection.info.server_version >= 150000:
                for view in ("v_people", "v_deep", "v_plain"):
                    connection.execute(f"ALTER VIEW {view} SET (security_invoker = true)")
            made = Roles(connection)
            try:
                yield made
            finally:
                made.close()


def test_postgresqls_privileges_ask_for_nothing_that_a_footprint_misses(roles: Roles) -> None:
    # Before PostgreSQL 15 a view is read with the rights of its owner, which shows nothing.
    views = roles.connection.info.server_version >= 150000
    tally, maker = Tally(), Maker(SEED, "postgresql", views=views)
    for number in range(STATEMENTS):
        sql = maker.statement()
        tally.drawn += 1
        if not roles.takes(sql):
            continue
        tally.valid += 1
        relations = LiveRelations(SimpleNamespace(connection=roles.connection), "postgresql")
        footprint = judged(sql, "postgresql", relations, tally)
        if footprint is None:
            continue
        parts = parts_of(footprint) | offered(sql)
        if not roles.takes(sql, parts):
            tally.missed.append(f"{sql}\n  with {sorted(parts)}")
        elif number % 5 == 0:
            reads = {part for part in parts - offered(sql) if part.startswith("r_")}
            tally.claimed += len(reads)
            tally.needed += sum(not roles.takes(sql, parts - {part}) for part in reads)
    tally.check("PostgreSQL")


def test_a_footprint_that_misses_a_column_is_found_out(roles: Roles) -> None:
    sql = "SELECT p.id FROM people p WHERE p.email = 'a'"
    assert roles.takes(sql, frozenset({"r_people_email"}))
    assert not roles.takes(sql, frozenset({"r_people_name"}))
    with closing(sqlite3.connect(":memory:")) as connection:
        for definition in SCHEMA:
            connection.execute(definition)
        assert asked_by_sqlite(connection, sql) == ({"people.email"}, set(), set())
