"""Rows that a rule keeps away, asked for in SQL text, as a whole or as a part of a statement."""

from sqlalchemy import Column, Integer, MetaData, String, Table, func, literal_column, select, text

from tests.attack_cases.case import Case
from tests.attack_cases.world import Customer

path = "restricted rows by SQL that carries no rule"
ends = "refused"
purposes = (None,)
TEXTS = (
    "SELECT email FROM customers",
    "SELECT count(*) FROM customers",
    "SELECT c.email FROM orders o JOIN customers c ON c.id = o.customer_id",
    "WITH x AS (SELECT * FROM customers) SELECT x.email FROM x",
    "UPDATE customers SET tier = 'gold'",
    "DELETE FROM customers",
)


def attack(case: Case) -> object:
    case.privacy.restrict(Customer, role="clerk", where=lambda c, _: c.id == 0)
    case.admin_rows("CREATE VIEW all_of_them AS SELECT id, email FROM customers")
    seen = Table("all_of_them", MetaData(), Column("id", Integer), Column("email", String))
    session = case.session
    with case.access("everything"):
        return case.each_refused(
            *(lambda sql=sql: case.rows(sql) for sql in TEXTS),
            *(lambda sql=sql: case.driver_rows(sql) for sql in TEXTS),
            lambda: session.scalars(select(Customer).from_statement(text("SELECT * FROM customers"))).all(),
            lambda: session.execute(select(literal_column("max(email)")).select_from(text("customers"))).all(),
            lambda: session.scalars(select(literal_column("(SELECT max(c.email) FROM customers c)"))).all(),
            lambda: session.scalars(text("SELECT email FROM customers").columns(Customer.email)).all(),
            lambda: session.scalar(select(func.count()).where(text("EXISTS (SELECT 1 FROM customers c)"))),
            lambda: session.scalars(select(seen.c.email)).all(),
            lambda: session.scalar(select(func.count()).select_from(seen)),
        )
