"""Asks of one's own row whether somebody else's holds a value."""

from sqlalchemy import exists, select, text
from sqlalchemy.orm import aliased

from tests.attack_cases.case import Case
from tests.attack_cases.world import Customer, canary

path = "others' rows by a join or subquery"
ends = ("refused", "left out")
purposes = (None,)
SQL = "SELECT id FROM customers WHERE id = :me AND EXISTS (SELECT 1 FROM customers AS o WHERE o.email = :guess)"
COUNT = (
    "SELECT (SELECT count(*) FROM customers AS o WHERE o.email = :guess) FROM customers WHERE id = :me AND name <> ''"
)


def attack(case: Case) -> object:
    other, found = aliased(Customer), []
    with case.access("account", subject=2):
        for guess in (canary("customers.email", 1), "nobody@example.com"):
            said = {"me": 2, "guess": guess}
            asked = (
                lambda said=said: case.session.execute(text(SQL), said).all(),
                lambda said=said: [n for (n,) in case.session.execute(text(COUNT), said) if n],
                lambda guess=guess: case.session.scalars(
                    select(Customer.id).where(exists().where(other.email == guess, other.id != Customer.id))
                ).all(),
                lambda guess=guess: case.session.scalars(
                    select(Customer.id).where(Customer.id.in_(select(other.referrer_id).where(other.email == guess)))
                ).all(),
            )
            for ask in asked:
                answers = case.each(ask)
                found += [guess] if answers and isinstance(answers[0], list) and answers[0] else []
    case.slipped.clear()
    return found
