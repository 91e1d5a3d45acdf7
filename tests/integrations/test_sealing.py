"""A migration that seals a column changes its type, and loses nothing, sealed or not."""

from __future__ import annotations

import re
import traceback
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import (
    JSON,
    Column,
    Date,
    Engine,
    Enum,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Numeric,
    String,
    Table,
    UniqueConstraint,
    event,
    inspect,
    text,
)
from sqlalchemy.dialects import postgresql
from sqlalchemy.exc import DBAPIError, IntegrityError

from sa_privacy import Encrypted, Keyring, PolicyError
from sa_privacy.columns.annotation import Annotation, annotate_column
from tests.integrations.conftest import ProjectMaker
from tests.integrations.project import SILENT, Project, body
from tests.integrations.test_autogenerate import lookups, people, sealed

pytestmark = SILENT
RECORDS = [
    (
        "CREATE TABLE people (id INTEGER PRIMARY KEY AUTOINCREMENT, email VARCHAR(320) NOT NULL COLLATE NOCASE, "
        "age INTEGER CHECK (age IN (1, 2)), name TEXT DEFAULT ',email (', CHECK (length(name) < 9))"
    ),
    (
        "CREATE TABLE people(id INTEGER PRIMARY KEY, -- email, of course\n [email] VARCHAR(320) UNIQUE,\n"
        "/* age */ age INTEGER, name TEXT AS ('nobody') STORED)"
    ),
    (
        "CREATE TABLE people(id INTEGER PRIMARY KEY, email varchar (320) NULL, age, `name` \"long name\" DEFAULT 'x') "
        "WITHOUT ROWID"
    ),
    "CREATE TABLE people(id INTEGER PRIMARY KEY, email, age INTEGER, name TEXT)",
]
VALUES = {1: "anna@example.org", 2: "Zoë@example.org, with a long name of its own", 3: None, 4: "", 5: "x", 6: "y"}
SEAL = "op.seal_column('people', 'email', type_=sa.String(320))"
UNSEAL = "op.unseal_column('people', 'email', type_=sa.String(320))"


def fill(engine: Engine, values: dict[int, Any]) -> None:
    """Rows with these values."""
    with engine.begin() as connection:
        for key, value in values.items():
            connection.execute(text("INSERT INTO people (id, email) VALUES (:id, :email)"), {"id": key, "email": value})


def stored(engine: Engine) -> dict[int, Any]:
    """The values of the database; bytes as text where they are text."""
    with engine.connect() as connection:
        rows = connection.exec_driver_sql("SELECT id, email FROM people ORDER BY id").all()
    return {key: _readable(value) for key, value in rows}


def _readable(value: Any) -> Any:
    try:
        return value.decode() if isinstance(value, bytes) else value
    except UnicodeDecodeError:
        return value


def seal_values(engine: Engine) -> dict[int, bytes]:
    """What ``sa-privacy seal`` does, in short: each value becomes a cell."""
    keys = Keyring.generate()
    seal, slots = keys.sealer("people.email", slots=True).seal, keys.digests("people.email").slots
    plain = {key: value.encode() for key, value in VALUES.items() if value is not None}
    cells = {key: seal(value, slots(value)) for key, value in plain.items()}
    with engine.begin() as connection:
        for key, cell in cells.items():
            connection.execute(text("UPDATE people SET email = :cell WHERE id = :id"), {"cell": cell, "id": key})
    return cells


def everything(engine: Engine) -> list[str]:
    """The database's record of all that is in it, but Alembic's own."""
    with engine.connect() as connection:
        asked = "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND name <> 'alembic_version' ORDER BY rowid"
        return [str(sql) for sql in connection.exec_driver_sql(asked).scalars()]


def declared(engine: Engine) -> str:
    """The type of the column in the database."""
    (column,) = [column for column in inspect(engine).get_columns("people") if column["name"] == "email"]
    return str(column["type"])


@pytest.fixture
def migrations(project: ProjectMaker) -> Project:
    """Plain e-mail addresses, and a model that does not change."""
    made = project(people(email=String(320)))
    made.step()
    return made


def test_sealing_is_seen_and_undone(engine: Engine, migrations: Project) -> None:
    fill(engine, VALUES)
    migrations.use(people(email=sealed("exact")))
    script = migrations.step()

    assert body(script).splitlines() == [
        "op.seal_column('people', 'email', type_=sa.VARCHAR(length=320))",
        "op.create_lookup_index('ix_people_email_lookup', 'people', [lookup('email')], unique=False)",
    ]
    assert stored(engine) == VALUES
    assert declared(engine) in {"BYTEA", "BLOB"}
    migrations.downgrade()
    assert (stored(engine), declared(engine)) == (VALUES, "VARCHAR(320)")
    assert lookups(engine) == {}
    migrations.upgrade()
    migrations.check()


