"""Pledges: who signed which version of a wording, in which language, when. A ledger that only grows."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, insert, select
from sqlalchemy.orm import Session

from sa_privacy.errors import NoAccess, StaffRefused
from sa_privacy.ledger import Desk
from sa_privacy.policy import Policy, Wording
from sa_privacy.policy.faults import cut, listing, nearest
from sa_privacy.staff.authority import must_be_actor, must_be_name
from sa_privacy.staff.tables import SIGNATURES

__all__ = ["Pledges", "Signature", "current"]


class Signature(NamedTuple):
    """One entry of the ledger.

    :ivar sha256: of the text that was signed, UTF-8, in hex.
    """

    actor: str
    wording: str
    version: str
    language: str
    sha256: str
    at: datetime


_SIGNATURE = [SIGNATURES.c[name] for name in Signature._fields]


def text_hash(wording: Wording, language: str) -> str | None:
    """SHA-256 of the text of a wording in one language, or None where it has none."""
    text = wording.text.get(language)
    return None if text is None else hashlib.sha256(text.encode()).hexdigest()


def until(wording: Wording, signed: datetime) -> datetime | None:
    """Until when a signature holds; None: until there is another version."""
    return None if wording.valid_for is None else wording.valid_for.after(signed)


def current(signatures: Iterable[Signature], policy: Policy) -> Mapping[str, tuple[str, datetime | None]]:
    """Which wordings the signatures of one actor hold for: the version, and until when.

    Who signed another version, or a text that was changed since, signed something else.

    :param signatures: in order of time.
    """
    held: dict[str, tuple[str, datetime | None]] = {}
    for one in signatures:
        wording = policy.wordings.get(one.wording)
        if wording is not None and one.version == wording.version and one.sha256 == text_hash(wording, one.language):
            held[one.wording] = (one.version, until(wording, one.at))
    return held


class Pledges:
    """Takes signatures, at the desk of one policy."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def sign(self, session: Session | Connection, actor: str, wording: str, *, language: str | None = None) -> int:
        """See :meth:`sa_privacy.staff.Staff.sign`."""
        actor = must_be_actor(actor)
        signed = self.wording(wording)
        spoken = must_be_name(self._desk.policy.languages[0] if language is None else language, "language")
        digest = text_hash(signed, spoken)
        if digest is None:
            raise StaffRefused(
                f"the wording {cut(wording)} has no text in {cut(spoken)}.",
                hint=f"it has: {listing(list(signed.text))}.",
            )
        held = self._desk.held()
        if held.actor is None:
            raise NoAccess("nobody is declared who would sign.", hint='privacy.access(actor="staff:17").')
        if held.actor != actor or held.system is not None:
            raise StaffRefused(
                "a pledge is signed by the person themselves, and another one acts here.",
                hint="open the access of who signs: privacy.access(actor=...).",
            )
        with self._desk.open(session, asked=False) as connection:
            last = connection.scalar(
                select(SIGNATURES.c.at).where(SIGNATURES.c.actor == actor).order_by(SIGNATURES.c.id.desc()).limit(1)
            )
            if self._desk.standings is not None:
                self._desk.standings.changed(actor, connection)
            entry = {
                "actor": actor,
                "wording": wording,
                "version": signed.version,
                "language": spoken,
                "sha256": digest,
                "at": self._desk.moment(after=last),
                "policy": self._desk.policy.hash,
            }
            key = connection.execute(insert(SIGNATURES).values(**entry)).inserted_primary_key
            return int(key[0]) if key is not None else 0

    def wording(self, name: str) -> Wording:
        """The wording of that name.

        :raises StaffRefused: the policy knows none.
        """
        known = self._desk.policy.wordings
        if must_be_name(name, "wording") not in known:
            raise StaffRefused(f"the policy knows no wording {cut(name)}.", hint=nearest(name, known))
        return known[name]

    def of(self, connection: Connection, actor: str) -> list[Signature]:
        """The signatures of an actor, in order. At the desk."""
        asked = select(*_SIGNATURE).where(SIGNATURES.c.actor == actor).order_by(SIGNATURES.c.id)
        return [Signature(*row) for row in connection.execute(asked)]
