"""A function that takes the place of a built-in one after the statement was first judged."""

from sqlalchemy import func, select

from tests.attack_cases.case import Case
from tests.attack_cases.world import Product

path = "functions, aggregates, procedures"
ends = "refused"
backends = ("postgresql",)


def attack(case: Case) -> object:
    def both() -> list[object]:
        return [case.rows("SELECT lower(1::text)"), case.session.scalars(select(func.lower(Product.title))).all()]

    both()
    case.admin_rows(
        "CREATE FUNCTION public.lower(varchar) RETURNS text LANGUAGE sql AS 'SELECT email FROM customers LIMIT 1'"
    )
    case.close()
    case.later()
    try:
        return both()
    finally:
        case.close()
        case.admin_rows("DROP FUNCTION public.lower(varchar)")