def test_cells_are_not_made_text(engine: Engine, migrations: Project) -> None:
    fill(engine, VALUES)
    migrations.write("sealing", SEAL, UNSEAL)
    migrations.upgrade()
    cells = seal_values(engine)

    with pytest.raises(PolicyError, match=r"people\.email holds cells") as refused:
        migrations.downgrade()
    assert "sa-privacy unseal people.email" in str(refused.value)
    assert stored(engine) == {**VALUES, **cells}
    with engine.begin() as connection:  # one of them left
        connection.execute(text("DELETE FROM people WHERE id > 1"))
    with pytest.raises(PolicyError):
        migrations.downgrade()
    with engine.begin() as connection:
        connection.execute(text("DELETE FROM people"))
    fill(engine, {1: b"back@example.org" if engine.dialect.name == "postgresql" else "back@example.org"})
    migrations.downgrade()
    assert (stored(engine), declared(engine)) == ({1: "back@example.org"}, "VARCHAR(320)")


def test_sealed_before_it_was_migrated(engine: Engine, migrations: Project) -> None:
    """``sa-privacy seal`` changes the type by itself on PostgreSQL; SQLite needs no other."""
    fill(engine, VALUES)
    if engine.dialect.name == "postgresql":
        with engine.begin() as connection:
            connection.execute(text("ALTER TABLE people ALTER email TYPE bytea USING convert_to(email, 'UTF8')"))
    cells = seal_values(engine)
    migrations.use(people(email=sealed("exact")))
    migrations.step()
    assert stored(engine) == {**VALUES, **cells}
    assert lookups(engine) == {"ix_people_email_lookup": False}


def test_uniqueness_holds_among_cells_while_others_are_plain(engine: Engine, migrations: Project) -> None:
    """The bytes of plain values at a slot's place are no digests, and are not in the index."""
    fill(engine, VALUES)
    migrations.use(people(UniqueConstraint("email"), email=sealed("exact")))
    migrations.step()
    migrations.check()
    assert lookups(engine) == {"ix_people_email_lookup": True}
    cells = seal_values(engine)
    assert stored(engine) == {**VALUES, **cells}
    again = {"id": 99, "cell": next(iter(cells.values()))}
    with engine.connect() as connection, pytest.raises(IntegrityError):
        connection.execute(text("INSERT INTO people (id, email) VALUES (:id, :cell)"), again)


def test_running_it_again_changes_nothing(engine: Engine, migrations: Project) -> None:
    fill(engine, VALUES)
    migrations.write("sealing", SEAL + "\n    " + SEAL, UNSEAL + "\n    " + UNSEAL)
    migrations.upgrade()
    cells = seal_values(engine)
    migrations.write("again", SEAL)
    migrations.upgrade()
    assert stored(engine) == {**VALUES, **cells}


def test_what_is_no_longer_sealed(engine: Engine, project: ProjectMaker) -> None:
    migrations = project(people(email=sealed("exact")))
    migrations.step()
    plain = people(email=String(320))
    annotate_column(plain.tables["people"].c.email, Annotation("email", encrypt=False))
    migrations.use(plain)

    assert body(migrations.step()).splitlines() == [
        "op.drop_lookup_index('ix_people_email_lookup', 'people')",
        "op.unseal_column('people', 'email', type_=sa.String(length=320))",
    ]
    migrations.downgrade()
    assert lookups(engine) == {"ix_people_email_lookup": False}


def test_a_lookup_tells_that_a_column_is_sealed(engine: Engine, project: ProjectMaker) -> None:
    """Even where the model no longer says anything of it."""
    migrations = project(people(email=sealed("exact")))
    migrations.step()
    migrations.use(people(email=String(320)))
    assert "op.unseal_column('people', 'email', type_=sa.String(length=320))" in body(migrations.step())


def test_uniqueness_and_other_changes_of_the_column(engine: Engine, project: ProjectMaker) -> None:
    """The names of plain indexes and constraints pass to the lookups."""
    before, after = MetaData(), MetaData()
    for made, kind in ((before, String(320)), (after, sealed("casefold"))):
        Table(
            "people",
            made,
            Column("id", Integer, primary_key=True),
            Column("shop", String(20)),
            Column("email", kind, nullable=made is after, index=True),
            UniqueConstraint("shop", "email", name="uq_people"),
        )
    migrations = project(before)
    migrations.step()
    migrations.use(after)
    script = migrations.step()

    assert "drop_constraint(" in script
    assert lookups(engine) == {"uq_people": True, "ix_people_email": False}
    migrations.downgrade()
    assert lookups(engine) == {}
    assert [unique["name"] for unique in inspect(engine).get_unique_constraints("people")] == ["uq_people"]
    assert "ix_people_email" in [index["name"] for index in inspect(engine).get_indexes("people")]


