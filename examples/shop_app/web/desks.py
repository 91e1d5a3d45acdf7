"""The desks of employees. All of them have these pages: what differs is the purpose that ``app.py`` gives to each.

Nothing here says which fields a desk sees. The pages print customers whole, and what the purpose does not cover reads as a mask.
"""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Form, HTTPException, Request
from fastapi.responses import Response
from sqlalchemy import func, select
from sqlalchemy.orm import Session, joinedload, selectinload

from examples.shop_app.models import Customer, Inquiry, Order, Questionnaire, UsageEvent
from examples.shop_app.web.acting import Database, Staff, TheShop
from examples.shop_app.web.pages import PAGE_SIZE, Asked, back, notice, page
from examples.shop_app.web.policy import DESKS
from examples.shop_app.web.typed import Number
from sa_privacy import AccessDenied

__all__ = ["every", "inquiries", "rooms", "shipping"]

every, shipping, inquiries, rooms = APIRouter(), APIRouter(), APIRouter(), APIRouter()
Field = Annotated[str, Form()]


@rooms.get("/desks")
def choose(request: Request, shop: TheShop, actor: Staff) -> Response:
    roles = shop.privacy.current().access.roles
    mine = {name for role in roles for name in shop.privacy.policy.roles[role].purposes}
    return page(request, "desks/rooms.html", actor=actor, roles=roles, mine=mine)


@every.get("")
def desk(request: Request, database: Database, asked: Asked) -> Response:
    name = _name(request)
    customers = select(Customer).order_by(Customer.id).offset(asked.start).limit(PAGE_SIZE + 1)
    found = database.scalars(customers).all()
    work = _WORK[name](database)
    shown: dict[str, Any] = {"customers": found[:PAGE_SIZE], "number": asked.number, "more": len(found) > PAGE_SIZE}
    return page(request, "desks/desk.html", desk=name, **shown, **work)


@every.get("/customers/{number}")
def customer(request: Request, database: Database, number: Number) -> Response:
    found = database.get(Customer, number, options=[selectinload(Customer.orders).selectinload(Order.items)])
    if found is None:  # there is none, or none whom this purpose reaches
        raise HTTPException(404)
    return page(request, "desks/customer.html", desk=_name(request), customer=found)


@shipping.post("/orders/{number}/shipped")
def shipped(request: Request, database: Database, number: Number) -> Response:
    order = database.get(Order, number)
    if order is None:
        raise HTTPException(404)
    order.status = "shipped"
    database.commit()
    notice(request, "desks.shipped")
    return back("/desks/shipping")


@shipping.post("/parcels")
def parcels(shop: TheShop, database: Database) -> Response:
    """The list for the delivery company: the one door out, and never without a record."""
    waiting = database.scalars(_to_ship().with_only_columns(Order.customer_id)).all()
    categories = ["name", "address", "phone"]
    given = shop.privacy.disclose(
        database, to="delivery_company", subjects=sorted(set(waiting)), categories=categories, format="csv"
    )
    database.commit()
    headers = {"Content-Disposition": 'attachment; filename="parcels.csv"'}
    return Response(given.data, media_type="text/csv; charset=utf-8", headers=headers)


@inquiries.post("/inquiries/{number}/answered")
def answered(request: Request, database: Database, number: Number) -> Response:
    inquiry = database.get(Inquiry, number)
    if inquiry is None:
        raise HTTPException(404)
    inquiry.answered_on = func.current_date()
    database.commit()
    notice(request, "desks.answered")
    return back("/desks/inquiries")


@inquiries.get("/emergency/{number}")
def ask_emergency(request: Request, number: Number) -> Response:
    return page(request, "desks/emergency.html", desk="inquiries", number=number, said={}, refused=None)


@inquiries.post("/emergency/{number}")
def emergency(
    request: Request, shop: TheShop, actor: Staff, number: Number, reason: Field = "", ticket: Field = ""
) -> Response:
    """Breaks the glass: this customer for the purpose of shipping, once, and somebody else looks at it afterwards."""
    said = {"reason": reason.strip(), "ticket": ticket.strip()}
    if not all(said.values()):
        return page(
            request,
            "desks/emergency.html",
            status=422,
            desk="inquiries",
            number=number,
            said=said,
            refused="desks.both",
        )
    try:
        with (
            shop.privacy.access(
                "shipping", actor=actor, role="support", break_glass=True, reason=said["reason"], ticket=said["ticket"]
            ),
            Session(shop.engine) as database,
        ):
            return customer_under_glass(request, database, number)
    except AccessDenied as error:
        return page(
            request, "desks/emergency.html", status=422, desk="inquiries", number=number, said=said, refused=str(error)
        )


def customer_under_glass(request: Request, database: Session, number: int) -> Response:
    found = database.get(Customer, number)
    if found is None:
        raise HTTPException(404)
    return page(request, "desks/customer.html", desk="shipping", customer=found)


def _name(request: Request) -> str:
    return next(name for name in DESKS if request.url.path.startswith(f"/desks/{name}"))


# -- what waits at each desk --------------------------------------------------------------------------------------


def _to_ship() -> Any:
    return select(Order).where(Order.status != "shipped").order_by(Order.ordered_on, Order.id).limit(8)


def _parcels(database: Session) -> dict[str, Any]:
    return {"orders": database.scalars(_to_ship().options(joinedload(Order.customer))).all()}


def _orders(database: Session) -> dict[str, Any]:
    latest = select(Order).order_by(Order.ordered_on.desc(), Order.id.desc()).limit(8)
    return {"orders": database.scalars(latest.options(joinedload(Order.customer), selectinload(Order.items))).all()}


def _campaign(database: Session) -> dict[str, Any]:
    return {"reached": database.scalar(select(func.count()).select_from(Customer))}


def _improvement(database: Session) -> dict[str, Any]:
    seen = func.count().label("seen")
    pages = database.execute(select(UsageEvent.page, seen).group_by(UsageEvent.page).order_by(seen.desc())).all()
    scores = database.execute(
        select(Questionnaire.score, func.count().label("given")).group_by(Questionnaire.score)
    ).all()
    words = (
        select(Questionnaire)
        .where(Questionnaire.comment.is_not(None))
        .order_by(Questionnaire.answered_on.desc())
        .limit(6)
    )
    return {
        "pages": pages,
        "scores": {one.score: one.given for one in scores},
        "words": database.scalars(words).all(),
    }


def _inquiries(database: Session) -> dict[str, Any]:
    waiting = select(Inquiry).order_by(Inquiry.answered_on.is_not(None), Inquiry.received_on.desc()).limit(8)
    return {"inquiries": database.scalars(waiting.options(joinedload(Inquiry.customer))).all()}


_WORK = {
    "shipping": _parcels,
    "orders": _orders,
    "campaigns": _campaign,
    "improvement": _improvement,
    "inquiries": _inquiries,
}
