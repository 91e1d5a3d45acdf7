"""A shop that gives data away, and an access log of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from sa_privacy import (
    AccessLog,
    Privacy,
)
from tests.customers import giving
from tests.customers.disclosure.acting import (
    Agreed,
)
from tests.customers.giving import ANN, CY
from tests.support.databases import Database


@pytest.fixture
def log(tmp_path: Path) -> AccessLog:
    return AccessLog.open(tmp_path / "log")


@pytest.fixture
def agreed() -> Agreed:
    return Agreed(ANN, CY)


@pytest.fixture
def shop(database: Database, log: AccessLog, agreed: Agreed) -> Iterator[tuple[Privacy, Engine]]:
    with giving.shop(database, log=log, consents=agreed) as made:
        yield made


@pytest.fixture
def privacy(shop: tuple[Privacy, Engine]) -> Privacy:
    return shop[0]


@pytest.fixture
def session(shop: tuple[Privacy, Engine]) -> Iterator[Session]:
    with Session(shop[1]) as opened:
        yield opened
