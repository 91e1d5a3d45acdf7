"""Consent in words that people read, in English and Japanese."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from sa_privacy.customers.agent import Authority
from sa_privacy.customers.consent.entry import How, Said

__all__ = ["AUTHORITY", "HOW_SAID", "LABELS", "LANGUAGES", "SAID", "WITHDRAW"]

LANGUAGES: Final = ("en", "ja")

SAID: Final[Mapping[Said, Mapping[str, str]]] = {
    "given": {"en": "You agreed.", "ja": "同意されました。"},
    "refused": {"en": "You did not agree.", "ja": "同意されませんでした。"},
    "withdrawn": {"en": "You took your agreement back.", "ja": "同意を撤回されました。"},
}

HOW_SAID: Final[Mapping[How, Mapping[str, str]]] = {
    "web": {"en": "on the web", "ja": "ウェブサイト"},
    "app": {"en": "in the app", "ja": "アプリ"},
    "form": {"en": "on a paper form", "ja": "書面"},
    "letter": {"en": "by letter", "ja": "郵送"},
    "call": {"en": "by telephone", "ja": "電話"},
    "email": {"en": "by e-mail", "ja": "電子メール"},
    "counter": {"en": "in person", "ja": "窓口"},
}

AUTHORITY: Final[Mapping[Authority, Mapping[str, str]]] = {
    "statutory": {"en": "statutory agent", "ja": "法定代理人"},
    "entrusted": {"en": "entrusted agent", "ja": "委任による代理人"},
}

WITHDRAW: Final[Mapping[str, str]] = {
    "en": "You can take your agreement back at any time: tell us so. From then on nothing is done on the ground of it.",
    "ja": "同意はいつでも撤回できます。当方にお申し出ください。撤回の後は、同意に基づく取扱いを行いません。",
}

LABELS: Final[Mapping[str, Mapping[str, str]]] = {
    "receipt": {"en": "Receipt of consent", "ja": "同意に関する控え"},
    "controller": {"en": "Who uses your data", "ja": "個人情報取扱事業者"},
    "purpose": {"en": "For what purpose", "ja": "利用目的"},
    "recipient": {"en": "Given to", "ja": "提供先"},
    "said": {"en": "What you said", "ja": "ご意思"},
    "agent": {"en": "Said for you by", "ja": "代理人"},
    "at": {"en": "When", "ja": "日時"},
    "entered": {"en": "Written down", "ja": "記録日時"},
    "how": {"en": "How", "ja": "方法"},
    "text": {"en": "The text that was shown", "ja": "表示した文面"},
    "version": {"en": "Version of the text", "ja": "文面の版"},
    "valid_until": {"en": "Holds until", "ja": "有効期限"},
    "withdraw": {"en": "Taking it back", "ja": "撤回の方法"},
    "number": {"en": "Number of this entry", "ja": "記録番号"},
}