def test_other_types_come_back(engine: Engine, project: ProjectMaker) -> None:
    plain: dict[str, tuple[Any, str]] = {
        "born": (Date(), "'2000-01-31'"),
        "paid": (Numeric(10, 2), "12.5"),
        "notes": (JSON(), """'{"a": [1]}'"""),
        "visits": (Integer(), "7"),
        "mood": (Enum("up", "down", name="mood"), "'up'"),
    }

    def everyone() -> tuple[list[Any], list[str]]:
        with engine.connect() as connection:
            rows = list(connection.exec_driver_sql("SELECT * FROM people"))
        return rows, [str(column["type"]) for column in inspect(engine).get_columns("people")]

    migrations = project(people(*(Column(name, kind) for name, (kind, _) in plain.items())))
    migrations.step()
    with engine.begin() as connection:
        given = ", ".join(value for _, value in plain.values())
        connection.exec_driver_sql(f"INSERT INTO people (id, {', '.join(plain)}) VALUES (1, {given})")
    before = everyone()
    migrations.use(people(*(Column(name, Encrypted(kind, category="email")) for name, (kind, _) in plain.items())))
    assert migrations.step().count("op.seal_column(") == len(plain)
    assert everyone()[1][2:] == ["BLOB" if engine.dialect.name == "sqlite" else "BYTEA"] * len(plain)
    migrations.downgrade()
    assert everyone() == before


class TestOnPostgreSQL:
    """The text that values become does not depend on the session, and none is cut."""

    pytestmark = pytest.mark.backends("postgresql")

    def test_dates_are_written_in_one_way(self, engine: Engine, project: ProjectMaker) -> None:
        migrations = project(people(email=Date()))
        migrations.step()
        with engine.begin() as connection:
            connection.exec_driver_sql("INSERT INTO people VALUES (1, '2000-01-31')")
        style = "op.execute(\"SET datestyle = 'German'\")"
        shown = "assert op.get_bind().exec_driver_sql('SHOW datestyle').scalar().startswith('German')"
        seal = "op.seal_column('people', 'email', type_=sa.Date())"
        migrations.write("sealing", f"{style}\n    {seal}\n    {shown}")
        migrations.upgrade()
        assert stored(engine) == {1: "2000-01-31"}

    def test_what_has_become_longer_is_not_cut(self, engine: Engine, project: ProjectMaker) -> None:
        migrations = project(people(email=String(5)))
        migrations.step()
        migrations.write(
            "sealing",
            "op.seal_column('people', 'email', type_=sa.String(5))",
            "op.unseal_column('people', 'email', type_=sa.String(5))",
        )
        migrations.upgrade()
        fill(engine, {1: b"longer than before"})
        with pytest.raises(DBAPIError, match=r"people\.email holds values that String\(length=5\) does not take"):
            migrations.downgrade()
        assert stored(engine) == {1: "longer than before"}

    def test_no_value_is_in_an_error(self, engine: Engine, project: ProjectMaker) -> None:
        migrations = project(people(email=Date()))
        migrations.step()
        migrations.write(
            "sealing",
            "op.seal_column('people', 'email', type_=sa.Date())",
            "op.unseal_column('people', 'email', type_=sa.Date())",
        )
        migrations.upgrade()
        fill(engine, {1: b"anna, born long ago"})
        with pytest.raises(DBAPIError, match="does not take") as refused:
            migrations.downgrade()
        said = "".join(traceback.format_exception(refused.value))
        assert "anna" not in said
        assert "anna" not in repr(getattr(refused.value.orig, "diag", None).__dict__)

    def test_arrays_do_not_come_back(self, engine: Engine, project: ProjectMaker) -> None:
        kind = "sa.dialects.postgresql.ARRAY(sa.Text())"
        migrations = project(people(email=postgresql.ARRAY(String())))
        migrations.step()
        with engine.begin() as connection:
            connection.exec_driver_sql("INSERT INTO people VALUES (1, ARRAY['a', 'b'])")
        migrations.write(
            "sealing",
            f"op.seal_column('people', 'email', type_={kind})",
            f"op.unseal_column('people', 'email', type_={kind})",
        )
        migrations.upgrade()
        assert stored(engine) == {1: '["a", "b"]'}
        with pytest.raises(PolicyError, match="array"):
            migrations.downgrade()

    def test_a_cell_that_comes_in_between_is_seen_by_the_database(self, engine: Engine, migrations: Project) -> None:
        """As in a script made offline: there nothing has looked before."""
        migrations.write("sealing", SEAL, UNSEAL)
        migrations.upgrade()
        fill(
            engine, VALUES | {1: Keyring.generate().sealer("people.email").seal(b"anna")} | dict.fromkeys((2, 4, 5, 6))
        )
        offline = migrations.offline("sealing:-1", down=True)
        with pytest.raises(DBAPIError, match="holds cells"), engine.begin() as connection:
            connection.exec_driver_sql(offline.replace("BEGIN;\n", "", 1).replace("COMMIT;\n", ""))


