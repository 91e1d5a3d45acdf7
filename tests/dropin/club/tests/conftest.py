"""The application on an empty database, and people who have signed in."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import Engine

from tests.dropin.club import factories, jobs, web
from tests.dropin.club.models import Base


@pytest.fixture
def app() -> Iterator[FastAPI]:
    made = web.create_app(os.environ["CLUB_DATABASE_URL"])
    made.state.databases.create()
    jobs.OUTBOX.clear()
    yield made
    Base.metadata.drop_all(made.state.databases.main)
    made.state.databases.dispose()


@pytest.fixture
def engine(app: FastAPI) -> Engine:
    found: Engine = app.state.databases.main
    return found


@pytest.fixture
def client(app: FastAPI) -> TestClient:
    return TestClient(app)


@pytest.fixture
def sign_in(client: TestClient) -> Callable[[int], None]:
    def sign_in(number: int) -> None:
        given = {"email": f"member{number}@example.org", "password": factories.PASSWORD}
        client.headers["authorization"] = f"Bearer {client.post('/login', json=given).json()['token']}"

    return sign_in


@pytest.fixture
def member(engine: Engine, sign_in: Callable[[int], None]) -> int:
    number = factories.make_member(engine, 1)
    sign_in(1)
    return number


@pytest.fixture
def manager(engine: Engine, sign_in: Callable[[int], None]) -> int:
    number = factories.make_member(engine, 9, is_manager=True)
    sign_in(9)
    return number
