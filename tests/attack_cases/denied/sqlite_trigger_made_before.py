"""A trigger that the database has had all along copies the column when something harmless is written."""

from sqlalchemy import update

from tests.attack_cases.case import Case
from tests.attack_cases.world import Product

path = "triggers on other tables"
ends = "refused"
backends = ("sqlite",)
prepare = (
    "CREATE TRIGGER copied AFTER UPDATE OF price ON products BEGIN "
    "UPDATE notes SET body = (SELECT email FROM customers WHERE id = 1); END"
)


def priced(case: Case) -> object:
    case.session.execute(update(Product).values(price=3))
    case.session.commit()
    return case.rows("SELECT body FROM notes")


def attack(case: Case) -> object:
    return case.each(
        lambda: [case.rows("UPDATE products SET price = 1 WHERE id = 1"), case.rows("SELECT body FROM notes")],
        lambda: priced(case),
    )
