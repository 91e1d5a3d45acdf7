"""A trigger that the database has had all along copies the column when something harmless is written."""

from sqlalchemy import update

from tests.attack_cases.case import Case
from tests.attack_cases.world import Product

backends = ("sqlite",)
prepare = (
    "CREATE TRIGGER copied AFTER UPDATE OF price ON products BEGIN "
    "UPDATE notes SET body = (SELECT email FROM customers WHERE id = 1); END"
)


def priced(case: Case) -> None:
    case.session.execute(update(Product).values(price=3))
    case.session.commit()


def attack(case: Case) -> object:
    return case.each(
        lambda: case.rows("UPDATE products SET price = 1 WHERE id = 1"),
        lambda: priced(case),
        lambda: case.rows("SELECT body FROM notes"),
    )
