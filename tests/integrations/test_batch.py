"""SQLite's batch mode loses indexes over expressions, and triggers. Ours keeps them."""

from __future__ import annotations

import pytest
from sqlalchemy import Column, Engine, Integer, MetaData, String, Table, UniqueConstraint, text
from sqlalchemy.exc import DBAPIError

from sa_privacy import PolicyError
from tests.integrations.conftest import ProjectMaker
from tests.integrations.project import SILENT, Project, body
from tests.integrations.test_autogenerate import lookups, sealed

pytestmark = [pytest.mark.backends("sqlite"), *SILENT]
# Cells, as far as an index sees them: header, two slots, nonce and what is sealed.
CELLS = [bytes([1, 2, 0, 0, 0, 1]) + bytes([n]) * 40 + bytes(28) for n in (1, 2)]
ROWS = [(1, CELLS[0], 3, "north"), (2, CELLS[1], None, "south"), (3, None, 5, None)]
ALL = {"ix_people_email_lookup": True, "uq_shop": True}


def people(*items: Column[object], age: type[Integer | String] = Integer) -> MetaData:
    """Models of one table."""
    made = MetaData()
    Table(
        "people",
        made,
        Column("id", Integer, primary_key=True),
        Column("email", sealed("exact"), unique=True),
        Column("age", age),
        Column("shop", String(20)),
        UniqueConstraint("shop", "email", name="uq_shop"),
        *items,
    )
    return made


@pytest.fixture
def migrations(engine: Engine, project: ProjectMaker) -> Project:
    """People, a trigger and an index over an expression of the application's own."""
    made = project(people())
    made.step()
    with engine.begin() as connection:
        for statement in (
            "CREATE INDEX ix_lower ON people (lower(shop)) WHERE age > 1 AND shop <> 'age'",
            "CREATE TRIGGER see AFTER UPDATE ON people BEGIN SELECT 1; END",
        ):
            connection.exec_driver_sql(statement)
        connection.exec_driver_sql("INSERT INTO people VALUES (?, ?, ?, ?)", ROWS)
    return made


def batch(*steps: str, sealed: bool = True) -> str:
    """A batch in a migration file."""
    name = "batch_alter_sealed_table" if sealed else "batch_alter_table"
    return "\n        ".join([f"with op.{name}('people') as batch:", *(f"batch.{step}" for step in steps)])


def rows(engine: Engine) -> list[tuple[object, ...]]:
    """All that is in the table."""
    with engine.connect() as connection:
        return [tuple(row) for row in connection.execute(text("SELECT * FROM people ORDER BY id"))]


def others(engine: Engine) -> set[str]:
    """The application's own index and trigger, as far as they are there."""
    with engine.connect() as connection:
        names = set(connection.exec_driver_sql("SELECT name FROM sqlite_master").scalars())
    return names & {"ix_lower", "see"}


CHANGE = "alter_column('age', type_=sa.String(5), existing_type=sa.Integer())"


@pytest.mark.filterwarnings("ignore:Skipped unsupported reflection")
def test_alembics_own_loses_them(engine: Engine, migrations: Project) -> None:
    """So this test tells when ours is no longer needed."""
    migrations.write("losing", batch(CHANGE, sealed=False))
    migrations.upgrade()
    assert (lookups(engine), others(engine)) == ({}, set())


def test_ours_keeps_them(engine: Engine, migrations: Project) -> None:
    migrations.write("keeping", batch(CHANGE, "add_column(sa.Column('town', sa.String()))"))
    migrations.upgrade()

    assert (lookups(engine), others(engine)) == (ALL, {"ix_lower", "see"})
    assert rows(engine) == [(*row[:2], None if row[2] is None else str(row[2]), row[3], None) for row in ROWS]
    with pytest.raises(DBAPIError, match="UNIQUE"), engine.begin() as connection:
        connection.exec_driver_sql("INSERT INTO people (id, email) SELECT 9, email FROM people WHERE id = 1")
    migrations.use(people(Column("town", String), age=String))
    migrations.check()


def test_autogenerate_writes_ours(engine: Engine, migrations: Project) -> None:
    migrations.use(people(age=String))
    script = migrations.step()
    assert body(script).startswith("with op.batch_alter_sealed_table('people', schema=None) as batch_op:")
    assert body(script, "downgrade").startswith("with op.batch_alter_sealed_table('people', schema=None) as batch_op:")
    assert lookups(engine) == ALL
    migrations.downgrade()
    assert lookups(engine) == ALL


def test_an_index_goes_with_its_column(engine: Engine, migrations: Project) -> None:
    migrations.write("dropping", "op.drop_index('ix_lower')\n    " + batch("drop_column('shop')"))
    migrations.upgrade()
    assert lookups(engine) == {"ix_people_email_lookup": True}


def test_an_index_follows_its_column(engine: Engine, migrations: Project) -> None:
    migrations.write(
        "renaming",
        batch("alter_column('email', new_column_name='e mail')", "alter_column('age', new_column_name='years')"),
    )
    migrations.upgrade()
    assert (lookups(engine), others(engine)) == (ALL, {"ix_lower", "see"})
    with engine.connect() as connection:
        made = connection.exec_driver_sql(
            "SELECT sql FROM sqlite_master WHERE name LIKE 'uq_shop%' OR name = 'ix_lower'"
        )
        assert (
            sorted("e mail" in str(sql) or "\"years\" > 1 AND shop <> 'age'" in str(sql) for sql in made.scalars())
            == [True] * 3
        )


def test_an_index_that_cannot_be_made_again(engine: Engine, migrations: Project) -> None:
    before = rows(engine)
    migrations.write("dropping", batch("drop_column('age')"))
    with pytest.raises(PolicyError, match="ix_lower"):
        migrations.upgrade()
    assert (rows(engine), lookups(engine), left(engine)) == (before, ALL, [])


def test_what_fails_in_the_batch_changes_nothing(engine: Engine, migrations: Project) -> None:
    migrations.write("failing", batch("drop_column('age')", "drop_column('nothing')"))
    with pytest.raises(KeyError):
        migrations.upgrade()
    assert (rows(engine), lookups(engine), others(engine)) == (ROWS, ALL, {"ix_lower", "see"})
    assert left(engine) == []


def left(engine: Engine) -> list[str]:
    """What a batch left half done."""
    with engine.connect() as connection:
        return list(connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE name LIKE '%tmp%'").scalars())
