"""An entity filled from a text, which may put any column under any name."""

from sqlalchemy import select, text

from tests.attack_cases.case import Case
from tests.attack_cases.world import Customer, Product

path = "entity from a statement"
ends = "refused"


def attack(case: Case) -> object:
    texts = (
        (Customer, "SELECT * FROM customers"),
        (Product, "SELECT id, email AS title, 1 AS price, NULL AS attributes FROM customers"),
        (Customer, "SELECT id, kind, email AS tier FROM customers"),
    )
    return case.each(
        *(lambda e=e, t=t: case.session.scalars(select(e).from_statement(text(t))).all() for e, t in texts)
    )
