"""COPY takes a table, or a query, out in one go."""

from tests.attack_cases.case import Case

path = "COPY"
ends = "refused"
backends = ("postgresql",)
hollow = "SQLAlchemy's result does not show COPY's rows; the refusal is what counts"
refused = True


def attack(case: Case) -> object:
    return case.driver_rows("COPY customers (email) TO STDOUT")
