"""A partition and a child table are the rows of their parent under another name."""

from tests.attack_cases.case import Case

path = "materialized views, partitions, heirs"
ends = "refused"
backends = ("postgresql",)
prepare = (
    "ALTER TABLE customers RENAME TO old_customers",
    "CREATE TABLE customers (LIKE old_customers) PARTITION BY LIST (tier)",
    "CREATE TABLE customers_gold PARTITION OF customers FOR VALUES IN ('gold')",
    "CREATE TABLE customers_rest PARTITION OF customers DEFAULT",
    "INSERT INTO customers SELECT * FROM old_customers",
    "DROP TABLE old_customers CASCADE",
)


def attack(case: Case) -> object:
    return case.rows("SELECT email FROM customers_gold")
