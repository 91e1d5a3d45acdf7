"""ALTER TABLE gives a plain column a default, or a generated value, made from personal ones."""

from tests.attack_cases.case import Case

path = "generated columns and defaults"
ends = "refused"


def attack(case: Case) -> object:
    kind = "VIRTUAL" if case.backend == "sqlite" else "STORED"
    case.rows(f"ALTER TABLE customers ADD COLUMN shown varchar(200) GENERATED ALWAYS AS (email || '!') {kind}")
    return case.rows("SELECT shown FROM customers")
