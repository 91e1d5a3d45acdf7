"""Reading the sections about dealings with people: wordings, recipients, grounds, records, requests."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date
from types import MappingProxyType

from sa_privacy.policy.dealings import (
    ARTICLES,
    EVIDENCE,
    RECIPIENT_KINDS,
    ConsentRules,
    Contact,
    Ground,
    Recipient,
    RecordRules,
    RequestRules,
    Wording,
)
from sa_privacy.policy.faults import cut
from sa_privacy.policy.periods import Period
from sa_privacy.policy.table import Table
from sa_privacy.policy.vocabulary import Role

__all__ = [
    "DEALINGS",
    "read_consents",
    "read_contact",
    "read_ground",
    "read_period",
    "read_recipient",
    "read_records",
    "read_requests",
    "read_wording",
]

DEALINGS: Mapping[str, tuple[str, ...]] = {
    "wordings": ("title", "version", "text", "valid_for"),
    "recipients": (
        *("title", "kind", "categories", "purposes", "address", "representative", "country", "contract", "review_by"),
        "wording",
    ),
    "grounds": ("title", "clause", "article", "to", "requires"),
    "consents": ("roles",),
    "contact": ("address", "representative", "in_charge", "requests", "complaints"),
    "records": ("keep", "keep_with_contract"),
    "requests": (
        *("answer_within", "identity", "identity_words", "identity_valid_for", "attempts"),
        *("attempts_of_person", "attempts_within", "roles"),
    ),
}
"""The sections, and the keys that may stand in each of their tables."""

_WITHOUT_CONSENT = tuple(kind for kind in RECIPIENT_KINDS if kind != "processor")


def read_wording(name: str, table: Table, languages: tuple[str, ...]) -> Wording:
    """A table ``[wordings.NAME]``."""
    if table.is_table and "text" not in table.values:
        table.faults.add(table.path, "has no text; say what people agree to.")
    version = table.needed("version", 'e.g. the day it was written, as in "2026-11-23"')
    text = table.words("text", languages, None)
    return Wording(name, table.words("title", languages, name), version, text, read_period(table, "valid_for"))


def read_recipient(
    name: str,
    table: Table,
    languages: tuple[str, ...],
    *,
    categories: Collection[str],
    purposes: Collection[str],
    wordings: Collection[str],
) -> Recipient:
    """A table ``[recipients.NAME]``."""
    kind = table.choice("kind", RECIPIENT_KINDS)
    table.needed("kind", f"one of {', '.join(RECIPIENT_KINDS)}")
    given = table.names("categories", categories, "category")
    if given is None and table.is_table:
        table.faults.add(table.path, "has no categories; name what it may be given at most.")
    works_for = table.names("purposes", purposes, "purpose")
    review_by = _day(table, "review_by")
    if kind == "processor":
        table.needed("contract", "a processor works under one; give its number or name")
        if works_for is None:
            table.faults.add(table.path, "has no purposes; name what the processor does for you.")
        if "review_by" not in table.values:
            table.faults.add(
                table.path, 'has no review_by; a processor is looked at again by a day, as in "2027-03-31".'
            )
    elif kind is not None:
        for key in ("purposes", "review_by"):
            if key in table.values:
                table.fault(key, f"is for processors, and this is of the kind {cut(kind)}; leave it out.")
    if kind == "third_party_abroad":
        table.needed("country", "people are told which country their data goes to")
    return Recipient(
        name,
        table.words("title", languages, name),
        kind or "third_party",
        frozenset(given or ()),
        frozenset(works_for or ()),
        table.text("address"),
        table.text("representative"),
        table.text("country"),
        table.text("contract"),
        review_by,
        _known(table, "wording", wordings),
    )


def read_ground(name: str, table: Table, languages: tuple[str, ...]) -> Ground:
    """A table ``[grounds.NAME]``."""
    article = table.choice("article", ARTICLES)
    requires = frozenset(table.names("requires", EVIDENCE, "kind of evidence") or ())
    if table.is_table and not requires:
        table.faults.add(table.path, "requires nothing; name the evidence that has to be shown each time.")
    if table.is_table and "article" not in table.values and "article" not in requires:
        table.faults.add(
            table.path,
            'is no ground by itself: say which item of APPI 27(1) it is, article = "27-1-1", or add "article" to requires.',
        )
    kinds = table.names("to", _WITHOUT_CONSENT, "kind of recipient without consent")
    return Ground(
        name,
        table.words("title", languages, name),
        table.text("clause"),
        article,
        frozenset(kinds or _WITHOUT_CONSENT),
        requires,
    )


def read_consents(table: Table, roles: Mapping[str, Role]) -> ConsentRules:
    """The table ``[consents]``.

    :param roles: those that the policy defines.
    """
    names = table.names("roles", roles, "role")
    if names is None and table.is_table:
        table.faults.add(table.path, "has no roles; name who enters what people say, or leave the section out.")
    for name in names or ():
        if name in roles and roles[name].anonymous:
            table.fault("roles", f"{cut(name)} is anonymous: nobody would know who entered it; name another.")
    return ConsentRules(frozenset(names or ()))


def read_contact(table: Table, languages: tuple[str, ...]) -> Contact:
    """The table ``[contact]``."""
    return Contact(*(table.words(key, languages, None) for key in DEALINGS["contact"]))


def read_records(table: Table) -> RecordRules:
    """The table ``[records]``."""
    usual = RecordRules()
    return RecordRules(
        read_period(table, "keep") or usual.keep, read_period(table, "keep_with_contract") or usual.keep_with_contract
    )


def read_requests(table: Table, roles: Mapping[str, Role], languages: tuple[str, ...]) -> RequestRules:
    """The table ``[requests]``.

    :param roles: those that the policy defines.
    """
    usual = RequestRules()
    identity = table.names("identity") or ()
    names = table.names("roles", roles, "role") or ()
    for name in names:
        if name in roles and roles[name].anonymous:
            table.fault("roles", f"{cut(name)} is anonymous: nobody would know who showed the data; name another.")
    return RequestRules(
        read_period(table, "answer_within") or usual.answer_within,
        identity,
        read_period(table, "identity_valid_for") or usual.identity_valid_for,
        _number(table, "attempts", usual.attempts, 10),
        frozenset(names),
        _number(table, "attempts_of_person", usual.attempts_of_person, 1000),
        read_period(table, "attempts_within") or usual.attempts_within,
        _identity_words(table, identity, languages),
    )


def _identity_words(
    table: Table, identity: tuple[str, ...], languages: tuple[str, ...]
) -> Mapping[str, Mapping[str, str]]:
    given = table.values.get("identity_words")
    if given is None:
        return {}
    ways = Table(given, (*table.path, "identity_words"), table.faults, identity)
    return MappingProxyType({way: ways.words(way, languages, None) for way in ways.values})


def _number(table: Table, key: str, usual: int, most: int) -> int:
    """A number from 1 on."""
    number = table.values.get(key, usual)
    if isinstance(number, int) and not isinstance(number, bool) and 1 <= number <= most:
        return number
    table.fault(key, f"must be a number from 1 to {most:,}.")
    return usual


def read_period(table: Table, key: str) -> Period | None:
    """A period (``"P3Y"``), or None where it is left out or does not fit."""
    text = table.text(key)
    if text is None:
        return None
    try:
        return Period.parse(text)
    except ValueError:
        table.fault(key, f'is {cut(text)}; write a period as in "P7D", "P6M" or "P3Y".')
        return None


def _day(table: Table, key: str) -> date | None:
    text = table.text(key)
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        table.fault(key, f'is {cut(text)}; write a day as in "2027-03-31".')
        return None


def _known(table: Table, key: str, known: Collection[str]) -> str | None:
    found = table.text(key)
    if found is not None and found not in known:
        table.fault(key, f"there is no wording {cut(found)}; define it under [wordings].")
    return found
