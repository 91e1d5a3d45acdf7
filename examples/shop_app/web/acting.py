"""Who is there, and what the pages get from it: the shop, a session of the database, a customer, an employee."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

from fastapi import Depends, Request
from sqlalchemy.orm import Session

from examples.shop_app.models import Customer
from examples.shop_app.web.shop import Shop

__all__ = ["Database", "Me", "SignInFirst", "Staff", "TheShop", "employee"]


class SignInFirst(Exception):
    """Nobody is signed in.

    :param at: the page to do it on.
    """

    def __init__(self, at: str) -> None:
        super().__init__(at)
        self.at = at


def the_shop(request: Request) -> Shop:
    shop: Shop = request.app.state.shop
    return shop


TheShop = Annotated[Shop, Depends(the_shop)]


def database(request: Request, shop: TheShop) -> Iterator[Session]:
    with Session(shop.office if request.url.path.startswith("/officer") else shop.engine) as session:
        yield session


Database = Annotated[Session, Depends(database)]


def customer(request: Request, shop: TheShop, session: Database) -> Customer:
    """The customer who is signed in, for the purpose of looking after their own account."""
    number = request.session.get("customer")
    if number is None:
        raise SignInFirst("/sign-in")
    shop.privacy.current().bind(actor=f"customer:{number}", role="customer", subject=number, purpose="account")
    found = session.get(Customer, number)
    if found is None:  # erased meanwhile
        request.session.clear()
        raise SignInFirst("/sign-in")
    return found


Me = Annotated[Customer, Depends(customer)]


def employee(request: Request, shop: TheShop, session: Database) -> str:
    """The employee who is signed in, in the roles that they were granted; what a desk does not see reads as a mask."""
    actor = request.session.get("staff")
    if actor is None:
        raise SignInFirst("/staff/sign-in")
    access = shop.privacy.current()
    access.bind(actor=actor)
    standing = shop.privacy.staff.port.standing(actor, session.connection())
    said: dict[str, Any] = {"role": tuple(standing.roles)} if standing.roles else {}
    access.bind(withheld="mask", **said)
    return str(actor)


Staff = Annotated[str, Depends(employee)]
