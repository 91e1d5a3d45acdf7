"""A violated constraint quotes the row, or the value, that was there."""

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from tests.attack_cases.case import Case
from tests.attack_cases.world import Customer, canary

path = "unique violations"
ends = "left out"
purposes = ("everything",)
hollow = "nothing is refused here: the error must be clean"


def attack(case: Case) -> object:
    secret = canary("customers.email", 1)
    with case.access("everything"), Session(case.engine) as session:
        session.add(Customer(name=canary("customers.name", 1), email=secret))
        try:
            session.flush()
        except IntegrityError as error:
            known = [str(error), repr(error), str(error.orig), repr(error.params), vars(error.orig)]
            assert not any(secret.rpartition("-")[2] in str(part) for part in known), "the error quotes the value"
            return []
    raise AssertionError("the constraint is gone")
