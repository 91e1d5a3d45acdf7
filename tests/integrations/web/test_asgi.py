"""Plain ASGI: routes, ids of requests, and what a middleware without a framework answers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx2 as httpx
import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from sa_privacy import AccessLog, KeyUnavailable, NoAccess, PolicyError, Privacy
from sa_privacy.integrations.asgi import PrivacyMiddleware, by_route
from tests.integrations.web.world import Customer

ROUTES = by_route({
    "GET /orders/{id}": "any order",
    "GET /orders/new": "a new order",
    "POST PUT /orders/{id}": "change",
    "/files/{rest:path}": "files",
    "/files/{name}/label": "label",
    "/": "home",
    "WEBSOCKET /feed": "feed",
    "GET /health": None,
    "/v1.0/{a}-{b:int}": ["one", "two"],
})  # fmt: skip


@pytest.mark.parametrize(
    ("method", "path", "purposes"),
    [
        ("GET", "/orders/5", ("any order",)),
        ("HEAD", "/orders/5", ("any order",)),
        ("GET", "/orders/new", ("a new order",)),
        ("PUT", "/orders/new", ("change",)),
        ("DELETE", "/orders/5", None),
        ("GET", "/orders/5/", None),
        ("GET", "/orders/5/6", None),
        ("GET", "/orders/", None),
        ("GET", "/ORDERS/5", None),
        ("GET", "/files/a/b/c", ("files",)),
        ("GET", "/files/a/label", ("label",)),
        ("GET", "/files/a/b/label", ("files",)),
        ("GET", "/", ("home",)),
        ("GET", "", ("home",)),
        ("GET", "/orders/new\n", ("any order",)),
        ("GET", "/health", ()),
        ("GET", "/health\n", None),
        ("GET", "/v1.0/x-7", ("one", "two")),
        ("GET", "/v1x0/x-7", None),
    ],
)
def test_the_most_literal_route_counts_and_what_is_not_there_has_no_purpose(
    method: str, path: str, purposes: tuple[str, ...] | None
) -> None:
    assert ROUTES({"type": "http", "method": method, "path": path}) == purposes
    assert ROUTES({"type": "http", "method": method, "path": f"/app{path}", "root_path": "/app"}) == purposes
    assert ROUTES({"REQUEST_METHOD": method, "PATH_INFO": path, "SCRIPT_NAME": "/app"}) == purposes


@pytest.mark.parametrize("order", [1, -1])
def test_of_two_parameters_the_narrower_counts_in_whatever_order_they_are_written(order: int) -> None:
    written = {
        "/orders/{id:int}": "number",
        "/orders/{code}": "code",
        "/orders/{code}.json": "export",
        "/files/{rest:path}": "file",
        "/files/{rest:path}/owner": "owner",
    }
    routes = by_route(dict(list(written.items())[::order]))
    paths = ("/orders/5", "/orders/x", "/orders/x.json", "/files/a/b", "/files/a/b/owner")
    assert [routes({"method": "GET", "path": path}) for path in paths] == [(name,) for name in written.values()]


def test_a_websocket_is_no_get(privacy: Privacy) -> None:
    assert ROUTES({"type": "websocket", "path": "/feed"}) == ("feed",)
    assert ROUTES({"type": "http", "method": "GET", "path": "/feed"}) is None


def test_paths_are_compared_as_text(privacy: Privacy) -> None:
    routes = by_route({"/注文/{id}": "order"})
    assert routes({"type": "http", "method": "GET", "path": "/注文/5"}) == ("order",)
    assert routes({"REQUEST_METHOD": "GET", "PATH_INFO": "/注文/5".encode().decode("latin-1")}) == ("order",)


@pytest.mark.parametrize(
    "route", ["", "label", "get /label", "GET label", "/a/<id>", "/a/{}", "/a/{id", "/a/*", "/a/{id:integer}"]
)
def test_what_is_no_route_is_refused(route: str) -> None:
    with pytest.raises(PolicyError, match="is no route"):
        by_route({route: "shipping"})


def app_of(work: Callable[[], Any]) -> Any:
    async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
        body = str(work()).encode()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": body})

    return app


async def get(app: Any, path: str = "/", method: str = "GET", **headers: str) -> httpx.Response:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://shop") as client:
        return await client.request(method, path, headers=headers)


@pytest.mark.parametrize(
    ("said", "taken"),
    [
        ("8d777f38-5d3d-4dec-815d-20f7496026dc", True),
        ("4bf92f3577b34da6a3ce929d0e0e4736", True),
        ("01ARZ3NDEKTSV4RRFFQ69G5FAV", True),
        ("hanako@example.org", False),
        ("090-1234-5678", False),
        ("4111111111111111", False),
        ("8d777f38-5d3d-4dec-815d-20f7496026dc ", False),
        ("", False),
    ],
)
async def test_an_id_from_outside_is_taken_if_it_can_name_nobody(privacy: Privacy, said: str, taken: bool) -> None:
    app = PrivacyMiddleware(app_of(lambda: privacy.current().access.request), privacy)
    answer = await get(app, **{"x-request-id": said})
    assert (answer.text == said) is taken
    assert len(answer.text) >= 26
    own = PrivacyMiddleware(app_of(lambda: privacy.current().access.request), privacy, request_id=None)
    assert (await get(own, **{"x-request-id": said})).text != said


async def test_a_request_stands_in_the_log_with_its_id_and_route(privacy: Privacy, shop: Engine) -> None:
    def work() -> None:
        privacy.current().bind(actor="staff:17", role="warehouse")
        with Session(shop) as session:
            session.get_one(Customer, 1)

    app = PrivacyMiddleware(app_of(work), privacy, purpose_for=by_route({"GET /label/{id}": "shipping"}))
    identifier = "a" * 32
    await get(app, "/label/1", **{"x-request-id": identifier})
    assert isinstance(privacy.log, AccessLog)
    found = [event for event in privacy.log.events() if event.request == identifier]
    assert {(event.route, *event.purpose) for event in found} == {("GET /label/{id}", "shipping")}


async def test_denials_are_answered_and_other_errors_are_not(privacy: Privacy, shop: Engine) -> None:
    def denied() -> str:
        with Session(shop) as session:
            return session.get_one(Customer, 1).address

    app = PrivacyMiddleware(app_of(denied), privacy)
    answer = await get(app)
    assert (answer.status_code, answer.json()["code"]) == (403, "SP-202")
    head = await get(app, method="HEAD")
    assert (head.status_code, head.content) == (403, b"")
    assert head.headers["content-length"] == answer.headers["content-length"]

    def no_keys() -> None:
        message = "away"
        raise KeyUnavailable(message)

    assert (await get(PrivacyMiddleware(app_of(no_keys), privacy))).status_code == 503
    with pytest.raises(ZeroDivisionError):
        await get(PrivacyMiddleware(app_of(lambda: 1 // 0), privacy))


async def test_two_policies_serve_one_request_side_by_side(privacy: Privacy) -> None:
    from tests.access.conftest import make_policy

    other = Privacy(make_policy("other"), log=None, metadata=[])
    try:

        def work() -> tuple[Any, Any]:
            privacy.current().bind(actor="staff:17")
            return privacy.current().access.actor, other.current().access.actor

        app = PrivacyMiddleware(PrivacyMiddleware(app_of(work), privacy), other)
        assert (await get(app)).text == "('staff:17', None)"
    finally:
        other.close()


async def test_an_answer_that_has_begun_is_neither_finished_nor_answered_twice(privacy: Privacy, shop: Engine) -> None:
    async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"part", "more_body": True})
        with Session(shop) as session:
            await send({"type": "http.response.body", "body": session.get_one(Customer, 1).address.encode()})

    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message["type"])

    with pytest.raises(NoAccess):
        await PrivacyMiddleware(app, privacy)({"type": "http", "method": "GET", "path": "/", "headers": []}, None, send)  # type: ignore[arg-type]
    assert sent == ["http.response.start", "http.response.body"]
    with pytest.raises(NoAccess):
        privacy.current()
