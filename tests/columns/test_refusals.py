"""What contradicts itself is refused, where it is said, with the column's name and a way out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import (
    CheckConstraint,
    Column,
    Computed,
    Engine,
    Enum,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    UniqueConstraint,
    column,
    func,
    insert,
    select,
    text,
)
from sqlalchemy.ext.hybrid import hybrid_property
from sqlalchemy.orm import (
    DeclarativeBase,
    Mapped,
    Session,
    aliased,
    column_property,
    composite,
    configure_mappers,
    mapped_column,
    relationship,
    synonym,
)

from sa_privacy import Encrypted, PolicyError, pii_column
from sa_privacy.columns.annotation import Annotation, annotate_column, annotation_of
from tests.columns.support import is_cell, make_policy, make_privacy, protected, stored


@pytest.mark.parametrize(
    "said",
    [
        {"category": ""},
        {"category": None},
        {"category": "email", "purposes": "shipping"},
        {"category": "email", "lookup": "fuzzy"},
        {"category": "email", "lookup": "exact", "encrypt": False},
        {"category": "email", "unique": True},
        {"category": "email", "index": True},
        {"category": "email", "primary_key": True},
        {"category": "email", "server_default": "x"},
        {"category": "email", "server_onupdate": "x"},
    ],
    ids=str,
)
def test_a_contradiction_is_refused_when_it_is_said(said: dict[str, Any]) -> None:
    with pytest.raises(PolicyError) as refused:
        pii_column(String(20), **said)
    assert refused.value.hint


def test_unique_on_a_sealed_column_is_refused_with_a_way_out() -> None:
    with pytest.raises(PolicyError) as refused:
        pii_column(String(20), category="email", unique=True)
    assert "unique=" in refused.value.message
    assert "encrypt=False" in str(refused.value.hint)
    pii_column(String(20), category="email", unique=True, encrypt=False)
    pii_column(String(20), category="email", unique=False, index=False)


def test_a_sealed_foreign_key_is_refused() -> None:
    with pytest.raises(PolicyError, match="ForeignKey"):
        pii_column(ForeignKey("places.name"), category="address")


@pytest.mark.parametrize(
    "more",
    [
        {"unique": True},
        {"index": True},
        {"primary_key": True},
        {"server_default": "x"},
    ],
    ids=str,
)
def test_a_core_column_is_refused_as_it_reaches_its_table(more: dict[str, Any]) -> None:
    with pytest.raises(PolicyError) as refused:
        Table("customers", MetaData(), Column("email", Encrypted(String(20), category="email"), **more))
    assert refused.value.columns == ("customers.email",)
    assert "encrypt=False" in str(refused.value.hint)


@pytest.mark.parametrize("item", [lambda: ForeignKey("other.id"), lambda: Computed("id")])
def test_a_core_column_with_what_needs_its_values_is_refused(item: Callable[[], Any]) -> None:
    with pytest.raises(PolicyError, match=r"customers\.email"):
        Table("customers", MetaData(), Column("email", Encrypted(category="email"), item()))


@pytest.mark.parametrize(
    "item",
    [
        lambda: UniqueConstraint("email"),
        lambda: Index("ix", "email"),
        lambda: Index("ix", "id", "email"),
        lambda: PrimaryKeyConstraint("email"),
    ],
)
def test_an_index_or_constraint_that_comes_later_is_refused_by_the_catalogue(item: Callable[[], Any]) -> None:
    metadata = MetaData()
    Table("customers", metadata, Column("id", Integer), Column("email", Encrypted(category="email")), item())
    with pytest.raises(PolicyError, match=r"customers\.email"):
        list(make_privacy(metadata).catalogue)


NEED_VALUES: dict[str, Callable[[], list[Any]]] = {
    "a check": lambda: [Column("email", Text), CheckConstraint(column("email") != "")],
    "a check as text": lambda: [Column("email", Text), CheckConstraint('length("Email") > 3')],
    "a check of the column": lambda: [Column("email", Text, CheckConstraint("email LIKE '%@%'"))],
    "a check of another column": lambda: [Column("email", Text), Column("x", Text, CheckConstraint("x <> email"))],
    "a check of its type": lambda: [Column("email", Enum("a", native_enum=False, create_constraint=True, name="e"))],
    "an index as text": lambda: [Column("email", Text), Index("ix", text("lower(email)"))],
    "an index over some rows": lambda: [
        Column("email", Text),
        Column("x", Text),
        Index("ix", "x", postgresql_where=text("email = 'a'")),
    ],
    "a generated column": lambda: [Column("email", Text), Column("loud", Text, Computed("upper(email)"))],
}


@pytest.mark.parametrize("name", NEED_VALUES)
def test_what_the_database_would_work_out_from_the_values_is_refused(name: str) -> None:
    metadata = MetaData()
    table = Table("customers", metadata, Column("id", Integer, primary_key=True), *NEED_VALUES[name]())
    privacy = make_privacy(metadata)
    with pytest.raises(PolicyError, match=r"customers\.email") as refused:
        privacy.annotate(table.c.email, category="email")
    assert "encrypt=False" in str(refused.value.hint)
    assert not privacy.catalogue.columns
    privacy.annotate(table.c.email, category="email", encrypt=False)
    assert not privacy.catalogue.columns["customers.email"].sealed
    privacy.close()


def test_what_works_without_the_values_is_left_alone(engine: Engine) -> None:
    metadata = MetaData()
    Table(
        "customers",
        metadata,
        Column("id", Integer, primary_key=True),
        Column("email", Encrypted(category="email"), CheckConstraint("email IS NOT NULL")),
        Column("phone", Encrypted(category="phone")),
        Column("kind", String(9), CheckConstraint("kind IN ('email', 'phone')")),
        Column("email_state", String(9), Computed("upper(kind)", persisted=True)),
        CheckConstraint('email is null OR "phone" IS NOT NULL'),
        Index("ix_kind", text("lower(kind)")),
    )
    with protected(engine, metadata) as privacy:
        assert len(privacy.catalogue.columns) == 2


def test_annotating_twice_is_an_error() -> None:
    with pytest.raises(PolicyError, match="annotated twice: as name and as email"):
        pii_column(Encrypted(String(20), category="email"), category="name")
    with pytest.raises(PolicyError, match="annotated twice"):
        pii_column(Encrypted(String(20), category="email"), category="email", encrypt=False)
    assert annotation_of(pii_column(Encrypted(String(20), category="email"), category="email").column) == Annotation(
        "email"
    )


def test_tables_of_one_name_that_say_different_things_are_refused() -> None:
    first, second = MetaData(), MetaData()
    Table("customers", first, Column("email", Encrypted(category="email")))
    Table("customers", second, Column("email", Encrypted(category="name")))
    with pytest.raises(PolicyError) as refused:
        list(make_privacy([first, second]).catalogue)
    assert refused.value.columns == ("customers.email",)


# -- unknown categories -----------------------------------------------------------------------------------------------


def test_an_unknown_category_shows_when_privacy_is_made_with_the_nearest_name() -> None:
    metadata = MetaData()
    Table("customers", metadata, Column("a", Encrypted(category="emial")), Column("b", Encrypted(category="nmae")))
    with pytest.raises(PolicyError) as refused:
        make_privacy(metadata)
    assert set(refused.value.columns) == {"customers.a", "customers.b"}
    assert "email" in str(refused.value.hint)
    assert "name" in str(refused.value.hint)


def test_an_unknown_category_shows_at_install_where_the_model_came_later(engine: Engine) -> None:
    metadata = MetaData()
    privacy = make_privacy(metadata)
    Table("customers", metadata, Column("a", Encrypted(category="emial")))
    with pytest.raises(PolicyError, match="emial"):
        privacy.install(engine)


def test_an_unknown_category_shows_when_the_mapper_is_configured() -> None:
    class Base(DeclarativeBase):
        pass

    privacy = make_privacy(Base)

    class Customer(Base):
        __tablename__ = "customers"
        id: Mapped[int] = mapped_column(primary_key=True)
        name: Mapped[str] = pii_column(category="name")
        email: Mapped[str] = pii_column(category="emial", encrypt=False)

    with pytest.raises(PolicyError) as refused:
        configure_mappers()
    assert refused.value.columns == ("customers.email",)
    assert "did you mean email?" in str(refused.value.hint)
    assert Customer.metadata in (privacy._live.metadata or ())
    Base.registry.dispose()


def test_categories_are_no_ones_business_where_no_policy_looks_after_the_table() -> None:
    class Base(DeclarativeBase):
        pass

    class Customer(Base):
        __tablename__ = "customers"
        id: Mapped[int] = mapped_column(primary_key=True)
        email: Mapped[str] = pii_column(category="anything at all")

    privacy = make_privacy(MetaData())
    Base.registry.configure()
    assert Customer.__mapper__.configured
    assert not privacy.catalogue.columns


# -- privacy.annotate -------------------------------------------------------------------------------------------------


class Models(DeclarativeBase):
    pass


def make_models() -> tuple[Any, Any]:
    class Base(DeclarativeBase):
        pass

    class Customer(Base):
        __tablename__ = "customers"
        __table_args__ = (Index("ix_customers_tier", "tier"),)
        id: Mapped[int] = mapped_column(primary_key=True)
        email: Mapped[str] = mapped_column(String(40))
        login: Mapped[str | None] = mapped_column(String(40), unique=True)
        tier: Mapped[str | None]

    return Base, Customer


def test_a_model_one_cannot_edit_is_annotated_and_guarded(engine: Engine) -> None:
    base, customer = make_models()
    with protected(engine, base) as privacy:
        privacy.annotate(customer.email, category="email", encrypt=False)
        privacy.annotate(customer.__table__.c.tier, category="usage_history", encrypt=False, purposes=["all"])
        assert {name: column.sealed for name, column in privacy.catalogue.columns.items()} == {
            "customers.email": False,
            "customers.tier": False,
        }
        assert privacy.catalogue.columns["customers.tier"].purposes == frozenset({"all"})
        assert privacy.explain(select(customer)).reads == {"customers.email", "customers.tier"}


def test_annotating_with_encrypt_seals_also_what_was_in_use_before(
    engine: Engine, make_engine: Callable[..., Engine]
) -> None:
    base, customer = make_models()
    alias, by_name = aliased(customer), select(customer.email)
    plain = make_engine()
    base.metadata.create_all(plain)
    with Session(plain) as session:  # SQLAlchemy compiles and keeps statements for the plain type
        session.add(customer(email="before"))
        session.flush()
        assert session.scalars(by_name).all() == ["before"]
        session.scalars(select(alias)).all()
        session.rollback()
    with protected(engine, base) as privacy:
        base.metadata.drop_all(engine)
        privacy.annotate(customer.email, category="email")
        base.metadata.create_all(engine)
        with Session(engine) as session:
            session.add(customer(email="orm"))
            session.flush()
            session.execute(insert(customer), [{"email": "bulk"}])
            session.commit()
            assert session.scalars(by_name).all() == ["orm", "bulk"]
            assert [one.email for one in session.scalars(select(customer))] == ["orm", "bulk"]
    assert all(is_cell(cell) for cell in stored(make_engine(), "customers", "email"))


def test_annotating_the_same_again_is_nothing_and_otherwise_an_error() -> None:
    base, customer = make_models()
    privacy = make_privacy(base)
    for _ in range(2):
        privacy.annotate(customer.email, category="email")
    with pytest.raises(PolicyError) as refused:
        privacy.annotate(customer.email, category="name")
    assert refused.value.columns == ("customers.email",)


def test_annotating_refuses_what_it_cannot_seal_or_does_not_know() -> None:
    base, customer = make_models()
    privacy = make_privacy(base)
    with pytest.raises(PolicyError, match=r"customers\.login.*unique="):
        privacy.annotate(customer.login, category="name")
    with pytest.raises(PolicyError, match=r"customers\.tier.*Index"):
        privacy.annotate(customer.tier, category="usage_history")
    with pytest.raises(PolicyError, match="emial"):
        privacy.annotate(customer.email, category="emial")
    with pytest.raises(PolicyError, match="no table"):
        annotate_column(Column("x", String), Annotation("name"))
    assert not privacy.catalogue.columns
    privacy.annotate(customer.login, category="name", encrypt=False)


# -- [columns] of the policy ------------------------------------------------------------------------------------------


def test_the_policy_annotates_models_that_nobody_edits(engine: Engine) -> None:
    base, customer = make_models()
    policy = make_policy(
        columns={
            "customers.EMAIL": "email",
            "customers.tier": {"category": "usage_history", "purposes": ["all"]},
            "elsewhere.things.name": "name",
        }
    )
    with protected(engine, base, policy=policy) as privacy:
        columns = privacy.catalogue.columns
        assert set(columns) == {"customers.email", "customers.tier", "elsewhere.things.name"}
        assert not any(column.sealed for column in columns.values())
        assert columns["customers.tier"].purposes == frozenset({"all"})
        assert privacy.catalogue.find("elsewhere", "things")[0].columns["name"].category == "name"
        assert privacy.explain(select(customer.email)).reads == {"customers.email"}


def test_the_policy_and_the_model_may_say_the_same_and_nothing_else() -> None:
    metadata = MetaData()
    Table("customers", metadata, Column("email", Encrypted(category="email")))
    same = make_privacy(metadata, policy=make_policy(columns={"customers.email": "email"}))
    assert same.catalogue.columns["customers.email"].sealed
    for rule in ("name", {"category": "email", "purposes": ["all"]}):
        with pytest.raises(PolicyError) as refused:
            make_privacy(metadata, policy=make_policy(columns={"customers.email": rule}))
        assert refused.value.columns == ("customers.email",)
        assert "annotated twice" in refused.value.message


def test_a_column_the_table_does_not_have_is_an_error_in_the_policy() -> None:
    base, _ = make_models()
    privacy = make_privacy(base, policy=make_policy(columns={"customers.mail": "email"}))
    with pytest.raises(PolicyError) as refused:
        list(privacy.catalogue)
    assert "customers.mail" in refused.value.message
    assert "email" in str(refused.value.hint)


def test_the_policy_names_columns_of_core_tables_too() -> None:
    metadata = MetaData()
    Table("Customers", metadata, Column("eMail", String(40)), Column("tier", String(4)))
    privacy = make_privacy(metadata, policy=make_policy(columns={"customers.email": "email"}))
    (found,) = privacy.catalogue
    assert found.columns["email"].category == "email"


def test_encrypt_in_the_policy_seals(engine: Engine, make_engine: Callable[..., Engine]) -> None:
    base, customer = make_models()
    policy = make_policy(columns={"customers.email": {"category": "email", "encrypt": True, "field": "mail"}})
    with protected(engine, base, policy=policy) as privacy:
        assert privacy.catalogue.columns["customers.email"].sealed
        assert privacy.catalogue.columns["customers.email"].field == "mail"
        with Session(engine) as session:
            session.add(customer(email="e"))
            session.commit()
            assert session.scalars(select(customer)).one().email == "e"
    assert all(is_cell(cell) for cell in stored(make_engine(), "customers", "email"))


def test_encrypt_in_the_policy_seals_a_model_that_comes_after_install(
    engine: Engine, make_engine: Callable[..., Engine]
) -> None:
    metadata = MetaData()
    policy = make_policy(columns={"customers.email": {"category": "email", "encrypt": True}})
    with protected(engine, metadata, policy=policy):
        table = Table("customers", metadata, Column("id", Integer, primary_key=True), Column("email", String(40)))
        metadata.create_all(engine)
        with engine.begin() as connection:
            connection.execute(insert(table), [{"email": "e"}])
            assert connection.scalars(select(table.c.email)).all() == ["e"]
    assert all(is_cell(cell) for cell in stored(make_engine(), "customers", "email"))


def test_encrypt_in_the_policy_on_a_unique_or_unsealed_column_is_an_error() -> None:
    base, _ = make_models()
    with pytest.raises(PolicyError, match=r"customers\.login"):
        make_privacy(base, policy=make_policy(columns={"customers.login": {"category": "name", "encrypt": True}}))
    base, customer = make_models()
    make_privacy(base).annotate(customer.email, category="email", encrypt=False)
    with pytest.raises(PolicyError, match=r"customers\.email is annotated twice"):
        make_privacy(base, policy=make_policy(columns={"customers.email": {"category": "email", "encrypt": True}}))


def test_annotating_anything_but_a_column_says_what_it_is_and_what_to_give() -> None:
    class Base(DeclarativeBase):
        pass

    class Customer(Base):
        __tablename__ = "customers"
        id: Mapped[int] = mapped_column(primary_key=True)
        email: Mapped[str] = mapped_column(String(40))
        street: Mapped[str] = mapped_column(String(40))
        town: Mapped[str] = mapped_column(String(40))
        loud: Mapped[str] = column_property(func.upper(email))
        mail: Mapped[str] = synonym("email")
        place: Mapped[tuple[str, str]] = composite(lambda *parts: parts, street, town)
        orders: Mapped[list[Order]] = relationship()

        @hybrid_property
        def shout(self) -> Any:
            return self.email + "!"

    class Order(Base):
        __tablename__ = "orders"
        id: Mapped[int] = mapped_column(primary_key=True)
        customer_id: Mapped[int] = mapped_column(ForeignKey("customers.id"))

    privacy = make_privacy(Base)
    annotate: Any = privacy.annotate
    wrong: dict[str, Any] = {
        r"Customer\.orders is none": Customer.orders,
        r"Customer\.place is none": Customer.place,
        r"Customer\.loud is an expression": Customer.loud,
        r"a DeclarativeAttributeIntercept is none": Customer,
        r"a Mapper is none": Customer.__mapper__,
        r"a str is none": "customers.email",
        r"a Table is none": Customer.__table__,
        r"a NoneType is none": None,
        r"is none|is an expression": Customer.shout,
    }
    for said, thing in wrong.items():
        with pytest.raises(PolicyError, match=said) as refused:
            annotate(thing, category="email", encrypt=False)
        assert refused.value.hint
    assert not privacy.catalogue.columns
    annotate(Customer.mail, category="email", encrypt=False)  # a synonym is its column
    annotate(aliased(Customer).town, category="address", encrypt=False)
    assert set(privacy.catalogue.columns) == {"customers.email", "customers.town"}


def test_a_foreign_key_to_a_personal_column_needs_a_category_too() -> None:
    """It holds the same values."""

    def tables(*, said: bool = False) -> MetaData:
        metadata = MetaData()
        people = Table("people", metadata, Column("id", Integer, primary_key=True), Column("email", String(80)))
        followers = Table("followers", metadata, Column("mail", String(80), ForeignKey("people.email")))
        for one in (people.c.email, followers.c.mail) if said else (people.c.email,):
            annotate_column(one, Annotation("email", None, False, None, None))
        return metadata

    with pytest.raises(PolicyError, match=r"followers\.mail refers to people\.email") as refused:
        _ = make_privacy(tables()).catalogue
    assert "encrypt=False" in str(refused.value.hint)
    policy = make_policy(columns={"followers.mail": "email"})
    assert "followers.mail" in make_privacy(tables(), policy=policy).catalogue.columns
    assert "followers.mail" in make_privacy(tables(said=True)).catalogue.columns
