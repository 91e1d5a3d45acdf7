"""The pages of customers: the shop, and everything about their own data."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, date, datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Form, HTTPException, Request
from fastapi.responses import PlainTextResponse, Response
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, selectinload

from examples.shop_app.models import Customer, CustomerPassword, Order, OrderItem
from examples.shop_app.web.acting import Database, Me, TheShop
from examples.shop_app.web.pages import Asked, back, begin, language_of, notice, page
from examples.shop_app.web.passwords import SHORTEST, hash_password, is_password
from examples.shop_app.web.products import PRODUCTS
from examples.shop_app.web.seen import days_of, uses_of
from examples.shop_app.web.typed import day_of
from sa_privacy import ConsentRefused, Privacy, RequestRefused

__all__ = ["router"]

router = APIRouter()
Field = Annotated[str, Form()]


@router.get("/")
def front(request: Request) -> Response:
    return page(request, "customers/front.html", products=PRODUCTS.values())


@router.get("/privacy")
def privacy_policy(request: Request) -> Response:
    return page(request, "customers/policy.html")


@router.get("/register")
def ask_registration(request: Request) -> Response:
    return page(request, "customers/register.html", said={}, wrong={})


@router.post("/register")
def register(
    request: Request,
    shop: TheShop,
    database: Database,
    name: Field = "",
    name_kana: Field = "",
    address: Field = "",
    phone: Field = "",
    email: Field = "",
    birthday: Field = "",
    password: Field = "",
) -> Response:
    said = {
        "name": name,
        "name_kana": name_kana,
        "address": address,
        "phone": phone,
        "email": email,
        "birthday": birthday,
    }
    said = {field: value.strip() for field, value in said.items()}
    wrong = _wrong(said)
    if "@" not in said["email"]:
        wrong["email"] = "customers.wrong_email"
    if not SHORTEST <= len(password) <= 200:
        wrong["password"] = "customers.wrong_password"  # noqa: S105 - the key of a text
    number = None if wrong else _registered(shop.privacy, database, said, password, language_of(request))
    if number is None:
        wrong = wrong or {"email": "customers.wrong_taken"}
        return page(request, "customers/register.html", status=422, said=said, wrong=wrong)
    begin(request, customer=number, notice="customers.welcome")
    return back("/my")


def _registered(privacy: Privacy, database: Session, said: dict[str, str], password: str, language: str) -> int | None:
    """The number of the new customer; None where the address is somebody's already."""
    customer = Customer(
        **_values(said),
        email=said["email"],
        language=language,
        joined_on=_today(),
        password=CustomerPassword(hash=hash_password(password)),
    )
    with privacy.access("registration", role="visitor"):
        database.add(customer)
        try:
            database.commit()
        except IntegrityError:
            return None
        return customer.id


@router.post("/orders")
def order(
    request: Request, me: Me, database: Database, product: Field, quantity: Annotated[int, Form()] = 1
) -> Response:
    wanted = PRODUCTS.get(product)
    if wanted is None or not 1 <= quantity <= 20:
        raise HTTPException(422)
    item = OrderItem(product=wanted.title[language_of(request)], quantity=quantity)
    amount = quantity * wanted.price
    database.add(Order(customer_id=me.id, status="received", ordered_on=_today(), amount=amount, items=[item]))
    database.commit()
    notice(request, "customers.ordered")
    return back("/my/orders")


@router.get("/my/orders")
def orders(request: Request, _me: Me, database: Database) -> Response:
    mine = select(Order).options(selectinload(Order.items)).order_by(Order.ordered_on.desc(), Order.id.desc())
    return page(request, "customers/orders.html", orders=database.scalars(mine).all())


# -- my data ------------------------------------------------------------------------------------------------------


@router.get("/my")
def my_data(request: Request, shop: TheShop, me: Me, database: Database) -> Response:
    policy, consents = shop.privacy.policy, shop.privacy.consents
    matters = [one for one in policy.purposes.values() if one.consent != "none"]
    asked: list[Any] = [*matters, *(one for one in policy.recipients.values() if one.wording is not None)]
    states = [(one, policy.wordings[one.wording], consents.state(database, me.id, one.name)) for one in asked]
    requests = shop.privacy.requests.list(database)
    history = consents.history(database, me.id)
    titles = {one.name: one.title for one in asked}
    return page(
        request, "customers/my.html", me=me, states=states, requests=requests, history=history[::-1], titles=titles
    )


@router.get("/my/details")
def details(request: Request, me: Me) -> Response:
    said = {name: getattr(me, name) or "" for name in ("name", "name_kana", "address", "phone", "birthday")}
    return page(request, "customers/details.html", said=said, wrong={})


