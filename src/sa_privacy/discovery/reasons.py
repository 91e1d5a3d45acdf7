"""Reasons in words, in English and Japanese."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final, Literal

from sa_privacy.discovery.evidence import Evidence

__all__ = ["REASONS", "Language", "in_words"]

Language = Literal["en", "ja"]
_VALUES_EN: Final = "{0} of {1} values "

REASONS: Final = MappingProxyType(
    {
        "word": ('the name says "{0}"', "列名に「{0}」を含む"),
        "asks": ('begins with "{0}": a flag or a count', "「{0}」で始まる: フラグまたは件数"),
        "about": ('"{0}" says something about "{1}", and is none', "「{0}」は「{1}」そのものではなく、その属性"),
        "followed": ('goes on with "{0}"', "「{0}」が続く"),
        "of_thing": ('of a "{0}", which is nobody', "「{0}」は個人ではない"),
        "in_places": ('in "{0}": organisations or places, which have their own', "「{0}」は組織・場所の表"),
        "in_things": ('in "{0}": a table of things', "「{0}」は物の表"),
        "of_people": ('in "{0}": of people, or belonging to one', "「{0}」は個人の表、または個人に属する表"),
        "weak": ('"{0}" alone, in a table that belongs to nobody', "「{0}」のみで、個人に属する表ではない"),
        "name_of": ('the name of a "{0}"', "「{0}」の名前"),
        "name_in_people": ('a name in "{0}", a table of people', "個人の表「{0}」の名前"),
        "name_beside": ("a name beside {0} of the same thing", "同じ対象の {0} と並ぶ名前"),
        "type_made_for": ("the type is {0}", "型が {0}"),
        "type_fits": ("the type is {0}", "型が {0}"),
        "type_unfit": ("the type, {0}, does not fit", "型 {0} は合わない"),
        "foreign_key": ("a foreign key", "外部キー"),
        "primary_key": ("a primary key", "主キー"),
        "values_email": (_VALUES_EN + "are e-mail addresses", "{1} 件中 {0} 件の値がメールアドレス"),
        "values_email_inside": (_VALUES_EN + "contain an e-mail address", "{1} 件中 {0} 件の値がメールアドレスを含む"),
        "values_phone": (_VALUES_EN + "are telephone numbers", "{1} 件中 {0} 件の値が電話番号"),
        "values_postal": (_VALUES_EN + "are postal codes", "{1} 件中 {0} 件の値が郵便番号"),
        "values_card": (
            _VALUES_EN + "are card numbers (prefix and check digit)",
            "{1} 件中 {0} 件の値がカード番号 (チェックデジット一致)",
        ),
        "values_my_number": (
            _VALUES_EN + "are My Numbers (check digit)",
            "{1} 件中 {0} 件の値が個人番号 (検査用数字一致)",
        ),
        "values_corporate_number": (
            _VALUES_EN + "are corporate numbers, which are public and of no person",
            "{1} 件中 {0} 件の値が法人番号 (公開情報で、個人のものではない)",
        ),
        "values_iban": (_VALUES_EN + "are IBANs (check digits)", "{1} 件中 {0} 件の値がIBAN (検査数字一致)"),
        "values_birthday": (
            _VALUES_EN + "are days in the life of somebody over ten",
            "{1} 件中 {0} 件の値が10歳以上の人の生年月日としてあり得る日付",
        ),
        "values_name_ja": (
            _VALUES_EN + "begin with a frequent Japanese family name",
            "{1} 件中 {0} 件の値がよくある日本の姓で始まる",
        ),
        "values_ip": (_VALUES_EN + "are IP addresses", "{1} 件中 {0} 件の値がIPアドレス"),
        "values_address": (
            _VALUES_EN + "name a prefecture or a street",
            "{1} 件中 {0} 件の値が都道府県名または街路名を含む",
        ),
        "no_values_email": ("none of {0} values is an e-mail address", "{0} 件の値のどれもメールアドレスではない"),
        "no_values_ip": ("none of {0} values is an IP address", "{0} 件の値のどれもIPアドレスではない"),
    }
)


def in_words(evidence: Evidence, language: Language = "en") -> str:
    """One reason, with its points: ``"+32 the name says "email"``."""
    text = REASONS[evidence.reason][language == "ja"]
    return f"{evidence.points:+d} {text.format(*evidence.words)}"
