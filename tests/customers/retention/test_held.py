"""What is under a hold stays, the triggers let the rest go, and after the release the next run resumes what was due."""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from tests.customers.retention import world
from tests.customers.retention.test_actions import plan
from tests.customers.retention.test_resumed import SCHEDULES, ends_right, whole
from tests.support.databases import Database


def test_holds_of_a_row_and_of_a_person(database: Database, engine: Engine) -> None:
    world.filled(database)
    with world.made(engine, world.policy(SCHEDULES)) as privacy, world.officer(privacy):
        with world.engineer(privacy):
            privacy.holds.guard(engine)
        with Session(engine) as session:
            said: dict[str, Any] = {"reason": "a claim", "review_by": date(2027, 1, 1)}
            holds = [
                privacy.holds.place(session, row=("orders", 1), case="2026-7", **said),
                privacy.holds.place(session, subject=2, case="2026-8", **said),
            ]
            session.commit()
        found = plan(privacy, engine)
        waiting = [(one.by, one.what, one.rows) for one in found["orders", "orders"].waiting if one.by == "hold"]
        assert waiting == [("hold", "2026-7", 1), ("hold", "2026-8", 1)]
        assert [(one.by, one.what) for one in found["people", "people"].waiting][:1] == [("hold", "2026-8")]
        before = world.state(privacy, engine)
        privacy.retention.run(engine)
        state = world.state(privacy, engine)
        whole(state)
        assert [row for row in before["orders"] if row[0] in (1, 5)] == [
            row for row in state["orders"] if row[0] in (1, 5)
        ]
        assert [row for row in before["people"] if row[0] == 2] == [row for row in state["people"] if row[0] == 2]
        with Session(engine) as session:
            for hold in holds:
                privacy.holds.release(session, hold, reason="the claim is settled")
            session.commit()
        privacy.retention.run(engine)
        ends_right(world.state(privacy, engine))
