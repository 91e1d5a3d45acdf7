"""What stands against sealing a column is found in the database itself, and keeps the job from beginning."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Column, Engine, Integer, LargeBinary, MetaData, String, Table, Uuid, select
from sqlalchemy.orm import Session
from sqlalchemy.types import UserDefinedType

from sa_privacy import AccessLog, PolicyError
from sa_privacy.jobs import examine, matched_in, seal
from sa_privacy.jobs.doctor import require_sealable
from sa_privacy.jobs.finding import WAYS_OUT
from sa_privacy.jobs.target import targets_of
from tests.jobs import world
from tests.jobs.world import FAR, Customer, fill, maintaining, raw

BOTH = ("sqlite", "postgresql")
#: name: databases, what somebody made, the kind found, whether it forbids.
CASES: dict[str, tuple[tuple[str, ...], list[str], str, bool]] = {
    "unique index": (BOTH, ["CREATE UNIQUE INDEX thing ON customers (tier, email)"], "unique", False),
    "index": (BOTH, ["CREATE INDEX thing ON customers (email)"], "index", False),
    "lower": (BOTH, ["CREATE INDEX thing ON customers (lower(email))"], "expression index", True),
    "partial": (BOTH, ["CREATE INDEX thing ON customers (tier) WHERE email > 'a'"], "expression index", True),
    "view": (("postgresql",), ["CREATE VIEW thing AS SELECT email FROM customers"], "view", True),
    "a view": (("sqlite",), ["CREATE VIEW thing AS SELECT * FROM customers"], "view", False),
    "check": (
        ("postgresql",),
        ["ALTER TABLE customers ADD CONSTRAINT thing CHECK (email LIKE '%%@%%')"],
        "check",
        True,
    ),
    "unique": (("postgresql",), ["ALTER TABLE customers ADD CONSTRAINT thing UNIQUE (email)"], "unique", False),
    "exclusion": (
        ("postgresql",),
        ["ALTER TABLE customers ADD CONSTRAINT thing EXCLUDE (email WITH =)"],
        "exclusion",
        True,
    ),
    "default": (("postgresql",), ["ALTER TABLE customers ALTER email SET DEFAULT 'x'"], "server default", True),
    "generated": (
        ("postgresql",),
        ["ALTER TABLE customers ADD thing TEXT GENERATED ALWAYS AS (lower(email)) STORED"],
        "generated column",
        True,
    ),
    "text search": (
        ("postgresql",),
        ["CREATE INDEX thing ON customers USING gin (to_tsvector('english', email))"],
        "text search",
        True,
    ),
    "row policy": (("postgresql",), ["CREATE POLICY thing ON customers USING (email <> '')"], "row policy", True),
    "trigger": (
        ("sqlite",),
        ["CREATE TRIGGER thing AFTER UPDATE ON customers BEGIN SELECT 1; END"],
        "trigger",
        False,
    ),
    "a trigger": (
        ("postgresql",),
        [
            "CREATE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'",
            "CREATE TRIGGER thing BEFORE UPDATE ON customers FOR EACH ROW EXECUTE FUNCTION nothing()",
        ],
        "trigger",
        False,
    ),
    "a trigger of this column": (
        ("postgresql",),
        [
            "CREATE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'",
            "CREATE TRIGGER thing BEFORE UPDATE OF email ON customers FOR EACH ROW EXECUTE FUNCTION nothing()",
        ],
        "trigger",
        True,
    ),
    "reference to it": (
        BOTH,
        [
            "CREATE UNIQUE INDEX thing ON customers (email)",
            "CREATE TABLE letters (email VARCHAR(320) REFERENCES customers (email))",
        ],
        "foreign key",
        True,
    ),
    "full text": (
        ("sqlite",),
        ["CREATE VIRTUAL TABLE thing USING fts5 (email, content='customers')"],
        "text search",
        True,
    ),
}
#: What SQLite says in CREATE TABLE alone.
DECLARED: dict[str, tuple[str, str, str, bool]] = {
    "check": ("email TEXT CHECK (length(email) < (300))", "", "check", True),
    "table check": ("email TEXT, CONSTRAINT a CHECK (tier <> ')' AND email LIKE '%@%')", "", "check", True),
    "not null": ("email TEXT NOT NULL CHECK (email IS NOT NULL)", "", "", False),
    "unique": ("email TEXT UNIQUE", "", "unique", False),
    "default": ("email TEXT DEFAULT 'x'", "", "server default", True),
    "primary key": ("email TEXT PRIMARY KEY", "", "primary key", True),
    "generated": ("email TEXT, low TEXT GENERATED ALWAYS AS (lower(email))", "", "generated column", True),
    "reference": ("email TEXT REFERENCES others (email)", "", "foreign key", True),
    "strict": ("email TEXT", " STRICT", "strict table", True),
    "strict, but bytes": ("email BLOB", " STRICT", "", False),
}


def found(engine: Engine, table: Table, column: str = "email") -> list[tuple[str, bool]]:
    with engine.connect() as connection:
        return [(one.kind, one.forbids) for one in examine(connection, table, table.c[column])]


def test_what_somebody_made_is_found_and_keeps_the_job_from_beginning(engine: Engine) -> None:
    fill(engine, 1)
    table = world.plain_table()
    assert found(engine, table) == []
    with maintaining() as privacy, engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA user_version" if engine.dialect.name == "sqlite" else "SELECT 1")
        [target] = targets_of(privacy, ["customers.email"])
        for name, (databases, statements, kind, forbids) in CASES.items():
            if engine.dialect.name not in databases:
                continue
            with connection.begin_nested():
                for statement in statements:
                    connection.exec_driver_sql(statement)
                kinds = [(one.kind, one.forbids) for one in examine(connection, table, table.c.email)]
                assert (kind, forbids) in kinds, name
                others = [one.kind for one in examine(connection, table, table.c.name)]
                assert others == ([kind] if kind in ("trigger", "view") and not forbids else []), name
                try:
                    require_sealable(connection, target)
                except PolicyError as refused:
                    assert forbids, name
                    assert kind in refused.message
                    assert WAYS_OUT[kind] in str(refused.hint)
                else:
                    assert not forbids, name
                connection.get_nested_transaction().rollback()  # type: ignore[union-attr]
            assert examine(connection, table, table.c.email) == [], name


def test_a_job_does_not_begin_against_it(engine: Engine) -> None:
    fill(engine, 1)
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE INDEX thing ON customers (lower(email))")
    with maintaining() as privacy, pytest.raises(PolicyError, match="expression index"):
        seal(engine, privacy, ["customers.email"])
    assert raw(engine, "email") == [("p1@example.org",)]


@pytest.mark.backends("sqlite")
@pytest.mark.parametrize("name", DECLARED)
def test_what_sqlite_declares_is_found(name: str, engine: Engine) -> None:
    columns, options, kind, forbids = DECLARED[name]
    with engine.begin() as connection:
        connection.exec_driver_sql(f"CREATE TABLE customers (id INTEGER, tier TEXT, {columns}){options}")
    assert found(engine, world.plain_table()) == ([(kind, forbids)] if kind else [])
    if "strict" not in name:
        assert found(engine, world.plain_table(), "tier") == ([("check", True)] if name == "table check" else [])


class Point(UserDefinedType[Any]):
    """Nobody knows its values."""

    def get_col_spec(self, **kw: Any) -> str:
        return "TEXT"


@pytest.mark.backends("sqlite")
def test_the_model_is_asked_too(engine: Engine) -> None:
    table = Table(
        "places",
        MetaData(),
        Column("id", Integer, primary_key=True),
        Column("point", Point()),
        Column("code", String(9), unique=True),
        Column("fine", Uuid()),
        Column("picture", LargeBinary),
    )
    table.metadata.create_all(engine)
    assert found(engine, table, "point") == [("type", True)]
    assert found(engine, table, "code") == [("model", True), ("unique", False)]
    assert found(engine, table, "fine") == found(engine, table, "picture") == []


@pytest.mark.backends("sqlite")
def test_the_log_says_who_compares_it(engine: Engine, tmp_path: Path) -> None:
    fill(engine, 1)
    log = AccessLog.open(tmp_path / "log")
    with maintaining(log=log, accept={"customers.name": FAR, "customers.email": FAR}) as privacy:
        privacy.install(engine)
        with privacy.access("all", role="staff", actor="x", route="GET /search"), Session(engine) as session:
            session.execute(select(Customer.name)).all()
            for _ in range(2):
                session.execute(select(Customer.id).where(Customer.email.is_(None))).all()
        [finding] = matched_in(log.events(), ["customers.name", "customers.email"])
    assert (finding.column, finding.kind, finding.forbids) == ("customers.email", "matched", False)
    assert finding.what == "2 times at GET /search"
