"""People act in ever new sets of roles: what is kept of their grants ends somewhere."""

from __future__ import annotations

from itertools import combinations, islice

import pytest
from sqlalchemy import Engine, select

from sa_privacy import Policy, Privacy
from sa_privacy.gate.statements.plan import KEPT, Plan
from sa_privacy.policy import GRANTS_KEPT
from tests.gate import world
from tests.gate.world import Order


@pytest.mark.backends("sqlite")
def test_people_in_ever_new_sets_of_roles_do_not_fill_the_memory(engine: Engine) -> None:
    roles = [f"role-{number}" for number in range(12)]
    policy = Policy(
        policy={"id": "many-roles", "version": "1"},
        categories={name: {} for name in world.POLICY.categories},
        purposes={"work": {"use": ["amount"]}},
        roles={role: {"purposes": ["work"]} for role in roles},
    )
    privacy = Privacy(policy, log=None, metadata=world.Base)
    Order.__table__.create(engine)  # type: ignore[attr-defined]
    privacy.install(engine)
    sets = [one for size in range(1, len(roles)) for one in combinations(roles, size)]
    with engine.connect() as connection:
        plans: list[Plan] = []
        for some in islice(sets, GRANTS_KEPT + 100):
            with privacy.access("work", role=some):
                plans = [vars(connection.execute(select(Order.amount)).context.compiled)[KEPT]]
    [plan] = plans
    assert 1 <= len(plan.verdicts) <= GRANTS_KEPT
    privacy.close()
