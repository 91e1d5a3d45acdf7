"""Nothing tells whether there is such a person before a check of identity has succeeded."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, event
from sqlalchemy.orm import Session

from sa_privacy import AccessLog, Privacy
from sa_privacy.errors import RequestRefused
from tests.customers.requests import asking
from tests.customers.requests.asking import officer
from tests.support.databases import Database

CARD = {"method": "identity_card", "evidence": "card seen"}
THERE, NOWHERE = ("customer", 1), ("customer", 4711)


@pytest.fixture
def log(tmp_path: Path) -> AccessLog:
    return AccessLog.open(tmp_path / "log")


@pytest.fixture
def privacy(database: Database, engine: Engine, log: AccessLog) -> Iterator[Privacy]:
    asking.filled(database)
    with asking.protected(engine, log) as (made, _):
        yield made


def run(
    privacy: Privacy, engine: Engine, log: AccessLog, subject: object, *, passed: bool
) -> tuple[list[Any], list[str], list[Any], str]:
    """Three checks that fail, and a fourth: what is returned, what the database is asked, what the log holds."""
    statements: list[str] = []

    def note(_: Any, __: Any, statement: str, *___: Any) -> None:
        statements.append(statement)

    before = sum(1 for _ in log.events())
    event.listen(engine, "before_cursor_execute", note)
    returned: list[Any] = []
    with Session(engine) as session, officer(privacy):
        request = privacy.requests.receive(session, "disclosure", claimed="Ann Arbor")
        returned.append(request)
        returned += [
            privacy.requests.identify(session, request.reference, subject, **CARD, passed=passed) for _ in range(3)
        ]
        returned.append(privacy.requests.show(session, request.reference))
        with pytest.raises(RequestRefused) as refused:
            privacy.requests.identify(session, request.reference, subject, **CARD, passed=passed)
        session.commit()
    event.remove(engine, "before_cursor_execute", note)
    events = [
        (one.kind, one.reads, one.matches, one.writes, one.rows, len(one.subjects or ()), one.unbounded)
        for one in list(log.events())[before:]
    ]
    return [replace(one, reference="") for one in returned], statements, events, str(refused.value)


def test_a_failed_check_and_a_person_who_is_not_there_look_alike(
    privacy: Privacy, engine: Engine, log: AccessLog
) -> None:
    run(privacy, engine, log, THERE, passed=False)  # what is compiled once, and asked of the database once
    failed = run(privacy, engine, log, THERE, passed=False)
    unknown = run(privacy, engine, log, NOWHERE, passed=True)
    both = run(privacy, engine, log, NOWHERE, passed=False)
    for mine, theirs, other in zip(failed, unknown, both, strict=True):
        assert without_rows(mine) == without_rows(theirs) == without_rows(other)
    assert failed[0][-1].state == "closed"


def without_rows(part: object) -> object:
    """The log is not shown to who asks; it counts the row that was there, or was not."""
    if isinstance(part, list) and part and isinstance(part[0], tuple):
        return [(kind, reads, matches, writes, unbounded) for kind, reads, matches, writes, _, _, unbounded in part]
    return part


def test_nothing_is_linked_to_anybody_by_a_failed_check(privacy: Privacy, engine: Engine) -> None:
    with Session(engine) as session, officer(privacy):
        request = privacy.requests.receive(session, "disclosure", claimed="Ann Arbor")
        privacy.requests.identify(session, request.reference, THERE, **CARD, passed=False)
        session.commit()
        with asking.customer(privacy, 1):
            assert privacy.requests.list(session) == ()


def test_the_receipt_is_the_same_for_everybody(privacy: Privacy, engine: Engine) -> None:
    with Session(engine) as session, privacy.access("shipping", role="warehouse", actor="staff:9"):
        there, nowhere = (
            replace(privacy.requests.receive(session, "disclosure", claimed=claimed), reference="")
            for claimed in ("Ann Arbor", "Nobody Atall")
        )
    assert there == nowhere
