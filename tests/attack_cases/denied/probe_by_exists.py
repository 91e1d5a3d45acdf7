"""EXISTS, ANY and IN say whether a value is there."""

from sqlalchemy import exists, literal, select

from tests.attack_cases.case import Case
from tests.attack_cases.world import Customer, Order

path = "EXISTS, IN"
ends = "refused"


def attack(case: Case) -> object:
    found = []
    for guess in case.guesses("orders.gift_note"):
        asked = select(exists().where(Order.gift_note == guess))
        any_one = select(Customer.id).where(Customer.orders.any(Order.gift_note == guess))
        within = select(Customer.id).where(literal(guess).in_(select(Order.gift_note)))
        found += (
            [guess] if case.session.scalar(asked) or case.session.scalar(any_one) or case.session.scalar(within) else []
        )
    return found
