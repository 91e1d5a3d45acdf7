"""Tables of another schema named like what a rule asks, on the search path or by a map of schemas."""

from sqlalchemy import Connection, column, func, select, table, text

from tests.attack_cases.case import Case
from tests.attack_cases.denied.restricted_stand_ins import ANSWERS, connected
from tests.attack_cases.world import Customer, Order

path = "names that hide other names"
ends = "refused"
purposes = (None,)
backends = ("postgresql",)
prepare = (
    "CREATE SCHEMA attic",
    "GRANT USAGE ON SCHEMA attic TO PUBLIC",
    f"CREATE TABLE attic.orders AS {ANSWERS}",
    "GRANT SELECT ON attic.orders TO PUBLIC",
)
COUNT = select(func.count()).select_from(Customer)
NAMED = select(table("customers", column("email"), schema="public").c.email)


def attack(case: Case) -> object:
    orders = select(Order.customer_id).where(Order.status == "mine")
    case.privacy.restrict(Customer, role="clerk", where=lambda c, _: c.id.in_(orders))
    with case.access("everything"):
        return case.each_refused(
            lambda: searched(case, "SET search_path TO attic, public"),
            lambda: searched(case, "SET LOCAL search_path TO attic, public"),
            lambda: searched(case, "SET search_path TO attic", NAMED),
            lambda: moved(case),
            lambda: after_one_that_was_kept(case),
        )


def searched(case: Case, path: str, asked: object = COUNT) -> object:
    with connected(case) as connection:
        return set_and_asked(connection, path, asked)


def set_and_asked(connection: Connection, path: str, asked: object) -> object:
    connection.execute(text(path))
    return connection.scalars(asked).all()  # type: ignore[call-overload]


def moved(case: Case) -> object:
    with connected(case) as connection:
        connection.execution_options(schema_translate_map={None: "attic"})
        return connection.scalars(NAMED).all()


def after_one_that_was_kept(case: Case) -> object:
    with connected(case) as connection:
        connection.scalars(COUNT).all()
        return set_and_asked(connection, "SET search_path TO attic, public", COUNT)
