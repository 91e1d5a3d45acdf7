"""What is checked of what is said of a request, before anything is written."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import datetime

from sa_privacy.customers.requests.articles import articles_for
from sa_privacy.customers.requests.states import Kind
from sa_privacy.customers.requests.who import Who
from sa_privacy.errors import RequestRefused

__all__ = ["must_hold", "names", "needed", "once_key", "received_at", "words"]


def once_key(who: Who, once: object) -> str:
    """One text for the key of a submission and who made it: nobody finds another's request by it."""
    if not isinstance(once, str) or not once:
        raise RequestRefused("a key of a submission is text.", hint="once= of the form, e.g. a UUID.")
    whose = ("person", *who.person) if who.person is not None else ("somebody", who.by or "")
    return hashlib.sha256(
        "".join(f"{len(part)}:{part}" for part in (*whose, once)).encode("utf-8", "surrogatepass")
    ).hexdigest()


def received_at(at: object, now: datetime) -> datetime:
    """When a request arrived.

    :raises RequestRefused: that is not before now, or has no time zone.
    """
    if at is None:
        return now
    if not isinstance(at, datetime) or at.tzinfo is None or at > now:
        raise RequestRefused(
            "a request arrived before now, at a time with its zone.", hint="at=datetime(..., tzinfo=UTC)."
        )
    return at


def words(text: object, name: str) -> str | None:
    """A text that may be there.

    :raises RequestRefused: it is none, or has a character that cannot be kept.
    """
    if text is None:
        return None
    if not isinstance(text, str) or any("\ud800" <= one <= "\udfff" for one in text):
        raise RequestRefused(f"{name} is no text that can be kept.", hint=f"{name}=... of type str, in valid Unicode.")
    return text


def needed(text: object, what: str, name: str) -> str:
    """A text that has to be there.

    :raises RequestRefused: it is not.
    """
    if not isinstance(text, str) or not text.strip():
        raise RequestRefused(f"it is missing {what}.", hint=f"{name}=...; it is sealed.")
    words(text, name)
    return text


def names(said: object, name: str) -> tuple[str, ...]:
    """Names, each once and in order.

    :raises RequestRefused: they are no collection of text.
    """
    given = None if said is None or isinstance(said, str) or not isinstance(said, Iterable) else list(said)
    if given is None or not all(isinstance(one, str) for one in given):
        raise RequestRefused(f"{name} is no list of names.", hint=f'{name}=["..."].')
    return tuple(sorted(set(given)))


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
