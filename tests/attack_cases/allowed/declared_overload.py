"""A function with a built-in name, once the application has said that it reads nothing."""

from tests.attack_cases.case import Case

backends = ("postgresql",)
prepare = "CREATE FUNCTION public.lower(a integer) RETURNS text LANGUAGE sql AS 'SELECT a::text'"


def work(case: Case) -> object:
    found = case.rows("SELECT pg_catalog.lower(title) FROM products ORDER BY id")
    case.privacy.declare(function="lower", touches=[])
    return found, case.rows("SELECT lower(7)")


expect = ([("umbrella",), ("lamp",)], [("7",)])
