"""What the shop begins with: customers, employees and their desks, and a few days of work, so that every page has something."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Final

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from examples.shop_app.data import fill, generate
from examples.shop_app.models import Customer, CustomerPassword, Order, OrderItem, Questionnaire
from examples.shop_app.web.passwords import hash_password
from examples.shop_app.web.policy import OFFICER
from sa_privacy import Privacy, PurposeDenied

__all__ = ["EMPLOYEES", "PASSWORD", "customer_logins", "fill_shop"]

PASSWORD: Final = "indigo and paper"  # noqa: S105 - of everybody in this example, who are nobody
#: Who works in the shop, and in which role. The last of customer support has not signed the pledge.
EMPLOYEES: Final = {
    "tanaka": "warehouse",
    "suzuki": "order_desk",
    "kato": "marketing",
    "ito": "analyst",
    "sato": "support",
    "yamada": "support",
    "mori": OFFICER,
}


def customer_logins() -> list[str]:
    """The e-mail addresses of the customers who can sign in: one Japanese, one English."""
    _, rows = next(generate(2))
    return [row["email"] for row in rows[Customer]]


def fill_shop(privacy: Privacy, engine: Engine, customers: int) -> None:
    """Fills an empty database."""
    rows = fill(privacy, engine, customers)
    if engine.dialect.name == "postgresql":  # they came with their numbers; count on from there
        with engine.begin() as connection:
            for table, number in rows.items():
                connection.exec_driver_sql(f"ALTER SEQUENCE {table}_id_seq RESTART WITH {number + 1}")
    actors = _employ(privacy, engine)
    engineer = privacy.access(maintenance=True, actor="staff:1", role="engineer", reason="two customers who sign in")
    with engineer, Session(engine) as session, session.begin():
        session.add_all(CustomerPassword(customer_id=number, hash=hash_password(PASSWORD)) for number in (1, 2))
        _order(session)
    with privacy.access(actor=actors["mori"], role=OFFICER, reason="opening the shop"):
        privacy.holds.guard(engine)
    _work(privacy, engine, actors)


def _employ(privacy: Privacy, engine: Engine) -> dict[str, str]:
    """Accounts and roles. One who looks after accounts made the officer's; the officer grants the desks."""
    actors: dict[str, str] = {}
    with Session(engine) as session, session.begin():
        with privacy.request(actor="system:setup", reason="opening the shop"):
            privacy.staff.bootstrap(session, "staff:1", "access_manager", reason="decided by the board")
        with privacy.request(actor="staff:1", role="access_manager", reason="opening the shop"):
            for name in EMPLOYEES:
                actors[name] = privacy.staff.create(session, name, password=PASSWORD)
            for role in (OFFICER, "access_manager"):
                privacy.staff.grant(session, actors["mori"], role, reason="appointed by the board")
        with privacy.request(actor=actors["mori"], role="access_manager", reason="opening the shop"):
            for name, role in EMPLOYEES.items():
                if name != "mori":
                    privacy.staff.grant(session, actors[name], role, reason="works at this desk")
        with privacy.request(actor=actors["sato"]):
            privacy.staff.sign(session, actors["sato"], "handling", language="ja")
    return actors


def _order(session: Session) -> None:
    """What these two have ordered, and what one of them thinks."""
    today = datetime.now(UTC).date()
    for number, status, product, price in (
        (1, "shipped", "湯呑み", 2_400),
        (1, "paid", "雨傘", 5_800),
        (2, "received", "linen towel", 1_200),
    ):
        item = OrderItem(product=product, quantity=2)
        session.add(Order(customer_id=number, status=status, ordered_on=today, amount=2 * price, items=[item]))
    session.add(Questionnaire(customer_id=1, answered_on=today, score=5, comment="梱包がとても丁寧でした。"))


def _work(privacy: Privacy, engine: Engine, actors: dict[str, str]) -> None:
    """Some days of the shop: parcels, a letter that waits too long, an emergency, a refusal, a dispute."""
    with Session(engine) as session:
        with privacy.access("shipping", actor=actors["tanaka"], role="warehouse", reason="parcels of the day"):
            privacy.disclose(
                session,
                to="delivery_company",
                subjects=[1, 2, 3],
                categories=["name", "address", "phone"],
                format="csv",
            )
            session.commit()
            for customer in session.scalars(select(Customer).where(Customer.id <= 3)):
                with suppress(PurposeDenied):  # what the warehouse has no business to know
                    print(customer.birthday)
        with privacy.request(actor="customer:1", role="customer", purpose="account", subject=1):
            privacy.consents.give(session, 1, "advertising_partner", how="web", language="ja")
            session.commit()
        with privacy.access("inquiries", actor=actors["sato"], role="support", reason="a question about a parcel"):
            session.scalars(select(Customer.email).where(Customer.id == 2)).one()
            now = datetime.now(UTC)
            letter = "Rhonda Bailey, as the letter is signed"
            privacy.requests.receive(session, "disclosure", claimed=letter, language="en", at=now - timedelta(days=20))
            letter = "田村 浩、封書の署名のとおり"
            privacy.requests.receive(session, "erasure", claimed=letter, language="ja", at=now - timedelta(days=3))
            session.commit()
        with privacy.request(
            purpose="shipping",
            actor=actors["sato"],
            role="support",
            break_glass=True,
            reason="a parcel with the wrong medicine must be stopped tonight",
            ticket="INC-2041",
        ):
            session.scalars(select(Customer.phone).where(Customer.id == 1)).one()
        with privacy.request(actor=actors["mori"], role=OFFICER, reason="letter of the police"):
            evidence = {
                "document_number": "Sakai 2026-1123",
                "issuing_body": "Sakai police station",
                "approver": "staff:1",
            }
            what = ["name", "address"]
            privacy.disclose(
                session, to="police_and_courts", subjects=2, categories=what, ground="public_agency", evidence=evidence
            )
            privacy.disclose(session, to="advertising_partner", subjects=[1, 2], categories=["name", "email"])
            session.commit()
            privacy.holds.place(
                session,
                subject=4,
                case="2026-17",
                reason="claim of the carrier",
                review_by=datetime.now(UTC).date() + timedelta(days=120),
            )
            session.commit()
