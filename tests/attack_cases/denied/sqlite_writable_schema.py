"""PRAGMA writable_schema would let someone rename the table in the catalogue itself."""

from tests.attack_cases.case import Case

path = "writable_schema"
ends = "refused"
backends = ("sqlite",)
refused = True
hollow = "what it prepares is another attack"


def attack(case: Case) -> object:
    return case.driver_rows("PRAGMA writable_schema = ON")
