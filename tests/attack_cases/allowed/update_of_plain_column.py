"""A plain column of a table with personal ones."""

from sqlalchemy import text

from tests.attack_cases.case import Case


def work(case: Case) -> object:
    case.session.execute(text("UPDATE customers SET tier = 'silver' WHERE id = 2"))
    return case.session.execute(text("SELECT tier FROM customers WHERE id = 2")).scalar_one()


expect = "silver"
