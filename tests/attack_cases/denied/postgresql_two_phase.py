"""A session and a connection in a transaction of two phases."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from tests.attack_cases.case import Case
from tests.attack_cases.world import Customer

backends = ("postgresql",)
path = "two-phase"
ends = "refused"


def attack(case: Case) -> object:
    with Session(case.engine, twophase=True) as session, case.engine.connect() as connection:
        connection.begin_twophase()
        return case.each(
            lambda: session.scalars(select(Customer.email)).all(),
            lambda: connection.scalars(select(Customer.email)).all(),
        )
