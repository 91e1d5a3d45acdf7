"""FastAPI and Starlette: purposes by route, denials as answers, wherever they come up."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import date
from pathlib import Path
from typing import Annotated, Any

import httpx2 as httpx
import pytest
from fastapi import BackgroundTasks, Depends, FastAPI, Request, WebSocket
from fastapi.responses import JSONResponse, PlainTextResponse, StreamingResponse
from fastapi.testclient import TestClient
from jinja2 import Template
from pydantic import BaseModel, ConfigDict, Field, computed_field
from sqlalchemy import Engine, select
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import Session
from starlette.applications import Starlette
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response
from starlette.routing import Route
from starlette.websockets import WebSocketDisconnect

from sa_privacy import AccessDenied, AccessEnded, PolicyError, Privacy, PurposeDenied, RoleDenied, UnknownPurpose
from sa_privacy.integrations.fastapi import Problem, by_route, install
from tests.integrations.web.serving import serving
from tests.integrations.web.world import BIRTHDAY, Customer, sign_in

WAREHOUSE, MARKETING, NOBODY = {"x-staff": "17"}, {"x-staff": "34"}, dict[str, str]()


class Label(BaseModel):
    """What a parcel needs."""

    model_config = ConfigDict(from_attributes=True)

    id: int
    address: str


class Whole(Label):
    """Everything about a customer."""

    birthday: date | None = None


class Card(BaseModel):
    """Reads while it is serialised."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    customer: Customer = Field(exclude=True)

    @computed_field
    def born(self) -> str:
        return str(self.customer.birthday)


def application(privacy: Privacy, engine: Engine, **options: Any) -> FastAPI:  # noqa: C901 - an endpoint for each place
    """An application as its team wrote it, with a purpose here and there."""
    app = FastAPI()

    def opened() -> Iterator[Session]:
        with Session(engine) as session:
            yield session

    async def signed_in(request: Request) -> None:
        sign_in(privacy, request.headers)

    OpenedSession = Annotated[Session, Depends(opened)]  # noqa: N806 - a type
    shipping = [Depends(privacy.purpose("shipping")), Depends(signed_in)]

    @app.get("/label/{number}", dependencies=shipping)
    def label(number: int, session: OpenedSession) -> str:
        return session.get_one(Customer, number).address

    @app.get("/mapped/{number}", dependencies=[Depends(signed_in)])
    async def mapped(number: int, session: OpenedSession) -> str:
        return session.get_one(Customer, number).address

    @app.get("/undeclared/{number}", dependencies=[Depends(signed_in)])
    def undeclared(number: int, session: OpenedSession) -> str:
        return session.get_one(Customer, number).address

    @app.get("/whole/{number}", dependencies=shipping, response_model=Whole)
    def whole(number: int, session: OpenedSession) -> Customer:
        return session.get_one(Customer, number)

    @app.get("/all", dependencies=shipping, response_model=list[Whole])
    async def everybody(session: OpenedSession) -> Any:
        return session.scalars(select(Customer)).all()

    @app.get("/masked/{number}", dependencies=shipping, response_model=Whole)
    def masked(number: int, session: OpenedSession) -> Customer:
        privacy.current().bind(withheld="none")
        return session.get_one(Customer, number)

    @app.get("/untyped/{number}", dependencies=shipping, response_model=None)
    def untyped(number: int, session: OpenedSession) -> Any:
        return {"customer": session.get_one(Customer, number)}

    @app.get("/validated/{number}", dependencies=shipping)
    def validated(number: int, session: OpenedSession) -> Whole:
        return Whole.model_validate(session.get_one(Customer, number))

    @app.get("/serialised/{number}", dependencies=shipping)
    def serialised(number: int, session: OpenedSession) -> Card:
        return Card(customer=session.get_one(Customer, number))

    @app.get("/grouped/{number}", dependencies=shipping)
    async def grouped(number: int, session: OpenedSession) -> None:
        async def read() -> None:
            _ = session.get_one(Customer, number).birthday

        async with asyncio.TaskGroup() as group:
            group.create_task(read())

    @app.get("/template/{number}", dependencies=shipping)
    def template(number: int, session: OpenedSession) -> PlainTextResponse:
        page = Template("{{ customer.address }} {{ customer.birthday }}")
        return PlainTextResponse(page.render(customer=session.get_one(Customer, number)))

    @app.get("/handled/{number}", dependencies=shipping)
    def handled(number: int, session: OpenedSession) -> str:
        try:
            return str(session.get_one(Customer, number).birthday)
        except PurposeDenied:
            message = "a fault of the application's own"
            raise KeyError(message) from None

    install(app, privacy, purpose_for=by_route({"GET /mapped/{number}": "shipping"}), **options)
    return app


