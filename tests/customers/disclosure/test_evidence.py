"""A ground is shown by exactly what it requires; no more, no less, and no blanks. Errors repeat none of it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sa_privacy import DisclosureRefused
from sa_privacy.customers.disclosure.evidence import prove
from sa_privacy.policy import ARTICLES, EVIDENCE, Ground

NOW = datetime(2026, 11, 26, 9, 0, tzinfo=UTC)
GOOD: dict[str, Any] = {
    "document_number": "R8-1123",
    "issuing_body": "Central police station",
    "why_no_consent": "missing since Tuesday",
    "approver": "staff:2",
    "until": NOW + timedelta(days=1),
    "article": "27-1-2",
}
ALL = frozenset(EVIDENCE)


def ground(requires: frozenset[str], article: str | None = None) -> Ground:
    return Ground("g", {"en": "G"}, "4-4", article, frozenset({"authority"}), requires)


@given(required=st.sets(st.sampled_from(EVIDENCE), min_size=1), shown=st.sets(st.sampled_from(EVIDENCE)))
def test_exactly_the_required_set_passes(required: set[str], shown: set[str]) -> None:
    article = None if "article" in required else "27-1-1"
    evidence = {name: GOOD[name] for name in shown}
    if shown == required:
        proof = prove(ground(frozenset(required), article), evidence, actor="staff:1", now=NOW)
        assert proof.article == (article or "27-1-2")
        assert json.loads(proof.shown).keys() == required
    else:
        with pytest.raises(DisclosureRefused) as refused:
            prove(ground(frozenset(required), article), evidence, actor="staff:1", now=NOW)
        for name in required ^ shown:
            assert name in refused.value.message


BAD: dict[str, tuple[str, object, str]] = {
    "blank": ("document_number", "  \t", "is empty"),
    "only an ideographic space": ("document_number", "\u3000", "is empty"),
    "only a dash": ("issuing_body", "-", "is empty"),
    "a number": ("document_number", 1123, "is no text"),
    "none": ("why_no_consent", None, "is no text"),
    "a list": ("issuing_body", ["x"], "is no text"),
    "far too long": ("why_no_consent", "x" * 2001, "is longer"),
    "half a character": ("why_no_consent", "x\ud800", "no character"),
    "a zero byte": ("why_no_consent", "x\0", "no character"),
    "who asks": ("approver", "staff:1", "is who asks"),
    "who asks, in capitals": ("approver", "STAFF:1", "is who asks"),
    "who asks, with blanks": ("approver", " staff: 1 ", "is who asks"),
    "who asks, in full width": ("approver", "ｓｔａｆｆ：１", "is who asks"),
    "who asks, with a character that nobody sees": ("approver", "staff\u200b:1", "is who asks"),
    "no moment": ("until", "2026-12-01", "is no datetime"),
    "a day": ("until", NOW.date(), "is no datetime"),
    "a moment nowhere": ("until", datetime(2026, 12, 1), "has no time zone"),  # noqa: DTZ001 - that is the case
    "now": ("until", NOW, "is over"),
    "yesterday": ("until", NOW - timedelta(days=1), "is over"),
    "an article that is none": ("article", "27-1-8", "is no ground of APPI"),
    "the whole article": ("article", "27-1", "is no ground of APPI"),
    "an article of another type": ("article", ["27-1-2"], "is no ground of APPI"),
}


@pytest.mark.parametrize("case", BAD)
def test_what_shows_nothing_is_refused(case: str) -> None:
    name, value, why = BAD[case]
    with pytest.raises(DisclosureRefused, match=why) as refused:
        prove(ground(ALL), {**GOOD, name: value}, actor="staff:1", now=NOW)
    assert refused.value.message.count(";") == 0  # and nothing else is wrong
    assert "R8-1123" not in str(refused.value)
    if name not in {"approver", "article"} and isinstance(value, str) and len(value) > 3:
        assert value not in str(refused.value)


def test_all_faults_are_told_at_once() -> None:
    with pytest.raises(DisclosureRefused) as refused:
        prove(ground(ALL), {"document_number": "", "until": NOW, "dokument": "x"}, actor="staff:1", now=NOW)
    for fault in ("document_number is empty", "until is over", "approver is missing", "no kind of evidence"):
        assert fault in refused.value.message


def test_an_entry_that_is_no_kind_of_evidence_is_not_repeated_and_the_nearest_is_named() -> None:
    with pytest.raises(DisclosureRefused, match="did you mean document_number") as refused:
        prove(ground(frozenset({"article"})), {"article": "27-1-2", "documentnumber": "x"}, actor="a", now=NOW)
    assert "documentnumber" not in str(refused.value)


@pytest.mark.parametrize("evidence", [None, {}, [], "document_number", 7])
def test_no_evidence_shows_nothing(evidence: object) -> None:
    with pytest.raises(DisclosureRefused):
        prove(ground(frozenset({"article"})), evidence, actor="a", now=NOW)


@pytest.mark.parametrize("article", ARTICLES)
def test_each_ground_of_article_27_is_taken(article: str) -> None:
    assert prove(ground(ALL), {**GOOD, "article": article}, actor="staff:1", now=NOW).article == article


def test_another_article_than_the_policy_s_is_refused() -> None:
    with pytest.raises(DisclosureRefused, match="another than the policy's, 27-1-1"):
        prove(ground(ALL, "27-1-1"), GOOD, actor="staff:1", now=NOW)


def test_what_was_shown_is_kept_as_json_and_not_in_the_repr() -> None:
    proof = prove(ground(ALL), {**GOOD, "issuing_body": "  中央警察署 "}, actor="staff:1", now=NOW)
    kept = json.loads(proof.shown)
    assert kept["issuing_body"] == "中央警察署"
    assert datetime.fromisoformat(kept["until"]) == GOOD["until"]
    assert "R8-1123" not in repr(proof)
