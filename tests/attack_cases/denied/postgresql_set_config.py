"""`set_config` turns the search path from within a SELECT."""

from sqlalchemy import text

from tests.attack_cases.case import Case

path = "roles and settings"
ends = "refused"
backends = ("postgresql",)
prepare = (
    "CREATE SCHEMA attic",
    "CREATE VIEW attic.products AS SELECT id, email AS title FROM public.customers",
)


def attack(case: Case) -> object:
    with case.engine.connect() as connection:
        connection.execute(text("SELECT set_config('search_path', 'attic,public', false)"))
        return connection.execute(text("SELECT title FROM products")).all()
