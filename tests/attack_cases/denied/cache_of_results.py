"""A second-level cache that keeps frozen results by statement, filled by somebody who may see more."""

from typing import Any

from sqlalchemy import event, select
from sqlalchemy.orm.loading import merge_frozen_result

from tests.attack_cases.case import Case
from tests.attack_cases.world import Customer

purposes = (None,)
PEOPLE = select(Customer).order_by(Customer.id)


def attack(case: Case) -> object:
    kept: dict[str, Any] = {}

    def caching(state: Any) -> Any:
        if state.is_select and not state.is_column_load:
            if str(state.statement) not in kept:
                kept[str(state.statement)] = state.invoke_statement().freeze()
            return merge_frozen_result(state.session, state.statement, kept[str(state.statement)], load=False)()  # type: ignore[no-untyped-call]
        return None

    event.listen(case.session, "do_orm_execute", caching)
    with case.access("campaigns"):
        assert case.session.scalars(PEOPLE).all()[0].email
    case.session.expunge_all()
    with case.access("sign_in"):
        return [vars(found).copy() for found in case.session.scalars(PEOPLE)], [one.data for one in kept.values()]


path = "a cache of results in do_orm_execute"
ends = "left out"
