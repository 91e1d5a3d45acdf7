"""Migrations as SQL text, and run on their own."""

from __future__ import annotations

import pytest
from sqlalchemy import Column, Engine, Integer, MetaData, Table, text

from sa_privacy import Keyring
from sa_privacy.integrations.alembic import lookup
from tests.integrations.conftest import ProjectMaker
from tests.integrations.project import Project
from tests.integrations.test_autogenerate import lookups
from tests.integrations.test_sealing import SEAL, UNSEAL, VALUES, declared, fill, stored

UP = "op.create_lookup_index('uq_mail', 'people', ['id', lookup('email')], unique=True)"
DOWN = "op.drop_lookup_index('uq_mail', 'people')"


def run(engine: Engine, sql: str) -> None:
    """Runs a script, as psql and sqlite3 would."""
    with engine.connect() as connection:
        own = connection.connection.driver_connection
        assert own is not None
        if engine.dialect.name == "sqlite":
            own.executescript(sql)
        else:
            own.autocommit = True
            for statement in (f"{part}END $sa_privacy$" if "DO $" in part else part for part in _apart(sql)):
                own.execute(statement)


def _apart(sql: str) -> list[str]:
    """The script in pieces that the driver takes."""
    return sql.split("END $sa_privacy$")


def test_lookups_are_made_and_dropped(engine: Engine, project: ProjectMaker) -> None:
    migrations = plain_table(engine, project)
    migrations.write("searching", UP, DOWN)
    up, down = migrations.offline(), migrations.offline("searching:base", down=True)

    assert up.count("CREATE UNIQUE INDEX") == 2
    assert "substr(email, 7, 20)" in up
    run(engine, up)
    assert lookups(engine) == {"uq_mail": True}
    run(engine, down)
    assert lookups(engine) == {}


def plain_table(engine: Engine, project: ProjectMaker) -> Project:
    """A table that is there, and a project without migrations."""
    made = MetaData()
    Table("people", made, Column("id", Integer, primary_key=True))
    made.create_all(engine)
    kind = "BYTEA" if engine.dialect.name == "postgresql" else "BLOB"
    with engine.begin() as connection:
        connection.execute(text(f"ALTER TABLE people ADD email {kind}"))
    return project(made)


@pytest.mark.backends("postgresql")
def test_a_script_looks_before_it_acts(engine: Engine, project: ProjectMaker) -> None:
    migrations = plain_table(engine, project)
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE people ALTER email TYPE varchar(320) USING ''"))
    fill(engine, VALUES)
    migrations.write("sealing", SEAL, UNSEAL)
    migrations.write("searching", UP, DOWN)
    seal, search = migrations.offline("sealing"), migrations.offline("sealing:searching")
    unseal = migrations.offline("sealing:base", down=True)

    run(engine, seal)
    assert (stored(engine), declared(engine)) == (VALUES, "BYTEA")
    run(engine, unseal)
    assert (stored(engine), declared(engine)) == (VALUES, "VARCHAR(320)")

    with engine.begin() as connection:
        connection.execute(text("DROP TABLE IF EXISTS alembic_version"))
    run(engine, seal)
    sealer = Keyring.generate().sealer("people.email", slots=True)
    with engine.begin() as connection:
        for key, value in VALUES.items():
            cell = None if value is None else sealer.seal(value.encode())
            connection.execute(text("UPDATE people SET email = :cell WHERE id = :id"), {"cell": cell, "id": key})
    cells = stored(engine)
    with pytest.raises(Exception, match="holds cells"):
        run(engine, unseal)
    assert stored(engine) == cells
    run(engine, search)
    assert lookups(engine) == {"uq_mail": True}


@pytest.mark.backends("postgresql")
def test_indexes_are_made_while_others_write(engine: Engine, project: ProjectMaker) -> None:
    migrations = plain_table(engine, project)
    up, down = (f"{line[:-1]}, concurrently=True)" for line in (UP, DOWN))
    outside = "with op.get_context().autocommit_block():\n        "
    migrations.write("searching", outside + up, outside + down)
    migrations.upgrade()
    assert lookups(engine) == {"uq_mail": True}
    assert migrations.offline("base:head").count("CONCURRENTLY") == 2
    migrations.downgrade()
    assert lookups(engine) == {}


def test_a_lookup_says_which_column_is_meant() -> None:
    assert repr(lookup("email")) == "lookup('email')"
