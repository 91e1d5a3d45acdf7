"""Where row rules say what a role reaches, a role that is declared and not held reaches nothing more."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from sa_privacy import AccessLog, NotGranted, Privacy
from tests.staff import world
from tests.staff.world import Customer, Office

ROLES = {
    "support": {"purposes": ["inquiries"]},
    "lead": {"purposes": ["inquiries"], "granted": True},
    "officer": {"granted": True, "grants": ["lead", "officer"]},
}


@pytest.fixture
def ruled(engine: Engine, office: Office, tmp_path: Path) -> Iterator[Office]:
    """Support sees the first customer; a lead sees all, and is granted by name."""
    office.privacy.uninstall(engine)
    log = AccessLog.open(tmp_path / "ruled")
    privacy = Privacy(world.policy(roles=ROLES), keys=world.KEYS, log=log, metadata=world.Base)
    privacy.install(engine)
    privacy.restrict(Customer, role="support", where=lambda c, _: c.id == 1)
    yield Office(engine, privacy)
    privacy.close()


def entities(office: Office, role: object) -> list[int]:
    """Whom an entity load reaches."""
    with office.as_("staff:2", role), Session(office.engine) as session:
        return [one.id for one in session.scalars(select(Customer).order_by(Customer.id))]


def counted(office: Office, role: object) -> int:
    """How many an entity's count, which reads nothing personal, reaches."""
    with office.as_("staff:2", role), Session(office.engine) as session:
        return session.scalar(select(func.count(Customer.id))) or 0


def test_a_role_that_is_not_held_opens_no_rows(ruled: Office) -> None:
    both = ["support", "lead"]
    assert entities(ruled, "support") == [1]
    assert counted(ruled, "support") == 1
    for reach in (entities, counted):
        with pytest.raises(NotGranted):
            reach(ruled, both)
        with pytest.raises(NotGranted):
            reach(ruled, "lead")
    ruled.grant("staff:2", "lead")
    assert entities(ruled, both) == [1, 2]
    assert counted(ruled, both) == 2
