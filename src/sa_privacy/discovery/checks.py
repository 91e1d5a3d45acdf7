"""What a single value looks like. Each check takes a text and says yes or no; nothing is kept.

Check digits: Luhn (ISO/IEC 7812-1), My Number and corporate number (the ministries' ordinances of 2014), IBAN
(ISO 13616, modulo 97).
"""

from __future__ import annotations

import ipaddress
import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Final

__all__ = ["CHECKS", "Check", "is_corporate_number", "is_my_number", "luhn"]

_EMAIL: Final = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@(?:[A-Za-z0-9-]{1,63}\.)+[A-Za-z]{2,24}")
_PHONE_JA: Final = re.compile(r"0\d{1,4}[-( ]\d{1,4}[-) ]\d{3,4}|0[5789]0\d{8}|0[1-9]\d{8}")
_PHONE: Final = re.compile(r"\+[1-9][\d\s().-]{6,18}\d|\(?[2-9]\d{2}\)?[-. ][2-9]\d{2}[-. ]\d{4}")
_POSTAL: Final = re.compile(
    r"〒?\s?\d{3}-\d{4}|\d{5}-\d{4}|[A-Z]{1,2}\d[A-Z\d]? \d[A-Z]{2}|[A-Z]\d[A-Z] ?\d[A-Z]\d|\d{4} [A-Z]{2}"
)
_CARD: Final = re.compile(
    r"(?:4\d{12}(?:\d{3}){0,2}|5[1-5]\d{14}|2[2-7]\d{14}|3[47]\d{13}|3(?:0[0-5]|[68]\d)\d{11}|35\d{14}|6\d{15})"
)
_IBAN: Final = re.compile(r"[A-Z]{2}\d{2}[A-Z0-9]{11,30}")
_DATE: Final = re.compile(
    r"(\d{4})[-/.年]?(\d{1,2})[-/.月]?(\d{1,2})日?(?:[ T]00:00(?::00(?:\.0+)?)?(?:Z|[+-]\d\d:?\d\d)?)?"
)
_SCRIPT: Final = re.compile(r"[一-龠々ヶ゠-ヿぁ-ん]{2,8}|[一-龠々ヶ゠-ヿぁ-ん]{1,5}[  　・][一-龠々ヶ゠-ヿぁ-ん]{1,6}")
_STREET: Final = re.compile(
    r"(?i)\b\d+[a-z]?\b.*\b(?:st|street|ave|avenue|rd|road|blvd|boulevard|ln|lane|dr|drive|way|court|ct|place|pl|square|sq)\b\.?"
    r"|\b(?:rue|via|calle|rua|avenida)\b.*\d|(?:stra(?:ß|ss)e|str\.|weg|gasse|platz)\s*\d|\d-(?:chome|cho)|丁目|番地|\d+-\d+.*(?:町|市|区)"
)
_PREFECTURES: Final = (
    "北海道 青森県 岩手県 宮城県 秋田県 山形県 福島県 茨城県 栃木県 群馬県 埼玉県 千葉県 東京都 神奈川県 新潟県 富山県 石川県 福井県 山梨県 長野県 "
    "岐阜県 静岡県 愛知県 三重県 滋賀県 京都府 大阪府 兵庫県 奈良県 和歌山県 鳥取県 島根県 岡山県 広島県 山口県 徳島県 香川県 愛媛県 高知県 福岡県 "
    "佐賀県 長崎県 熊本県 大分県 宮崎県 鹿児島県 沖縄県"
).split()
#: Frequent family names: about a third of all people in Japan have one of these.
_FAMILY_NAMES: Final = tuple(
    "佐藤 鈴木 高橋 田中 伊藤 渡辺 渡邊 渡邉 山本 中村 小林 加藤 吉田 山田 佐々木 山口 松本 井上 木村 林 斎藤 斉藤 齋藤 清水 山崎 森 池田 橋本 阿部 石川 "
    "山下 中島 石井 小川 前田 岡田 長谷川 藤田 後藤 近藤 村上 遠藤 青木 坂本 福田 太田 西村 藤井 岡本 藤原 三浦 金子 中野 中川 原田 松田 竹内 小野 田村 "
    "サトウ スズキ タカハシ タナカ イトウ ワタナベ ヤマモト ナカムラ コバヤシ カトウ ヨシダ ヤマダ ササキ ヤマグチ マツモト イノウエ キムラ ハヤシ サイトウ シミズ "
    "さとう すずき たかはし たなか いとう わたなべ やまもと なかむら こばやし かとう よしだ やまだ ささき やまぐち まつもと いのうえ きむら はやし さいとう しみず".split()
)
_OLDEST: Final = 115  # years


