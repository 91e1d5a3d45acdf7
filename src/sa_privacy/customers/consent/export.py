"""What a person said, for machines: JSON-LD with the terms of the W3C Data Privacy Vocabulary.

The structure is that of the consent records and receipts of ISO/IEC TS 27560:2023 as the DPV maps it
(https://w3id.org/dpv/guides/consent-27560, DPV 2.3): one ``dpv:ConsentReceipt`` with one ``dpv:ConsentRecord`` for each
purpose or recipient, and in each one ``dpv:hasConsentStatus`` for everything that was said of it, in order. What that
guide also asks for and a policy does not say (jurisdiction, where and how long data is stored) is left to whoever publishes
it: so it does not call itself conforming to the schema.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Final
from uuid import uuid4

from sa_privacy.customers.consent.entry import ConsentEntry, Said
from sa_privacy.customers.consent.words import HOW_SAID, WITHDRAW
from sa_privacy.policy import Policy

__all__ = ["CONTEXT", "exported"]

_MOMENT: Final = {"@type": "xsd:dateTime"}
_WORDS: Final = {"@container": "@language"}

CONTEXT: Final[Mapping[str, Any]] = {
    "dpv": "https://w3id.org/dpv#",
    "pd": "https://w3id.org/dpv/pd#",
    "dct": "http://purl.org/dc/terms/",
    "schema": "https://schema.org/",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
    "dct:created": {"@id": "dct:created", **_MOMENT},
    "dct:valid": {"@id": "dct:valid", **_MOMENT},
    "dct:title": {"@id": "dct:title", **_WORDS},
    "dct:description": {"@id": "dct:description", **_WORDS},
    "dpv:hasName": {"@id": "dpv:hasName", **_WORDS},
    "dpv:hasIndicationMethod": {"@id": "dpv:hasIndicationMethod", **_WORDS},
    "dpv:isIndicatedAtTime": {"@id": "dpv:isIndicatedAtTime", **_MOMENT},
    "dpv:isIndicatedBy": {"@id": "dpv:isIndicatedBy", "@type": "@id"},
}
"""The names used, so that nobody has to fetch them."""

_STATUS: Final[Mapping[Said, str]] = {
    "given": "dpv:ConsentGiven",
    "refused": "dpv:ConsentRefused",
    "withdrawn": "dpv:ConsentWithdrawn",
}

_SPEAKER: Final = {None: "dpv:DataSubject", "statutory": "dpv:GuardianOfDataSubject", "entrusted": "dpv:NaturalPerson"}

#: The text of a wording as it was shown: name, version, language.
Text = Callable[[str, str, str], "str | None"]


def exported(policy: Policy, pseudonym: str, said: Iterable[ConsentEntry], text: Text, now: datetime) -> dict[str, Any]:
    """What one person said, as a document of its own.

    :param pseudonym: stands for the person, as in the access log.
    :param said: all of one person, in order.
    """
    by_matter: dict[str, list[ConsentEntry]] = {}
    for entry in said:
        by_matter.setdefault(entry.what, []).append(entry)
    identifier = str(uuid4())
    controller = {"@type": "dpv:DataController", "dpv:hasName": _words(policy.controller) or {"@none": policy.id}}
    return {
        "@context": dict(CONTEXT),
        "@id": f"urn:uuid:{identifier}",
        "@type": "dpv:ConsentReceipt",
        "dpv:hasIdentifier": identifier,
        "dct:created": _moment(now),
        "dct:publisher": controller,
        "dpv:hasRecordOfActivity": [
            _record(policy, what, entries, pseudonym, controller, text, now) for what, entries in by_matter.items()
        ],
    }


def _record(
    policy: Policy,
    what: str,
    said: list[ConsentEntry],
    pseudonym: str,
    controller: Mapping[str, Any],
    text: Text,
    now: datetime,
) -> dict[str, Any]:
    return {
        "@id": f"urn:uuid:{said[0].id}",
        "@type": "dpv:ConsentRecord",
        "dpv:hasIdentifier": said[0].id,
        "dpv:hasDataSubject": {
            "@id": f"_:{pseudonym}",
            "@type": "dpv:DataSubject",
            "dpv:hasIdentifier": pseudonym,
        },
        "dpv:hasDataController": dict(controller),
        "dpv:hasProcess": _process(policy, what),
        "dpv:hasNotice": _notices(said, text),
        "dpv:hasConsentControl": {"@type": "dpv:WithdrawConsent", "dct:description": dict(WITHDRAW)},
        "dpv:hasConsentStatus": [_status(entry) for entry in said] + _expired(said[-1], now),
    }


def _process(policy: Policy, what: str) -> dict[str, Any]:
    """What the person was asked for: as the policy says it now."""
    kind, _, name = what.partition(":")
    process: dict[str, Any] = {"@type": "dpv:Process", "dct:title": {"@none": name}}
    if kind == "purpose" and name in policy.purposes:
        purpose = policy.purposes[name]
        process["dct:title"] = _words(purpose.title)
        process["dpv:hasPurpose"] = [{"@id": _term(term)} for term in purpose.dpv] or {
            "@type": "dpv:Purpose",
            "dct:title": _words(purpose.title),
        }
        process["dpv:hasPersonalData"] = _data(policy, purpose.read | purpose.match | purpose.write)
    elif kind == "recipient" and name in policy.recipients:
        recipient = policy.recipients[name]
        process["dct:title"] = _words(recipient.title)
        process["dpv:hasRecipient"] = {"@type": "dpv:ThirdParty", "dpv:hasName": _words(recipient.title)}
        process["dpv:hasPersonalData"] = _data(policy, recipient.categories)
    return process


def _data(policy: Policy, categories: Iterable[str]) -> list[dict[str, Any]]:
    known = [policy.categories[name] for name in sorted(categories)]
    return [
        {"@id": _term(one.dpv)}
        if one.dpv is not None
        else {"@type": "dpv:PersonalData", "dct:title": _words(one.title)}
        for one in known
    ]


def _notices(said: Iterable[ConsentEntry], text: Text) -> list[dict[str, Any]]:
    shown = dict.fromkeys(
        (entry.wording, entry.version, entry.language)
        for entry in said
        if entry.wording is not None and entry.language is not None and entry.said != "withdrawn"
    )
    return [
        {
            "@type": "dpv:ConsentNotice",
            "dct:identifier": wording,
            "schema:version": version,
            "dct:language": language,
            "dct:description": {language: text(wording, version, language) or ""},
        }
        for wording, version, language in shown
    ]


def _status(entry: ConsentEntry) -> dict[str, Any]:
    status: dict[str, Any] = {
        "@id": f"urn:uuid:{entry.id}#status",
        "@type": _STATUS[entry.said],
        "dpv:isIndicatedAtTime": _moment(entry.at),
        "dpv:isIndicatedBy": _SPEAKER[entry.authority],
        "dpv:hasIndicationMethod": dict(HOW_SAID[entry.how]),
    }
    if entry.valid_until is not None:
        status["dct:valid"] = _moment(entry.valid_until)
    return status


def _expired(last: ConsentEntry, now: datetime) -> list[dict[str, Any]]:
    if last.valid_until is None or last.valid_until > now:
        return []
    return [{"@type": "dpv:ConsentExpired", "dpv:isIndicatedAtTime": _moment(last.valid_until)}]


def _term(term: str) -> str:
    return term if ":" in term else f"dpv:{term}"


def _moment(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat()


def _words(words: Mapping[str, str]) -> dict[str, str]:
    return dict(words)
