"""LISTEN, NOTIFY with a fixed word, UNLISTEN."""

from tests.attack_cases.case import Case

backends = ("postgresql",)


def work(case: Case) -> object:
    with case.engine.begin() as connection:
        for sql in ("LISTEN news", "NOTIFY news, 'restock'", "UNLISTEN news"):
            connection.exec_driver_sql(sql)
    return "heard"


expect = "heard"
