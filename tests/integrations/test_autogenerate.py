"""Autogenerate sees sealed columns as bytes, and lookups as what the database has of them."""

from __future__ import annotations

from typing import Any

import pytest
from alembic.util import CommandError
from sqlalchemy import (
    Column,
    Engine,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    UniqueConstraint,
    func,
    inspect,
    text,
)

from sa_privacy import Encrypted, lookup_key
from sa_privacy.integrations.alembic.stored import lookups_in
from tests.integrations.conftest import ProjectMaker
from tests.integrations.project import SILENT, body
from tests.lookup.world import CORE, Base

pytestmark = SILENT


def people(*items: Any, name: str = "people", email: Any = None, schema: str | None = None) -> MetaData:
    """Models of one table."""
    made = MetaData()
    email = email if email is not None else sealed("exact")
    Table(name, made, Column("id", Integer, primary_key=True), Column("email", email), *items, schema=schema)
    return made


def sealed(lookup: Any = None) -> Encrypted:
    """The type of a sealed column."""
    return Encrypted(String(320), category="email", lookup=lookup)


def lookups(engine: Engine, table: str = "people", schema: str | None = None) -> dict[str, bool]:
    """The lookups of the database, and which are unique."""
    with engine.connect() as connection:
        return {
            name: found.index.unique for name, found in lookups_in(connection, table, schema).items() if found.complete
        }


def test_new_tables_come_with_their_lookups(engine: Engine, project: ProjectMaker) -> None:
    migrations = project(Base.metadata)
    script = migrations.step()

    assert "op.create_lookup_index('ix_people_email_lookup', 'people', [lookup('email')], unique=True)" in script
    assert "op.create_lookup_index('uq_member_code', 'members', ['shop', lookup('code')], unique=True)" in script
    assert "from sa_privacy.integrations.alembic import lookup\n" in script
    assert "sa.Column('email', sa.LargeBinary(), nullable=True)" in script
    assert body(script, "downgrade").startswith("op.drop_lookup_index(")
    assert lookups(engine, "members") == {
        "uq_member_email": True,
        "uq_member_code": True,
        "ix_members_email_lookup": False,
        "ix_members_code_lookup": False,
    }
    migrations.downgrade("base")
    assert not inspect(engine).has_table("people")
    migrations.upgrade()
    migrations.check()


def test_what_create_all_made_needs_no_migration(engine: Engine, project: ProjectMaker) -> None:
    CORE.create_all(engine)

    migrations = project(CORE)
    migrations.check()
    assert body(migrations.autogenerate()) == "pass"


def test_a_column_that_is_added(engine: Engine, project: ProjectMaker) -> None:
    migrations = project(people(email=LargeBinary()))
    migrations.step()
    migrations.use(people(Column("phone", sealed("exact"), unique=True, comment="the number"), email=LargeBinary()))
    script = migrations.step()

    assert "add_column(" in script
    assert "sa.Column('phone', sa.LargeBinary(), nullable=True, comment='the number')" in script
    assert "Encrypted" not in script
    assert lookups(engine) == {"ix_people_phone_lookup": True}
    migrations.downgrade()
    assert [column["name"] for column in inspect(engine).get_columns("people")] == ["id", "email"]
    assert lookups(engine) == {}
    migrations.upgrade()
    migrations.use(people(email=LargeBinary()))
    assert "drop_lookup_index('ix_people_phone_lookup', 'people')" in body(migrations.step())


def test_uniqueness_that_changes(engine: Engine, project: ProjectMaker) -> None:
    migrations = project(people())
    migrations.step()
    made = people(Index("ix_people_email_lookup", "email", unique=True))
    migrations.use(made)

    assert body(migrations.step()).splitlines() == [
        "op.drop_lookup_index('ix_people_email_lookup', 'people')",
        "op.create_lookup_index('ix_people_email_lookup', 'people', [lookup('email')], unique=True)",
    ]
    assert lookups(engine) == {"ix_people_email_lookup": True}
    migrations.downgrade()
    assert lookups(engine) == {"ix_people_email_lookup": False}


def test_a_name_that_changes(engine: Engine, project: ProjectMaker) -> None:
    migrations = project(people(Index("ix_mail", "email")))
    migrations.step()
    migrations.use(people(Index("ix_e_mail", "email")))
    migrations.step()
    assert lookups(engine) == {"ix_e_mail": False}
    migrations.downgrade()
    assert lookups(engine) == {"ix_mail": False}


def test_other_columns_of_a_lookup(engine: Engine, project: ProjectMaker) -> None:
    def model(*columns: str) -> MetaData:
        made = people(Column("shop", String(20)))
        table = made.tables["people"]
        Index("ix_mail", *(lookup_key(table.c.email) if name == "email" else table.c[name] for name in columns))
        return made

    migrations = project(model("email", "id"))
    migrations.step()
    for columns, written in (
        (("email", "shop"), "[lookup('email'), 'shop']"),
        (("email", "id", "shop"), "[lookup('email'), 'id', 'shop']"),
    ):
        migrations.use(model(*columns))
        assert written in migrations.step()


def test_a_lookup_without_its_table_goes_with_it(engine: Engine, project: ProjectMaker) -> None:
    migrations = project(people())
    migrations.step()
    migrations.use(MetaData())
    script = body(migrations.step())
    assert script.splitlines() == [
        "op.drop_lookup_index('ix_people_email_lookup', 'people')",
        "op.drop_table('people')",
    ]
    migrations.downgrade()
    assert lookups(engine) == {"ix_people_email_lookup": False}


