"""Digests of a sealed column: asked for by who may not, taken out, copied, and used to try values."""

from sqlalchemy import func, select, update
from sqlalchemy.orm import aliased

from sa_privacy import lookup_key
from tests.attack_cases.case import Case
from tests.attack_cases.ways import refused
from tests.attack_cases.world import Customer, Note, canary

GUESSED = canary("customers.passport", 1)
OTHER = aliased(Customer, name="o")
hollow = "a digest is not the value, and without the gate there are no keys to guess with"
SLOT = "substr(passport, 7, 20)"


def guessed(case: Case) -> object:
    return case.session.scalars(select(Customer.id).where(Customer.passport == GUESSED)).all()


def grouped(case: Case) -> object:
    return case.session.execute(
        select(func.count()).select_from(Customer).group_by(lookup_key(Customer.passport))
    ).all()


def who_shares(case: Case) -> object:
    return case.session.execute(select(Customer.id, OTHER.id).join(OTHER, Customer.passport == OTHER.passport)).all()


paths = {
    "lookup of a guessed value": refused(guessed, learns=True),
    "lookup keys in the output": refused(
        lambda case: case.session.scalars(select(lookup_key(Customer.passport))).all(), learns=True
    ),
    "lookup keys compared": refused(who_shares, learns=True),
    "lookup keys grouped": refused(grouped, learns=True),
    "lookup slots in text SQL": refused(
        lambda case: case.session.connection().exec_driver_sql(f"SELECT {SLOT} FROM customers").all(), learns=True
    ),
    "lookup keys copied elsewhere": refused(
        lambda case: case.session.execute(
            update(Note).values(body=select(lookup_key(Customer.passport)).limit(1).scalar_subquery())
        ),
        learns=True,
        always=True,
    ),
}
