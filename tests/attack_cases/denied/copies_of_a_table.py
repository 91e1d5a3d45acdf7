"""The table under other Python objects: reflected, automapped, copied, translated, made up, mapped a second time."""

from sqlalchemy import MetaData, String, Table, column, literal_column, select, table, text
from sqlalchemy.ext.automap import automap_base
from sqlalchemy.orm import Session, registry

from tests.attack_cases.case import Case
from tests.attack_cases.ways import left_out, refused
from tests.attack_cases.world import Base, Customer

ORIGINAL = Base.metadata.tables["customers"]


def reflected(case: Case) -> object:
    found = Table("customers", MetaData(), autoload_with=case.engine)
    return case.each(
        lambda: case.session.execute(select(found)).all(), lambda: case.session.execute(select(found.c.email)).all()
    )


def automapped(case: Case) -> object:
    base = automap_base()
    base.prepare(autoload_with=case.engine)
    theirs = base.classes.customers
    found = [vars(one) for one in case.session.scalars(select(theirs))]
    return [found, *[one.email for one in case.session.scalars(select(theirs))]]


def copied(case: Case) -> object:
    copy = ORIGINAL.to_metadata(MetaData())
    return case.each(lambda: case.session.execute(select(copy.c.id, copy.c.email)).all())


def translated(case: Case) -> object:
    schema = {"sqlite": "main", "postgresql": "public"}[case.backend]
    engine = case.engine.execution_options(schema_translate_map={None: schema})
    with Session(engine) as session, engine.connect() as connection:
        return case.each(
            lambda: connection.execute(select(ORIGINAL.c.email)).all(),
            lambda: session.execute(select(Customer.email)).all(),
        )


def made_up(case: Case) -> object:
    email, people = column("email", String), table("customers", column("email"))
    return case.each(
        lambda: case.session.execute(select(people)).all(),
        lambda: case.session.execute(select(email).select_from(ORIGINAL)).all(),
        lambda: case.session.execute(select(literal_column("email")).select_from(ORIGINAL)).all(),
        lambda: case.session.execute(select(literal_column("customers.email || ''")).select_from(people)).all(),
        lambda: case.session.execute(select(Customer.id).add_columns(text("email"))).all(),
    )


def as_columns(case: Case) -> object:
    said = text("SELECT id, email AS tier FROM customers").columns(Customer.id, Customer.tier)
    return case.each(
        lambda: case.session.execute(said).all(), lambda: case.session.execute(select(said.subquery("s"))).all()
    )


def mapped_again(case: Case) -> object:
    class Other:
        pass

    again = registry()
    again.map_imperatively(Other, ORIGINAL, include_properties=["id", "email", "tier"])
    try:
        return [vars(one) for one in case.session.scalars(select(Other))]
    finally:
        again.dispose()


paths = {
    "reflected table": refused(reflected),
    "automapped class": refused(automapped),
    "Table.to_metadata": refused(copied),
    "schema_translate_map": refused(translated),
    "column(), table(), literal_column()": refused(made_up),
    "text().columns()": refused(as_columns),
    "a second class over the same table": left_out(mapped_again),
}
