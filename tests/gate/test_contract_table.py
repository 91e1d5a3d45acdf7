"""The contract's table: what happens on a protected engine, without an access and beyond it."""

from __future__ import annotations

import datetime
from collections.abc import Callable

import pytest
from sqlalchemy import Engine, delete, func, insert, literal_column, select, text, update
from sqlalchemy.orm import Session

from sa_privacy import AccessDenied, AccessLog, NoAccess, Privacy, PurposeDenied, SealedColumn, UnreadableStatement
from tests.gate.world import EVERYONE, Customer, Order, Product

PERSONAL = ("name", "phone", "email", "birthday", "segment", "street", "town")


def test_a_statement_that_touches_no_personal_data_runs(session: Session, log: AccessLog) -> None:
    before = len(list(log.events()))
    assert session.scalars(select(Product.title)).all() == ["Umbrella"]
    assert session.execute(text("SELECT title FROM products")).all() == [("Umbrella",)]
    assert session.scalar(select(func.count()).select_from(Customer)) == 3
    assert session.execute(select(Customer.id, Customer.tier).order_by(Customer.id)).first() == (1, "basic")
    assert len(list(log.events())) == before


def test_an_entity_load_without_an_access_leaves_personal_columns_out(session: Session) -> None:
    found = session.scalars(EVERYONE).first()
    assert found is not None
    assert found.tier == "basic"
    assert not set(PERSONAL) & set(found.__dict__)
    for key in PERSONAL:
        with pytest.raises(NoAccess):
            getattr(found, key)


def test_an_entity_load_leaves_out_what_the_purpose_does_not_cover(session: Session, privacy: Privacy) -> None:
    with privacy.access("shipping", role="warehouse"):
        found = session.scalars(EVERYONE).first()
        assert found is not None
        assert (found.name, found.phone, found.street) == ("Ann Arbor", "090-1", "1 High Street")
        assert "email" not in found.__dict__
        with pytest.raises(PurposeDenied) as caught:
            _ = found.email
    assert caught.value.columns == ("customers.email",)
    assert caught.value.purpose == ("shipping",)
    assert caught.value.roles == ("warehouse",)
    assert caught.value.code == "SP-201"
    assert "campaigns" in str(caught.value.hint)


NAMES_A_COLUMN: dict[str, Callable[[], object]] = {
    "select list": lambda: select(Customer.email),
    "function": lambda: select(func.upper(Customer.segment)),
    "WHERE": lambda: select(Customer.id).where(Customer.segment == "gold"),
    "IN": lambda: select(Customer.id).where(Customer.segment.in_(["gold", "tin"])),
    "ORDER BY": lambda: select(Customer.id).order_by(Customer.segment),
    "GROUP BY": lambda: select(func.count()).select_from(Customer).group_by(Customer.segment),
    "HAVING": lambda: select(Customer.tier).group_by(Customer.tier).having(func.max(Customer.segment) > "a"),
    "subquery": lambda: select(Customer.id).where(Customer.id.in_(select(Customer.id).where(Customer.segment == "x"))),
    "CTE": lambda: select(select(Customer.segment.label("s")).cte().c.s),
    "window": lambda: select(func.row_number().over(order_by=Customer.segment)).select_from(Customer),
    "literal column": lambda: select(literal_column("customers.segment")).select_from(Customer),
    "text": lambda: text("SELECT segment FROM customers"),
    "text star": lambda: text("SELECT * FROM customers"),
    "text alias": lambda: text("SELECT c.segment AS tier FROM customers AS c"),
    "insert": lambda: insert(Customer).values(name="x", email="y"),
    "update": lambda: update(Customer).values(email="x"),
    "update where": lambda: update(Customer).values(tier="x").where(Customer.segment == "gold"),
    "update text": lambda: text("UPDATE customers SET segment = 'x'"),
    "returning": lambda: update(Customer).values(tier="x").returning(Customer.email),
    "delete": lambda: delete(Order),
    "delete text": lambda: text("DELETE FROM orders"),
}


