"""The library's own tables: what its versions make is what this release expects."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import produce_migrations
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Column, Engine, Integer, MetaData, Table, create_engine, inspect, text
from sqlalchemy.exc import DBAPIError

import sa_privacy.privacy  # noqa: F401 - all rooms have told their tables
from sa_privacy import PolicyError
from sa_privacy.cli.app import app
from sa_privacy.columns.own_tables import OWN_TABLES
from sa_privacy.integrations.alembic.tables import differences, head, script, upgrade, version
from tests.support.command import CliRunner
from tests.support.databases import Database

ENV = """
from alembic import context
with context.config.attributes["engine"].connect() as connection:
    context.configure(connection=connection)
    with context.begin_transaction():
        context.run_migrations()
"""
LEDGERS = sorted(table.name for table in OWN_TABLES.sorted_tables if table.info.get("append-only"))


@pytest.fixture
def empty(database: Database) -> Any:
    engine = create_engine(database.url)
    yield engine
    engine.dispose()


def made(engine: Engine) -> dict[str, Any]:
    """What stands in a database: columns with their types, keys, indexes, by table."""
    found = inspect(engine)
    return {
        name: (
            [
                (c["name"], str(c["type"]), c["nullable"], c["default"], c.get("autoincrement"))
                for c in found.get_columns(name)
            ],
            found.get_pk_constraint(name)["constrained_columns"],
            sorted((u["name"] or "", u["column_names"]) for u in found.get_unique_constraints(name)),
            sorted((str(i["name"]), i["column_names"], i["unique"]) for i in found.get_indexes(name)),
            sorted((k["constrained_columns"], k["referred_table"]) for k in found.get_foreign_keys(name)),
        )
        for name in found.get_table_names()
        if name in OWN_TABLES.tables
    }


def triggers(engine: Engine) -> list[Any]:
    sql = (
        "SELECT name, sql FROM sqlite_master WHERE type = 'trigger'"
        if engine.dialect.name == "sqlite"
        else "SELECT tgrelid::regclass::text || tgname, pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal"
    )
    with engine.connect() as connection:
        return sorted((name, said.replace("IF NOT EXISTS ", "")) for name, said in connection.execute(text(sql)))


def test_the_versions_make_what_create_all_makes(empty: Engine) -> None:
    OWN_TABLES.create_all(empty)
    expected = made(empty), triggers(empty)
    assert len(expected[0]) == len(OWN_TABLES.tables)
    assert len(expected[1]) == 2 * len(LEDGERS)
    OWN_TABLES.drop_all(empty)
    with empty.begin() as connection:
        assert upgrade(connection) == (None, head())
    assert (made(empty), triggers(empty)) == expected
    with empty.connect() as connection:
        assert differences(connection) == []


def test_doing_it_twice_changes_nothing_and_going_back_leaves_nothing(empty: Engine) -> None:
    with empty.begin() as connection:
        upgrade(connection)
    before = made(empty), triggers(empty)
    with empty.begin() as connection:
        assert upgrade(connection) == (head(), head())
    assert (made(empty), triggers(empty)) == before


@pytest.mark.backends("postgresql")  # SQLite's driver commits DDL as it comes
def test_what_is_rolled_back_was_never_there(empty: Engine) -> None:
    with empty.connect() as connection:
        upgrade(connection)
        connection.rollback()
    assert made(empty) == {}


def test_the_script_makes_the_same(empty: Engine, database: Database, tmp_path: Path) -> None:
    with empty.begin() as connection:
        upgrade(connection)
    expected = made(empty), triggers(empty)
    written = script(empty.dialect.name)
    if empty.dialect.name == "sqlite":
        other = create_engine(f"sqlite:///{tmp_path / 'other.db'}")
        with sqlite3.connect(tmp_path / "other.db") as plain:
            plain.executescript(written)
        plain.close()
    else:
        OWN_TABLES.drop_all(empty)
        with empty.begin() as connection:
            connection.execute(text("DROP TABLE sa_privacy_version"))
            connection.execute(text("DROP FUNCTION sa_privacy_append_only()"))
        other = empty
        with empty.connect() as connection:
            driver: Any = connection.connection.driver_connection
            driver.execute(written)
            driver.commit()
    try:
        assert (made(other), triggers(other)) == expected
        with other.connect() as connection:
            assert version(connection) == head()
    finally:
        other.dispose()


def test_a_ledger_only_grows(empty: Engine) -> None:
    """Shown by one that takes a row with few values; that each has the same triggers is shown above."""
    with empty.begin() as connection:
        upgrade(connection)
        connection.execute(
            text(
                "INSERT INTO sa_privacy_wordings (name, version, language, text, entered) "
                "VALUES ('w', '1', 'en', 'words', '2026-11-26 00:00:00')"
            )
        )
    verbs = ["UPDATE sa_privacy_wordings SET text = 'others'", "DELETE FROM sa_privacy_wordings"]
    verbs += ["TRUNCATE sa_privacy_wordings"] if empty.dialect.name == "postgresql" else []
    for verb in verbs:
        with empty.connect() as connection, pytest.raises(DBAPIError, match="sa_privacy_wordings is append-only"):
            connection.execute(text(verb))


def test_a_difference_is_named(empty: Engine) -> None:
    with empty.begin() as connection:
        upgrade(connection)
        connection.execute(text("ALTER TABLE sa_privacy_consents ADD COLUMN more INTEGER"))
        connection.execute(text("DROP INDEX ix_sa_privacy_consents_person"))
    with empty.connect() as connection:
        found = differences(connection)
    assert len(found) == 2
    assert any("sa_privacy_consents.more" in line for line in found)
    assert any("ix_sa_privacy_consents_person" in line for line in found)


def test_a_trigger_that_is_gone_or_off_is_a_difference(empty: Engine) -> None:
    with empty.begin() as connection:
        upgrade(connection)
        if empty.dialect.name == "sqlite":
            connection.execute(text("DROP TRIGGER sa_privacy_consents_no_update"))
            connection.execute(text("DROP TRIGGER sa_privacy_wordings_no_delete"))
            expected = {"sa_privacy_consents.no_update", "sa_privacy_wordings.no_delete"}
        else:
            connection.execute(text("DROP TRIGGER append_only ON sa_privacy_consents"))
            connection.execute(text("ALTER TABLE sa_privacy_wordings DISABLE TRIGGER no_truncate"))
            expected = {"sa_privacy_consents.append_only", "sa_privacy_wordings.no_truncate"}
    with empty.connect() as connection:
        assert set(differences(connection)) == {f"missing trigger: {name}" for name in expected}


def test_tables_that_create_all_made_get_a_version(empty: Engine) -> None:
    OWN_TABLES.create_all(empty)
    before = made(empty), triggers(empty)
    with empty.begin() as connection:
        assert upgrade(connection) == (None, head())
    assert (made(empty), triggers(empty)) == before
    with empty.begin() as connection:
        assert upgrade(connection) == (head(), head())


def test_tables_that_differ_and_have_no_version_get_none(empty: Engine) -> None:
    OWN_TABLES.create_all(empty)
    with empty.begin() as connection:
        connection.execute(text("DROP INDEX ix_sa_privacy_consents_person"))
    with empty.begin() as connection:
        with pytest.raises(PolicyError, match="ix_sa_privacy_consents_person"):
            upgrade(connection)
        assert version(connection) is None


def test_the_tables_of_the_application_are_none_of_its_business(empty: Engine) -> None:
    with empty.begin() as connection:
        upgrade(connection)
        connection.execute(text("CREATE TABLE mine (id INTEGER)"))
    with empty.connect() as connection:
        assert differences(connection) == []


def test_an_application_takes_them_in_as_a_branch_of_its_own_migrations(empty: Engine, tmp_path: Path) -> None:
    migrations = tmp_path / "migrations"
    (migrations / "versions").mkdir(parents=True)
    (migrations / "env.py").write_text(ENV)
    (migrations / "versions" / "first.py").write_text(
        "from alembic import op\nimport sqlalchemy as sa\nrevision = 'first'\ndown_revision = None\n"
        "def upgrade():\n    op.create_table('mine', sa.Column('id', sa.Integer()))\n"
        "def downgrade():\n    op.drop_table('mine')\n"
    )
    config = Config()
    config.set_main_option("script_location", str(migrations))
    config.set_main_option("path_separator", "space")
    config.set_main_option("version_path_separator", "space")  # as Alembic before 1.16 calls it
    config.set_main_option(
        "version_locations", f"{migrations / 'versions'} sa_privacy.integrations.alembic:tables/versions"
    )
    config.attributes["engine"] = empty
    command.upgrade(config, "heads")
    assert set(made(empty)) == set(OWN_TABLES.tables)
    assert inspect(empty).has_table("mine")
    command.downgrade(config, "sa_privacy@base")
    assert made(empty) == {}
    assert inspect(empty).has_table("mine")


@pytest.mark.parametrize("declared", ["theirs", "ours too"])
def test_autogenerate_leaves_them_alone(empty: Engine, declared: str) -> None:
    """No models of an application hold them: Alembic by itself would drop every ledger, or make them without triggers."""
    mine = MetaData()
    Table("mine", mine, Column("id", Integer, primary_key=True))
    wanted: Any = [mine, OWN_TABLES] if declared == "ours too" else mine
    if declared == "theirs":
        with empty.begin() as connection:
            upgrade(connection)
    with empty.connect() as connection:
        written = produce_migrations(MigrationContext.configure(connection), wanted)
    assert written.upgrade_ops is not None
    assert [op.table_name for op in written.upgrade_ops.ops] == ["mine"]  # type: ignore[attr-defined]


def test_the_command_takes_over_what_create_all_made(tmp_path: Path) -> None:
    engine = create_engine(url := f"sqlite:///{tmp_path / 'shop.db'}")
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE people (name BLOB)"))
        connection.execute(text("CREATE INDEX expression ON people (substr(name, 7, 20))"))
    run = CliRunner().invoke
    none = run(app, ["tables", "check", "--url", url])
    assert (none.exit_code, none.stdout) == (1, "the tables are not there.\nrun: sa-privacy tables upgrade\n")
    OWN_TABLES.create_all(engine)
    engine.dispose()
    good = run(app, ["tables", "check", "--url", url])
    assert (good.exit_code, good.output) == (0, "the tables are as they should be, without a version.\n")
    assert f"noted as version {head()}" in run(app, ["tables", "upgrade", "--url", url]).stdout
    assert f"at version {head()}" in run(app, ["tables", "check", "--url", url]).stdout


def test_the_command(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'shop.db'}"
    run = CliRunner().invoke
    assert run(app, ["tables", "check", "--url", url]).exit_code == 2  # there is no such file
    first = run(app, ["tables", "upgrade", "--url", url])
    assert (first.exit_code, first.stdout) == (0, f"the tables are at version {head()} now.\n")
    assert "already" in run(app, ["tables", "upgrade", "--url", url]).stdout
    assert run(app, ["tables", "check", "--url", url]).exit_code == 0
    with sqlite3.connect(tmp_path / "shop.db") as plain:
        plain.execute("DROP INDEX ix_sa_privacy_consents_person")
    plain.close()
    found = run(app, ["tables", "check", "--url", url])
    assert found.exit_code == 1
    assert "ix_sa_privacy_consents_person" in found.stdout
    printed = run(app, ["tables", "script", "--dialect", "postgresql"])
    assert printed.stdout.count("CREATE TABLE") == len(OWN_TABLES.tables) + 1
    assert run(app, ["tables", "script", "--dialect", "mysql"]).exit_code == 2


def test_every_table_of_the_library_has_a_name_of_its_own() -> None:
    assert OWN_TABLES.tables
    assert [name for name in OWN_TABLES.tables if not name.startswith("sa_privacy_")] == []