@router.post("/my/details")
def change_details(
    request: Request,
    me: Me,
    database: Database,
    name: Field = "",
    name_kana: Field = "",
    address: Field = "",
    phone: Field = "",
    birthday: Field = "",
) -> Response:
    said = {"name": name, "name_kana": name_kana, "address": address, "phone": phone, "birthday": birthday}
    said = {field: value.strip() for field, value in said.items()}
    wrong = _wrong(said)
    if wrong:
        return page(request, "customers/details.html", status=422, said=said, wrong=wrong)
    for field, value in _values(said).items():
        setattr(me, field, value)
    database.commit()
    notice(request, "customers.changed")
    return back("/my")


@router.post("/my/consents")
def consent(
    request: Request,
    shop: TheShop,
    me: Me,
    database: Database,
    to: Field,
    answer: Annotated[Literal["yes", "no"], Form()],
) -> Response:
    consents, language = shop.privacy.consents, language_of(request)
    if to not in shop.privacy.policy.purposes and to not in shop.privacy.policy.recipients:
        raise HTTPException(404)
    with suppress(ConsentRefused):  # the same, pressed twice
        if answer == "yes":
            consents.give(database, me.id, to, how="web", language=language)
        elif consents.state(database, me.id, to).agreed:
            consents.withdraw(database, me.id, to, how="web", language=language)
        else:
            consents.refuse(database, me.id, to, how="web", language=language)
        database.commit()
    notice(request, "customers.agreed" if answer == "yes" else "customers.disagreed")
    return back("/my#consents")


@router.get("/my/consents/{entry}")
def receipt(request: Request, shop: TheShop, me: Me, database: Database, entry: str) -> Response:
    try:
        return PlainTextResponse(shop.privacy.consents.receipt(database, me.id, entry, language_of(request)))
    except ConsentRefused:
        raise HTTPException(404) from None


@router.get("/my/seen")
def seen(request: Request, shop: TheShop, me: Me, asked: Asked, own: bool = False) -> Response:
    found = days_of(uses_of(shop, me.id), but=None if own else f"customer:{me.id}")
    shown = found[asked.start : asked.end]
    return page(request, "customers/seen.html", days=shown, own=own, number=asked.number, more=len(found) > asked.end)


@router.post("/my/requests")
def ask(
    request: Request,
    shop: TheShop,
    me: Me,
    database: Database,
    kind: Annotated[Literal["disclosure", "erasure"], Form()],
    password: Field = "",
) -> Response:
    if not _proves(me, password):
        notice(request, "customers.not_proved")
        return back(f"/my#{kind}")
    shop.privacy.requests.receive(database, kind, language=language_of(request))
    database.commit()
    notice(request, f"customers.asked_{kind}")
    return back("/my#requests")


@router.post("/my/requests/{reference}/file")
def download(
    request: Request,
    shop: TheShop,
    _me: Me,
    database: Database,
    reference: str,
    form: Annotated[Literal["html", "json"], Form()] = "html",
) -> Response:
    """The file is made now, handed over, and kept nowhere."""
    privacy = shop.privacy
    try:
        mine = privacy.requests.show(database, reference)  # of the person's own, or refused
        database.commit()
        with (
            privacy.request(actor="shop:my-data", role="self_service", reason="signed in, and proved it once more"),
            Session(shop.engine) as desk,
        ):
            if mine.state == "identified":
                privacy.requests.begin(desk, reference)
            file = privacy.requests.answer(desk, reference).file
            desk.commit()
    except RequestRefused:
        file = None
    if file is None:  # it was handed over already, or something else was asked for
        notice(request, "customers.no_file")
        return back("/my#requests")
    text, kind = (file.json(), "application/json") if form == "json" else (file.html(language_of(request)), "text/html")
    headers = {"Content-Disposition": f'attachment; filename="my-data.{form}"'}
    return Response(text, media_type=kind, headers=headers)


@router.post("/my/requests/{reference}/withdraw")
def withdraw(request: Request, shop: TheShop, _me: Me, database: Database, reference: str) -> Response:
    with suppress(RequestRefused):
        shop.privacy.requests.withdraw(database, reference)
        database.commit()
        notice(request, "customers.withdrawn")
    return back("/my#requests")


def _proves(me: Customer, password: str) -> bool:
    return me.password is not None and is_password(me.password.hash, password)


def _wrong(said: dict[str, str]) -> dict[str, str]:
    """What is missing or cannot be, by field."""
    wrong = {field: f"customers.wrong_{field}" for field in ("name", "address") if not said[field]}
    if said["birthday"] and day_of(said["birthday"]) is None:
        wrong["birthday"] = "customers.wrong_birthday"
    return wrong


def _values(said: dict[str, str]) -> dict[str, Any]:
    return {
        "name": said["name"],
        "name_kana": said["name_kana"] or None,
        "address": said["address"],
        "phone": said["phone"] or None,
        "birthday": day_of(said["birthday"]),
    }


def _today() -> date:
    return datetime.now(UTC).date()
