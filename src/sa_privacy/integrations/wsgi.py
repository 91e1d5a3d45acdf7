"""The middleware of WSGI applications (PEP 3333): a request is an access, and a denial is an answer.

    app = PrivacyMiddleware(app, privacy, purpose_for=by_route({"GET /labels/{order}": "shipping"}))

Each request runs in a ``privacy.request()`` of its own, which inherits nothing. It is in force while the application works:
while it is called, and while the server takes the next part of the body from it; not in between, while the server sends. It
ends when the body does, or when the server closes it. A thread that the application starts has no access, unless
``privacy.carry`` took one along.

See docs/frameworks/wsgi.md.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from sa_privacy.integrations.problems import Problem, find, problem_of
from sa_privacy.integrations.requests import Requests, opened
from sa_privacy.integrations.routes import Called, Purpose, by_route
from sa_privacy.privacy import Privacy

__all__ = ["PrivacyMiddleware", "Problem", "by_route"]

StartResponse = Callable[..., Any]
Environ = dict[str, Any]
App = Callable[[Environ, StartResponse], Iterable[bytes]]


class PrivacyMiddleware:
    """Opens a request for each HTTP request, and answers denials that the application lets through.

    :param app: the application.
    :param purpose_for: the purposes of a request, from its environ. This and the other parameters are those of
        :class:`sa_privacy.integrations.asgi.PrivacyMiddleware`.
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
    ) -> None:
        self._app, self._privacy = app, privacy
        self._detail, self._challenge = detail, challenge
        self._requests = Requests(privacy, purpose_for, request_id, _header)

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        try:
            block = self._requests.opening(environ)
            body = (self._serve if block is None else block(self._serve))(environ, start_response)
            next(body)  # calls the application at once, as if there were no generator around it
        except Exception as error:  # noqa: BLE001 - what is no denial is raised again
            return [self._answer(error, environ, start_response)]
        return body

    def _serve(self, environ: Environ, start_response: StartResponse) -> Iterator[bytes]:
        self._requests.note(environ)
        begun = False

        def starting(status: str, headers: list[tuple[str, str]], *error: Any) -> Any:
            nonlocal begun
            begun = True
            return start_response(status, headers, *error)

        parts: Iterable[bytes] = ()
        try:
            try:
                parts = self._app(environ, starting)
            except Exception as error:  # noqa: BLE001 - as below
                parts = [self._answer(error, environ, start_response, begun=begun)]
            yield b""
            for part in parts:  # noqa: UP028 - it would close them once more
                yield part
        except Exception as error:  # noqa: BLE001 - what is no denial is raised again
            yield self._answer(error, environ, start_response, begun=begun)
        finally:
            close = getattr(parts, "close", None)
            if close is not None:
                close()

    def _answer(
        self, error: Exception, environ: Environ, start_response: StartResponse, *, begun: bool = False
    ) -> bytes:
        denial = find(error)
        if denial is None:
            raise error
        request = opened(self._privacy, environ)
        access = request.access if request is not None else None
        problem = problem_of(denial, access, detail=self._detail, challenge=self._challenge)
        body = problem.body
        headers = [*problem.headers.items(), ("content-length", str(len(body)))]
        # Where headers are sent already, the server raises the error instead, and breaks off the connection.
        raised = [sys.exc_info()] if begun else []
        start_response(f"{int(problem.status)} {problem.status.phrase}", headers, *raised)
        return b"" if environ["REQUEST_METHOD"] == "HEAD" else body


def _header(environ: Called, name: str) -> str | None:
    """A header of the request."""
    said: str | None = environ.get(f"HTTP_{name.upper().replace('-', '_')}")
    return said
