"""EXPLAIN of a report over plain columns."""

from tests.attack_cases.case import Case


def work(case: Case) -> object:
    plans = ["EXPLAIN QUERY PLAN SELECT title FROM products WHERE id = 1"]
    if case.backend == "postgresql":
        plans = ["EXPLAIN SELECT title FROM products", "EXPLAIN (ANALYZE, COSTS off) SELECT count(*) FROM products"]
    return all(case.rows(plan) for plan in plans)


expect = True
