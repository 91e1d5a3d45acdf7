"""Whether two names of who acts are one person's."""

from __future__ import annotations

import re
from typing import Final
from unicodedata import category, normalize
from unicodedata import name as name_of

__all__ = ["folded", "is_same", "mixes_alphabets"]

_UNSEEN: Final = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)
"""Characters that show nothing, though Unicode counts them as letters or marks."""


_ALPHABETS: Final = frozenset({"ARMENIAN", "CHEROKEE", "COPTIC", "CYRILLIC", "GREEK", "LATIN"})
"""Those with letters that look like another one's."""


def folded(name: str | None) -> str:
    """What of a name tells one person from another: not case, blanks, what is not seen, or how its characters are
    encoded (Unicode, UAX 15: NFKC). Empty, where nothing is left.
    """
    plain = normalize("NFKC", normalize("NFKC", name or "").casefold())
    return "".join(one for one in plain if category(one)[0] not in "CZ" and not _UNSEEN.fullmatch(one))


def is_same(one: str | None, other: str | None) -> bool:
    """Whether two names may be one person's: :func:`folded` they are equal."""
    return folded(one) == folded(other)


def mixes_alphabets(name: str) -> bool:
    """Whether a word of a name has letters of several alphabets that look alike, as a Cyrillic a in "staff" does: nobody's
    name has, and nobody sees it (Unicode, UTS 39: mixed-script confusables).
    """
    plain = normalize("NFKC", name).casefold()
    seen = "".join(one for one in plain if category(one)[0] != "C" and not _UNSEEN.fullmatch(one))
    words = re.findall(r"[^\W\d_]+", seen)
    return any(len(_ALPHABETS & {name_of(one, "").partition(" ")[0] for one in word}) > 1 for word in words)
