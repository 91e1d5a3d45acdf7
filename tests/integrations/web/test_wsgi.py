"""Plain WSGI: an access is in force while the application works, and not while the server does."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.serving import make_server
from werkzeug.test import Client

from sa_privacy import AccessEnded, NoAccess, Privacy
from sa_privacy.integrations.wsgi import PrivacyMiddleware, by_route
from tests.integrations.web.world import BIRTHDAY, Customer

App = Callable[[dict[str, Any], Callable[..., Any]], Any]


def answering(start_response: Callable[..., Any], *body: bytes) -> list[bytes]:
    start_response("200 OK", [("content-type", "text/plain")])
    return list(body)


def addresses(privacy: Privacy, engine: Engine) -> App:
    """Streams addresses, and at last a birthday."""

    def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterator[bytes]:
        privacy.current().bind(actor=environ["HTTP_X_ACTOR"], role="warehouse")
        start_response("200 OK", [("content-type", "text/plain")])
        with Session(engine) as session:
            first, second = session.scalars(select(Customer).order_by(Customer.id))
            if "asked" in environ["QUERY_STRING"]:
                yield str(first.birthday).encode()
            yield f"{first.address}\n".encode()
            yield f"{second.address}\n".encode()
            yield str(second.birthday).encode()

    return app


@contextmanager
def serving(app: Any) -> Iterator[http.client.HTTPConnection]:
    """A real server, with a thread for each request."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port)
    try:
        yield connection
    finally:
        connection.close()
        server.shutdown()
        thread.join()
        server.server_close()


def test_the_access_is_in_force_while_the_application_works_and_not_while_the_server_does(
    privacy: Privacy, shop: Engine
) -> None:
    app = PrivacyMiddleware(addresses(privacy, shop), privacy, purpose_for=by_route({"/": "shipping"}))
    environ = {"REQUEST_METHOD": "GET", "PATH_INFO": "/", "HTTP_X_ACTOR": "staff:17", "QUERY_STRING": ""}
    body = iter(app(environ, lambda *_said: None))
    for number in (1, 2):
        assert next(body) == f"{number} Street\n".encode()
        with pytest.raises(NoAccess):
            privacy.current()
    body.close()  # type: ignore[attr-defined]
    body = iter(app(environ, lambda *_said: None))
    next(body)
    del body  # a server that forgets to close it
    with pytest.raises(NoAccess):
        privacy.current()


def test_an_answer_is_a_denial_until_it_has_begun_and_is_broken_off_then(
    privacy: Privacy, shop: Engine, capsys: pytest.CaptureFixture[str]
) -> None:
    app = PrivacyMiddleware(addresses(privacy, shop), privacy, purpose_for=by_route({"/": "shipping"}))
    with serving(app) as connection:
        connection.request("GET", "/?asked", headers={"x-actor": "staff:17"})
        answer = connection.getresponse()
        assert (answer.status, answer.headers["content-type"]) == (403, "application/problem+json")
        assert b"SP-201" in answer.read()
        connection.request("GET", "/", headers={"x-actor": "staff:17"})
        answer = connection.getresponse()
        assert answer.status == 200
        with pytest.raises(http.client.IncompleteRead) as read:
            answer.read()
        assert read.value.partial == b"1 Street\n2 Street\n"
    said = capsys.readouterr()
    assert str(BIRTHDAY) not in said.out + said.err


def test_threads_never_see_each_others_access(privacy: Privacy, shop: Engine) -> None:
    barrier = threading.Barrier(8)

    def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
        privacy.current().bind(actor=environ["HTTP_X_ACTOR"], role="warehouse")
        barrier.wait()
        with Session(shop) as session:
            address = session.get_one(Customer, 1).address
        return answering(start_response, f"{privacy.current().access.actor} {address}".encode())

    def ask(number: int) -> None:
        answer = Client(wrapped).get("/", headers={"x-actor": f"staff:{number}"})
        assert answer.text == f"staff:{number} 1 Street"

    wrapped = PrivacyMiddleware(app, privacy, purpose_for=lambda _environ: "shipping")
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(ask, range(200)))


def test_a_thread_that_a_request_starts_has_no_access_and_what_is_kept_of_it_has_ended(privacy: Privacy) -> None:
    seen: list[Any] = []

    def work() -> None:
        try:
            seen.append(privacy.current().access.actor)
        except NoAccess as error:
            seen.append(type(error))

    def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
        privacy.current().bind(actor="staff:17")
        for function in (work, privacy.carry(work)):
            thread = threading.Thread(target=function)
            thread.start()
            thread.join()
        seen.append(privacy.current())
        return answering(start_response)

    Client(PrivacyMiddleware(app, privacy)).get("/")
    assert seen[:2] == [NoAccess, "staff:17"]
    with pytest.raises(AccessEnded):
        seen[2].bind(actor="staff:1")


def test_faults_pass_bodies_are_closed_once_and_nothing_is_left_in_force(privacy: Privacy) -> None:
    closed: list[str | None] = []

    class Body:
        def __iter__(self) -> Iterator[bytes]:
            yield b"part"
            message = "a fault of the application"
            raise KeyError(message)

        def close(self) -> None:
            closed.append(privacy.current().access.request)

    def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
        answering(start_response)
        return Body()

    client = Client(PrivacyMiddleware(app, privacy))
    with pytest.raises(KeyError):
        client.get("/", buffered=True)
    assert len(closed) == 1
    with pytest.raises(NoAccess):
        privacy.current()


def test_an_application_inside_another_shares_its_access(privacy: Privacy) -> None:
    def inner(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
        access = privacy.current().access
        return answering(start_response, f"{access.actor} {access.purposes} {access.details['route']}".encode())

    def signing_in(environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
        privacy.current().bind(actor="staff:17", role=environ["HTTP_X_ROLE"])
        return mounted(environ, start_response)

    mounted = DispatcherMiddleware(
        signing_in,
        {"/desk": PrivacyMiddleware(inner, privacy, purpose_for=by_route({"GET /label": "shipping"}))},
    )
    client = Client(PrivacyMiddleware(signing_in, privacy))
    assert client.get("/desk/label", headers={"x-role": "warehouse"}).text == "staff:17 ('shipping',) GET /label"
    assert client.get("/desk/label", headers={"x-role": "marketing"}).status_code == 403
