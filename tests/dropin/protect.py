"""Protects the club's application from outside: nothing in ``club/`` knows of it."""

from __future__ import annotations

from pathlib import Path
from typing import Final, Literal

from fastapi import FastAPI, Request

from sa_privacy import AccessLog, DataSubject, Keyring, Privacy
from sa_privacy.integrations.fastapi import by_route, install
from tests.dropin.club import jobs, security
from tests.dropin.club.database import Opened
from tests.dropin.club.models import Base, Booking, Member, Token

__all__ = ["POLICY", "made", "serve"]

POLICY: Final = Path(__file__).with_name("protected.toml")
PURPOSES: Final = by_route(
    {
        "POST /login": "sign_in",
        "POST /members": "sign_up",
        "/me": "account",
        "POST /courses/{number}/bookings": "account",
        "GET /admin/members": "member_care",
        "GET /admin/courses/{number}/desk": "member_care",
    }
)


def made(log: AccessLog, mode: Literal["observe", "enforce"]) -> Privacy:
    """The policy, joined to models, jobs and migrations."""
    for model in (Booking, Token):
        model.__data_subject__ = DataSubject("member", via="member")
    Member.__data_subject__ = DataSubject("member", key="id")
    privacy = Privacy(POLICY, keys=Keyring.generate(), log=log, mode=mode, metadata=Base)
    jobs.JOBS["greet"] = privacy.system("greet")(jobs.greet)
    return privacy


def serve(app: FastAPI, privacy: Privacy) -> None:
    """What the application gets where it is made."""

    def current_member(request: Request, session: Opened) -> Member:
        member = security.current_member(request, session)
        role = "manager" if member.is_manager else "member"
        privacy.current().bind(actor=f"member:{member.id}", role=role, subject=member.id)
        return member

    app.dependency_overrides[security.current_member] = current_member
    for engine in (app.state.databases.main, app.state.databases.reporting):
        privacy.install(engine)
    install(app, privacy, purpose_for=PURPOSES)
