"""Writing down whom data was received from, and how they had come by it (APPI Article 30)."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection, func, select
from sqlalchemy.orm import Session

from sa_privacy.access import Access
from sa_privacy.customers.disclosure.provisions import as_list
from sa_privacy.customers.disclosure.tables import RECEIPTS, RECEIVED
from sa_privacy.customers.disclosure.terms import categories_meant, kept_until
from sa_privacy.customers.owned import in_batches
from sa_privacy.errors import DisclosureRefused, PolicyError
from sa_privacy.ledger import Desk, find_people
from sa_privacy.policy import Policy, RecordRules

__all__ = ["Giver", "receive"]


@dataclass(frozen=True, slots=True)
class Giver:
    """Who gave data to us.

    :param name: of the person or organisation.
    :param address: where they are.
    :param representative: who stands for an organisation.
    :raises PolicyError: there is no name, or one of these is no text.
    """

    name: str = field(repr=False)
    address: str | None = field(default=None, repr=False)
    representative: str | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        for what in ("name", "address", "representative"):
            said: object = getattr(self, what)
            if said is None and what != "name":
                continue
            if not isinstance(said, str) or not said.strip():
                raise PolicyError(
                    f"the {what} of who gave the data is a text with something in it.",
                    hint='Giver(name="...", address="...", representative="..."); leave out what there is not.',
                )


def receive(
    desk: Desk,
    session: Session | Connection,
    *,
    from_: str | Giver,
    subjects: object,
    categories: str | Iterable[str],
    how_obtained: str,
    at: datetime | None = None,
) -> str:
    """See :meth:`sa_privacy.Privacy.received`."""
    policy, access, now = desk.policy, desk.held(), desk.moment()
    giver = _giver(policy, from_)
    wanted = _must_be_meant(policy, access, categories, how_obtained)
    received_at: object = now if at is None else at
    if not isinstance(received_at, datetime) or received_at.utcoffset() is None:
        raise PolicyError("at= is a moment with its time zone.", hint="datetime.now(UTC).")
    if received_at > now:
        raise DisclosureRefused("at lies in the future; a receipt is of what came in.", hint="leave at out for now.")
    with desk.open(session) as connection:
        people = find_people(desk, connection, subjects)
        entered_at = desk.moment(after=connection.scalar(select(func.max(RECEIPTS.c.entered_at))))
    if not people:
        raise DisclosureRefused(
            "nobody is said to be in the data.", hint="subjects=... names those whose rows are there."
        )
    record = str(uuid.uuid4())
    head = {
        "id": record,
        "at": received_at,
        "entered_at": entered_at,
        "giver": giver.name,
        "address": giver.address,
        "representative": giver.representative,
        "how_obtained": how_obtained.strip(),
        "categories": as_list(wanted),
        "actor": access.actor,
        "policy": policy.hash,
        "keep_until": kept_until((policy.records or RecordRules()).keep, received_at),
    }
    batches = list(in_batches(enumerate(people, 1)))
    with desk.whole(session):
        for some in batches:
            with desk.open(session, subjects=[(person.kind, person.key) for _, person in some]) as connection:
                connection.execute(
                    RECEIVED.insert(),
                    [
                        {"receipt": record, "number": number, "subject_kind": person.kind, "subject_key": person.text}
                        for number, person in some
                    ],
                )
                if some is batches[-1]:
                    connection.execute(RECEIPTS.insert().values(**head, people=len(people)))
    return record


def _giver(policy: Policy, said: object) -> Giver:
    if isinstance(said, Giver):
        return said
    known = policy.recipients.get(said) if isinstance(said, str) else None
    if known is None:
        raise DisclosureRefused(
            "the policy knows nobody of that name.",
            hint='from_=Giver(name="...", address="..."), or a recipient of the policy.',
        )
    return Giver(known.title.get(policy.languages[0], known.name), known.address, known.representative)


def _must_be_meant(policy: Policy, access: Access, categories: object, how_obtained: object) -> frozenset[str]:
    """The categories, if all else is said too.

    :raises DisclosureRefused: something is not.
    """
    if not access.actor:
        raise DisclosureRefused(
            "nobody is said to act, and somebody received the data.", hint='privacy.access(actor="staff:17", ...).'
        )
    wanted = categories_meant(policy, categories)
    beyond = sorted(name for name in wanted if not access.grant.covers("write", name))
    if beyond:
        raise DisclosureRefused(
            f"what is declared does not write {', '.join(beyond)}, and so receives none.",
            hint="declare the purpose for which the data is entered.",
            purpose=access.purposes,
            roles=access.roles,
        )
    if not isinstance(how_obtained, str) or not how_obtained.strip():
        raise DisclosureRefused(
            "it is not said how the giver came by the data.", hint='how_obtained="collected by them with consent".'
        )
    return wanted
