"""What the ledgers of consents, provisions and receipts hold of a person, as the person's file tells it.

Not told is who of the staff entered it, evidence, and contracts. What was given away on a ground of APPI Article 27(1), a request of
the police say, is not told either: it is no record that Article 29 asks for, and telling of it may defeat the ground. Whoever
answers may tell of it in a letter.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from sa_privacy.policy import Policy

__all__ = ["consents_told", "provisions_told", "receipts_told"]


def consents_told(policy: Policy, entries: Iterable[Any]) -> Iterator[Mapping[str, Any]]:
    """What a person said of purposes and recipients, in order.

    :param entries: of the ledger of consents.
    """
    for entry in entries:
        known = policy.purposes.get(entry.to) or policy.recipients.get(entry.to)
        yield {
            "to": entry.to,
            "title": {} if known is None else dict(known.title),
            "said": entry.said,
            "at": _moment(entry.at),
            "how": entry.how,
            "version": entry.version,
            "valid_until": _moment(entry.valid_until),
            "by_agent": entry.authority,
        }


def provisions_told(records: Iterable[Any]) -> Iterator[Mapping[str, Any]]:
    """To whom a person's data was given: with their consent, or to those who work for us.

    :param records: of provisions, entrustments included.
    """
    for record in records:
        if record.article is None:
            yield {
                "to": record.recipient,
                "name": dict(record.recipient_name),
                "kind": record.kind,
                "address": record.address,
                "representative": record.representative,
                "country": record.country,
                "at": _moment(record.at),
                "categories": sorted(record.categories),
            }


def receipts_told(records: Iterable[Any]) -> Iterator[Mapping[str, Any]]:
    """From whom a person's data was received.

    :param records: of what was received from others.
    """
    for record in records:
        yield {
            "giver": record.giver,
            "address": record.address,
            "representative": record.representative,
            "how_obtained": record.how_obtained,
            "at": _moment(record.at),
            "categories": sorted(record.categories),
        }


def _moment(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat(timespec="seconds")
