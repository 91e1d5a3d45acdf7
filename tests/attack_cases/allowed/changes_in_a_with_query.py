"""Rows moved from one plain table to another in one statement."""

from tests.attack_cases.case import Case

backends = ("postgresql",)


def work(case: Case) -> object:
    return case.rows(
        "WITH gone AS (DELETE FROM notes WHERE body = 'opening hours' RETURNING body), "
        "new AS (INSERT INTO products (title, price) SELECT body, 1 FROM gone RETURNING title) SELECT title FROM new"
    )


expect = [("opening hours",)]
