"""An object is pickled, loaded again, merged into another session and refreshed, all under one access."""

import pickle

from sqlalchemy.orm import Session

from tests.attack_cases.case import Case
from tests.attack_cases.world import Customer, canary

purposes = ("shipping",)


def work(case: Case) -> object:
    person = case.session.get_one(Customer, 1)
    case.session.expunge(person)
    again = pickle.loads(pickle.dumps(person))
    with Session(case.engine) as other:
        merged = other.merge(again)
        other.refresh(merged)
        return [person.name, again.name, merged.name, merged.phone]


expect = [*[canary("customers.name", 1)] * 3, canary("customers.phone", 1)]