@pytest.fixture
def client(privacy: Privacy, shop: Engine) -> TestClient:
    return TestClient(application(privacy, shop))


@pytest.mark.parametrize("path", ["/label/1", "/mapped/1"])
def test_a_route_has_a_purpose_declared_there_or_in_one_place(client: TestClient, path: str) -> None:
    assert client.get(path, headers=WAREHOUSE).json() == "1 Street"
    assert client.get(path, headers=MARKETING).json()["code"] == RoleDenied.code
    assert client.get(path).json()["code"] == "SP-202"


def test_a_route_without_a_purpose_stays_shut(client: TestClient) -> None:
    assert client.get("/undeclared/1", headers=WAREHOUSE).status_code == 403


@pytest.mark.parametrize(
    "place", ["whole/1", "all", "validated/1", "serialised/1", "grouped/1", "template/1"], ids=lambda place: place[:5]
)
def test_a_denial_is_answered_wherever_it_comes_up(client: TestClient, place: str) -> None:
    answer = client.get(f"/{place}", headers=WAREHOUSE)
    assert answer.status_code == 403
    assert answer.headers["content-type"] == "application/problem+json"
    said = answer.json()
    assert len(said.pop("request")) == 32
    assert said == {
        "type": "about:blank",
        "title": "Forbidden",
        "status": 403,
        "code": "SP-201",
        "detail": "Personal data was asked for that may not be used here.",
    }


@pytest.mark.parametrize("path", ["/whole/1", "/serialised/1", "/template/1"])
def test_the_detail_is_told_to_those_who_may_know(privacy: Privacy, shop: Engine, path: str) -> None:
    client = TestClient(application(privacy, shop, detail=True))
    said = client.get(path, headers=WAREHOUSE).json()["detail"]
    assert "web_customers.birthday (birthday) may not be read" in said
    assert "open for: campaigns" in said
    assert str(BIRTHDAY) not in said


def test_what_is_withheld_reads_as_nothing_in_a_response_model(client: TestClient) -> None:
    assert client.get("/masked/1", headers=WAREHOUSE).json() == {"id": 1, "address": "1 Street", "birthday": None}


def test_an_object_that_is_serialised_as_it_is_holds_what_is_covered(client: TestClient) -> None:
    said = client.get("/untyped/1", headers=WAREHOUSE).json()["customer"]
    assert said == {"id": 1, "name": "Name 1", "address": "1 Street", "tier": "basic"}


def test_a_fault_of_the_application_stays_one(client: TestClient) -> None:
    with pytest.raises(KeyError):
        client.get("/handled/1", headers=WAREHOUSE)


def test_where_nobody_has_signed_in_the_answer_can_say_how_one_does(privacy: Privacy, shop: Engine) -> None:
    client = TestClient(application(privacy, shop, challenge='Bearer realm="shop"'))
    answer = client.get("/label/1")
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, 'Bearer realm="shop"')
    answer = client.get("/whole/1", headers=WAREHOUSE)
    assert answer.status_code == 403
    assert "www-authenticate" not in answer.headers


def test_an_answer_may_be_a_page_and_a_handler_of_the_application_comes_first(privacy: Privacy, shop: Engine) -> None:
    def page(request: Request, problem: Problem) -> Response:
        return PlainTextResponse(f"{request.url.path}: {problem.code}", problem.status)

    app = application(privacy, shop, respond=page)
    app.add_exception_handler(RoleDenied, lambda _request, _error: PlainTextResponse("ours", 404))
    client = TestClient(app)
    answer = client.get("/whole/1", headers=WAREHOUSE)
    assert (answer.status_code, answer.text) == (403, "/whole/1: SP-201")
    assert client.get("/label/1", headers=MARKETING).text == "ours"


