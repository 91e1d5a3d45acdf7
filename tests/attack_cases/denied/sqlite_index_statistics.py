"""Indexes over the column, and what ANALYZE keeps of them."""

from tests.attack_cases.case import Case

path = "statistics, system views"
ends = "refused"
backends = ("sqlite",)
hollow = "not every build keeps samples"
prepare = (
    "CREATE INDEX by_email ON customers (lower(email)) WHERE email LIKE 'email-%'",
    "ANALYZE",
)


def attack(case: Case) -> object:
    return case.each_refused(
        lambda: case.rows("SELECT * FROM sqlite_stat1"),
        lambda: case.rows("SELECT sample FROM sqlite_stat4"),
        lambda: case.rows("SELECT * FROM main.sqlite_stat1"),
        lambda: case.rows("SELECT name FROM dbstat"),
        lambda: case.rows(
            "SELECT id FROM customers INDEXED BY by_email WHERE lower(email) = 'x' AND email LIKE 'email-%'"
        ),
    )
