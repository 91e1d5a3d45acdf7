"""A sealed column on an engine that nobody guards: cells, and no key to open them."""

from sqlalchemy import create_engine, select, text

from tests.attack_cases.case import Case
from tests.attack_cases.ways import sealed
from tests.attack_cases.world import Customer


def another(case: Case) -> object:
    engine = create_engine(case.admin.url)
    try:
        with engine.connect() as connection:
            return case.each(
                lambda: connection.execute(text("SELECT passport FROM customers")).all(),
                lambda: connection.execute(select(Customer.passport)).all(),
            )
    finally:
        engine.dispose()


paths = {"a sealed column on a second engine": sealed(another)}