def test_answers_carry_what_other_middlewares_put_on_them(privacy: Privacy, shop: Engine) -> None:
    app = FastAPI()
    app.add_middleware(CORSMiddleware, allow_origins=["https://shop.example"])

    @app.get("/")
    def nothing_declared() -> str:
        with Session(shop) as session:
            return session.get_one(Customer, 1).address

    install(app, privacy)
    answer = TestClient(app).get("/", headers={"origin": "https://shop.example"})
    assert answer.status_code == 403
    assert answer.headers["access-control-allow-origin"] == "https://shop.example"


def test_a_denial_of_another_middleware_is_answered_too(privacy: Privacy, shop: Engine) -> None:
    app = FastAPI()

    @app.middleware("http")
    async def sign_in_first(request: Request, call_next: Callable[[Request], Any]) -> Any:
        sign_in(privacy, request.headers)
        return await call_next(request)

    @app.get("/")
    def who() -> str | None:
        return privacy.current().access.actor

    install(app, privacy, purpose_for=lambda _scope: "shipping")
    client = TestClient(app)
    assert client.get("/", headers=WAREHOUSE).json() == "staff:17"
    answer = client.get("/", headers=MARKETING)
    assert (answer.status_code, answer.json()["code"]) == (403, "SP-203")


async def test_objects_of_an_async_session_are_serialised_under_the_same_access(
    privacy: Privacy, shop: Engine, tmp_path: Path
) -> None:
    app = FastAPI()
    engine = create_async_engine(f"sqlite+aiosqlite:///{tmp_path / 'shop.db'}")
    privacy.install(engine)

    async def opened() -> AsyncIterator[AsyncSession]:
        async with AsyncSession(engine) as session:
            yield session

    async def signed_in(request: Request) -> None:
        sign_in(privacy, request.headers)

    OpenedSession = Annotated[AsyncSession, Depends(opened)]  # noqa: N806 - a type
    shipping = [Depends(signed_in), Depends(privacy.purpose("shipping"))]

    @app.get("/label", dependencies=shipping, response_model=Label)
    @app.get("/whole", dependencies=shipping, response_model=Whole)
    async def one(session: OpenedSession) -> Customer:
        return await session.get_one(Customer, 1)

    install(app, privacy)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://shop") as client:
        assert (await client.get("/label", headers=WAREHOUSE)).json() == {"id": 1, "address": "1 Street"}
        assert (await client.get("/whole", headers=WAREHOUSE)).json()["code"] == "SP-201"
    await engine.dispose()


def test_a_log_that_is_away_is_503(privacy: Privacy, client: TestClient) -> None:
    assert privacy.log is not None
    privacy.log.close()
    answer = client.get("/label/1", headers=WAREHOUSE)
    assert (answer.status_code, answer.json()["code"]) == (503, "SP-401")


def test_unknown_purposes_and_routes_are_refused_at_start(privacy: Privacy) -> None:
    with pytest.raises(UnknownPurpose):
        privacy.purpose("shiping")
    with pytest.raises(PolicyError):
        by_route({"label": "shipping"})
    app = FastAPI()
    install(app, privacy, purpose_for=by_route({"/label": "shiping"}))
    with pytest.raises(UnknownPurpose), TestClient(app):
        pytest.fail("it started")


def test_maintenance_around_a_test_client_is_not_inherited(privacy: Privacy, client: TestClient) -> None:
    with privacy.access(maintenance=True, actor="staff:1", role="engineer", reason="fixture"):
        assert client.get("/undeclared/1").status_code == 403
        assert client.get("/whole/1", headers=WAREHOUSE).status_code == 403


# -- what goes on beside and after an answer ----------------------------------------------------------------------------


