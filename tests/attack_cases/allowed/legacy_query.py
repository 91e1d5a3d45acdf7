"""The Query object, as applications from before 2.0 use it."""

from tests.attack_cases.case import Case
from tests.attack_cases.world import Customer, Order, canary

purposes = ("shipping",)


def work(case: Case) -> object:
    people = case.session.query(Customer)
    return [
        people.filter_by(name=canary("customers.name", 2)).one().id,
        people.filter(Customer.address.is_not(None)).count(),
        people.join(Customer.orders).filter(Order.status == "sent").with_entities(Customer.name).scalar(),
        [name for (name,) in case.session.query(Customer.tier).distinct().order_by(Customer.tier)],
    ]


expect = [2, 3, canary("customers.name", 1), ["basic", "gold"]]
