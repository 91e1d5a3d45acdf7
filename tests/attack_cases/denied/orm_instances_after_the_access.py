"""Objects loaded under a purpose that covers them, read when it is over, or under another one."""

from sqlalchemy import select

from tests.attack_cases.case import Case
from tests.attack_cases.world import Customer

path = "an object after its access"
ends = "refused"
purposes = (None,)


def attack(case: Case) -> object:
    with case.access("campaigns"):
        found = case.session.scalars(select(Customer)).all()
        assert found[0].email
    loot = [*found, case.each(lambda: found[0].email, lambda: found[1].points, lambda: found[1].contact)]
    with case.access("shipping"):
        return [*loot, *found, case.each(lambda: found[0].email, lambda: found[1].profile)]
