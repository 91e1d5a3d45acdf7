"""What the composers of a notice's sections share."""

from __future__ import annotations

from collections.abc import Iterable

from sa_privacy.columns import Catalogue
from sa_privacy.policy import Policy
from sa_privacy.publish.facts import personal_columns
from sa_privacy.publish.notice.phrases import PHRASES
from sa_privacy.publish.notice.said import Block, Grid, Points, Row, Said, Section
from sa_privacy.publish.speaker import Speaker

__all__ = ["Composer", "each", "wanted"]


class Composer:
    """Says the things of one policy in one language.

    :param catalogue: what the models say; None where nobody says.
    """

    def __init__(self, policy: Policy, catalogue: Catalogue | None, language: str) -> None:
        self.policy = policy
        self.say = Speaker(policy, language)
        self.phrases = PHRASES[self.say.tongue]
        self.columns = personal_columns(catalogue)

    def said(self, phrase: str, *of: str, **words: str) -> Said:
        """A phrase with its gaps filled in."""
        return Said(self.phrases[phrase].format(**words), of)

    def quoted(self, text: str) -> str:
        """A title within a sentence."""
        return self.phrases["quoted"].format(text=text)

    def wording(self, name: str) -> str:
        """The title of a wording, as a quotation."""
        return self.quoted(self.say.words(self.policy.wordings[name].title))

    def grid(self, caption: str, heads: Iterable[str], rows: Iterable[Row], lead: Said | None = None) -> list[Block]:
        """A table without the columns that say nothing; none without rows."""
        found = tuple(rows)
        if not found:
            return []
        first, *others = heads
        kept = [at for at in range(len(others)) if any(row.cells[at] for row in found)]
        return [
            Grid(
                self.phrases[caption],
                (self.phrases[first], *(self.phrases[others[at]] for at in kept)),
                tuple(Row(row.title, tuple(row.cells[at] for at in kept), row.clause) for row in found),
                lead,
            )
        ]

    def section(self, name: str, *blocks: Iterable[Block]) -> Section | None:
        """A section; None where nothing is said in it."""
        found = tuple(block for each in blocks for block in each)
        return Section(name, self.phrases[name], found) if found else None

    @staticmethod
    def points(*said: Said | None) -> list[Block]:
        """Those things that are said; no block where there are none."""
        found = tuple(one for one in said if one is not None)
        return [Points(found)] if found else []


def wanted(*said: Said | None) -> tuple[Said, ...]:
    """Those that are there."""
    return tuple(one for one in said if one is not None)


def each(section: str, names: Iterable[str]) -> tuple[str, ...]:
    """The parts of the policy that define these names."""
    return tuple(f"{section}.{name}" for name in sorted(names))
