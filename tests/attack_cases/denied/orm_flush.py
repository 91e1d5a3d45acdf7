"""A flush that writes a column outside the purpose, copies a value by SQL expression, or deletes."""

from sqlalchemy import select

from tests.attack_cases.case import Case
from tests.attack_cases.world import Customer, Note, Order

path = "flush"
ends = "refused"


def attack(case: Case) -> object:
    session = case.session

    def change() -> None:
        session.get_one(Customer, 1).email = "stolen"
        session.commit()

    def expression() -> None:
        session.add(Note(body=select(Customer.email).where(Customer.id == 1).scalar_subquery()))
        session.commit()

    def create() -> None:
        session.add(Customer(name="n", email="new", tier="x"))
        session.commit()

    def related() -> None:
        person = session.get_one(Customer, 1)
        person.orders.append(Order(amount=7))
        session.commit()

    def delete() -> None:
        session.delete(session.get_one(Order, 3))
        session.commit()

    return case.each_refused(change, expression, create, related, delete)
