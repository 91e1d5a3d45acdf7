"""Association proxies reach through relationships."""

from sqlalchemy import select

from tests.attack_cases.case import Case
from tests.attack_cases.world import Customer, Order, canary

path = "association proxy"
ends = "refused"


def attack(case: Case) -> object:
    orders, people = select(Order), select(Customer)
    note, email = canary("orders.gift_note", 1), canary("customers.email", 1)
    return [
        case.each(
            lambda: [order.customer_email for order in case.session.scalars(orders)],
            lambda: [list(person.gift_notes) for person in case.session.scalars(people)],
        ),
        case.each_refused(
            lambda: case.session.scalars(orders.where(Order.customer_email == email)).all(),
            lambda: case.session.scalars(people.where(Customer.gift_notes.contains(note))).all(),
        ),
    ]
