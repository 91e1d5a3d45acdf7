"""A customer is erased: a plan to look at, what the law keeps, and nothing that leads to them afterwards."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

from rich.text import Text
from sqlalchemy import Engine, create_engine, select
from sqlalchemy.orm import Session

from examples.shop_app.data import TODAY
from examples.shop_app.demo.refusals import body
from examples.shop_app.demo.stage import Stage
from examples.shop_app.models import Customer, Order, OrderItem, UsageEvent
from sa_privacy import Privacy, PrivacyError
from sa_privacy.crypto import SigningKey
from sa_privacy.customers.erasure import Certificate, ErasurePlan
from sa_privacy.customers.erasure.backup import copy_data
from sa_privacy.customers.erasure.clean import clean
from sa_privacy.customers.erasure.scan import scan

__all__ = ["show_erasing"]

_PAGE = "a-page-for-robin-alone"
_WORDS = {
    "shell": "a row without a person takes their place",
    "relink": "leads to that row",
    "unlink": "leads nowhere",
    "anonymise": "emptied",
    "delete": "gone",
}


def plan_it(privacy: Privacy, engine: Engine, customer: int) -> ErasurePlan:
    with privacy.access(actor="staff:2", role="privacy_officer"), Session(engine) as session:
        return privacy.erasure.plan(session, customer)


def carry_it_out(privacy: Privacy, engine: Engine, plan: ErasurePlan, signing_key: SigningKey) -> Certificate:
    with privacy.access(actor="staff:2", role="privacy_officer", reason="the customer asked for it"):
        return privacy.erasure.run(engine, plan, signing_key=signing_key)


def charged(stage: Stage) -> tuple[int, int]:
    """How many orders there are, and what was charged for all of them."""
    desk = stage.privacy.access(purpose="order_confirmation", actor="staff:21", role="order_desk")
    with desk, Session(stage.engine) as session:
        amounts = session.scalars(select(Order.amount)).all()
    return len(amounts), sum(amounts)


def ship_it(session: Session, customer: int) -> None:
    for order in session.scalars(select(Order).where(Order.customer_id == customer)):
        order.status = "shipped"
    session.commit()


def bytes_left(stage: Stage, wanted: dict[str, str | bytes]) -> dict[str, int]:
    """How often each of these texts and cells is in the database's files."""
    found = scan(list(wanted.values()), stage.database)
    return {what: sum(one.count for one in found if one.needle == at) for at, what in enumerate(wanted)}


def show_erasing(stage: Stage) -> tuple[Path, int]:
    """:returns: a backup from before the erasure, and who was erased."""
    stage.chapter(
        "A customer is erased",
        """Or because the customer asks. Nothing runs before somebody has looked at the plan, and the run refuses if the data has
        moved on since. Orders are kept for the books, without what leads to the customer.""",
    )
    customer = _somebody(stage)
    stage.say("Who asks still waits for a parcel, and the policy guards open orders:")
    signing_key = SigningKey.generate()
    held = plan_it(stage.privacy, stage.engine, customer)
    try:
        carry_it_out(stage.privacy, stage.engine, held, signing_key)
    except PrivacyError as error:
        stage.error(error)
    else:
        raise AssertionError("somebody who waits for an order was erased")
    with stage.privacy.access(purpose="shipping", actor="staff:17", role="warehouse"), Session(stage.engine) as session:
        ship_it(session, customer)
    before = charged(stage)
    backup = stage.directory / "backup-of-yesterday.db"
    copy_data(stage.database, backup)
    traces = _traces(stage, customer)
    stage.say("The parcel is sent. Now the plan says:")
    stage.code(body(plan_it))
    plan = plan_it(stage.privacy, stage.engine, customer)
    table = stage.table("table", "rows", "what becomes of them")
    for name, counts in plan.counts.items():
        for verb, rows in counts.items():
            table.add_row(name, str(rows), _WORDS[verb])
    stage.console.print(table)
    for kept in plan.kept:
        until = "" if kept.until is None else f", until {kept.until:%Y-%m-%d} at the latest"
        words = f"kept: {kept.rows} rows of {kept.table}, {', '.join(kept.columns)}{until}: {kept.law}"
        stage.indented(Text(words, style="dim"))
    found = bytes_left(stage, traces)
    stage.code(body(carry_it_out))
    certificate = carry_it_out(stage.privacy, stage.engine, plan, signing_key)
    if charged(stage) != before:
        raise AssertionError("the books do not add up any more")
    words = f"-> {before[0]:,} orders and {before[1]:,} yen, before and after: the books add up"
    stage.indented(Text(words, style="green"))
    try:
        plan_it(stage.privacy, stage.engine, customer)
    except PrivacyError as error:
        stage.error(error)
    else:
        raise AssertionError("the customer is still there")
    _show_certificate(stage, certificate, signing_key)
    _show_bytes(stage, traces, found)
    return backup, customer


