"""ATTACH opens the same file again, under another schema name."""

from tests.attack_cases.case import Case

path = "files, other databases, replication"
ends = "refused"
backends = ("sqlite",)


def attack(case: Case) -> object:
    with case.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("ATTACH '" + str(case.engine.url.database) + "' AS other")
        try:
            return connection.exec_driver_sql("SELECT email FROM other.customers").all()
        finally:
            connection.exec_driver_sql("DETACH other")
