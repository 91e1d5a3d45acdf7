"""An engine of one's own, with the login of the application, that nobody has installed anything on."""

from sqlalchemy import create_engine, text

from tests.attack_cases.case import Case
from tests.attack_cases.ways import wall

backends = ("postgresql",)


def another(case: Case) -> object:
    engine = create_engine(case.login)
    try:
        with engine.connect() as connection:
            return connection.execute(text("SELECT email FROM customers")).all()
    finally:
        engine.dispose()


paths = {"a second engine": wall(another)}
