"""FastAPI and Starlette, in one line, after your own middlewares:

    install(app, privacy, purpose_for=by_route({"GET /labels/{order}": "shipping"}))

Each request runs in a ``privacy.request()`` of its own; whoever signs somebody in fills it in, with
``privacy.current().bind(actor=..., role=...)``. ``Depends(privacy.purpose("shipping"))`` says what a route is for, where it
stands. Denials are answered with 403, wherever they come up: in the endpoint, its dependencies, a template, or while the
``response_model`` reads an object. A handler of your own, ``@app.exception_handler(AccessDenied)``, comes first.

See docs/frameworks/fastapi.md.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response

from sa_privacy.integrations.asgi import Answers, PrivacyMiddleware, Problem, by_route
from sa_privacy.integrations.routes import Called, Purpose
from sa_privacy.privacy import Privacy

__all__ = ["Problem", "by_route", "install"]


def install(
    app: Starlette,
    privacy: Privacy,
    *,
    purpose_for: Callable[[Called], Purpose] | None = None,
    request_id: str | None = "x-request-id",
    detail: bool = False,
    challenge: str | None = None,
    respond: Callable[[Request, Problem], Response] | None = None,
) -> None:
    """Makes every request of the application an access, and answers denials.

    Call it after your own ``add_middleware``: those that are added later run around it, where no access is open.

    :param purpose_for: the purposes of a request, from its ASGI scope: ``by_route({...})``, or a function of your own.
    :param request_id: see :class:`~sa_privacy.integrations.asgi.PrivacyMiddleware`, as for the next two.
    :param respond: makes the answer, for instance a page, in place of ``application/problem+json``.
    :raises UnknownPurpose: ``by_route`` names one that the policy does not know.
    """
    answering: dict[str, Any] = {
        "privacy": privacy,
        "detail": detail,
        "challenge": challenge,
        "respond": None if respond is None else lambda scope, problem: respond(Request(scope), problem),
    }
    # Outside all, for what other middlewares let through; and inside all, so that their headers are on the answers.
    app.add_middleware(PrivacyMiddleware, purpose_for=purpose_for, request_id=request_id, **answering)
    app.user_middleware.append(Middleware(Answers, **answering))
