"""What was compiled for one grant serves another where it would be the same, and nowhere else."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from itertools import permutations
from typing import Any

import pytest
from sqlalchemy import Engine, select
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import Session, joinedload
from sqlalchemy.sql.functions import FunctionElement

from sa_privacy import NoAccess, Privacy
from tests.gate.world import EVERYONE, Customer, Order, Product

ROLES = {"shipping": "warehouse", "campaigns": "marketing", "billing": "clerk", "everything": "clerk"}
LEFT_OUT = {
    "shipping": {"email", "birthday", "segment"},
    "campaigns": {"phone", "birthday", "street", "town"},
    "everything": set[str](),
    "": {"name", "phone", "email", "birthday", "segment", "street", "town"},
}


@contextmanager
def acting(privacy: Privacy, purpose: str) -> Iterator[None]:
    """Under an access for the purpose; under none, where there is no purpose."""
    if not purpose:
        yield
        return
    with privacy.access(purpose, role=ROLES[purpose]):
        yield


class TrueMeanwhile(FunctionElement[Any]):
    """True; something happens as it is compiled."""

    inherit_cache = True
    name = "true_meanwhile"
    happens: list[Callable[[], None]] = []


@compiles(TrueMeanwhile)
def _compiled(element: TrueMeanwhile, *_: Any, **__: Any) -> str:
    while element.happens:
        element.happens.pop()()
    return "1 = 1"


def kept(engine: Engine) -> int:
    """How many compiled statements there are."""
    return len(engine._compiled_cache or ())


def test_a_statement_with_nothing_personal_is_compiled_once_for_all(shop: Engine, privacy: Privacy) -> None:
    before = kept(shop)
    for purpose in ("", *ROLES):
        with acting(privacy, purpose), Session(shop) as session:
            assert session.scalars(select(Product)).one().title == "Umbrella"
    assert kept(shop) == before + 1


def test_an_entity_is_compiled_once_for_all_that_see_the_same_of_it(shop: Engine, privacy: Privacy) -> None:
    before = kept(shop)
    for purpose, sees in (
        ("shipping", False),
        ("campaigns", False),
        ("", False),
        ("billing", True),
        ("everything", True),
    ):
        with acting(privacy, purpose), Session(shop) as session:
            assert all(("amount" in vars(one)) is sees for one in session.scalars(select(Order)))
    assert kept(shop) == before + 2


def test_whoever_comes_first_the_next_gets_what_is_its_own(shop: Engine, privacy: Privacy) -> None:
    columns = LEFT_OUT[""]
    with_orders = select(Customer).options(joinedload(Customer.orders)).order_by(Customer.id)
    for order in permutations(LEFT_OUT, 2):
        assert shop._compiled_cache is not None
        shop._compiled_cache.clear()
        for purpose in order:
            for statement in (EVERYONE, with_orders):
                with acting(privacy, purpose), Session(shop) as session:
                    found = session.scalars(statement).unique().first()
                    assert columns - set(vars(found)) == LEFT_OUT[purpose]


@pytest.mark.backends("sqlite")
def test_what_is_compiled_as_its_access_ends_is_not_kept_for_whoever_has_none(shop: Engine, privacy: Privacy) -> None:
    def load() -> list[Customer]:
        with Session(shop) as session:
            return list(session.scalars(select(Customer).where(TrueMeanwhile())))

    with ExitStack() as block:
        block.enter_context(privacy.access("everything", role="clerk"))
        TrueMeanwhile.happens.append(block.close)
        with pytest.raises(NoAccess):
            load()
    assert all("name" not in vars(one) for one in load())
