"""COPY into a file of the server, by table and by query."""

from tests.attack_cases.case import Case

path = "COPY"
ends = "refused"
backends = ("postgresql",)
hollow = "writes into the server's file system, where nobody looks afterwards"
refused = True
sql = (
    "COPY customers TO '/tmp/loot'",
    "COPY (SELECT email FROM customers) TO '/tmp/loot'",
    "COPY (SELECT email FROM customers) TO PROGRAM 'cat > /dev/null'",
    "COPY (WITH x AS (SELECT email FROM customers) SELECT * FROM x) TO STDOUT",
)


def attack(case: Case) -> object:
    return case.driver_rows("COPY customers FROM PROGRAM 'cat /dev/null'")