def test_half_a_lookup_is_made_whole(engine: Engine, project: ProjectMaker) -> None:
    migrations = project(people())
    migrations.step()
    for half in ("ix_people_email_lookup", "ix_people_email_lookup_2"):
        with engine.begin() as connection:
            connection.execute(text(f"DROP INDEX {half}"))
        with pytest.raises(CommandError):
            migrations.check()
        assert "op.drop_lookup_index" in body(migrations.step())
        assert lookups(engine) == {"ix_people_email_lookup": False}


def test_halves_that_differ_are_made_alike(engine: Engine, project: ProjectMaker) -> None:
    """A lookup is as unique as its weaker half."""
    migrations = project(people(Index("ix_mail", "email", unique=True)))
    migrations.step()
    with engine.begin() as connection:
        for statement in ("DROP INDEX ix_mail_2", f"CREATE INDEX ix_mail_2 ON people ({slot(engine)})"):
            connection.exec_driver_sql(statement)
    assert "op.create_lookup_index('ix_mail', 'people', [lookup('email')], unique=True)" in migrations.step()


def slot(engine: Engine) -> str:
    """The second slot of an e-mail address, written by hand."""
    postgresql = engine.dialect.name == "postgresql"
    heads = ("0102", "0104", "00" * 20)
    one, other, zeros = ("'\\x" + each + "'::bytea" if postgresql else f"X'{each}'" for each in heads)
    return f'(case when Substr("email",1, 2) in({one} ,{other}) then nullif( Substr("email",27,20) , {zeros} ) end)'


def test_names_that_need_quotes_or_are_long(engine: Engine, project: ProjectMaker) -> None:
    made = MetaData()
    Table(
        'order of "books"',
        made,
        Column("id", Integer, primary_key=True),
        Column("e-mail, (first)", sealed("exact"), unique=True),
        Column("n" * 60, sealed("exact")),
        Column("Select", String(5)),
        UniqueConstraint("Select", "e-mail, (first)", name="One per Select"),
    )
    migrations = project(made)
    migrations.step()
    assert len(lookups(engine, 'order of "books"')) == 3
    migrations.downgrade()
    migrations.upgrade()
    migrations.check()


def test_sql_and_conditions_in_an_index(engine: Engine, project: ProjectMaker) -> None:
    made = people(Column("shop", String(20)), Column("gone", Integer))
    table = made.tables["people"]
    where: Any = {f"{engine.dialect.name}_where": table.c.gone.is_(None)}
    Index("uq_mail", func.lower(table.c.shop), lookup_key(table.c.email), unique=True, **where)
    migrations = project(made)
    script = migrations.step()

    assert "[sa.text('lower(shop)'), lookup('email')]" in script
    assert f"{engine.dialect.name}_where=sa.text('gone IS NULL')" in script
    migrations.use(people(Column("shop", String(20)), Column("gone", Integer)))
    migrations.step()
    migrations.downgrade()
    with engine.connect() as connection:
        (again,) = [one for name, one in lookups_in(connection, "people").items() if name == "uq_mail"]
    assert again.complete
    assert "gone IS NULL" in str(again.index.options[f"{engine.dialect.name}_where"])


@pytest.mark.backends("postgresql")
def test_other_schemas(engine: Engine, project: ProjectMaker) -> None:
    with engine.begin() as connection:
        connection.execute(text("CREATE SCHEMA crm"))
    migrations = project(people(schema="crm"), include_schemas=True)
    script = migrations.step()
    assert (
        "create_lookup_index('ix_people_email_lookup', 'people', [lookup('email')], unique=False, schema='crm')"
        in script
    )
    assert lookups(engine, schema="crm") == {"ix_people_email_lookup": False}
    migrations.use(people(Column("phone", sealed()), schema="crm", email=sealed()))
    migrations.step()
    assert lookups(engine, schema="crm") == {}
    migrations.downgrade("base")
    assert not inspect(engine).has_table("people", schema="crm")


def test_filters_of_the_application_are_asked(engine: Engine, project: ProjectMaker) -> None:
    def not_mine(item: object, name: str | None, kind: str, *_: Any) -> bool:
        return kind != "index"

    migrations = project(people(), include_object=not_mine)
    assert "lookup" not in body(migrations.step())
    assert lookups(engine) == {}


def test_names_that_the_application_does_not_look_at(engine: Engine, project: ProjectMaker) -> None:
    def mine(name: str | None, kind: str, parents: Any) -> bool:
        return kind != "index" or not str(name).startswith("ix_people")

    migrations = project(people())
    migrations.step()
    migrations.use(people(email=sealed()), include_name=mine)
    migrations.check()


@pytest.mark.backends("postgresql")
def test_an_index_that_was_not_finished(engine: Engine, project: ProjectMaker) -> None:
    """What CREATE INDEX CONCURRENTLY leaves when it fails serves nobody."""
    migrations = project(people())
    migrations.step()
    with engine.begin() as connection:
        connection.execute(
            text("UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'ix_people_email_lookup'::regclass")
        )
    assert "op.drop_lookup_index" in body(migrations.step())


def test_tables_without_sealed_columns_are_as_always(engine: Engine, project: ProjectMaker) -> None:
    migrations = project(people(Column("shop", String(20), index=True), email=String(50)))
    script = migrations.step()
    assert "lookup" not in script
    assert "sa_privacy" not in script
