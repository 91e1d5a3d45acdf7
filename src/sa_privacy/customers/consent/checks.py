"""What is checked of an entry before anything is written: who says it, what it is made of, and when it was said."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection

from sa_privacy.access import Access
from sa_privacy.customers.agent import Agent
from sa_privacy.customers.consent.entry import HOW, ConsentEntry, How, Said
from sa_privacy.customers.consent.matters import Matter
from sa_privacy.customers.speaking import is_the_person
from sa_privacy.errors import ConsentRefused, PolicyError, RoleDenied
from sa_privacy.ledger import Desk

__all__ = ["Words", "moment_said", "must_act", "must_be_allowed", "must_be_meant", "the_same", "valid_until_of"]

_APART: Final = timedelta(seconds=5)  # how far the clock of whoever says when may be ahead


@dataclass(frozen=True, slots=True)
class Words:
    """What a caller says of an entry."""

    how: How
    at: datetime | None
    language: str | None
    evidence: str | None
    by: Agent | None
    idempotency_key: str | None


def must_act(access: Access) -> None:
    """Makes sure that somebody acts: a person for themselves, or staff by name.

    :raises ConsentRefused: nobody does.
    """
    if is_the_person(access):
        return
    purposes = access.grant.policy.purposes
    if access.subject is None and any(purposes[name].rows == "own" for name in access.purposes if name in purposes):
        raise ConsentRefused(
            "the purpose reaches one person's own data, and the access does not say whose.",
            hint="privacy.access(subject=...).",
        )
    if access.actor is None:
        raise ConsentRefused(
            "who enters or reads a consent stands in the ledger and the log, and the access names nobody.",
            hint="privacy.access(actor=...); the person: subject=..., in a role that reaches nothing but people's own rows.",
        )


def must_be_allowed(desk: Desk, connection: Connection, access: Access) -> None:
    """Makes sure that who acts may deal with what people say, where the policy says who may.

    :param connection: of an open desk.
    :param access: the caller's own.
    :raises RoleDenied: another role may.
    :raises NotGranted, NotPledged: somebody acts in a role that may, and does not stand in it.
    """
    policy = desk.policy
    if policy.consents is None or access.maintenance or is_the_person(access):
        return
    able = policy.consents.roles | (policy.requests.roles if policy.requests is not None else frozenset())
    if not able.isdisjoint(desk.roles(connection)):
        return
    declared = sorted(able.intersection(access.roles))
    if declared and desk.standings is not None:
        raise desk.standings.error_for(access, declared[0], connection)
    raise RoleDenied(
        f"{' and '.join(access.roles) or 'nobody known (no role was declared)'} may not deal with what people agree to.",
        hint=f"{', '.join(sorted(able))} may: privacy.access(role=...); people may themselves.",
        purpose=access.purposes,
        roles=access.roles,
    )


def must_be_meant(words: Words) -> None:
    """Makes sure that every argument can be meant.

    :raises PolicyError: one cannot.
    """
    if words.how not in HOW:
        raise PolicyError("how was it said?", hint=f"how= is one of {', '.join(HOW)}.")
    by: Any = words.by
    if by is not None and not isinstance(by, Agent):
        raise PolicyError(
            f"a {type(by).__name__} is no agent.", hint="by=Agent(name=..., authority=..., evidence=...)."
        )
    texts: list[tuple[str, Any]] = [("evidence", words.evidence), ("idempotency_key", words.idempotency_key)]
    for name, text in texts:
        if text is not None and (not isinstance(text, str) or not text.strip()):
            raise PolicyError(f"{name} is a text with something in it.", hint=f"leave {name} out where there is none.")
    key = words.idempotency_key
    if key is not None and (len(key) > 200 or not key.isprintable()):
        raise PolicyError("an idempotency key has at most 200 characters, all printable.", hint="a UUID will do.")
    at: Any = words.at
    if at is not None and (not isinstance(at, datetime) or at.tzinfo is None):
        raise PolicyError("at= is a moment with its time zone.", hint="datetime.now(UTC).")


def moment_said(at: datetime | None, now: datetime, last: datetime | None) -> datetime:
    """When it was said.

    :param at: as the caller says; None: now.
    :param last: when the last thing was said before it.
    :raises ConsentRefused: in the future, or before the last.
    """
    if at is None:
        return now
    if at > now + _APART:
        raise ConsentRefused(
            "nothing can have been said in the future.", hint="at= is when it was said, not from when."
        )
    if last is not None and at < last:
        raise ConsentRefused(
            "something later is in the ledger already: what was said before it changes nothing any more.",
            hint="look at privacy.consents.history(...).",
        )
    return min(at, now)


def valid_until_of(matter: Matter, at: datetime) -> datetime | None:
    """How long a consent that was given then holds; None: until it is withdrawn."""
    period = matter.wording.valid_for if matter.wording is not None else None
    try:
        return period.after(at) if period is not None else None
    except OverflowError:  # for ever
        return None


def the_same(entry: ConsentEntry, said: Said) -> ConsentEntry:
    """The entry that was made with an idempotency key before.

    :raises ConsentRefused: it is another one.
    """
    if entry.said == said:
        return entry
    raise ConsentRefused(
        f"this idempotency key stands for another entry: that it was {entry.said}.", hint="a new entry takes a new key."
    )
