"""Whoever may open the file is past the gate and past the wall, which stands in the application's connections."""

from sqlalchemy import create_engine, text

from tests.attack_cases.case import Case
from tests.attack_cases.ways import nothing

backends = ("sqlite",)


def another(case: Case) -> object:
    engine = create_engine(case.login)
    try:
        with engine.connect() as connection:
            return connection.execute(text("SELECT email FROM customers")).all()
    finally:
        engine.dispose()


paths = {"a second engine": nothing(another)}
