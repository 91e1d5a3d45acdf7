"""A thread that was started under an access, and goes on when it is over."""

import contextvars
import threading

from sqlalchemy import select
from sqlalchemy.orm import Session

from tests.attack_cases.case import Case
from tests.attack_cases.world import Customer

purposes = (None,)


def attack(case: Case) -> object:
    loot: list[object] = []
    over = threading.Event()

    def work() -> None:
        assert over.wait(10)
        with Session(case.engine) as session:
            loot.extend(case.each(lambda: session.scalars(select(Customer.email)).all()))

    with case.access("everything"):
        thread = threading.Thread(target=contextvars.copy_context().run, args=(work,))
        thread.start()
    over.set()
    thread.join()
    return loot


path = "threads that outlive a scope"
ends = "refused"
