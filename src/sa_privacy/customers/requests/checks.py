"""What is checked of what is said of a request, before anything is written."""

from __future__ import annotations

import hashlib
from datetime import datetime

from sa_privacy.customers.requests.articles import articles_for
from sa_privacy.customers.requests.states import Kind
from sa_privacy.customers.requests.who import Who
from sa_privacy.errors import RequestRefused

__all__ = ["must_hold", "needed", "once_key", "received_at"]


def once_key(who: Who, once: str) -> str:
    """One text for the key of a submission and who made it: nobody finds another's request by it."""
    whose = ("person", *who.person) if who.person is not None else ("somebody", who.by or "")
    return hashlib.sha256("".join(f"{len(part)}:{part}" for part in (*whose, once)).encode()).hexdigest()


def received_at(at: datetime | None, now: datetime) -> datetime:
    """When a request arrived.

    :raises RequestRefused: that is not before now, or has no time zone.
    """
    if at is None:
        return now
    if at.tzinfo is None or at > now:
        raise RequestRefused(
            "a request arrived before now, at a time with its zone.", hint="at=datetime(..., tzinfo=UTC)."
        )
    return at


def needed(text: str | None, what: str, name: str) -> str:
    """A text that has to be there.

    :raises RequestRefused: it is not.
    """
    if text is None or not text.strip():
        raise RequestRefused(f"it is missing {what}.", hint=f"{name}=...; it is sealed.")
    return text


def must_hold(kind: Kind, article: str | None) -> None:
    """Makes sure that a request of the kind can be refused by the article.

    :raises RequestRefused: it cannot.
    """
    able = articles_for(kind)
    if article not in able:
        raise RequestRefused(
            f"a request for {kind.replace('_', ' ')} cannot be refused by that article.",
            hint=f"articles of the APPI: {', '.join(able)}.",
        )