class TestOnSQLite:
    """The record of the table changes in one word."""

    pytestmark = pytest.mark.backends("sqlite")

    @pytest.mark.parametrize("record", RECORDS, ids=["autoincrement", "comments", "without rowid", "typeless"])
    def test_what_belongs_to_the_table_stays(self, engine: Engine, tmp_path: Path, record: str) -> None:
        with engine.begin() as connection:
            for statement in (
                record,
                "CREATE INDEX ix_name ON people (lower(name))",
                "CREATE UNIQUE INDEX ix_age ON people (age)",
                "CREATE TABLE seen (id INTEGER)",
                "CREATE VIEW them AS SELECT id, age FROM people",
                "CREATE TRIGGER see AFTER INSERT ON people BEGIN INSERT INTO seen VALUES (new.id); END",
                "INSERT INTO people (id, email, age) VALUES (1, 'a@example.org', 2)",
            ):
                connection.exec_driver_sql(statement)
        before = everything(engine)
        migrations = Project(tmp_path, engine, MetaData())
        migrations.write("nothing", "pass")
        migrations.upgrade()
        other = engine.connect()  # one that has read the schema before
        other.exec_driver_sql("SELECT * FROM people").all()
        down = UNSEAL if "320" in record else UNSEAL.replace("String(320)", "types.NullType()")
        migrations.write("sealing", SEAL, down)
        migrations.upgrade()

        changed = [(old, new) for old, new in zip(before, everything(engine), strict=True) if old != new]
        ((old, new),) = changed
        assert re.sub(r"(?i)\s+BLOB", "", new) == re.sub(r"(?i)\s+VARCHAR ?\(320\)", "", old)
        assert {column["name"].lower(): str(column["type"]) for column in inspect(other).get_columns("people")}[
            "email"
        ] == "BLOB"
        other.close()
        with engine.begin() as connection:
            assert connection.exec_driver_sql("PRAGMA integrity_check").scalar() == "ok"
            connection.exec_driver_sql("INSERT INTO people (id, email) VALUES (2, 'b')")
            assert connection.exec_driver_sql("SELECT email FROM people ORDER BY id").scalars().all() == [
                "a@example.org",
                "b",
            ]
            assert connection.exec_driver_sql("SELECT id FROM seen").scalars().all() == [1, 2]
        migrations.downgrade()
        again, first = ([re.sub(r"\s", "", sql).lower() for sql in one] for one in (everything(engine), before))
        assert again == first

    def test_a_record_that_is_not_understood(self, engine: Engine, tmp_path: Path) -> None:
        with engine.begin() as connection:
            connection.exec_driver_sql("CREATE TABLE people (id INTEGER, email VARCHAR(320) -- not null, we hope\n)")
        before = everything(engine)
        migrations = Project(tmp_path, engine, MetaData())
        migrations.write("sealing", SEAL, UNSEAL)
        with pytest.raises(PolicyError, match="not understood"):
            migrations.upgrade()
        assert everything(engine)[: len(before)] == before

    def test_rows_that_refer_to_it_stay(self, engine: Engine, project: ProjectMaker) -> None:
        """No table is dropped, so no foreign key deletes anything."""
        made = people(email=String(320))
        Table("orders", made, Column("person", ForeignKey("people.id", ondelete="CASCADE")))

        @event.listens_for(engine, "connect")
        def heed(connection: Any, _: object) -> None:
            connection.execute("PRAGMA foreign_keys=ON")

        migrations = project(made)
        migrations.step()
        fill(engine, VALUES)
        with engine.begin() as connection:
            connection.exec_driver_sql("INSERT INTO orders VALUES (1)")
        migrations.write("sealing", SEAL, UNSEAL)
        migrations.upgrade()
        with engine.connect() as connection:
            assert connection.exec_driver_sql("SELECT person FROM orders").scalars().all() == [1]

    def test_there_is_no_way_offline(self, migrations: Project) -> None:
        migrations.write("sealing", SEAL, UNSEAL)
        with pytest.raises(PolicyError, match="--sql"):
            migrations.offline()

    def test_a_column_that_is_not_there(self, migrations: Project) -> None:
        migrations.write("sealing", SEAL.replace("email", "e_mail"))
        with pytest.raises(PolicyError, match=r"people\.e_mail"):
            migrations.upgrade()


def test_plain_bytes_have_the_type_already(engine: Engine, project: ProjectMaker) -> None:
    migrations = project(people(email=LargeBinary()))
    migrations.step()
    migrations.use(people(Index("ix_mail", "email"), email=Encrypted(LargeBinary(), category="email", lookup="exact")))
    assert "seal_column" not in migrations.step()
