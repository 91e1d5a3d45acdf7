"""Other words for the same table: its database, its schema, ONLY, a sample of it, a USING clause."""

from tests.attack_cases.case import Case

path = "comments and odd quoting"
ends = "refused"
backends = ("postgresql",)
sql = (
    "SELECT email FROM public.customers",
    'SELECT email FROM "public"."customers"',
    "SELECT email FROM ONLY customers",
    "SELECT email FROM customers TABLESAMPLE SYSTEM (100)",
    "SELECT public.customers.email FROM public.customers",
    "SELECT customers.email FROM public.customers",
)


def attack(case: Case) -> object:
    return case.rows(f"SELECT email FROM {case.engine.url.database}.public.customers")