async def test_requests_side_by_side_never_see_each_others_access(privacy: Privacy, shop: Engine) -> None:
    app = FastAPI()

    async def signed_in(request: Request) -> None:
        await asyncio.sleep(0)
        privacy.current().bind(actor=request.headers["x-actor"], role=request.headers["x-role"])

    def seen() -> tuple[str | None, tuple[str, ...], tuple[str, ...]]:
        access = privacy.current().access
        return access.actor, access.roles, access.purposes

    @app.get("/warehouse", dependencies=[Depends(privacy.purpose("shipping")), Depends(signed_in)])
    async def in_the_loop() -> Any:
        first = seen()
        await asyncio.sleep(0.001)
        return [first, seen()]

    @app.get("/marketing", dependencies=[Depends(signed_in), Depends(privacy.purpose("campaigns"))])
    def in_a_thread() -> Any:
        with Session(shop) as session:
            return [seen(), seen() if session.get_one(Customer, 1).birthday else None]

    install(app, privacy)
    purposes = {"warehouse": "shipping", "marketing": "campaigns"}

    async def ask(client: httpx.AsyncClient, number: int) -> None:
        role = ["warehouse", "marketing"][number % 2]
        answer = await client.get(f"/{role}", headers={"x-actor": f"staff:{number}", "x-role": role})
        assert answer.json() == [[f"staff:{number}", [role], [purposes[role]]]] * 2

    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://shop") as client:
        await asyncio.gather(*(ask(client, number) for number in range(200)))


async def test_background_tasks_act_as_the_request_and_what_outlives_it_is_refused(privacy: Privacy) -> None:
    app = FastAPI()
    done: dict[str, str | None] = {}
    left: list[asyncio.Task[None]] = []

    async def who(name: str) -> None:
        done[name] = privacy.current().access.actor

    async def later() -> None:
        await asyncio.sleep(0.05)
        await who("left behind")

    @app.get("/")
    async def answer(tasks: BackgroundTasks) -> str:
        privacy.current().bind(actor="staff:17")
        tasks.add_task(who, "background")
        left.append(asyncio.create_task(later()))
        left.append(asyncio.create_task(privacy.carry(later)()))
        return "answered"

    install(app, privacy)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://shop") as client:
        await client.get("/")
    refused, carried = await asyncio.gather(*left, return_exceptions=True)
    assert isinstance(refused, AccessEnded)
    assert (carried, done) == (None, {"background": "staff:17", "left behind": "staff:17"})


def test_a_dependency_that_yields_leaves_in_another_thread_and_its_access_is_over(
    privacy: Privacy, shop: Engine
) -> None:
    app = FastAPI()
    seen: list[Any] = []

    def inside_a_thread() -> Iterator[None]:
        with privacy.access("shipping", role="warehouse") as scope:
            seen.append(scope)
            yield

    async def inside_the_loop() -> AsyncIterator[None]:
        with privacy.access("campaigns", role="marketing") as scope:
            seen.append(scope)
            yield

    @app.get("/thread", dependencies=[Depends(inside_a_thread)])
    def not_reached() -> Any:
        return privacy.current().access.purposes

    @app.get("/loop", dependencies=[Depends(inside_the_loop)])
    def reached() -> Any:
        return privacy.current().access.purposes

    install(app, privacy)
    client = TestClient(app)
    assert client.get("/thread").json() == []  # such an access is its own thread's: bind() reaches the request
    assert client.get("/loop").json() == ["campaigns"]
    assert client.get("/thread").json() == []
    assert [scope.alive for scope in seen] == [False, False, False]


def test_an_application_inside_another_shares_its_access(privacy: Privacy, shop: Engine) -> None:
    def who(request: Request) -> JSONResponse:
        access = privacy.current().access
        return JSONResponse([access.actor, access.purposes, access.details.get("route")])

    inner = Starlette(routes=[Route("/label", who)])
    install(inner, privacy, purpose_for=by_route({"GET /label": "shipping"}))
    outer = FastAPI()
    outer.mount("/desk", inner)
    outer.mount("/plain", Starlette(routes=[Route("/label", who)]))

    @outer.middleware("http")
    async def sign_in_first(request: Request, call_next: Callable[[Request], Any]) -> Any:
        sign_in(privacy, request.headers)
        return await call_next(request)

    install(outer, privacy, purpose_for=by_route({"GET /plain/label": "shipping"}))
    client = TestClient(outer)
    assert client.get("/desk/label", headers=WAREHOUSE).json() == ["staff:17", ["shipping"], "GET /label"]
    assert client.get("/plain/label", headers=WAREHOUSE).json() == ["staff:17", ["shipping"], "GET /plain/label"]
    assert client.get("/desk/label", headers=MARKETING).status_code == 403
    assert client.get("/plain/other", headers=WAREHOUSE).status_code == 404


