"""Who gives data away in these tests, and to whom."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from sa_privacy import (
    Privacy,
)
from sa_privacy.customers.disclosure.tables import PROVIDED, PROVISIONS
from tests.customers.giving import ANN, BO, CY, customers

TOMORROW = datetime.now(UTC) + timedelta(days=1)
EVERYBODY = customers(ANN, BO, CY)
PAPERS = {"document_number": "R8-1123", "issuing_body": "Central police station"}


class Agreed:
    """A store of consent in memory."""

    def __init__(self, *keys: object) -> None:
        self.keys = set(keys)
        self.asked: list[tuple[str, str]] = []

    def condition(self, purpose: str, kind: str, key: Any) -> Any:
        return key.in_(self.keys)

    def agreed(self, connection: Any, recipient: str, kind: str, keys: Collection[object]) -> frozenset[object]:
        self.asked.append((recipient, kind))
        return frozenset(self.keys & set(keys))


def as_warehouse(privacy: Privacy) -> Any:
    return privacy.access("shipping", actor="staff:1", role="warehouse")


def as_officer(privacy: Privacy) -> Any:
    return privacy.access("everything", actor="staff:1", role="officer")


def records(privacy: Privacy, engine: Engine) -> tuple[list[Any], list[Any]]:
    """What stands in the tables, seen from another connection."""
    with (
        privacy.access(maintenance=True, actor="tests", role="engineer", reason="looking"),
        engine.connect() as connection,
    ):
        heads = connection.execute(select(PROVISIONS).order_by(PROVISIONS.c.at)).all()
        people = connection.execute(select(PROVIDED).order_by(PROVIDED.c.provision, PROVIDED.c.number)).all()
    return list(heads), list(people)


def ask(privacy: Privacy, session: Session) -> Any:
    return privacy.disclose(session, to="delivery", subjects=EVERYBODY, categories=["name", "address"])
