"""A hybrid, a column_property and a JSON path, where the purpose covers all that they touch."""

from sqlalchemy import select

from tests.attack_cases.case import Case
from tests.attack_cases.world import Customer, canary

purposes = ("campaigns",)


def work(case: Case) -> object:
    row = case.session.execute(
        select(Customer.contact, Customer.loud_email, Customer.profile["size"].as_string()).where(Customer.id == 1)
    ).one()
    return [*row, case.session.get_one(Customer, 1).contact == row[0]]


EMAIL = canary("customers.email", 1)
expect = [f"{canary('customers.name', 1)} {EMAIL}", f"{EMAIL}!", canary("customers.profile", 1)["size"], True]
