"""Why a request may be refused, as the law has it: one table, in words for the person who asked.

Source: 個人情報の保護に関する法律 (Act No. 57 of 2003, APPI) as in force since April 2023, Articles 33 to 37. The articles are
told apart as ``"33-2-1"``: Article 33, paragraph 2, item 1. Reasons have to be explained as far as possible (Article 36).
This is no legal advice.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from sa_privacy.customers.requests.states import KINDS, Kind

__all__ = ["REFUSALS", "Refusal", "articles_for"]

_CEASE: Final[tuple[Kind, ...]] = ("cease_use", "erasure")
_ALL_CEASE: Final[tuple[Kind, ...]] = ("cease_use", "cease_provision", "erasure")


@dataclass(frozen=True, slots=True)
class Refusal:
    """One article by which a request is refused, in whole or in part.

    :param kinds: of the requests that it holds for.
    :param words: for the person, by language.
    """

    article: str
    kinds: tuple[Kind, ...]
    words: Mapping[str, str]

    def title(self, language: str) -> str:
        """The article as it is cited, e.g. ``"APPI Article 33(2)(i)"`` or ``"個人情報保護法第33条第2項第1号"``."""
        number, paragraph, item = (*self.article.split("-"), "", "")[:3]
        if language == "ja":
            return f"個人情報保護法第{number}条第{paragraph}項" + (f"第{item}号" if item else "")
        return f"APPI Article {number}({paragraph})" + (f"({'i' * int(item)})" if item else "")


def _table(*rows: tuple[str, tuple[Kind, ...], str, str]) -> Mapping[str, Refusal]:
    return {article: Refusal(article, kinds, {"en": en, "ja": ja}) for article, kinds, en, ja in rows}


REFUSALS: Final = _table(
    (
        "33-2-1",
        ("disclosure",),
        "Disclosing it could harm the life, body, property or other rights and interests of you or of somebody else.",
        "開示することにより、ご本人または第三者の生命、身体、財産その他の権利利益を害するおそれがあるため。",
    ),
    (
        "33-2-2",
        ("disclosure",),
        "Disclosing it could seriously hinder the proper conduct of our business.",
        "開示することにより、当社の業務の適正な実施に著しい支障を及ぼすおそれがあるため。",
    ),
    (
        "33-2-3",
        ("disclosure",),
        "Disclosing it would violate another law or regulation.",
        "開示することにより、他の法令に違反することとなるため。",
    ),
    (
        "33-3",
        ("disclosure",),
        "We hold no such personal data, or cannot disclose it in the way you asked for.",
        "ご請求の保有個人データが存在しないため、またはご請求の方法による開示が困難であるため。",
    ),
    (
        "34-1",
        ("correction",),
        "What we hold is not found to be contrary to fact.",
        "保有個人データの内容が事実でないとは認められないため。",
    ),
    (
        "34-2",
        ("correction",),
        "The correction is not needed for the purposes that the data is used for, or another law lays down a procedure of its own.",
        "利用目的の達成に必要な範囲を超える訂正であるため、または他の法令に特別の手続が定められているため。",
    ),
    (
        "35-1",
        _CEASE,
        "The data is not found to be used beyond its purposes or improperly, or to have been obtained by improper means.",
        "目的外利用、不適正な利用または不正な取得があったとは認められないため。",
    ),
    (
        "35-2",
        _CEASE,
        "It would cost a great deal or be very difficult, and we take other measures that protect your rights and interests.",
        "利用停止等に多額の費用を要するなど困難であり、権利利益を保護するための代替措置をとるため。",
    ),
    (
        "35-3",
        ("cease_provision",),
        "The data is not found to have been given to a third party in violation of the law.",
        "法令に違反して第三者に提供されたとは認められないため。",
    ),
    (
        "35-4",
        ("cease_provision",),
        "It would cost a great deal or be very difficult, and we take other measures that protect your rights and interests.",
        "第三者提供の停止に多額の費用を要するなど困難であり、権利利益を保護するための代替措置をとるため。",
    ),
    (
        "35-5",
        _ALL_CEASE,
        "We still need the data for its purposes, no leak has occurred, and your rights and legitimate interests are not at risk.",
        "引き続き利用する必要があり、漏えい等も生じておらず、権利または正当な利益が害されるおそれも認められないため。",
    ),
    (
        "35-6",
        _ALL_CEASE,
        "It goes beyond what is needed to protect your rights and interests, or would be very difficult, and we take other measures.",
        "権利利益の侵害を防止するために必要な限度を超えるため、または困難であり代替措置をとるため。",
    ),
    (
        "37-1",
        KINDS,
        "The request was not made in the way that we have laid down for requests.",
        "当社が定めた請求の方法によらないため。",
    ),
    (
        "37-2",
        KINDS,
        "The request does not tell which data it is about, and that could not be cleared up.",
        "対象となる保有個人データを特定することができないため。",
    ),
)  # fmt: skip


def articles_for(kind: Kind) -> tuple[str, ...]:
    """The articles by which a request of this kind can be refused."""
    return tuple(refusal.article for refusal in REFUSALS.values() if kind in refusal.kinds)
