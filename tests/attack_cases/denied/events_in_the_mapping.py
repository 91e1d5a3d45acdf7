"""Listeners of the mapping, which are shown objects and values as they come and go."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from sqlalchemy import event, select

from tests.attack_cases.case import Case
from tests.attack_cases.ways import left_out
from tests.attack_cases.world import Customer


@contextmanager
def listening(target: Any, name: str, listener: Any, **how: Any) -> Iterator[None]:
    event.listen(target, name, listener, **how)
    try:
        yield
    finally:
        event.remove(target, name, listener)


def listened(case: Case) -> object:
    loot: list[object] = []
    with ExitStack() as stack:
        for name in ("load", "refresh"):
            stack.enter_context(listening(Customer, name, lambda one, *_: loot.append(vars(one).copy())))
        stack.enter_context(
            listening(case.session, "loaded_as_persistent", lambda _, one: loot.append(vars(one).copy()))
        )
        stack.enter_context(listening(Customer.points, "set", lambda _, __, old, *___: loot.append(old)))
        for person in case.session.scalars(select(Customer)):
            case.session.refresh(person)
            with case.session.no_autoflush:
                person.points = 7
            case.session.expire(person, ["points"])
    return loot


paths = {"listeners of load, refresh and set": left_out(listened)}
