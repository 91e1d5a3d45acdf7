"""A backup of yesterday is restored, and who was erased today does not come back with it."""

from __future__ import annotations

from pathlib import Path

from rich.text import Text
from sqlalchemy import Engine, create_engine
from sqlalchemy.orm import Session

from examples.shop_app.demo.refusals import body
from examples.shop_app.demo.stage import Stage
from examples.shop_app.models import Customer
from sa_privacy import Privacy
from sa_privacy.customers.erasure.replay import ReplayReport

__all__ = ["show_copies"]


def is_there(privacy: Privacy, engine: Engine, customer: int) -> bool:
    with privacy.access(purpose="shipping", actor="staff:17", role="warehouse"), Session(engine) as session:
        return session.get(Customer, customer) is not None


def erasures_that_it_lacks(privacy: Privacy, engine: Engine) -> int:
    with privacy.access(actor="staff:2", role="privacy_officer"):
        return privacy.erasure.unknown(engine)


def before_anybody_is_let_in(privacy: Privacy, engine: Engine) -> ReplayReport:
    with privacy.access(actor="staff:2", role="privacy_officer", reason="restored the backup of yesterday"):
        return privacy.erasure.replay(engine)


def show_copies(stage: Stage, backup: Path, customer: int) -> None:
    """:param backup: from before the erasure of this customer."""
    stage.chapter(
        "A backup comes back, the customer does not",
        """Nobody can reach into a backup. So who was erased stands, as a keyed pseudonym, in a ledger that is kept apart from the
        database and written before anything is destroyed. After a restore the ledger is read to the database.""",
    )
    engine = create_engine(f"sqlite:///{backup}")
    stage.privacy.install(engine)
    try:
        if not is_there(stage.privacy, engine, customer):
            raise AssertionError("the backup is from before the erasure")
        stage.say(f"The backup of yesterday is restored. Customer {customer} is there again:")
        stage.code(body(erasures_that_it_lacks))
        lacking = erasures_that_it_lacks(stage.privacy, engine)
        stage.indented(Text(f"-> {lacking:,} erasures of which this database knows nothing", style="red"))
        stage.code(body(before_anybody_is_let_in))
        report = before_anybody_is_let_in(stage.privacy, engine)
        words = f"-> {report.found:,} people are back in it, {report.erased:,} erased anew"
        stage.indented(Text(words, style="green"))
        if is_there(stage.privacy, engine, customer) or erasures_that_it_lacks(stage.privacy, engine):
            raise AssertionError("the customer has come back")
        stage.indented(Text(f"-> customer {customer} is gone from this database, too", style="green"))
    finally:
        stage.privacy.uninstall(engine)
        engine.dispose()
