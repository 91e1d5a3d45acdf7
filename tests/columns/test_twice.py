"""A column is annotated once. Where SQLAlchemy would merge two sayings, or keep one of them, ours is not lost."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

import pytest
from sqlalchemy import Column, Engine, MetaData, String, Table, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, configure_mappers, mapped_column

from sa_privacy import Encrypted, PolicyError, Privacy, pii_column
from sa_privacy.columns import annotation_of
from tests.columns.support import is_cell, make_policy, make_privacy, protected, stored

Email = Annotated[str, pii_column(category="email")]
Open = Annotated[str, pii_column(String(40), category="email", encrypt=False)]
Other = Annotated[str, pii_column(String(40), category="name", encrypt=False)]


def make_base() -> Any:
    class Base(DeclarativeBase):
        pass

    return Base


# -- Annotated --------------------------------------------------------------------------------------------------------


def test_a_type_of_the_attributes_own_is_sealed_as_annotated_says(
    engine: Engine, make_engine: Callable[..., Engine]
) -> None:
    base = make_base()

    class Customer(base):  # type: ignore[misc, valid-type]
        __tablename__ = "customers"
        id: Mapped[int] = mapped_column(primary_key=True)
        email: Mapped[Email] = mapped_column(String(5))

    kind: Any = Customer.__table__.c.email.type
    assert isinstance(kind, Encrypted)
    assert (kind.inner.length, kind.field) == (5, "customers.email")  # type: ignore[attr-defined]
    with protected(engine, base), Session(engine) as session:
        session.add(Customer(email="ann@example.org"))
        session.commit()
        session.expunge_all()
        assert session.scalars(select(Customer)).one().email == "ann@example.org"
    assert [is_cell(cell) for cell in stored(make_engine(), "customers", "email")] == [True]


def customer_said(annotated: Any, column: Any) -> Any:
    made = {"__tablename__": "customers", "id": mapped_column(String, primary_key=True), "email": column}
    return type("Customer", (make_base(),), {**made, "__annotations__": {"email": Mapped[annotated]}})


@pytest.mark.parametrize(
    ("annotated", "column"),
    [
        (Email, lambda: pii_column(category="name")),
        (Email, lambda: pii_column(String(40), category="email", encrypt=False)),
        (Email, lambda: pii_column(category="email", purposes=["all"])),
        (Open, lambda: pii_column(category="email")),
        (Email, lambda: mapped_column(Encrypted(category="name"))),
        (Open, lambda: mapped_column(Encrypted(category="email"))),
    ],
    ids=["category", "unsealed", "purposes", "sealed", "type", "type of an unsealed one"],
)
def test_annotated_and_the_attribute_may_not_say_different_things(annotated: Any, column: Any) -> None:
    with pytest.raises(PolicyError, match="annotated twice") as refused:
        customer_said(annotated, column())
    assert refused.value.hint


def test_annotated_and_the_attribute_may_say_the_same() -> None:
    found = customer_said(Email, pii_column(category="email")).__table__.c.email
    assert isinstance(found.type, Encrypted)


# -- columns that two classes share -----------------------------------------------------------------------------------


def family(first: Callable[[], Any], second: Callable[[], Any], annotated: Any = str) -> Any:
    """Two classes of single-table inheritance that share the column ``email``, and their table."""
    base = make_base()

    class Person(base):  # type: ignore[misc, valid-type]
        __tablename__ = "people"
        __mapper_args__ = {"polymorphic_on": "kind", "polymorphic_identity": "person"}
        id: Mapped[int] = mapped_column(primary_key=True)
        kind: Mapped[str]

    def child(name: str, column: Any, annotated: Any = str) -> Any:
        said = {"__mapper_args__": {"polymorphic_identity": name}, "__annotations__": {"email": Mapped[annotated]}}
        return type(name, (Person,), {**said, "email": column})

    child("Customer", first())
    return base, child("Visitor", second(), annotated), Person.__table__


def shared(category: str, **said: Any) -> Callable[[], Any]:
    return lambda: pii_column(category=category, use_existing_column=True, nullable=True, **said)


def plain() -> Any:
    return mapped_column(String(40), use_existing_column=True, nullable=True)


def test_the_second_class_may_not_say_another_thing_of_a_shared_column() -> None:
    for second in (shared("name", encrypt=False), shared("email"), shared("email", encrypt=False, purposes=["all"])):
        with pytest.raises(PolicyError, match=r"people\.email is annotated twice"):
            family(shared("email", encrypt=False), second)
    with pytest.raises(PolicyError, match=r"people\.email is annotated twice"):
        family(shared("email"), shared("name"))
    with pytest.raises(PolicyError, match=r"people\.email is annotated twice"):
        family(shared("email", encrypt=False), plain, Other)


@pytest.mark.parametrize("encrypt", [True, False])
@pytest.mark.parametrize("how", ["pii_column", "Annotated"])
def test_what_the_second_class_says_of_a_plain_column_holds(how: str, engine: Engine, *, encrypt: bool) -> None:
    if how == "pii_column":
        base, visitor, table = family(plain, shared("email", encrypt=encrypt))
    else:
        base, visitor, table = family(plain, plain, Email if encrypt else Open)
    assert annotation_of(table.c.email) is not None
    with protected(engine, base) as privacy:
        assert {name: column.sealed for name, column in privacy.catalogue.columns.items()} == {"people.email": encrypt}
        with Session(engine) as session:
            session.add(visitor(email="e"))
            session.commit()
            session.expunge_all()
            assert session.scalars(select(visitor)).one().email == "e"


# -- the policy -------------------------------------------------------------------------------------------------------


def test_the_policy_and_a_model_that_contradict_each_other_show_when_the_mapper_is_configured() -> None:
    base = make_base()
    privacy = make_privacy(base, policy=make_policy(columns={"customers.eMail": "name"}))

    class Customer(base):  # type: ignore[misc, valid-type]
        __tablename__ = "customers"
        id: Mapped[int] = mapped_column(primary_key=True)
        email: Mapped[str] = pii_column(category="email", encrypt=False)

    try:
        with pytest.raises(PolicyError, match="annotated twice: as email in the model and as name in the policy"):
            configure_mappers()
        assert Customer.metadata in (privacy._live.metadata or ())
    finally:
        privacy.close()
        base.registry.dispose()


@pytest.mark.parametrize("said", ["email", {"category": "name", "purposes": ["all"]}])
def test_they_show_when_the_privacy_is_made_or_installed(said: Any, engine: Engine) -> None:
    metadata = MetaData()
    policy = make_policy(columns={"customers.email": said})
    early = make_privacy(metadata, policy=policy)
    Table("customers", metadata, Column("email", Encrypted(category="name")))
    with pytest.raises(PolicyError, match="annotated twice"):
        make_privacy(metadata, policy=policy)
    with pytest.raises(PolicyError, match="annotated twice"):
        early.install(engine)
    early.close()


def test_a_privacy_that_could_not_be_made_judges_nothing_later() -> None:
    base, metadata = make_base(), MetaData()
    Table("wrong", metadata, Column("email", Encrypted(category="emial")))
    with pytest.raises(PolicyError, match="emial") as kept:
        Privacy(make_policy(), log=None, metadata=[metadata, base])

    class Customer(base):  # type: ignore[misc, valid-type]
        __tablename__ = "customers"
        id: Mapped[int] = mapped_column(primary_key=True)
        email: Mapped[str] = pii_column(category="of another policy")

    base.registry.configure()
    assert Customer.__mapper__.configured
    assert kept.value.columns == ("wrong.email",)


def test_annotate_refuses_a_table_that_the_policy_does_not_look_after() -> None:
    strange = Table("customers", MetaData(), Column("email", String(40)))
    privacy = make_privacy(MetaData())
    with pytest.raises(PolicyError, match="customers is not among the tables") as refused:
        privacy.annotate(strange.c.email, category="email", encrypt=False)
    assert "metadata=" in str(refused.value.hint)
    assert annotation_of(strange.c.email) is None
    privacy.close()


def test_annotating_a_core_column_as_it_is_already_changes_nothing() -> None:
    metadata = MetaData()
    table = Table("customers", metadata, Column("email", Encrypted(String(40), category="email")))
    privacy = make_privacy(metadata)
    privacy.annotate(table.c.email, category="email")
    with pytest.raises(PolicyError, match="with another purposes="):
        privacy.annotate(table.c.email, category="email", purposes=["all"])
    assert privacy.catalogue.columns["customers.email"].field == "customers.email"
    privacy.close()
