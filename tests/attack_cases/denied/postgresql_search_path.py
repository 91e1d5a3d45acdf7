"""A search path that makes a plain name mean the protected table, or a known function another."""

from sqlalchemy import text

from tests.attack_cases.case import Case

path = "RENAME, another schema, search_path"
ends = "refused"
backends = ("postgresql",)
prepare = (
    "CREATE SCHEMA attic",
    "CREATE VIEW attic.products AS SELECT id, email AS title FROM public.customers",
)


def attack(case: Case) -> object:
    with case.engine.connect() as connection:
        connection.execute(text("SET search_path = attic, public"))
        return connection.execute(text("SELECT title FROM products")).all()
