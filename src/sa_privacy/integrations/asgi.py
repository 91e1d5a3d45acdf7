"""The middleware of ASGI applications: a request is an access, and a denial is an answer.

    app = PrivacyMiddleware(app, privacy, purpose_for=by_route({"GET /labels/{order}": "shipping"}))

Each request, and each websocket, runs in a ``privacy.request()`` of its own, which inherits nothing. It holds as long as
the application works for it: through serialisers, streamed bodies and Starlette's background tasks, which all run before
the application returns. What goes on after that (``create_task``) finds its access ended, unless ``privacy.carry`` took it
along. Start and shutdown of the application ("lifespan") have no access: what they do, they declare themselves.

See docs/frameworks/asgi.md.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import nullcontext
from typing import Any, Final

from sa_privacy.errors import PrivacyError
from sa_privacy.integrations.problems import Problem, find, problem_of
from sa_privacy.integrations.requests import Requests, opened
from sa_privacy.integrations.routes import Called, Purpose, by_route
from sa_privacy.privacy import Privacy

__all__ = ["Answers", "PrivacyMiddleware", "Problem", "by_route"]

_SERVED: Final = frozenset({"http", "websocket"})

Message = Called
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Called, Receive, Send], Awaitable[None]]
#: Makes the answer: takes the ASGI scope and the problem, and returns an ASGI application, as every response of Starlette is.
Respond = Callable[[Called, Problem], Any]


class PrivacyMiddleware:
    """Opens a request for each HTTP request and websocket, and answers denials that the application lets through.

    :param app: the application.
    :param purpose_for: the purposes of a request, from its ASGI scope: :func:`by_route`, or a function of your own. None, and
        whatever it does not know: no purpose yet; the endpoint declares one, or everything personal stays shut. A purpose
        that nobody unknown may act for waits until a role is bound.
    :param request_id: the header that holds the caller's id of the request, which goes into the log if it can name nobody: a
        UUID, 32 hexadecimal digits, or an ULID. Otherwise, and with None, a new one is made.
    :param detail: denials tell which column, purpose and role they are about. Not for callers from outside.
    :param challenge: how one signs in, e.g. ``"Bearer"``: denials answer 401 with it where nobody has signed in.
    :param respond: makes the answer, in place of ``application/problem+json``.
    :raises UnknownPurpose: ``by_route`` names one that the policy does not know.
    """

    def __init__(
        self,
        app: App,
        privacy: Privacy,
        *,
        purpose_for: Callable[[Called], Purpose] | None = None,
        request_id: str | None = "x-request-id",
        detail: bool = False,
        challenge: str | None = None,
        respond: Respond | None = None,
    ) -> None:
        self._app = app
        self._requests = Requests(privacy, purpose_for, request_id, _header)
        self._answers = Answers(self._within, privacy, detail=detail, challenge=challenge, respond=respond)

    async def __call__(self, scope: Called, receive: Receive, send: Send) -> None:
        await (self._answers if scope["type"] in _SERVED else self._app)(scope, receive, send)

    async def _within(self, scope: Called, receive: Receive, send: Send) -> None:
        with self._requests.opening(scope) or nullcontext():
            self._requests.note(scope)
            await self._app(scope, receive, send)


class Answers:
    """Answers denials that `app` lets through, also those inside other errors: 403 or 401, and 503 where log or keys are away.

    An answer that has begun is not finished: the error goes on to the server, which breaks off the connection, so that the
    caller does not take half of it for the whole.
    """

    def __init__(
        self,
        app: App,
        privacy: Privacy,
        *,
        detail: bool = False,
        challenge: str | None = None,
        respond: Respond | None = None,
    ) -> None:
        self._app, self._privacy, self._respond = app, privacy, respond or _problem_json
        self._detail, self._challenge = detail, challenge

    async def __call__(self, scope: Called, receive: Receive, send: Send) -> None:
        if scope["type"] not in _SERVED:
            await self._app(scope, receive, send)
            return
        begun: set[str] = set()

        async def sending(message: Message) -> None:
            begun.add(message["type"])
            await send(message)

        try:
            await self._app(scope, receive, sending)
        except Exception as error:
            denial = find(error)
            if denial is None or "http.response.start" in begun or "websocket.close" in begun:
                raise
            if scope["type"] == "websocket":  # before it is accepted, servers answer 403; 1008: against the policy
                await send({"type": "websocket.close", "code": 1008, "reason": denial.code})
            else:
                await self._respond(scope, self._problem(denial, scope))(scope, receive, send)

    def _problem(self, denial: PrivacyError, scope: Called) -> Problem:
        request = opened(self._privacy, scope)
        return problem_of(
            denial, request.access if request is not None else None, detail=self._detail, challenge=self._challenge
        )


def _problem_json(scope: Called, problem: Problem) -> App:
    """The answer as ``application/problem+json``."""
    body = problem.body
    headers = {**problem.headers, "content-length": str(len(body))}
    encoded = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]

    async def answer(_scope: Called, _receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": int(problem.status), "headers": encoded})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})

    return answer


def _header(scope: Called, name: str) -> str | None:
    """A header of the request."""
    wanted = name.lower().encode("latin-1")
    return next((bytes(value).decode("latin-1") for key, value in scope["headers"] if key.lower() == wanted), None)
