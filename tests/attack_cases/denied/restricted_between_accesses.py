"""What was compiled or loaded for one access, used by another that a rule lets reach other rows."""

import pickle
from collections.abc import Callable
from functools import partial

from sqlalchemy import inspect, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from sa_privacy import PrivacyError
from tests.attack_cases.case import Case
from tests.attack_cases.world import Customer, Order, canary

path = "restricted rows between accesses"
ends = "left out"
purposes = (None,)
EMAILS = select(Customer.email).order_by(Customer.id)


def attack(case: Case) -> object:
    case.privacy.restrict(Customer, role="clerk", where=lambda c, access: c.id.in_(access.details.get("mine", [])))
    session = case.session
    with case.access("everything", mine=[1, 2, 3]):
        assert session.scalars(EMAILS).first() == canary("customers.email", 1)
        people = session.scalars(select(Customer).order_by(Customer.id)).all()
        session.scalars(select(Order)).all()
        with case.access("everything", mine=[]):
            return [
                session.scalars(EMAILS).all(),  # compiled, and kept, for the access around it
                [vars(person) for person in people],
                [tried(partial(getattr, person, "email")) for person in people],
                tried(lambda: session.get_one(Customer, 1).email),
                tried(lambda: session.refresh(people[0])),
                tried(lambda: session.merge(people[0]).email),
                tried(lambda: merged_elsewhere(case, people[0])),
                tried(lambda: pickle.loads(pickle.dumps(people[0])).email),
                tried(lambda: inspect(people[0]).attrs.email.loaded_value),
                [repr(person) for person in people],
                tried(lambda: changed(session, people[0])),
            ]


def merged_elsewhere(case: Case, person: Customer) -> object:
    with Session(case.engine) as other:
        return vars(other.merge(person))


def changed(session: Session, person: Customer) -> None:
    person.name = "Mallory"
    session.flush()


def tried(look: Callable[[], object]) -> object:
    try:
        return look()
    except (PrivacyError, SQLAlchemyError) as refusal:
        return refusal
