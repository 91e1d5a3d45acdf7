"""Through the gate: whether columns were sealed and under which keys, and what was done by break glass."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, select, update
from sqlalchemy.orm import Session

from sa_privacy import AccessLog, Keyring, Policy, Privacy
from sa_privacy.accesslog.questions import Journal, breach, by, who
from sa_privacy.accesslog.questions.glass import Touched, touched_under
from sa_privacy.accesslog.reviews import open_reviews
from sa_privacy.crypto import key_name
from sa_privacy.policy.writing import as_sections
from tests.gate import world
from tests.gate.world import Customer

pytestmark = pytest.mark.backends("sqlite")


def with_break_glass() -> Policy:
    sections = as_sections(world.POLICY)
    roles = {"support": {"purposes": ["billing"], "break_glass": ["shipping"], "break_glass_for": "PT30M"}}
    return Policy(**sections | {"roles": sections["roles"] | roles})


@pytest.fixture
def keys() -> Keyring:
    return Keyring.generate()


@pytest.fixture
def privacy(engine: Engine, keys: Keyring, tmp_path: Path) -> Privacy:
    log = AccessLog.open(tmp_path / "log")
    made = Privacy(with_break_glass(), keys=keys, log=log, metadata=world.Base)
    made.install(engine)
    world.fill(made, engine)
    return made


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal(tmp_path / "log")


def test_a_breach_tells_what_was_sealed_and_under_which_keys(
    privacy: Privacy, engine: Engine, keys: Keyring, journal: Journal
) -> None:
    with privacy.access("shipping", actor="staff:66", role="warehouse"), Session(engine) as session:
        opened = session.scalars(select(Customer)).all()
    privacy.close()
    found = breach(journal, actor="staff:66")
    told = {one.column: one for one in found.columns}
    assert (told["customers.name"].sealed, told["customers.street"].sealed) == ("always", "never")
    assert (told["customers.name"].category, told["customers.street"].category) == ("name", "address")
    assert found.keys == (key_name(keys.primary_id),)
    assert found.people == len(opened) == told["customers.name"].cells == 3
    assert told["customers.phone"].cells == 2  # one has none
    assert {one.category: one.people for one in found.categories} == {"name": 3, "phone": 3, "address": 3}
    [use] = [use for use in who(journal, keys.pseudonym_key().of("customer", 2)).uses if use.actor == "staff:66"]
    assert use.categories["customers.street"] == "address"
    assert use.people == 3
    assert use.origin is not None
    assert "test_evidence_end_to_end.py" in use.origin


def test_a_review_is_told_what_was_touched_under_break_glass(
    privacy: Privacy, engine: Engine, journal: Journal
) -> None:
    broken: dict[str, Any] = {
        "actor": "staff:5",
        "role": "support",
        "break_glass": True,
        "ticket": "T-1",
        "reason": "site down",
    }
    with privacy.access("shipping", **broken), Session(engine) as session:
        session.execute(select(Customer.name, Customer.id).where(Customer.id.in_([1, 2]))).all()
        session.execute(update(Customer).where(Customer.id == 3).values(town="Oakham"))
        session.commit()
    with privacy.access("billing", actor="staff:5", role="support"), Session(engine) as session:
        session.execute(select(Customer.name, Customer.id)).all()
    privacy.close()
    [waits] = open_reviews(journal)
    assert touched_under(journal, waits.event) == Touched(
        statements=2, rows=3, people=3, unbounded=0, columns=("customers.name", "customers.town"), deletes=()
    )
    assert {group.break_glass: group.people for group in by(journal, "staff:5").groups} == {True: 3, False: 3}
    assert breach(journal, actor="staff:5").break_glass == 2
