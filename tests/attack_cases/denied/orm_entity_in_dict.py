"""An entity load, searched without asking its attributes: `__dict__`, `inspect`, history, repr."""

from sqlalchemy import inspect, select

from tests.attack_cases.case import Case
from tests.attack_cases.world import Customer, Order

path = "__dict__, inspect, history, repr"
ends = "left out"


def attack(case: Case) -> object:
    loot: list[object] = []
    for entity in (Customer, Order):
        for found in case.session.scalars(select(entity)).all():
            state = inspect(found)
            loot += [found, state.dict, state.committed_state, repr(found)]
            loot += [[attribute.loaded_value, attribute.history] for attribute in state.attrs]
    return loot
