"""How a policy is told to people in one language: titles, lists, spans of time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from sa_privacy.policy import Policy
from sa_privacy.policy.periods import Period

__all__ = ["LANGUAGES", "Speaker", "languages_of", "plain"]

LANGUAGES: Final = ("en", "ja")
"""What there are words in."""

_UNITS: Final[Mapping[str, Mapping[str, tuple[str, str]]]] = {
    "en": {
        "years": ("{} year", "{} years"),
        "months": ("{} month", "{} months"),
        "days": ("{} day", "{} days"),
        "hours": ("{} hour", "{} hours"),
        "minutes": ("{} minute", "{} minutes"),
        "seconds": ("{} second", "{} seconds"),
    },
    "ja": {
        "years": ("{}年", "{}年"),
        "months": ("{}か月", "{}か月"),
        "days": ("{}日", "{}日"),
        "hours": ("{}時間", "{}時間"),
        "minutes": ("{}分", "{}分"),
        "seconds": ("{}秒", "{}秒"),
    },
}


def languages_of(policy: Policy) -> tuple[str, ...]:
    """The languages of a policy that there are words in; English where there is none."""
    return tuple(tag for tag in policy.languages if tag.partition("-")[0] in LANGUAGES) or ("en",)


def plain(text: str) -> str:
    """On one line, with nothing that cannot be printed."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in " ".join(text.split()))


class Speaker:
    """Tells the things of a policy.

    :param language: a tag, as the policy has it: ``"ja"``, ``"en-GB"``.
    """

    def __init__(self, policy: Policy, language: str) -> None:
        self.policy = policy
        self.language = language
        primary = language.partition("-")[0]
        #: What the words that are no part of the policy are in.
        self.tongue = primary if primary in LANGUAGES else "en"

    def words(self, words: Mapping[str, str]) -> str:
        """Words in this language; in another one where there are none in it."""
        return plain(words.get(self.language) or next((text for text in words.values() if text), ""))

    def category(self, name: str) -> str:
        """The title of a category."""
        return self.words(self.policy.categories[name].title)

    def purpose(self, name: str) -> str:
        """The title of a purpose."""
        return self.words(self.policy.purposes[name].title)

    def role(self, name: str) -> str:
        """The title of a role."""
        return self.words(self.policy.roles[name].title)

    def recipient(self, name: str) -> str:
        """The title of a recipient."""
        return self.words(self.policy.recipients[name].title)

    def categories(self, names: Iterable[str]) -> str:
        """Several categories, in the policy's order."""
        chosen = set(names)
        return self.list(self.category(name) for name in self.policy.categories if name in chosen)

    def purposes(self, names: Iterable[str]) -> str:
        """Several purposes, in the policy's order."""
        chosen = set(names)
        return self.list(self.purpose(name) for name in self.policy.purposes if name in chosen)

    def roles(self, names: Iterable[str]) -> str:
        """Several roles, in the policy's order."""
        chosen = set(names)
        return self.list(self.role(name) for name in self.policy.roles if name in chosen)

    def recipients(self, names: Iterable[str]) -> str:
        """Several recipients, in the policy's order."""
        chosen = set(names)
        return self.list(self.recipient(name) for name in self.policy.recipients if name in chosen)

    def list(self, items: Iterable[str]) -> str:
        """Several things, one after the other."""
        found = list(items)
        if self.tongue == "ja":
            return "、".join(found)
        return ("; " if any("," in item for item in found) else ", ").join(found)

    def period(self, period: Period) -> str:
        """A span of the calendar, e.g. ``1 year and 6 months``."""
        return self._span(years=period.years, months=period.months, days=period.days)

    def seconds(self, seconds: int) -> str:
        """A span of time, e.g. ``15 minutes``."""
        minutes, rest = divmod(seconds, 60)
        hours, minutes = divmod(minutes, 60)
        return self._span(hours=hours, minutes=minutes, seconds=rest)

    def _span(self, **units: int) -> str:
        said = [_UNITS[self.tongue][unit][count != 1].format(count) for unit, count in units.items() if count]
        return ("" if self.tongue == "ja" else " and ").join(said)
