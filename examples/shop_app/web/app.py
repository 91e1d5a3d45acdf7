"""The application: which pages there are, and for which purpose each desk acts."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import quote

from fastapi import Depends, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import RedirectResponse, Response
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException
from starlette.middleware.sessions import SessionMiddleware

from examples.shop_app.web import customers, desks, officer, sign_in
from examples.shop_app.web.acting import SignInFirst, employee
from examples.shop_app.web.guarding import ForeignForm, SecurityHeaders, check_token
from examples.shop_app.web.pages import page
from examples.shop_app.web.policy import DESKS
from examples.shop_app.web.shop import Shop
from sa_privacy import AccessDenied, NotPledged
from sa_privacy.integrations.fastapi import install

__all__ = ["create_app"]

_HOURS_SIGNED_IN = 8


def create_app(shop: Shop, *, https: bool = False) -> FastAPI:
    """The shop as a web application.

    :param https: the cookie goes over HTTPS only.
    """
    app = FastAPI(title="Belue", openapi_url=None, dependencies=[Depends(check_token)])
    app.state.shop = shop
    app.mount("/static", StaticFiles(directory=Path(__file__).parent / "static"))
    app.include_router(sign_in.router)
    app.include_router(customers.router)
    app.include_router(desks.rooms)
    further = {"shipping": [desks.shipping], "inquiries": [desks.inquiries]}
    for name, what_for in DESKS.items():
        # The pages of all desks are the same; this is the difference.
        sitting = [Depends(employee), Depends(shop.privacy.purpose(what_for))]
        for router in (desks.every, *further.get(name, ())):
            app.include_router(router, prefix=f"/desks/{name}", dependencies=sitting)
    app.include_router(officer.router)

    app.add_exception_handler(SignInFirst, _sign_in_first)
    app.add_exception_handler(AccessDenied, _denied)
    app.add_exception_handler(ForeignForm, _foreign_form)
    app.add_exception_handler(HTTPException, _not_there)
    app.add_exception_handler(RequestValidationError, _not_there)

    app.add_middleware(
        SessionMiddleware,
        secret_key=shop.secret,
        session_cookie="belue",
        max_age=_HOURS_SIGNED_IN * 3600,
        same_site="lax",
        https_only=https,
    )
    app.add_middleware(SecurityHeaders)
    install(app, shop.privacy)  # each request is an access
    return app


def _sign_in_first(request: Request, error: Any) -> Response:
    wanted = request.url.path if request.method == "GET" else ""
    return RedirectResponse(f"{error.at}?next={quote(wanted)}" if wanted else error.at, 303)


def _denied(request: Request, error: Exception) -> Response:
    """What the library refused, with its way out; to an employee who has not signed the pledge, the pledge."""
    return page(request, "denied.html", status=403, error=error, pledge=isinstance(error, NotPledged))


def _foreign_form(request: Request, _error: Exception) -> Response:
    return page(request, "problem.html", status=403, what="foreign_form")


def _not_there(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 422
    return page(request, "problem.html", status=status, what="not_found" if status == 404 else "not_understood")
