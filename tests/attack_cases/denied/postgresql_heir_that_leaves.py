"""A table that inherited from the personal one keeps its rows when it no longer does."""

from tests.attack_cases.case import Case
from tests.attack_cases.denied import postgresql_inherited_table

path = "materialized views, partitions, heirs"
ends = "refused"
backends = ("postgresql",)
prepare = postgresql_inherited_table.prepare


def attack(case: Case) -> object:
    case.rows("ALTER TABLE archive * NO INHERIT customers")
    return case.rows("SELECT email FROM archive")
