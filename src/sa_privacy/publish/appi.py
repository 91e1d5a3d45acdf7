"""What the Act on the Protection of Personal Information asks for after a breach (Art. 26). No legal advice.

Sources: Art. 26; its Enforcement Rules, Art. 7 (which breaches), Art. 8 (what to report and when), Art. 10 (telling the
people); the PPC's Guidelines, general part, 3-5. As in force since April 2024.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone
from typing import Final, NamedTuple

__all__ = ["ITEMS", "JAPAN", "MANY_PEOPLE", "RULES", "DueDates", "due_dates"]

RULES: Final = "2024-04-01"
"""The day since when the rules are as they stand here."""
JAPAN: Final = timezone(timedelta(hours=9), "JST")
MANY_PEOPLE: Final = 1000
"""A breach of more people than these is to be reported whatever the data (Rules, Art. 7(1)(iv))."""

_PRELIMINARY: Final = (3, 5)
_FINAL: Final = 30
_FINAL_MALICIOUS: Final = 60

ITEMS: Final[dict[str, dict[str, str]]] = {
    "overview": {"en": "Overview", "ja": "概要"},
    "data": {
        "en": "Items of personal data that were, or may have been, leaked, lost or damaged",
        "ja": "漏えい等が発生し、又は発生したおそれがある個人データの項目",
    },
    "people": {
        "en": "Number of people whose data it is",
        "ja": "漏えい等が発生し、又は発生したおそれがある個人データに係る本人の数",
    },
    "cause": {"en": "Cause", "ja": "原因"},
    "damage": {
        "en": "Secondary damage, or the risk of it, and of what kind",
        "ja": "二次被害又はそのおそれの有無及びその内容",
    },
    "response": {"en": "What was done towards the people", "ja": "本人への対応の実施状況"},
    "publication": {"en": "What was made public", "ja": "公表の実施状況"},
    "prevention": {"en": "Measures so that it does not happen again", "ja": "再発防止のための措置"},
    "other": {"en": "Anything else that helps", "ja": "その他参考となる事項"},
}
"""The items of both reports, in the order of Rules, Art. 8(1)."""


class DueDates(NamedTuple):
    """When the reports are due, counted so that the day on which the breach became known is the first.

    :ivar preliminary: about the third to the fifth day.
    :ivar final: the 30th day, or the 60th where it was done with a wrongful purpose (Rules, Art. 7(1)(iii)). Where that day
        is no working day of the authorities, the next one counts: not worked out here, so nothing is due earlier than said.
    """

    noticed: date
    preliminary: tuple[date, date]
    final: date


def due_dates(noticed: datetime | date, *, malicious: bool = False) -> DueDates:
    """The due dates.

    :param noticed: when the breach became known; an aware time counts in Japan.
    :param malicious: whether it was, or may have been, done with a wrongful purpose.
    """
    if isinstance(noticed, datetime):
        noticed = (noticed.astimezone(JAPAN) if noticed.tzinfo is not None else noticed).date()
    early, late = (noticed + timedelta(days=days - 1) for days in _PRELIMINARY)
    last = noticed + timedelta(days=(_FINAL_MALICIOUS if malicious else _FINAL) - 1)
    return DueDates(noticed, (early, late), last)