def _show_certificate(stage: Stage, certificate: Certificate, signing_key: SigningKey) -> None:
    stage.say("What was done is certified, for whoever asks later. It is signed, and names nobody:")
    table = stage.table("certificate.json", "")
    for member, value in json.loads(certificate.json()).items():
        table.add_row(member, value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))
    stage.console.print(table)
    stage.code("certificate.verify(signing_key.public)")
    if not certificate.verify(signing_key.public):
        raise AssertionError("the certificate does not verify")
    stage.indented(Text("-> True", style="green"))


def _show_bytes(stage: Stage, traces: dict[str, str | bytes], before: dict[str, int]) -> None:
    stage.say(
        """A database marks deleted rows as free, and may leave their bytes where they are. So its files are written anew, and
        searched byte by byte for what they held of the customer:"""
    )
    stage.code("clean(create_engine(url))\nscan(traces, database)")
    erased = bytes_left(stage, traces)
    owner = create_engine(f"sqlite:///{stage.database}")  # the owner's own way in, which no Privacy protects
    clean(owner)
    owner.dispose()
    cleaned = bytes_left(stage, traces)
    table = stage.table("searched for", "before", "erased", "and cleaned")
    for what in traces:
        table.add_row(what, *(_times(counts[what]) for counts in (before, erased, cleaned)))
    stage.console.print(table)
    if not all(before.values()) or any(cleaned.values()):
        raise AssertionError("found before, and nowhere afterwards")


def _times(number: int) -> Text:
    return Text("nowhere", style="bold green") if number == 0 else Text("once" if number == 1 else f"{number:,} times")


def _traces(stage: Stage, customer: int) -> dict[str, str | bytes]:
    """What the files hold of somebody: cells as they are stored, and one value that is not sealed."""
    with closing(sqlite3.connect(stage.database)) as connection:
        cells = connection.execute("SELECT name, email, address FROM customers WHERE id = ?", (customer,)).fetchone()
    return {
        "a page that only they saw (not sealed)": _PAGE,
        **dict(zip(("name (its cell)", "e-mail address (its cell)", "address (its cell)"), cells, strict=True)),
    }


def _somebody(stage: Stage) -> int:
    """A customer with two orders, one of which is not sent yet."""
    robin = Customer(
        name="Robin Field",
        address="3 Example Lane, Sakai-shi, Osaka",
        email="robin.field@example.com",
        language="en",
        joined_on=TODAY,
        usage=[UsageEvent(page=_PAGE, seen_on=TODAY)],
        orders=[
            Order(status=status, ordered_on=TODAY, amount=4_900, items=[OrderItem(product="cotton shirt", quantity=1)])
            for status in ("shipped", "paid")
        ],
    )
    engineer = stage.privacy.access(maintenance=True, actor="staff:1", role="engineer", reason="somebody to erase")
    with engineer, Session(stage.engine) as session:
        session.add(robin)
        session.commit()
        return robin.id
