"""Rows that a rule keeps away, by every way to write a SELECT of them."""

from sqlalchemy import MetaData, Table, column, exists, func, insert, literal, select, table, union_all
from sqlalchemy.orm import aliased, joinedload, selectinload, subqueryload, with_polymorphic

from tests.attack_cases.case import Case
from tests.attack_cases.world import Customer, Order, Vip

path = "restricted rows by a statement"
ends = "left out"
purposes = (None,)


def attack(case: Case) -> object:
    case.privacy.restrict(Customer, role="clerk", where=lambda c, _: c.id == 0)
    session, other = case.session, aliased(Customer, name="orders_1")
    reflected = Table("customers", MetaData(), autoload_with=case.admin)
    named = table("customers", column("email"))
    some = select(Customer.email).cte("found")
    one = select(Customer.email).where(Customer.id == Order.customer_id).scalar_subquery()
    with case.access("everything"):
        return [
            session.scalars(select(Customer)).all(),
            session.scalars(select(Vip)).all(),
            session.scalars(select(with_polymorphic(Customer, "*"))).all(),
            session.query(Customer).with_entities(Customer.email).all(),
            session.scalars(select(other.email).order_by(other.id)).all(),
            session.scalars(select(reflected.c.email)).all(),
            session.scalars(select(named.c.email)).all(),
            session.scalars(select(some.c.email)).all(),
            session.scalars(select(one)).all(),
            session.execute(union_all(select(Customer.email), select(other.email))).all(),
            session.execute(select(Order.id, Customer.email).outerjoin(Customer)).all(),
            session.execute(
                select(Order.id, Customer.email).select_from(Order).join(Order.customer, isouter=True)
            ).all(),
            session.scalars(select(func.max(Customer.email))).all(),
            session.scalars(select(literal("there")).where(exists().where(Customer.email.is_not(None)))).all(),
            [order.customer for order in session.scalars(select(Order).options(joinedload(Order.customer)))],
            [order.customer for order in session.scalars(select(Order).options(selectinload(Order.customer)))],
            [order.customer for order in session.scalars(select(Order).options(subqueryload(Order.customer)))],
            session.get(Customer, 1),
            session.execute(
                insert(Customer)
                .from_select(
                    ["id", "name", "email"], select(Customer.id + 50, Customer.name, Customer.email.concat("2"))
                )
                .returning(Customer.email)
            ).all(),
        ]
