"""The notice says what the policy says: every clause of it, and nothing beside it."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from typing import Any

import pytest

from sa_privacy import PolicyError
from sa_privacy.policy import Policy
from sa_privacy.policy.writing import as_sections
from sa_privacy.publish.facts import facts_of
from sa_privacy.publish.notice import Notice, Said, make_notice
from sa_privacy.publish.notice.phrases import PHRASES
from sa_privacy.publish.notice.said import Grid
from tests.publish.shop import POLICY, catalogue

LANGUAGES = ("en", "ja")
NOTICES = {language: make_notice(POLICY, catalogue(), language) for language in LANGUAGES}

#: What each clause of the published policy comes to, in each language: all of it in one section.
CLAUSES: dict[str, tuple[str, dict[str, tuple[str, ...]]]] = {
    "1-1": (
        "purposes",
        {
            "en": ("Sending the goods and asking for payment", "Name, Postal address, Telephone number"),
            "ja": ("商品の発送と代金の請求", "氏名、住所、電話番号"),
        },
    ),
    "1-2": (
        "purposes",
        {
            "en": (
                "Confirming what was ordered",
                "E-mail address, Type and quantity of the items ordered, Amount charged",
            ),
            "ja": ("ご注文内容と配送方法の確認", "メールアドレス、ご注文の商品の種類と数量、ご請求金額"),
        },
    ),
    "1-3": (
        "purposes",
        {
            "en": (
                "campaigns, products and services",
                "E-mail address, How the service was used",
                "Only if you agreed",
            ),
            "ja": ("キャンペーンや商品・サービスのご案内", "メールアドレス、ご利用履歴", "同意をいただいた場合のみ"),
        },
    ),
    "1-4": (
        "purposes",
        {
            "en": ("Making the service better", "How the service was used, Opinions and answers to questionnaires"),
            "ja": ("サービスの改善", "ご利用履歴、ご意見とアンケートの回答"),
        },
    ),
    "1-5": (
        "purposes",
        {
            "en": ("Answering requests and questions", "Name, Postal address, E-mail address"),
            "ja": ("ご要望やお問い合わせへの回答", "氏名、住所、メールアドレス"),
        },
    ),
    "2-1": ("care", {"en": ("whoever has signed", "tell nobody else"), "ja": ("誓約書", "他に漏らしません")}),
    "2-2": (
        "care",
        {
            "en": ("reaches no more than the purposes of that role need", "Warehouse", "Stored encrypted: Name"),
            "ja": ("必要な範囲を超えて触れることはできません", "倉庫", "暗号化して保存しています: 氏名"),
        },
    ),
    "2-3": (
        "care",
        {
            "en": ("Only for whom it was granted by name", "accounts and passwords"),
            "ja": ("個別に権限を付与された者のみ", "アカウントとパスワード"),
        },
    ),
    "2-4": (
        "retention",
        {
            "en": ("3 years, from: The customer's last order", "It is deleted", "The order is not shipped yet"),
            "ja": ("最後のご注文から3年", "削除します", "発送前のご注文"),
        },
    ),
    "3": (
        "giving",
        {
            "en": ("only if you agreed before", "Tsubame Delivery", "They are no third parties", "Hana Advertising"),
            "ja": ("あらかじめ同意", "つばめ運輸株式会社", "第三者にはあたりません", "はな広告株式会社"),
        },
    ),
    "4-1": ("law", {"en": ("court or the police", "public authorities"), "ja": ("裁判所・警察等", "公的機関")}),
    "4-2": ("law", {"en": ("Special provision of a law",), "ja": ("法令に特別の規定",)}),
    "4-3": (
        "law",
        {
            "en": ("Life, body or property at risk", "why your consent cannot be had"),
            "ja": ("生命・身体・財産の保護", "同意を得られない理由"),
        },
    ),
    "4-4": (
        "law",
        {
            "en": ("Protection of our rights", "which case of Art. 27(1) of the Act it is"),
            "ja": ("当社の権利・財産の保護", "第27条第1項のいずれの号"),
        },
    ),
    "4-5": (
        "rights",
        {
            "en": ("first make sure that it is you", "an identity card", "within 14 days"),
            "ja": ("ご本人であることを確かめます", "本人確認書類", "14日以内"),
        },
    ),
}


@pytest.mark.parametrize("clause", CLAUSES)
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_clause_of_the_published_policy_is_there(clause: str, language: str) -> None:
    name, words = CLAUSES[clause]
    (section,) = (one for one in NOTICES[language].sections if one.name == name)
    text = "\n".join(said.text for said in section.said())
    for expected in words[language]:
        assert expected in text
    clauses = {
        row.clause
        for block in section.blocks
        if isinstance(block, Grid)
        for row in block.rows
        if row.clause is not None
    }
    if name in ("purposes", "retention", "law"):
        assert clause in clauses


@pytest.mark.parametrize("language", LANGUAGES)
def test_everything_said_comes_from_a_part_of_the_policy_or_of_the_models(language: str) -> None:
    facts = facts_of(POLICY, catalogue())
    facts["policy"].setdefault("controller", {})
    for said in NOTICES[language].said():
        assert said.of, said.text
        for part in said.of:
            assert _at(facts, part) is not None, (said.text, part)


def _at(facts: Any, part: str) -> Any:
    section, _, rest = part.partition(".")
    here = facts.get(section)
    keys = [rest] if section == "columns" and rest else rest.split(".") if rest else []
    for key in keys:
        here = here.get(key) if isinstance(here, dict) else None
    return here


def _parts(notice: Notice) -> Iterator[str]:
    for said in notice.said():
        yield from said.of


def _without(sections: dict[str, Any], part: str) -> Policy | None:
    """The policy without a part; None where the rest of it needs that part."""
    less = copy.deepcopy(sections)
    *way, last = part.split(".")
    here = less
    for key in way:
        here = here[key]
    if last not in here:
        return None
    del here[last]
    try:
        return Policy(**less)
    except PolicyError:
        return None


def test_without_a_part_of_the_policy_nothing_is_said_of_it() -> None:
    """Every part that can be taken away is taken away, one at a time."""
    notice, sections = NOTICES["en"], facts_of(POLICY, None)
    del sections["columns"]
    dropped = 0
    for part in sorted(set(_parts(notice))):
        if part.startswith("columns."):
            continue
        less = _without(sections, part)
        if less is None or _at(facts_of(less, None), part) is not None:  # what is left out has a value that counts
            continue
        dropped += 1
        said_of_it = {one.text for one in notice.said() if part in one.of}
        left = make_notice(less, catalogue(), "en")
        assert not [one for one in left.said() if part in one.of], part
        still = {one.text for one in left.said()} & (said_of_it - _said_elsewhere(notice, part))
        assert not still, (part, still)
    assert dropped >= 50


def test_whatever_changes_when_a_part_goes_had_that_part_beside_it() -> None:
    """Each key of the document is taken away; what is not said any more named it, or what it belongs to."""
    notice, sections = NOTICES["en"], facts_of(POLICY, None)
    del sections["columns"]
    keys = [section for section in sections if section != "policy"]
    keys += [f"{section}.{name}" for section in sections for name in sections[section]]
    keys += [f"{one}.{key}" for one in keys if isinstance(_at(sections, one), dict) for key in _at(sections, one)]
    dropped, unnamed = 0, []
    for part in sorted(set(keys)):
        less = _without(sections, part)
        if less is None or part == "policy.languages":
            continue
        dropped += 1
        left = {one.text for one in make_notice(less, catalogue(), "en").said()}
        for one in notice.said():
            named = (of == part or of.startswith(f"{part}.") or part.startswith(f"{of}.") for of in one.of)
            if one.text not in left and not any(named):
                unnamed.append((part, one))
    assert not unnamed
    assert dropped >= 150


def test_without_any_ground_nothing_is_said_of_giving_without_consent() -> None:
    less = {name: section for name, section in as_sections(POLICY).items() if name != "grounds"}
    left = make_notice(Policy(**less), catalogue(), "en")
    assert PHRASES["en"]["law"] not in "".join(said.text for said in left.said())
    assert "law" not in {section.name for section in left.sections}


def _said_elsewhere(notice: Notice, part: str) -> set[str]:
    """What is said in the same words of something else, too, or of several alike, of which one is enough."""
    section, name, *key = part.split(".") if "." in part else (part, "")
    parts = (one.split(".") for one in _parts(notice))
    alike = {".".join(one) for one in parts if one[0] == section and one[1:2] != [name] and one[2:] == key}
    return {one.text for one in notice.said() if part not in one.of or (name and not alike.isdisjoint(one.of))}


def test_what_is_said_of_encryption_is_what_the_models_do() -> None:
    without = [said.text for said in make_notice(POLICY, None, "en").said()]
    assert not [text for text in without if "encrypted" in text]
    said = [one for one in NOTICES["en"].said() if "encrypted" in one.text]
    assert [one.text for one in said] == [
        "Stored encrypted: Name, Postal address, Telephone number, E-mail address, Date of birth, What proves who signs in, Type and quantity of the items ordered, Amount charged.",
        "Stored encrypted in part: Opinions and answers to questionnaires.",
    ]
    assert "columns.customers.name_kana" in said[0].of


def test_a_policy_of_few_words_makes_a_notice_of_few() -> None:
    policy = Policy(policy={"id": "p", "version": "1"}, categories={"x": {}}, purposes={"y": {"match": ["x"]}})
    notice = make_notice(policy, None, "en")
    assert [section.name for section in notice.sections] == ["purposes"]
    assert list(notice.said()) == [
        Said("We use personal information for the purposes below, and for nothing else.", ("purposes",)),
        Said("y", ("purposes.y",)),
        Said("x (only to find you)", ("purposes.y.match", "categories.x")),
    ]


def test_each_action_consent_and_kind_has_its_own_words() -> None:
    """What the shop's policy does not show."""
    head = as_sections(POLICY)
    schedule = {"table": "customers", "clock": "joined_on", "period": "P1Y6M"}
    policy = Policy(
        policy={"id": "p", "version": "1", "languages": ["en", "ja"]},
        categories=head["categories"],
        purposes={"a": {"write": ["name"], "read": ["email"], "consent": "opt_out"}, "b": {"delete": ["customers"]}},
        retention={
            "shred": {**schedule, "action": "shred"},
            "pseudonymise": {**schedule, "action": "pseudonymise"},
            "anonymise": {**schedule, "action": "anonymise"},
            "name": {"category": "name", "clock": "joined_on", "period": "P10D", "action": "anonymise"},
        },
        log={"keep": "P3Y"},
        requests={},
    )
    texts = [said.text for said in make_notice(policy, None, "en").said()]
    assert {"Name (only entered)", "Records are only deleted", "Unless you objected"} <= set(texts)
    assert "You can object at any time; from then on we do not do it." in texts
    assert texts.count("1 year and 6 months, from: joined on") == 3
    assert "Emptied: Name" in texts
    assert "Records of who used what are kept for 3 years." in texts
    ends = [texts[at + 2] for at, text in enumerate(texts) if text in {"shred", "pseudonymise", "anonymise"}]
    assert len(set(ends)) == 3
    assert "1年6か月" in "".join(said.text for said in make_notice(policy, None, "ja").said())


def test_both_languages_have_the_same_phrases_with_the_same_gaps() -> None:
    assert PHRASES["en"].keys() == PHRASES["ja"].keys()
    for name, english in PHRASES["en"].items():
        gaps = set(re.findall(r"\{(\w+)\}", english))
        assert gaps == set(re.findall(r"\{(\w+)\}", PHRASES["ja"][name])), name


@pytest.mark.parametrize("language", LANGUAGES)
def test_both_languages_say_the_same(language: str) -> None:
    """Part by part."""
    assert [said.of for said in NOTICES[language].said()] == [said.of for said in NOTICES["en"].said()]
