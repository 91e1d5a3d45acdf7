"""Signing in: customers with their e-mail address, employees with their account; the pledge that some desks take."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import Response

from examples.shop_app.web.acting import Database, Staff, TheShop
from examples.shop_app.web.pages import back, begin, language_of, local_path, notice, page
from examples.shop_app.web.passwords import find_customer
from examples.shop_app.web.texts import LANGUAGES
from sa_privacy import LoginRefused

__all__ = ["router"]

router = APIRouter()
Field = Annotated[str, Form()]


@router.get("/sign-in")
def ask_customer(request: Request, next: str = "/my") -> Response:  # noqa: A002 - as links say it
    return page(request, "sign_in/customer.html", next=local_path(next), email="", refused=False)


@router.post("/sign-in")
def sign_in_customer(
    request: Request,
    shop: TheShop,
    database: Database,
    email: Field = "",
    password: Field = "",
    next: Field = "/my",  # noqa: A002
) -> Response:
    number = find_customer(shop.privacy, database, email.strip(), password)
    if number is None:
        again = {"next": local_path(next), "email": email, "refused": True}
        return page(request, "sign_in/customer.html", status=422, **again)
    begin(request, customer=number)
    return back(local_path(next, "/my"))


@router.get("/staff/sign-in")
def ask_employee(request: Request, next: str = "/desks") -> Response:  # noqa: A002
    return page(request, "sign_in/employee.html", next=local_path(next), name="", refused=False)


@router.post("/staff/sign-in")
def sign_in_employee(
    request: Request,
    shop: TheShop,
    name: Field = "",
    password: Field = "",
    next: Field = "/desks",  # noqa: A002
) -> Response:
    try:
        actor = shop.privacy.staff.log_in(shop.engine, name.strip(), password)
    except LoginRefused:
        again = {"next": local_path(next), "name": name, "refused": True}
        return page(request, "sign_in/employee.html", status=422, **again)
    begin(request, staff=actor, name=name.strip())
    return back(local_path(next, "/desks"))


@router.post("/sign-out")
def sign_out(request: Request) -> Response:
    begin(request)
    return back("/")


@router.get("/language/{language}")
def choose_language(request: Request, language: str, next: str = "/") -> Response:  # noqa: A002
    if language in LANGUAGES:
        request.session["language"] = language
    return back(local_path(next))


@router.get("/staff/pledge")
def ask_pledge(request: Request, shop: TheShop, actor: Staff, database: Database) -> Response:
    wording = shop.privacy.policy.wordings["handling"]
    signed = shop.privacy.staff.port.standing(actor, database.connection()).pledges
    return page(request, "sign_in/pledge.html", wording=wording, signed="handling" in signed)


@router.post("/staff/pledge")
def sign_pledge(request: Request, shop: TheShop, actor: Staff, database: Database) -> Response:
    shop.privacy.staff.sign(database, actor, "handling", language=language_of(request))
    database.commit()
    notice(request, "sign_in.pledged")
    return back("/desks")