@pytest.mark.parametrize("name", NAMES_A_COLUMN)
def test_naming_a_column_is_refused_without_an_access_and_outside_the_purpose(
    name: str, session: Session, privacy: Privacy
) -> None:
    statement = NAMES_A_COLUMN[name]()
    with pytest.raises(NoAccess):
        session.execute(statement)  # type: ignore[call-overload]
    session.rollback()
    with privacy.access("shipping", role="warehouse"), pytest.raises(PurposeDenied):
        session.execute(statement)  # type: ignore[call-overload]
    session.rollback()
    with privacy.access("everything", role="clerk"):
        session.execute(statement)  # type: ignore[call-overload]
    session.rollback()


def test_driver_sql_is_judged_as_text(shop: Engine, privacy: Privacy) -> None:
    with shop.connect() as connection:
        with pytest.raises(NoAccess):
            connection.exec_driver_sql("SELECT email FROM customers")
        connection.rollback()
        with privacy.access("shipping", role="warehouse"), pytest.raises(PurposeDenied):
            connection.exec_driver_sql("SELECT email FROM customers")
        connection.rollback()
        with privacy.access("campaigns", role="marketing"):
            assert len(connection.exec_driver_sql("SELECT email FROM customers").all()) == 3


def test_a_flush_beyond_the_purpose_leaves_nothing_half_written(session: Session, privacy: Privacy) -> None:
    with privacy.access("shipping", role="warehouse"):
        first = session.get(Customer, 1)
        assert first is not None
        first.phone = "changed"
        session.add(Customer(name="New", email="not for shipping"))
        with pytest.raises(PurposeDenied):
            session.flush()
        session.rollback()
        assert session.scalars(select(Customer.phone).where(Customer.id == 1)).one() == "090-1"
        assert session.scalar(select(func.count()).select_from(Customer)) == 3


def test_a_column_nobody_gave_a_value_is_not_written(session: Session, privacy: Privacy) -> None:
    with privacy.access("billing", role="clerk"):
        session.add(Order(customer_id=1, amount=5))
        session.commit()
    with privacy.access(["shipping", "campaigns"], role="clerk"):
        session.add(Customer(name="New", email="new@example.com"))  # birthday is covered by neither
        session.commit()
        with pytest.raises(PurposeDenied):
            session.execute(insert(Customer), [{"name": "x", "email": "y", "birthday": datetime.date(2000, 1, 1)}])


def test_a_value_in_memory_belongs_to_the_access_that_loaded_it(session: Session, privacy: Privacy) -> None:
    with privacy.access("campaigns", role="marketing"):
        found = session.scalars(EVERYONE).first()
        assert found is not None
        assert found.email == "ann@example.com"
    with pytest.raises(NoAccess):
        _ = found.email
    with privacy.access("shipping", role="warehouse"):
        assert found.name == "Ann Arbor"
        with pytest.raises(PurposeDenied):
            _ = found.email
        assert "email" not in found.__dict__


def test_a_sealed_column_may_not_be_computed_with(session: Session, privacy: Privacy) -> None:
    with privacy.access("everything", role="clerk"):
        for statement in (
            select(Customer.id).where(Customer.email == "ann@example.com"),
            select(Customer.id).order_by(Customer.email),
            select(func.lower(Customer.email)),
            select(Customer.email).distinct(),
            select(func.count()).select_from(Customer).group_by(Customer.email),
            select(Customer.email).union(select(Customer.email)),
        ):
            with pytest.raises(SealedColumn):
                session.execute(statement)
            session.rollback()
        assert session.scalars(select(Customer.id).where(Customer.phone.is_(None))).all() == [2]


def test_what_cannot_be_resolved_is_unreadable(session: Session, privacy: Privacy) -> None:
    with privacy.access("everything", role="clerk"):
        with pytest.raises(UnreadableStatement, match=r"privacy\.declare"):
            session.execute(text("SELECT my_own_function(1)"))
        session.rollback()


def test_every_denial_is_an_access_denied_and_a_permission_error(session: Session) -> None:
    with pytest.raises(AccessDenied):
        session.execute(select(Customer.email))
    session.rollback()
    with pytest.raises(PermissionError):
        session.execute(select(Customer.email))
