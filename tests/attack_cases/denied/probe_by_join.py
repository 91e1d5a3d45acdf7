"""A join on the column tells whose values are alike."""

from sqlalchemy import func, select
from sqlalchemy.orm import aliased

from tests.attack_cases.case import Case
from tests.attack_cases.world import Customer, Product

path = "JOIN"
ends = "refused"
refused = True


def attack(case: Case) -> object:
    other = aliased(Customer)
    return [
        case.session.scalar(select(func.count()).select_from(Customer).join(other, Customer.email == other.email)),
        case.session.scalar(select(func.count()).select_from(Customer).join(Product, Product.title == Customer.email)),
    ]
