"""Passwords, and who has signed in."""

from __future__ import annotations

import hashlib
import logging
import secrets
from typing import Annotated

from fastapi import Depends, HTTPException, Request
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from tests.dropin.club.database import Opened
from tests.dropin.club.models import Member, Token

log = logging.getLogger("club.security")


def hashed(password: str, salt: bytes | None = None) -> str:
    """A password as it is stored."""
    salt = salt or secrets.token_bytes(8)
    return f"{salt.hex()}${hashlib.scrypt(password.encode(), salt=salt, n=2, r=1, p=1).hex()}"


def fits(password: str, stored: str) -> bool:
    """Whether it is that password."""
    return secrets.compare_digest(hashed(password, bytes.fromhex(stored.partition("$")[0])), stored)


def sign_in(session: Session, email: str, password: str) -> str:
    """A token for whoever has that address and password."""
    member = session.scalars(select(Member).where(func.lower(Member.email) == email.lower())).one_or_none()
    if member is None or not fits(password, member.password_hash):
        raise HTTPException(401, "wrong e-mail address or password")
    token = Token(value=secrets.token_hex(16), member=member)
    session.add(token)
    session.commit()
    log.info("signed in: %r", member)
    return token.value


def current_member(request: Request, session: Opened) -> Member:
    """Whose token came with the request."""
    given = request.headers.get("authorization", "").removeprefix("Bearer ")
    member = session.scalars(select(Member).join(Member.tokens).where(Token.value == given)).one_or_none()
    if member is None:
        raise HTTPException(401, "sign in first")
    return member


Current = Annotated[Member, Depends(current_member)]


def current_manager(member: Current) -> Member:
    """The same, if it is a manager."""
    if not member.is_manager:
        raise HTTPException(403, "for managers")
    return member


Manager = Annotated[Member, Depends(current_manager)]
