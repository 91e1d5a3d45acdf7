"""A partition that is taken out of its table keeps its rows, and is nobody's partition any more."""

from tests.attack_cases.case import Case
from tests.attack_cases.denied import postgresql_partition

path = "materialized views, partitions, heirs"
ends = "refused"
backends = ("postgresql",)
prepare = postgresql_partition.prepare


def attack(case: Case) -> object:
    case.rows("ALTER TABLE customers DETACH PARTITION customers_gold")
    return case.rows("SELECT email FROM customers_gold")
