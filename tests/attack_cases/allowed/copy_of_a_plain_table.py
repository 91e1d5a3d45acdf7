"""A plain table loaded and unloaded with COPY, through the driver's own cursor."""

from sqlalchemy import text

from tests.attack_cases.case import Case

backends = ("postgresql",)


def work(case: Case) -> object:
    with case.engine.begin() as connection:
        connection.execute(text("COPY products TO '/dev/null'"))
        connection.execute(text("COPY (SELECT id, title FROM products) TO '/dev/null' WITH (FORMAT csv)"))
        return connection.execute(text("SELECT count(*) FROM products")).scalar()


expect = 2
