"""What a policy says of dealings with people: what they are asked to agree to, whom data is given to, what they may ask."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Final, Literal, get_args

from sa_privacy.policy.periods import Period
from sa_privacy.policy.vocabulary import LATER

__all__ = [
    "ARTICLES",
    "EVIDENCE",
    "RECIPIENT_KINDS",
    "ConsentRules",
    "Contact",
    "Evidence",
    "Ground",
    "Recipient",
    "RecipientKind",
    "RecordRules",
    "RequestRules",
    "Wording",
]

RecipientKind = Literal["processor", "third_party", "third_party_abroad", "authority"]
RECIPIENT_KINDS: Final[tuple[RecipientKind, ...]] = get_args(RecipientKind)

Evidence = Literal["document_number", "issuing_body", "why_no_consent", "approver", "until", "article"]
"""What has to be shown before data is given away on a ground. ``approver`` is somebody else than who asks; ``until`` is how
long the approval holds; ``article`` is which ground of Article 27(1) of the APPI it is."""
EVIDENCE: Final[tuple[Evidence, ...]] = get_args(Evidence)

ARTICLES: Final = tuple(f"27-1-{number}" for number in range(1, 8))
"""The grounds of APPI Article 27(1), items 1 to 7, on which data may be provided without consent."""

_THREE_YEARS: Final = Period(years=3)
_ONE_YEAR: Final = Period(years=1)
_TWO_WEEKS: Final = Period(days=14)
_ONE_WEEK: Final = Period(days=7)
_ONE_DAY: Final = Period(days=1)


@dataclass(frozen=True, slots=True)
class Wording:
    """A text that people agree to, or sign: the question about a purpose, or the pledge of employees.

    :param version: of this text; who agreed to another one agreed to something else.
    :param text: by language.
    :param valid_for: how long an agreement to it holds; None: until it is withdrawn.
    """

    name: str
    title: Mapping[str, str]
    version: str
    text: Mapping[str, str]
    valid_for: Period | None = None


@dataclass(frozen=True, slots=True)
class ConsentRules:
    """Who enters what people say of the use of their data.

    :param roles: these, besides the people themselves and who deals with requests.
    """

    roles: frozenset[str]


@dataclass(frozen=True, slots=True)
class Contact:
    """Who is there for people, in words for them; told by the notice, enforced nowhere (APPI 32).

    :param address: of the controller.
    :param representative: who stands for the controller.
    :param in_charge: who answers for personal data there.
    :param requests: where people send their own requests.
    :param complaints: where they complain.
    """

    address: Mapping[str, str]
    representative: Mapping[str, str]
    in_charge: Mapping[str, str]
    requests: Mapping[str, str]
    complaints: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Recipient:
    """Somebody whom personal data may be given to.

    :param kind: ``"processor"`` works for us under a contract and is no third party (APPI 27(5)); ``"third_party"`` needs each
        person's consent; ``"third_party_abroad"`` needs one of its own (28); ``"authority"`` gets what the law says.
    :param categories: what it may be given at most.
    :param purposes: what a processor does for us.
    :param address: where it is; the record of a provision needs it (29).
    :param representative: who stands for it; likewise.
    :param country: of a third party abroad.
    :param contract: the document that binds a processor, or stands in for the record of a provision.
    :param review_by: until when a processor must be looked at again (25); later it gets nothing.
    :param wording: what people are asked to agree to.
    """

    name: str
    title: Mapping[str, str]
    kind: RecipientKind
    categories: frozenset[str]
    purposes: frozenset[str] = frozenset()
    address: str | None = None
    representative: str | None = None
    country: str | None = None
    contract: str | None = None
    review_by: date | None = None
    wording: str | None = None


@dataclass(frozen=True, slots=True)
class Ground:
    """Why data may be given away without the person's consent.

    :param clause: of the published policy, e.g. ``"4-1"``.
    :param article: the item of Article 27(1) that it is; None: who gives says which, each time.
    :param to: the kinds of recipients that it holds for.
    :param requires: what has to be shown each time.
    """

    name: str
    title: Mapping[str, str]
    clause: str | None
    article: str | None
    to: frozenset[str]
    requires: frozenset[str]


@dataclass(frozen=True, slots=True)
class RecordRules:
    """How long records of what was given away, or received, are kept (APPI 29, 30).

    :param keep: after the provision.
    :param keep_with_contract: where a contract with the person stands in for the record.
    """

    keep: Period = _THREE_YEARS
    keep_with_contract: Period = _ONE_YEAR


@dataclass(frozen=True, slots=True)
class RequestRules:
    """How people's own requests are dealt with (APPI 32 to 38).

    :param answer_within: of the day it was received.
    :param identity: the ways in which it may be made sure that it is that person.
    :param identity_valid_for: how long that holds.
    :param attempts: how often it may fail before the request is closed.
    :param attempts_of_person: how often it may fail against one person, in all requests together, `attempts_within` that time;
        then nobody is found to be that person before it has passed.
    :param roles: who deals with them; without one, people can only ask.
    :param identity_words: what the ways are called, by way and language.
    """

    answer_within: Period = _TWO_WEEKS
    identity: tuple[str, ...] = ()
    identity_valid_for: Period = _ONE_DAY
    attempts: int = 3
    roles: frozenset[str] = frozenset()
    attempts_of_person: int = 10
    attempts_within: Period = _ONE_WEEK
    identity_words: Mapping[str, Mapping[str, str]] = field(default_factory=dict, metadata=LATER)
