"""ON CONFLICT probes which values exist, and its RETURNING brings back the row that was there."""

from tests.attack_cases.case import Case

path = "upsert, excluded"
ends = "refused"


def attack(case: Case) -> object:
    found = []
    for guess in case.guesses("customers.email"):
        sql = (
            "INSERT INTO customers (kind, tier, name, email) VALUES ('customer', 'x', '', :guess) "
            "ON CONFLICT (email) DO UPDATE SET tier = customers.tier RETURNING id, email"
        )
        found += case.rows(sql, guess=guess)
    return found
