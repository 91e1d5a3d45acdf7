"""A schema of its own comes before pg_catalog on the search path."""

from tests.attack_cases.case import Case

path = "functions, aggregates, procedures"
ends = "refused"
backends = ("postgresql",)
prepare = (
    "CREATE SCHEMA mine",
    "CREATE FUNCTION mine.lower(text) RETURNS text LANGUAGE sql AS 'SELECT email FROM public.customers LIMIT 1'",
)


def attack(case: Case) -> object:
    with case.engine.begin() as connection:
        connection.exec_driver_sql("SET search_path = mine, pg_catalog, public")
        return connection.exec_driver_sql("SELECT lower('X'::text)").all()
