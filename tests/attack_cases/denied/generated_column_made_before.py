"""A generated column that the model does not know carries a personal value."""

from sqlalchemy import column, select

from tests.attack_cases.case import Case
from tests.attack_cases.world import Customer

path = "generated columns and defaults"
ends = "refused"
backends = ("sqlite",)
prepare = "ALTER TABLE customers ADD COLUMN shown TEXT GENERATED ALWAYS AS (email || '!') VIRTUAL"


def attack(case: Case) -> object:
    return [
        case.rows("SELECT shown FROM customers"),
        case.session.execute(select(column("shown")).select_from(Customer)).all(),
    ]
