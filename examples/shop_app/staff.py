"""Who works in the shop's customer support: two were granted the role, and one of them has signed the pledge."""

from __future__ import annotations

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from sa_privacy import Privacy

__all__ = ["employ"]


def employ(privacy: Privacy, engine: Engine) -> None:
    """The first role is granted with the database at hand; that one grants the others."""
    with Session(engine) as session, session.begin():
        with privacy.request(actor="system:setup", reason="opening the shop"):
            privacy.staff.bootstrap(session, "staff:1", "access_manager", reason="decided by the board")
        with privacy.request(actor="staff:1", role="access_manager", reason="opening the shop"):
            for actor in ("staff:58", "staff:59"):
                privacy.staff.grant(session, actor, "support", reason="works at the support desk")
        with privacy.request(actor="staff:58"):
            privacy.staff.sign(session, "staff:58", "handling", language="ja")