@dataclass(frozen=True, slots=True)
class Check:
    """One check.

    :param kind: what it speaks for.
    :param points: where nearly all values pass. Half of it where most do.
    :param enough: the share of values from which on it says anything: above what passes by chance.
    :param telling: a column of that kind would pass, so that one that does not is none.
    """

    name: str
    kind: str
    passes: Callable[[str], bool]
    points: int
    enough: float = 0.5
    telling: bool = False


def _is_email(text: str) -> bool:
    return _EMAIL.fullmatch(text) is not None


def _holds_email(text: str) -> bool:
    return len(text) > 20 and " " in text.strip() and _EMAIL.search(text) is not None


def _is_phone(text: str) -> bool:
    return (_PHONE_JA.fullmatch(text) or _PHONE.fullmatch(text)) is not None and 9 <= _digits(text) <= 15


def _digits(text: str) -> int:
    return sum(letter.isdecimal() for letter in text)


def _is_postal(text: str) -> bool:
    return _POSTAL.fullmatch(text) is not None


def luhn(digits: str) -> bool:
    """Whether the last digit is the check digit of the others (ISO/IEC 7812-1)."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        doubled = int(digit) * (1 + place % 2)
        total += doubled - 9 if doubled > 9 else doubled
    return total % 10 == 0


def _is_card(text: str) -> bool:
    digits = re.sub(r"[ -]", "", text)
    return _CARD.fullmatch(digits) is not None and luhn(digits)


def is_my_number(digits: str) -> bool:
    """Whether 12 digits are a number of a person in Japan: the last is the check digit of the others."""
    if len(digits) != 12 or not (digits.isascii() and digits.isdecimal()):
        return False
    total = sum(int(digit) * (n + 1 if n <= 6 else n - 5) for n, digit in enumerate(reversed(digits[:11]), 1))
    rest = total % 11
    return int(digits[11]) == (0 if rest <= 1 else 11 - rest)


def is_corporate_number(digits: str) -> bool:
    """Whether 13 digits are a number of a company in Japan: the first is the check digit of the others."""
    if len(digits) != 13 or not (digits.isascii() and digits.isdecimal()):
        return False
    total = sum(int(digit) * (1 if n % 2 else 2) for n, digit in enumerate(reversed(digits[1:]), 1))
    return int(digits[0]) == 9 - total % 9


def _is_personal_number(text: str) -> bool:
    return is_my_number(re.sub(r"[ -]", "", text))


def _is_company_number(text: str) -> bool:
    return is_corporate_number(re.sub(r"[ -]", "", text))


def _is_iban(text: str) -> bool:
    squeezed = text.replace(" ", "").upper()
    if _IBAN.fullmatch(squeezed) is None:
        return False
    return int("".join(str(int(letter, 36)) for letter in squeezed[4:] + squeezed[:4])) % 97 == 1


def _is_ip(text: str) -> bool:
    if text.count(".") != 3 and ":" not in text:
        return False
    try:
        ipaddress.ip_interface(text)
    except ValueError:
        return False
    return True


def _is_birthday(text: str) -> bool:
    """A day in the life of somebody who is ten or older, and not at the start of time."""
    found = _DATE.fullmatch(text)
    if found is None:
        return False
    try:
        day = date(int(found[1]), int(found[2]), int(found[3]))
    except ValueError:
        return False
    today = date.today()  # noqa: DTZ011 - a day more or less is of no matter
    return today.year - _OLDEST <= day.year <= today.year - 10 and day != date(1970, 1, 1)


def _is_name_ja(text: str) -> bool:
    return _SCRIPT.fullmatch(text) is not None and text.startswith(_FAMILY_NAMES)


def _is_address(text: str) -> bool:
    return (any(text.startswith(name) for name in _PREFECTURES) and len(text) > 4) or _STREET.search(text) is not None


def _normal(passes: Callable[[str], bool]) -> Callable[[str], bool]:
    return lambda text: passes(unicodedata.normalize("NFKC", text).strip())


#: ``corporate_number`` speaks against: such numbers are public, and of no person.
CHECKS: Final = tuple(
    Check(name, kind, _normal(passes), points, enough, telling)
    for name, kind, passes, points, enough, telling in (
        ("email", "email", _is_email, 40, 0.3, True),
        ("email_inside", "notes", _holds_email, 22, 0.05, False),
        ("phone", "phone", _is_phone, 32, 0.4, False),
        ("postal", "address", _is_postal, 28, 0.6, False),
        ("card", "card", _is_card, 40, 0.6, False),
        ("my_number", "official_id", _is_personal_number, 40, 0.6, False),
        ("corporate_number", "official_id", _is_company_number, -40, 0.6, False),
        ("iban", "bank_account", _is_iban, 40, 0.3, False),
        ("birthday", "birthday", _is_birthday, 14, 0.9, False),
        ("name_ja", "name", _is_name_ja, 34, 0.15, False),
        ("ip", "ip_address", _is_ip, 36, 0.5, True),
        ("address", "address", _is_address, 32, 0.4, False),
    )
)
