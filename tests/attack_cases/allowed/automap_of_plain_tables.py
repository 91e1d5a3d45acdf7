"""An automapped class over a plain table, and one over people that leaves out what is personal."""

from sqlalchemy import select
from sqlalchemy.ext.automap import automap_base

from tests.attack_cases.case import Case


def work(case: Case) -> object:
    base = automap_base()
    base.prepare(autoload_with=case.engine)
    products, people = base.classes.products, base.classes.customers
    titles = case.session.scalars(select(products.title).order_by(products.id)).all()
    return titles, case.session.get_one(people, 1).tier


expect = (["Umbrella", "Lamp"], "gold")
