"""A policy for machines: JSON-LD with the terms of the W3C Data Privacy Vocabulary (https://w3id.org/dpv, DPV 2).

One ``dpv:Process`` for each purpose, and one for each third party or authority that may be given data. A purpose or category
for which the policy names no term is an instance of the general one, with its title. The names used are explained in the
document itself, so that nobody has to fetch anything.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final
from uuid import NAMESPACE_URL, uuid5

from sa_privacy.columns import Catalogue
from sa_privacy.policy import Policy, Purpose, Recipient, Schedule
from sa_privacy.publish.processing import Activity, activities

__all__ = ["CONTEXT", "as_dpv"]

_WORDS: Final = {"@container": "@language"}

CONTEXT: Final[Mapping[str, Any]] = {
    "dpv": "https://w3id.org/dpv#",
    "pd": "https://w3id.org/dpv/pd#",
    "dct": "http://purl.org/dc/terms/",
    "schema": "https://schema.org/",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
    "dct:title": {"@id": "dct:title", **_WORDS},
    "dpv:hasName": {"@id": "dpv:hasName", **_WORDS},
    "dpv:hasAddress": {"@id": "dpv:hasAddress", **_WORDS},
    "dpv:hasContact": {"@id": "dpv:hasContact", **_WORDS},
    "dpv:hasRepresentative": {"@id": "dpv:hasRepresentative", **_WORDS},
    "dpv:hasDuration": {"@id": "dpv:hasDuration", "@type": "xsd:duration"},
    **{
        name: {"@id": name, "@type": "@id"}
        for name in (
            *("dpv:hasDataController", "dpv:hasLegalBasis", "dpv:hasProcessing", "dpv:hasRecipient"),
            *("dpv:hasDataProcessor", "dpv:hasRecipientThirdParty", "dpv:hasTechnicalMeasure"),
        )
    },
}
"""The names used."""

_ROLES: Final[Mapping[str, tuple[str, str]]] = {
    "processor": ("dpv:DataProcessor", "dpv:hasDataProcessor"),
    "third_party": ("dpv:ThirdParty", "dpv:hasRecipientThirdParty"),
    "third_party_abroad": ("dpv:ThirdParty", "dpv:hasRecipientThirdParty"),
    "authority": ("dpv:Authority", "dpv:hasRecipient"),
}


def as_dpv(policy: Policy, catalogue: Catalogue | None) -> dict[str, Any]:
    """The document. The same policy and models give the same one."""
    made = _Document(policy, activities(policy, catalogue))
    return {"@context": dict(CONTEXT), "@graph": list(made.nodes())}


class _Document:
    def __init__(self, policy: Policy, rows: tuple[Activity, ...]) -> None:
        self.policy = policy
        self.rows = rows
        self.controller = self.name("controller")

    def name(self, *path: str) -> str:
        """The name of a part of the policy: the same wherever that is published."""
        return f"urn:uuid:{uuid5(NAMESPACE_URL, '/'.join(('sa-privacy', self.policy.id, *path)))}"

    def nodes(self) -> Iterator[dict[str, Any]]:
        policy = self.policy
        yield {
            "@id": self.name(),
            "@type": "dpv:PrivacyNotice",
            "dct:identifier": policy.hash,
            "schema:version": policy.version,
            "dpv:hasDataController": self.controller,
        }
        yield self.controlling()
        for recipient in policy.recipients.values():
            yield self.recipient(recipient)
        for purpose in policy.purposes.values():
            yield self.purpose(purpose)
        for recipient in policy.recipients.values():
            if recipient.kind != "processor":
                yield self.provision(recipient)

    def controlling(self) -> dict[str, Any]:
        policy, contact = self.policy, self.policy.contact
        node: dict[str, Any] = {
            "@id": self.controller,
            "@type": "dpv:DataController",
            "dpv:hasName": _words(policy.controller) or {"@none": policy.id},
        }
        if contact is not None:
            known = (
                ("dpv:hasAddress", contact.address),
                ("dpv:hasRepresentative", contact.representative),
                ("dpv:hasContact", contact.requests or contact.complaints),
            )
            node |= {key: _words(words) for key, words in known if words}
        return node

    def recipient(self, one: Recipient) -> dict[str, Any]:
        node: dict[str, Any] = {
            "@id": self.name("recipients", one.name),
            "@type": _ROLES[one.kind][0],
            "dpv:hasName": _words(one.title),
        }
        if one.address:
            node["dpv:hasAddress"] = {"@none": one.address}
        if one.country:
            node["dpv:hasThirdCountry"] = {"@type": "dpv:ThirdCountry", "dct:title": {"@none": one.country}}
        return node

    def purpose(self, one: Purpose) -> dict[str, Any]:
        rows = [row for row in self.rows if row.purpose == one.name]
        opened = one.read | one.match | one.write
        node = self.process(("purposes", one.name), one.title, opened, rows)
        node["dpv:hasPurpose"] = [{"@id": _term(term)} for term in one.dpv] or [
            {"@type": "dpv:Purpose", "dct:title": _words(one.title)}
        ]
        processing = [("dpv:Retrieve", one.read), ("dpv:Match", one.match), ("dpv:Record", one.write)]
        processing += [("dpv:Erase", one.delete)]
        node["dpv:hasProcessing"] = [term for term, names in processing if names]
        if one.consent == "opt_in":
            node["dpv:hasLegalBasis"] = "dpv:Consent"
        works = [name for name, other in self.policy.recipients.items() if one.name in other.purposes]
        if works:
            node["dpv:hasDataProcessor"] = [self.name("recipients", name) for name in works]
        kept = dict.fromkeys(name for row in rows for name in row.schedules)
        if kept:
            node["dpv:hasStorageCondition"] = [self.storage(self.policy.retention[name]) for name in kept]
        return node

    def provision(self, one: Recipient) -> dict[str, Any]:
        rows = [row for row in self.rows if row.category in one.categories]
        node = self.process(("provisions", one.name), one.title, one.categories, rows)
        node["dpv:hasProcessing"] = ["dpv:DiscloseByTransmission"]
        if one.wording is not None:
            node["dpv:hasLegalBasis"] = "dpv:Consent"
        node[_ROLES[one.kind][1]] = [self.name("recipients", one.name)]
        return node

    def process(
        self, path: tuple[str, str], title: Mapping[str, str], categories: Iterable[str], rows: list[Activity]
    ) -> dict[str, Any]:
        wanted = set(categories)
        known = [one for name, one in self.policy.categories.items() if name in wanted]
        node: dict[str, Any] = {
            "@id": self.name(*path),
            "@type": "dpv:Process",
            "dct:title": _words(title),
            "dpv:hasDataController": self.controller,
        }
        data = [
            {"@id": _term(one.dpv)} if one.dpv else {"@type": "dpv:PersonalData", "dct:title": _words(one.title)}
            for one in known
        ]
        if data:
            node["dpv:hasPersonalData"] = data
        people = sorted({row.people for row in rows if row.people is not None})
        if people:
            node["dpv:hasDataSubject"] = [{"@type": "dpv:DataSubject", "dct:title": {"@none": kind}} for kind in people]
        held = [row.sealed for row in rows if row.sealed is not None]
        if held and all(sealed == "all" for sealed in held):
            node["dpv:hasTechnicalMeasure"] = ["dpv:EncryptionAtRest"]
        return node

    def storage(self, one: Schedule) -> dict[str, Any]:
        deleted = one.action in ("delete", "shred")
        return {
            "@type": ["dpv:StorageDuration", "dpv:StorageDeletion"] if deleted else ["dpv:StorageDuration"],
            "dct:title": _words(one.title),
            "dpv:hasDuration": str(one.period),
        }


def _term(term: str) -> str:
    return term if ":" in term else f"dpv:{term}"


def _words(words: Mapping[str, str]) -> dict[str, str]:
    return dict(words)
