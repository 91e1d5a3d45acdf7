"""What keeps other sites out of forms, and scripts out of pages."""

from __future__ import annotations

import hmac
import secrets
from typing import Final

from fastapi import Request
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["ForeignForm", "SecurityHeaders", "check_token", "token_of"]

#: There is no script at all, and nothing comes from elsewhere.
CSP: Final = (
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS: Final = {
    "Content-Security-Policy": CSP,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
}


class ForeignForm(Exception):
    """A form came without the token of this session: from another site, or after signing out."""


def token_of(request: Request) -> str:
    """The token that the forms of this session carry; made when the first page is."""
    token: str = request.session.setdefault("csrf", secrets.token_urlsafe(24))
    return token


async def check_token(request: Request) -> None:
    """Refuses what changes something and does not carry the token of the session.

    :raises ForeignForm: it does not.
    """
    if request.method in ("GET", "HEAD", "OPTIONS"):
        return
    expected, said = request.session.get("csrf"), (await request.form()).get("csrf")
    if not expected or not isinstance(said, str) or not hmac.compare_digest(said.encode(), expected.encode()):
        raise ForeignForm


class SecurityHeaders:
    """Puts the headers on every answer; pages are kept in no cache, since they show people's data."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(HEADERS)
                headers["Cache-Control"] = "max-age=3600" if scope["path"].startswith("/static/") else "no-store"
            await send(message)

        await self.app(scope, receive, send_with_headers)
