"""FastAPI and Starlette: purposes by route, denials as answers, wherever they come up."""

from collections.abc import Iterator
from typing import Annotated, Any

import pytest
from fastapi import Depends, FastAPI, Request
from fastapi.testclient import TestClient
from pydantic import BaseModel, ConfigDict
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from sa_privacy import Privacy
from sa_privacy.integrations.fastapi import by_route, install
from tests.integrations.web.world import Customer, sign_in


class Whole(BaseModel):
    """Everything about a customer."""

    model_config = ConfigDict(from_attributes=True)

    id: int
    address: str
    birthday: str | None = None


class App:
    """An application: its team wrote the endpoints, and one line for each privacy question."""

    def __init__(self, privacy: Privacy, engine: Engine, **options: Any) -> None:
        self.api = api = FastAPI()
        self.after: list[object] = []

        def session() -> Iterator[Session]:
            with Session(engine) as opened:
                yield opened

        async def signed_in(request: Request) -> None:
            sign_in(privacy, request.headers)

        Opened = Annotated[Session, Depends(session)]  # noqa: N806 - a type
        staff = [Depends(signed_in)]

        @api.get("/label/{number}", dependencies=[Depends(privacy.purpose("shipping")), *staff])
        def label(number: int, session: Opened) -> str:
            return session.get_one(Customer, number).address

        @api.get("/mapped/{number}", dependencies=staff)
        async def mapped(number: int, session: Opened) -> str:
            return session.get_one(Customer, number).address

        @api.get("/undeclared/{number}", dependencies=staff)
        def undeclared(number: int, session: Opened) -> str:
            return session.get_one(Customer, number).address

        @api.get("/whole/{number}", dependencies=[Depends(privacy.purpose("shipping")), *staff], response_model=Whole)
        def whole(number: int, session: Opened) -> Customer:
            return session.get_one(Customer, number)


@pytest.fixture
def client(privacy: Privacy, shop: Engine) -> TestClient:
    app = App(privacy, shop)
    install(app.api, privacy, purpose_for=by_route({"GET /mapped/{number}": "shipping"}))
    return TestClient(app.api)


WAREHOUSE, MARKETING = {"x-staff": "17"}, {"x-staff": "34"}


@pytest.mark.parametrize("path", ["/label/1", "/mapped/1"])
def test_a_route_has_a_purpose(client: TestClient, path: str) -> None:
    assert client.get(path, headers=WAREHOUSE).json() == "1 Street"
    for headers in (MARKETING, {}):
        answer = client.get(path, headers=headers)
        assert (answer.status_code, answer.headers["content-type"]) == (403, "application/problem+json")
        assert "address" not in answer.text
