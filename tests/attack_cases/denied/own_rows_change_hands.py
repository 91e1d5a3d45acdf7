"""Takes an order over by its foreign key, to read it as one's own, or hands one's own to an accomplice."""

from sqlalchemy import select, text, update

from tests.attack_cases.case import Case
from tests.attack_cases.world import Order

path = "rows that change hands"
ends = "refused"
purposes = (None,)


def attack(case: Case) -> object:
    session = case.session
    with case.access("account", subject=2):
        case.each_refused(
            lambda: session.execute(text("UPDATE orders SET customer_id = :me WHERE id = 1"), {"me": 2}),
            lambda: session.execute(text("UPDATE orders SET customer_id = 2")),
            lambda: session.execute(text("UPDATE orders SET customer_id = 1 WHERE customer_id = :me"), {"me": 2}),
            lambda: session.execute(update(Order).values(customer_id=1)),
        )
        session.connection().execute(update(Order.__table__).values(customer_id=2))  # type: ignore[arg-type]
        taken = session.scalars(select(Order.amount).where(Order.id == 1)).all()
        mine = session.scalars(select(Order).where(Order.id == 3)).one()
        mine.customer_id = 1
        case.each_refused(session.flush)
        session.rollback()
        foreign = session.scalars(select(Order.amount).where(Order.customer_id != 2)).all()
    with case.access("account", subject=1):
        handed = session.scalars(select(Order.amount).where(Order.id == 3)).all()
    return [taken, foreign, handed]
