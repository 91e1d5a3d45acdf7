"""What people ask for, carried out and checked: each function returns the seconds that it took."""

from __future__ import annotations

import time
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from benchmarks.shop.people import Filled
from examples.shop_app.models import Customer, Inquiry, Order, OrderItem, UsageEvent
from sa_privacy import Privacy
from sa_privacy.accesslog.questions import Journal, breach

__all__ = ["Incomplete", "Shop"]


class Incomplete(AssertionError):
    """An answer is not whole. Names counts, and nobody."""


class Shop:
    """The shop, filled, as somebody asks it.

    :param log: the directory of the access log.
    """

    def __init__(self, privacy: Privacy, engine: Engine, log: Path, filled: Filled) -> None:
        self.privacy, self.engine, self.log, self.filled = privacy, engine, log, filled

    def _officer(self, *, maintenance: bool = False) -> AbstractContextManager[object]:
        return self.privacy.access(maintenance=maintenance, actor="staff:2", role="privacy_officer", reason="benchmark")

    def file(self, person: int) -> float:
        """A person asks for their file: from the request to the answer as JSON."""
        privacy, began = self.privacy, time.perf_counter()
        signed_in = privacy.access("account", actor=f"customer:{person}", role="customer", subject=("customer", person))
        with signed_in, Session(self.engine) as session, session.begin():
            reference = privacy.requests.receive(session, "disclosure", language="en").reference
        with self._officer(), Session(self.engine) as session:
            privacy.requests.begin(session, reference)
            file = privacy.requests.answer(session, reference).file
            session.commit()
            if file is None:
                raise Incomplete("no file was made")
            file.json()
        took = time.perf_counter() - began
        found = {one["table"]: len(one["rows"]) for one in file.content["data"] if one["rows"]}
        _same("the file", found, self.filled.rows[person])
        return took

    def withdrawal(self, person: int) -> float:
        """A person withdraws their consent to campaigns, until it is in force."""
        before = self._reached(person)
        _same("what campaigns reach", before, self._rows(person, "customers", "usage_events"))
        began = time.perf_counter()
        signed_in = self.privacy.access("account", actor=f"customer:{person}", role="customer", subject=person)
        with signed_in, Session(self.engine) as session, session.begin():
            self.privacy.consents.withdraw(session, person, "campaigns", how="web", language="en")
        took = time.perf_counter() - began
        _same("what campaigns reach after a withdrawal", self._reached(person), {})
        return took

    def _reached(self, person: int) -> dict[str, int]:
        marketing = self.privacy.access("campaigns", actor="staff:34", role="marketing")
        with marketing, Session(self.engine) as session:
            names = session.scalars(select(Customer.name).where(Customer.id == person)).all()
            pages = session.scalars(select(UsageEvent.page).where(UsageEvent.customer_id == person)).all()
        return {name: len(one) for name, one in (("customers", names), ("usage_events", pages)) if one}

    def leak(self, person: int) -> datetime:
        """An account looks at everything of a person that it may, and should not have.

        :returns: since when.
        """
        since = datetime.now(UTC)
        desk = self.privacy.access("order_confirmation", actor=f"leak:{person}", role="order_desk")
        with desk, Session(self.engine) as session:
            session.execute(select(Customer.name, Customer.email).where(Customer.id == person)).all()
            session.execute(select(Order.amount).where(Order.customer_id == person)).all()
            session.execute(select(OrderItem.product).join(Order).where(Order.customer_id == person)).all()
            session.execute(select(Inquiry.reply_to).where(Inquiry.customer_id == person)).all()
        return since

    def breach(self, person: int) -> float:
        """What that account saw, and whose: the question behind a breach report."""
        since = self.leak(person)
        began = time.perf_counter()
        found = breach(Journal(self.log), since=since, actor=f"leak:{person}")
        took = time.perf_counter() - began
        rows = self._rows(person, "customers", "orders", "order_items", "inquiries")
        _same("the rows of a breach", {"all": found.rows}, {"all": sum(rows.values())})
        pseudonym = self.privacy.keys.pseudonym_key().of("customer", person) if self.privacy.keys else ""
        _same("the people of a breach", {"all": found.people}, {"all": 1})
        if list(found.found([(pseudonym, person)])) != [person]:
            raise Incomplete("the breach names somebody else")
        return took

    def erasure(self, person: int) -> float:
        """A person is erased: the plan, and the run of it."""
        began = time.perf_counter()
        with self._officer():
            with Session(self.engine) as session:
                plan = self.privacy.erasure.plan(session, person)
            self.privacy.erasure.run(self.engine, plan)
        took = time.perf_counter() - began
        rows = self.filled.rows[person]
        ours = {name: counts for name, counts in plan.counts.items() if not name.startswith("sa_privacy_")}
        gone = {name: counts["delete"] for name, counts in ours.items() if counts.get("delete")}
        _same("what was deleted", gone, {name: number for name, number in rows.items() if name != "orders"})
        kept = ours.get("orders", {}).get("relink", 0)
        _same("the orders kept for the books", {"orders": kept}, {"orders": rows["orders"]})
        _same("what is left", self._left(person), {})
        return took

    def _left(self, person: int) -> dict[str, int]:
        found = {}
        with self._officer(maintenance=True), Session(self.engine) as session:
            for model, column in (
                (Customer, Customer.id),
                (Order, Order.customer_id),
                (UsageEvent, UsageEvent.customer_id),
                (Inquiry, Inquiry.customer_id),
            ):
                number = session.scalar(select(func.count()).select_from(model).where(column == person))
                if number:
                    found[model.__tablename__] = number
        return found

    def _rows(self, person: int, *tables: str) -> dict[str, int]:
        rows = self.filled.rows[person]
        return {name: rows[name] for name in tables if rows[name]}


def _same(what: str, found: dict[str, int], wanted: dict[str, int]) -> None:
    if dict(found) != dict(wanted):
        raise Incomplete(f"{what}: {dict(found)}, and not {dict(wanted)}")
