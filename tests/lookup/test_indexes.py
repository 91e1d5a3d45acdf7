"""Searchable columns have an index over each lookup slot, and uniqueness means the lookup."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from sqlalchemy import (
    Column,
    DateTime,
    Engine,
    Float,
    Index,
    Integer,
    MetaData,
    Numeric,
    String,
    Table,
    UniqueConstraint,
    create_engine,
    func,
    insert,
    inspect,
    select,
    text,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Dialect
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column
from sqlalchemy.schema import CreateIndex

from sa_privacy import Encrypted, Keyring, Lookup, PolicyError, Privacy, lookup_key, pii_column
from sa_privacy.columns.indexes import lookup_indexes
from tests.lookup.world import CONTACTS, POLICY, Letter, Member, Person


def table_of(model: type[Any]) -> Table:
    """The table of a mapped class."""
    table: Table = model.__table__
    return table


def indexes(table: Table) -> dict[str, bool]:
    """The lookup indexes of a table, and which are unique."""
    return {str(index.name): bool(index.unique) for index in lookup_indexes(table)}


def test_each_searchable_column_has_two() -> None:
    assert indexes(table_of(Person)) == {
        "ix_people_born": False,  # index=True: SQLAlchemy's own name
        "ix_people_born_2": False,
        "ix_people_email_lookup": True,
        "ix_people_email_lookup_2": True,
        "ix_people_phone_lookup": False,
        "ix_people_phone_lookup_2": False,
    }
    assert indexes(CONTACTS) == {"ix_contacts_email_lookup": True, "ix_contacts_email_lookup_2": True}
    assert not [item for item in table_of(Person).constraints if isinstance(item, UniqueConstraint)]


def test_uniqueness_over_several_columns_keeps_its_name() -> None:
    found = indexes(table_of(Member))

    assert {name for name, unique in found.items() if unique} == {
        *("uq_member_email", "uq_member_email_2"),
        *("uq_member_code", "uq_member_code_2"),
    }
    # Their first column is another one, so a search of the column alone needs its own.
    assert {name for name, unique in found.items() if not unique} == {
        *("ix_members_email_lookup", "ix_members_email_lookup_2"),
        *("ix_members_code_lookup", "ix_members_code_lookup_2"),
    }


def test_a_copy_of_a_table_has_the_same_ones() -> None:
    for table in (table_of(Person), table_of(Member), CONTACTS):
        copy = table.to_metadata(MetaData())
        assert indexes(copy) == indexes(table)
        assert len(copy.indexes) == len(table.indexes)


@pytest.mark.parametrize(
    "dialect", [create_engine("sqlite://").dialect, create_engine("postgresql+psycopg://").dialect]
)
def test_offsets_are_written_out(dialect: Dialect) -> None:
    both = [str(CreateIndex(index).compile(dialect=dialect)) for index in lookup_indexes(table_of(Person))]

    assert [("substr(email, 7, 20)" in one, "substr(email, 27, 20)" in one) for one in both][2:4] == [
        (True, False),
        (False, True),
    ]
    assert all("NULLIF" in one for one in both)


def test_long_names_are_cut() -> None:
    table = Table(
        "t" * 60,
        MetaData(),
        Column("id", Integer, primary_key=True),
        Column("email_of_the_person", Encrypted(category="email", lookup="exact")),
    )

    names = list(indexes(table))
    assert len(set(names)) == 2
    assert all(len(name) <= 63 for name in names)


def test_a_search_uses_the_index(office: Engine, session: Session, privacy: Privacy) -> None:
    with privacy.access("service", role="clerk", actor="filler"), Session(office) as filling:
        filling.execute(insert(Letter), [{"id": 10 + n, "email": f"{n}@example.org"} for n in range(500)])
        filling.commit()
    explain = "EXPLAIN QUERY PLAN" if office.dialect.name == "sqlite" else "EXPLAIN"
    with office.connect() as connection:
        if office.dialect.name == "postgresql":
            connection.execute(text("ANALYZE letters"))
        for found in (
            select(Letter.id).where(Letter.email == "3@example.org"),
            select(Letter.id).where(Letter.email.in_(["3@example.org", "4@example.org"])),
            select(Letter.id).where(func.lower(Letter.email) == "3@example.org"),
        ):
            compiled = found.compile(office, compile_kwargs={"render_postcompile": True})
            nothing = dict.fromkeys(compiled.params, b"\x00" * 40)
            sql = str(compiled)
            if office.dialect.name == "sqlite":
                plan = connection.exec_driver_sql(f"{explain} {sql}", tuple(nothing.values())).all()
            else:
                plan = connection.exec_driver_sql(f"{explain} {sql}", nothing).all()
            assert "ix_letters_email_lookup" in str(plan), plan


def test_the_lookup_is_unique_whatever_the_case(session: Session) -> None:
    session.add(Person(id=9, name="Other Anna", email="anna@EXAMPLE.org"))
    with pytest.raises(IntegrityError):
        session.flush()
    session.rollback()
    session.add_all([Person(id=9, name="No address"), Person(id=10, name="None either")])
    session.flush()


def test_uniqueness_within_another_column(session: Session) -> None:
    session.add(Member(id=1, shop="north", email="a@example.org", code="1"))
    session.add(Member(id=2, shop="south", email="a@example.org", code="1"))
    session.commit()
    for again in (
        Member(id=3, shop="south", email="a@example.org", code="2"),
        Member(shop="north", email="b", code="1"),
    ):
        session.add(again)
        with pytest.raises(IntegrityError):
            session.flush()
        session.rollback()


def upsert(engine: Engine, table: Any) -> Any:
    """The dialect's own INSERT."""
    return (sqlite.insert if engine.dialect.name == "sqlite" else postgresql.insert)(table)


