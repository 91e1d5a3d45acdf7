"""VACUUM INTO writes a copy of the whole database."""

from tests.attack_cases.case import Case

path = "files, other databases, replication"
ends = "refused"
backends = ("sqlite",)


def attack(case: Case) -> object:
    copy = case.path / f"copy{len(list(case.path.glob('copy*')))}.db"
    with case.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql(f"VACUUM INTO '{copy}'")
    return copy.read_bytes()
