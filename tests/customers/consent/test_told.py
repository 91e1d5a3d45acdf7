"""What a person is given of what they said: a document for machines, and a receipt to read."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from html.parser import HTMLParser
from typing import Any, get_args

import pytest
from pyld import jsonld
from sqlalchemy import Engine

from sa_privacy import ConsentRefused, KeyUnavailable, PolicyError, Privacy
from sa_privacy.customers.agent import AUTHORITIES, Agent
from sa_privacy.customers.consent import Consents
from sa_privacy.customers.consent.entry import HOW, Said
from sa_privacy.customers.consent.words import AUTHORITY, HOW_SAID, LABELS, LANGUAGES, SAID
from tests.customers.consent.world import KEYS, Clock, at_the_desk, filled, opened, policy
from tests.customers.consent.world import SAID as SHOWN
from tests.support.databases import Database

pytestmark = pytest.mark.backends("sqlite")

DPV = "https://w3id.org/dpv#"
#: Terms of DPV 2.3, looked up there: https://w3id.org/dpv
TERMS = {
    *("ConsentReceipt", "ConsentRecord", "ConsentNotice", "ConsentGiven", "ConsentRefused", "ConsentWithdrawn"),
    *("ConsentExpired", "WithdrawConsent", "DataController", "DataSubject", "GuardianOfDataSubject", "NaturalPerson"),
    *("PersonalData", "Process", "Purpose", "ThirdParty", "DirectMarketing", "ImproveExistingProductsAndServices"),
    *("hasConsentControl", "hasConsentStatus", "hasDataController", "hasDataSubject", "hasIdentifier", "hasName"),
    *("hasIndicationMethod", "hasNotice", "hasPersonalData", "hasProcess", "hasPurpose", "hasRecipient"),
    *("hasRecordOfActivity", "isIndicatedAtTime", "isIndicatedBy"),
}


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def privacy(database: Database, engine: Engine, clock: Clock) -> Iterator[Privacy]:
    filled(database)
    with closing(opened(engine, clock)) as made:
        yield made


@pytest.fixture
def export(privacy: Privacy, engine: Engine, clock: Clock) -> dict[str, Any]:
    """Of somebody who said every kind of thing."""
    agent = Agent(name="Eve Arbor", authority="statutory", evidence="register 12")
    with at_the_desk(privacy, engine) as session:
        privacy.consents.give(session, 1, "campaigns", how="form", language="ja", evidence="form 77")
        clock.passes(hours=1)
        privacy.consents.withdraw(session, 1, "campaigns", how="call", by=agent)
        privacy.consents.refuse(session, 1, "improvement", how="letter")
        privacy.consents.give(session, 1, "advertiser", how="web", language="en")
        privacy.consents.give(session, 1, "purpose:surveys", how="app")
        clock.passes(days=400)
        privacy.consents.give(session, 2, "campaigns", how="web", language="en")
        session.commit()
        return privacy.consents.export(session, 1)


def test_an_export_is_json_ld_whose_every_term_is_one_of_the_vocabulary(export: dict[str, Any]) -> None:
    def never(url: str, options: Any) -> Any:
        raise AssertionError(f"fetches {url}")

    told = json.loads(json.dumps(export))
    (document,) = jsonld.expand(told, {"documentLoader": never})
    used = set(_names(document))
    assert {name.removeprefix(DPV) for name in used if name.startswith(DPV)} <= TERMS
    others = {name for name in used if not name.startswith((DPV, "http", "@", "urn:", "_:"))}
    assert not others, "what JSON-LD does not know falls away unseen"
    assert len(_names(document)) > 60
    triples = jsonld.to_rdf(told, {"documentLoader": never})["@default"]
    assert len(triples) > 60


def _names(thing: Any) -> list[str]:
    """Every key, type and id of an expanded document."""
    if isinstance(thing, list):
        return [name for one in thing for name in _names(one)]
    if not isinstance(thing, dict):
        return []
    own = [*thing, *thing.get("@type", [])] if isinstance(thing.get("@type"), list) else [*thing]
    return [*own, *([thing["@id"]] if "@id" in thing else []), *_names(list(thing.values()))]


def test_an_export_has_one_record_for_each_matter_and_all_that_was_said_in_it(export: dict[str, Any]) -> None:
    records = export["dpv:hasRecordOfActivity"]
    assert [
        (record["dpv:hasProcess"]["dct:title"].get("en"), [one["@type"] for one in record["dpv:hasConsentStatus"]])
        for record in records
    ] == [
        ("Campaigns", ["dpv:ConsentGiven", "dpv:ConsentWithdrawn"]),
        ("improvement", ["dpv:ConsentRefused"]),
        ("Ads Ltd.", ["dpv:ConsentGiven"]),
        ("surveys", ["dpv:ConsentGiven"]),
    ]
    campaigns, improvement, advertiser, _ = records
    given, withdrawn = campaigns["dpv:hasConsentStatus"]
    assert given["dpv:isIndicatedAtTime"] == "2026-11-26T09:00:00+00:00"
    assert given["dpv:hasIndicationMethod"]["ja"] == "書面"
    assert (given["dpv:isIndicatedBy"], withdrawn["dpv:isIndicatedBy"]) == (
        "dpv:DataSubject",
        "dpv:GuardianOfDataSubject",
    )
    assert campaigns["dpv:hasProcess"]["dpv:hasPurpose"] == [{"@id": "dpv:DirectMarketing"}]
    assert improvement["dpv:hasProcess"]["dpv:hasPurpose"] == [{"@id": "dpv:ImproveExistingProductsAndServices"}]
    assert campaigns["dpv:hasProcess"]["dpv:hasPersonalData"] == [{"@id": "pd:EmailAddress"}, {"@id": "pd:Name"}]
    assert campaigns["dpv:hasNotice"][0]["dct:description"] == {"ja": SHOWN["ja"]}
    assert advertiser["dpv:hasProcess"]["dpv:hasRecipient"]["dpv:hasName"]["ja"] == "広告株式会社"
    assert advertiser["dpv:hasDataController"]["dpv:hasName"]["en"] == "Belue Creative"


def test_an_export_names_the_person_as_the_log_does_and_tells_no_more(export: dict[str, Any]) -> None:
    pseudonym = KEYS.pseudonym_key().of("customer", 1)
    assert {record["dpv:hasDataSubject"]["dpv:hasIdentifier"] for record in export["dpv:hasRecordOfActivity"]} == {
        pseudonym
    }
    told = json.dumps(export, ensure_ascii=False)
    for secret in ("Ann", "form 77", "Eve", "register", "staff:17"):
        assert secret not in told


def test_an_export_says_that_a_consent_has_run_out(privacy: Privacy, engine: Engine, clock: Clock) -> None:
    with at_the_desk(privacy, engine) as session:
        entry = privacy.consents.give(session, 1, "campaigns", how="web", language="en")
        clock.passes(days=366)
        (record,) = privacy.consents.export(session, 1)["dpv:hasRecordOfActivity"]
    assert [one["@type"] for one in record["dpv:hasConsentStatus"]] == ["dpv:ConsentGiven", "dpv:ConsentExpired"]
    assert entry.valid_until is not None
    assert record["dpv:hasConsentStatus"][1]["dpv:isIndicatedAtTime"] == entry.valid_until.isoformat()


def test_without_keys_nobody_is_exported(privacy: Privacy, engine: Engine) -> None:
    with at_the_desk(privacy, engine) as session, pytest.raises(KeyUnavailable):
        Consents(privacy._desk).export(session, 1)


def test_a_receipt_tells_the_person_all_of_one_entry(privacy: Privacy, engine: Engine, clock: Clock) -> None:
    agent = Agent(name="Eve Arbor", authority="entrusted", evidence="letter 3")
    with at_the_desk(privacy, engine) as session:
        given = privacy.consents.give(session, 1, "campaigns", how="form", language="ja", evidence="form 77", by=agent)
        receipt = privacy.consents.receipt(session, 1, given.id, "en")
        for told in (
            *("Belue Creative", "Campaigns", "You agreed.", "2026-11-26 09:00 UTC", "on a paper form", SHOWN["ja"]),
            *("1 (ja)", "Eve Arbor (entrusted agent)", "2027-11-26 09:00 UTC", "take your agreement back", given.id),
        ):
            assert told in receipt
        assert "form 77" not in receipt
        japanese = privacy.consents.receipt(session, 1, given.id, "ja")
        for told in (
            "ベルークリエイティブ",
            "キャンペーンのご案内",
            "同意されました。",
            "書面",
            "撤回",
            "委任による代理人",
        ):
            assert told in japanese
        clock.passes(days=1)
        refused = privacy.consents.refuse(session, 1, "advertiser", how="web")
        receipt = privacy.consents.receipt(session, 1, refused.id, "en")
        assert "Given to: Ads Ltd.\nWhat you said: You did not agree.\n" in receipt
        assert "take your agreement back" not in receipt


def test_a_receipt_shows_the_text_that_was_shown_not_the_newer_one(
    privacy: Privacy, engine: Engine, clock: Clock
) -> None:
    with at_the_desk(privacy, engine) as session:
        given = privacy.consents.give(session, 1, "campaigns", how="web", language="en")
        session.commit()
    privacy.uninstall(engine)
    newer = policy("2", {"en": "May we write often?", "ja": "たびたび。"})
    with closing(opened(engine, clock, newer)) as other, at_the_desk(other, engine) as session:
        receipt = other.consents.receipt(session, 1, given.id, "en")
        assert SHOWN["en"] in receipt
        assert "1 (en)" in receipt
        assert "often" not in receipt


def test_a_receipt_as_html_is_safe_and_whole(privacy: Privacy, engine: Engine) -> None:
    agent = Agent(name="<script>alert(1)</script>", authority="statutory", evidence="x")
    with at_the_desk(privacy, engine) as session:
        given = privacy.consents.give(session, 1, "campaigns", how="web", language="en", by=agent)
        html = privacy.consents.receipt(session, 1, given.id, "ja", format="html")
    opened_tags: list[str] = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag: str, attrs: Any) -> None:
            opened_tags.append(tag)

    Reader().feed(html)
    assert '<html lang="ja">' in html
    assert "script" not in opened_tags
    assert opened_tags.count("dt") == opened_tags.count("dd") >= 10


def test_a_receipt_is_of_the_persons_own_entry_in_a_language_there_is(privacy: Privacy, engine: Engine) -> None:
    with at_the_desk(privacy, engine) as session:
        given = privacy.consents.give(session, 1, "campaigns", how="web", language="en")
        with pytest.raises(ConsentRefused, match="no such entry"):
            privacy.consents.receipt(session, 2, given.id, "en")
        with pytest.raises(PolicyError, match="languages: en, ja"):
            privacy.consents.receipt(session, 1, given.id, "fr")
        with pytest.raises(PolicyError, match="formats: text, html"):
            privacy.consents.receipt(session, 1, given.id, "en", format="pdf")  # type: ignore[arg-type]


def test_there_are_words_for_everything_in_every_language() -> None:
    every: list[tuple[Any, Any]] = [
        (SAID, get_args(Said)),
        (HOW_SAID, HOW),
        (AUTHORITY, AUTHORITIES),
        (LABELS, LABELS),
    ]
    for words, known in every:
        assert set(words) == set(known)
        for texts in words.values():
            assert set(texts) == set(LANGUAGES)
            assert all(texts.values())
