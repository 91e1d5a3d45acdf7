"""Code that takes the gate off its engine: the wall of SQLite goes with it."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from tests.attack_cases.case import Case
from tests.attack_cases.ways import nothing
from tests.attack_cases.world import Customer

backends = ("sqlite",)


def taken_off(case: Case) -> object:
    case.privacy.uninstall(case.engine)
    with Session(case.engine) as session:
        return session.scalars(select(Customer.email)).all()


paths = {"the gate taken off": nothing(taken_off)}
