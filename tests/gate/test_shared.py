"""What was compiled for one grant serves another where it would be the same, and nowhere else."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import permutations

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session, joinedload

from sa_privacy import Privacy
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
