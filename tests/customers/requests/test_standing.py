"""Who deals with requests stands in the role for it: granted to them, whatever else they act in."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from sa_privacy import AccessLog, NotGranted, Policy, Privacy
from sa_privacy.policy.writing import as_sections
from tests.customers.requests import asking
from tests.support.databases import Database

BOTH = ["warehouse", "officer"]


@pytest.fixture
def privacy(database: Database, engine: Engine, tmp_path: Path) -> Iterator[Privacy]:
    asking.filled(database)
    sections = as_sections(asking.POLICY)
    sections["roles"]["officer"] |= {"granted": True, "grants": ["officer"]}
    with asking.protected(engine, AccessLog.open(tmp_path / "log"), Policy(**sections)) as (made, _):
        yield made


@pytest.mark.parametrize("roles", [["officer"], BOTH], ids="+".join)
def test_a_role_that_was_not_granted_deals_with_no_requests(privacy: Privacy, engine: Engine, roles: list[str]) -> None:
    with privacy.access(role="warehouse", actor="staff:2"), Session(engine) as session:
        reference = privacy.requests.receive(session, "disclosure", claimed="Ann").reference
        session.commit()
    with privacy.access("shipping" if roles == BOTH else None, role=roles, actor="staff:2"), Session(engine) as session:
        for ask in (
            lambda: privacy.requests.list(session),
            lambda: privacy.requests.show(session, reference),
            lambda: privacy.requests.identify(session, reference, 1, method="identity_card", evidence="card"),
        ):
            with pytest.raises(NotGranted):
                ask()
    with privacy.access(role="warehouse", actor="operator"), Session(engine) as session:
        privacy.staff.bootstrap(session, "staff:2", "officer", reason="the first")
        session.commit()
    with privacy.access(role=roles, actor="staff:2"), Session(engine) as session:
        assert [one.claimed for one in privacy.requests.list(session)] == ["Ann"]