def test_websockets_are_requests_of_their_own(privacy: Privacy, shop: Engine) -> None:
    app = FastAPI()

    async def signed_in(websocket: WebSocket) -> None:
        sign_in(privacy, websocket.headers)

    @app.websocket("/feed")
    async def feed(websocket: WebSocket, _: Annotated[None, Depends(signed_in)]) -> None:
        await websocket.accept()
        with Session(shop) as session:
            customer = session.get_one(Customer, 1)
            await websocket.send_text(customer.address)
            await websocket.send_text(str(customer.birthday))

    install(app, privacy, purpose_for=by_route({"WEBSOCKET /feed": "shipping"}))
    client = TestClient(app)
    with client.websocket_connect("/feed", headers=WAREHOUSE) as opened:
        assert opened.receive_text() == "1 Street"
        with pytest.raises(WebSocketDisconnect) as closed:
            opened.receive_text()
    assert (closed.value.code, closed.value.reason) == (1008, "SP-201")
    with pytest.raises(WebSocketDisconnect), client.websocket_connect("/feed", headers=MARKETING):
        pytest.fail("it was accepted")


def test_the_start_of_an_application_has_no_access(privacy: Privacy) -> None:
    found: list[str] = []

    @asynccontextmanager
    async def lifespan(app: Any) -> AsyncIterator[None]:
        with pytest.raises(AccessDenied):
            privacy.current()
        found.append("started")
        yield

    app = FastAPI(lifespan=lifespan)
    install(app, privacy)
    with TestClient(app):
        assert found == ["started"]


# -- on a real server ---------------------------------------------------------------------------------------------------


def test_an_answer_that_has_begun_is_broken_off_and_what_is_over_leaves_nothing_open(
    privacy: Privacy, shop: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    app = FastAPI()
    scopes: list[Any] = []
    ended: list[str] = []

    @app.get("/export", dependencies=[Depends(privacy.purpose("shipping"))])
    def export(request: Request) -> StreamingResponse:
        sign_in(privacy, request.headers)
        scopes.append(privacy.current())

        def lines() -> Iterator[str]:
            with Session(shop) as session:
                customers = session.scalars(select(Customer).order_by(Customer.id)).all()
                yield f"{customers[0].address}\n"
                yield f"{customers[1].birthday}\n"

        return StreamingResponse(lines())

    @app.get("/endless", dependencies=[Depends(privacy.purpose("shipping"))])
    async def endless(request: Request) -> StreamingResponse:
        sign_in(privacy, request.headers)
        scopes.append(privacy.current())

        async def lines() -> AsyncIterator[str]:
            try:
                while True:
                    yield f"{privacy.current().access.actor}\n"
                    await asyncio.sleep(0.001)
            finally:
                ended.append("endless")

        return StreamingResponse(lines())

    install(app, privacy)
    with serving(app) as url, httpx.Client(base_url=url) as client:
        with client.stream("GET", "/export", headers=WAREHOUSE) as answer:
            read = answer.iter_lines()
            assert next(read) == "1 Street"
            with pytest.raises(httpx.RemoteProtocolError):
                list(read)
        with client.stream("GET", "/endless", headers=WAREHOUSE) as answer:
            assert next(answer.iter_lines()) == "staff:17"
    assert ended == ["endless"]
    assert [scope.alive for scope in scopes] == [False, False]
    assert "PurposeDenied" in caplog.text  # the server's own log says why
    assert str(BIRTHDAY) not in caplog.text
