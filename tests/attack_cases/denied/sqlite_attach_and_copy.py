"""A copy into another database file."""

from tests.attack_cases.case import Case

path = "files, other databases, replication"
ends = "refused"
backends = ("sqlite",)


def attack(case: Case) -> object:
    other = case.path / "other.db"
    with case.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql(f"ATTACH '{other}' AS other")
        try:
            connection.exec_driver_sql("CREATE TABLE other.loot AS SELECT email FROM main.customers")
        finally:
            connection.exec_driver_sql("DETACH other")
    return other.read_bytes()
