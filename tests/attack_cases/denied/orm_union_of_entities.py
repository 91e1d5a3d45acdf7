"""Entities combined by position, where leaving a column out would shift the others."""

from sqlalchemy import select, union, union_all

from tests.attack_cases.case import Case
from tests.attack_cases.world import Customer

path = "entities combined by position"
ends = "refused"


def attack(case: Case) -> object:
    gold, basic = (select(Customer).where(Customer.tier == tier) for tier in ("gold", "basic"))
    statements = (
        union_all(gold, basic),
        union(gold, basic),
        select(Customer).from_statement(union_all(gold, basic)),
        select(union_all(gold, basic).subquery()),
    )
    return case.each(*(lambda s=s: case.session.execute(s).all() for s in statements))