@pytest.mark.parametrize(
    "target", [["email"], [Person.email], [lookup_key(Person.email)]], ids=["name", "column", "key"]
)
def test_on_conflict_means_the_lookup(office: Engine, session: Session, target: list[Any]) -> None:
    offered = upsert(office, Person).values(id=7, name="Annette", email="ANNA@example.org")
    session.execute(offered.on_conflict_do_nothing(index_elements=target))
    assert session.scalars(select(Person.name).order_by(Person.id)).all() == ["Anna", "Bob", "Nobody"]

    changed = offered.on_conflict_do_update(
        index_elements=target, set_={"name": offered.excluded.name, "email": offered.excluded.email}
    )
    session.execute(changed)
    anna = session.scalars(select(Person).where(Person.email == "anna@example.org")).one()
    assert (anna.id, anna.name, anna.email) == (1, "Annette", "ANNA@example.org")

    session.execute(
        upsert(office, Person).values(id=8, name="New", email="new@x.org").on_conflict_do_nothing(index_elements=target)
    )
    assert session.scalars(select(Person.id).where(Person.email == "NEW@x.org")).all() == [8]


def test_on_conflict_over_several_columns(office: Engine, session: Session) -> None:
    offered = upsert(office, Member).values(id=1, shop="north", email="a@example.org", code="1")
    for _ in range(2):
        session.execute(offered.on_conflict_do_nothing(index_elements=["shop", "email"]))

    assert session.scalars(select(Member.id)).all() == [1]


def test_a_core_table_is_unique_too(office: Engine, session: Session) -> None:
    session.execute(insert(CONTACTS).values(id=1, email="a@example.org"))
    with pytest.raises(IntegrityError):
        session.execute(insert(CONTACTS).values(id=2, email="a@example.org"))


@pytest.mark.filterwarnings("ignore:Skipped unsupported reflection of expression-based index")
def test_annotating_takes_over_type_uniqueness_and_index(engine: Engine) -> None:
    class Base(DeclarativeBase):
        pass

    class Account(Base):
        __tablename__ = "accounts"
        __table_args__ = (Index("ix_account_phone", "phone"),)
        id: Mapped[int] = mapped_column(primary_key=True)
        login: Mapped[str] = mapped_column(String(50), unique=True)
        phone: Mapped[str] = mapped_column(String(50))

    privacy = Privacy(POLICY, keys=Keyring.generate(), log=None, metadata=Base.metadata)
    privacy.annotate(Account.login, category="email", lookup="casefold")
    privacy.annotate(Account.phone, category="phone", lookup="exact")
    Base.metadata.create_all(engine)
    privacy.install(engine)
    with privacy.access("service", role="clerk", actor="a"), Session(engine) as session:
        session.add(Account(id=1, login="Anna", phone="1"))
        session.commit()
        assert session.scalars(select(Account.id).where(Account.login == "ANNA")).all() == [1]
        session.add(Account(id=2, login="anna", phone="1"))
        with pytest.raises(IntegrityError):
            session.flush()
    privacy.close()

    assert indexes(table_of(Account)) == {
        "ix_account_phone": False,
        "ix_account_phone_2": False,
        "ix_accounts_login_lookup": True,
        "ix_accounts_login_lookup_2": True,
    }
    assert not inspect(engine).get_unique_constraints("accounts")


class TestRefused:
    """What cannot be searched is refused when it is said."""

    def test_case_of_what_has_none(self) -> None:
        with pytest.raises(PolicyError, match="casefold"):
            pii_column(Integer, category="email", lookup="casefold")

    def test_types_with_several_spellings_of_a_value(self) -> None:
        for kind in (Float, Numeric, DateTime):
            with pytest.raises(PolicyError, match="exact"):
                pii_column(kind, category="email", lookup="exact")
            pii_column(kind, category="email", lookup=str)

    def test_unknown_lookups(self) -> None:
        with pytest.raises(PolicyError, match="fuzzy"):
            Lookup("fuzzy")
        with pytest.raises(PolicyError, match="name"):
            Lookup("exact", shared="")

    def test_uniqueness_without_a_lookup(self) -> None:
        with pytest.raises(PolicyError, match='lookup="exact"'):
            pii_column(category="email", unique=True)

    def test_the_key_of_a_column_without_one(self) -> None:
        with pytest.raises(Exception, match="has no lookup"):
            lookup_key(Person.name)


def test_values_with_many_spellings_are_compared_by_a_callable(engine: Engine) -> None:
    class Base(DeclarativeBase):
        pass

    class Visit(Base):
        __tablename__ = "visits"
        id: Mapped[int] = mapped_column(primary_key=True)
        day: Mapped[date] = pii_column(category="birthday", type=String(20), lookup=lambda value: value.strip())

    privacy = Privacy(POLICY, keys=Keyring.generate(), log=None, metadata=Base.metadata)
    Base.metadata.create_all(engine)
    privacy.install(engine)
    with privacy.access("service", role="clerk", actor="a"), Session(engine) as session:
        session.add(Visit(id=1, day=" monday"))
        session.flush()
        assert session.scalars(select(Visit.id).where(Visit.day == "monday  ")).all() == [1]
    privacy.close()
