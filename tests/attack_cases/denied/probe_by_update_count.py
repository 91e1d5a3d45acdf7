"""The row count of an UPDATE or DELETE of something harmless says whether the guess was right."""

from sqlalchemy import update

from tests.attack_cases.case import Case
from tests.attack_cases.world import Customer

path = "row counts of changes"
ends = "refused"


def attack(case: Case) -> object:
    found = []
    for guess in case.guesses("customers.points"):
        statement = update(Customer).values(tier="x").where(Customer.points == guess)
        found += [guess] if getattr(case.session.execute(statement), "rowcount", 0) else []
    return found
