"""Flask, and Flask-SQLAlchemy:

    install(app, privacy, db=db, purpose_for=by_endpoint({"label": "shipping", "campaigns.*": "campaigns"}))

Each request runs in a ``privacy.request()`` of its own, from before the first hook until the body is sent and the
application's teardown is done; whoever signs somebody in fills it in, with ``privacy.current().bind(actor=..., role=...)``.
Denials are answered with 403, also those inside errors that nobody handles; a handler of your own,
``@app.errorhandler(PurposeDenied)``, comes first. Commands and shells
have no request, and so no access: they open one.

See docs/frameworks/flask.md.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from flask import Flask, Request, Response, request

from sa_privacy.errors import PrivacyError
from sa_privacy.integrations.problems import ANSWERED, Problem, find, problem_of
from sa_privacy.integrations.requests import opened
from sa_privacy.integrations.routes import Purpose, names_of
from sa_privacy.integrations.wsgi import PrivacyMiddleware
from sa_privacy.privacy import Privacy

__all__ = ["Endpoints", "Problem", "by_endpoint", "install"]


class Endpoints:
    """Maps requests to purposes: what :func:`by_endpoint` returns."""

    def __init__(self, purposes: Mapping[str, Purpose]) -> None:
        self._purposes = {endpoint: names_of(purpose) for endpoint, purpose in purposes.items()}

    @property
    def purposes(self) -> tuple[str, ...]:
        """All that are named."""
        return tuple(dict.fromkeys(name for names in self._purposes.values() for name in names))

    def __call__(self, asked: Request) -> Purpose:
        exact = self._purposes.get(asked.endpoint or "")
        return exact if exact is not None else self._purposes.get(f"{asked.blueprint}.*")


def by_endpoint(purposes: Mapping[str, Purpose]) -> Endpoints:
    """Maps endpoints to purposes, for ``purpose_for=``.

    An endpoint is named as in ``url_for``; ``"campaigns.*"`` are those of a blueprint that are not named themselves. What is
    not here has no purpose: whatever is personal stays shut.

    :param purposes: one purpose of the policy, several, or None, for each endpoint.
    """
    return Endpoints(purposes)


def install(
    app: Flask,
    privacy: Privacy,
    *,
    db: Any = None,
    purpose_for: Callable[[Request], Purpose] | None = None,
    request_id: str | None = "x-request-id",
    detail: bool = False,
    challenge: str | None = None,
    respond: Callable[[Problem], Any] | None = None,
) -> None:
    """Makes every request of the application an access, and answers denials.

    :param db: a Flask-SQLAlchemy ``SQLAlchemy`` that knows the application already (``db.init_app(app)``): the engines of
        all its binds are protected.
    :param purpose_for: the purposes of a request: :func:`by_endpoint`, or a function of your own.
    :param request_id: see :class:`~sa_privacy.integrations.asgi.PrivacyMiddleware`, as for the next two.
    :param respond: makes the answer, for instance a page, in place of ``application/problem+json``.
    :raises UnknownPurpose: ``by_endpoint`` names one that the policy does not know.
    """
    if isinstance(purpose_for, Endpoints):
        privacy.purpose(*purpose_for.purposes)
    if db is not None:
        with app.app_context():
            for engine in db.engines.values():
                privacy.install(engine)
    around = PrivacyMiddleware(app.wsgi_app, privacy, request_id=request_id, detail=detail, challenge=challenge)
    app.wsgi_app = around  # type: ignore[method-assign]

    @app.before_request
    def declare() -> None:
        said: dict[str, Any] = {}
        if request.url_rule is not None:
            said["route"] = f"{request.method} {request.url_rule.rule}"
        if purpose_for is not None:
            said["purpose"] = names_of(purpose_for(request)) or None
        privacy.current().bind(**said)

    def answer(error: PrivacyError) -> Any:
        scope = opened(privacy, request.environ)
        access = scope.access if scope is not None else None
        problem = problem_of(error, access, detail=detail, challenge=challenge)
        if respond is not None:
            return respond(problem)
        return Response(problem.body, problem.status, problem.headers)

    for kind in ANSWERED:
        app.register_error_handler(kind, answer)
    unhandled = app.handle_exception

    def inside_others(error: Exception) -> Response:
        denial = find(error)
        if denial is None:
            return unhandled(error)
        return app.finalize_request(app.handle_user_exception(denial), from_error_handler=True)

    app.handle_exception = inside_others  # type: ignore[assignment, method-assign]
