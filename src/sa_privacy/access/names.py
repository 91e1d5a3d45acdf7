"""Whether two names of who acts are one person's."""

from __future__ import annotations

import re
from typing import Final
from unicodedata import category, normalize

__all__ = ["folded", "is_same"]

_UNSEEN: Final = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)
"""Characters that show nothing, though Unicode counts them as letters or marks."""


def folded(name: str | None) -> str:
    """What of a name tells one person from another: not case, blanks, what is not seen, or how its characters are
    encoded (Unicode, UAX 15: NFKC). Empty, where nothing is left.
    """
    plain = normalize("NFKC", normalize("NFKC", name or "").casefold())
    return "".join(one for one in plain if category(one)[0] not in "CZ" and not _UNSEEN.fullmatch(one))


def is_same(one: str | None, other: str | None) -> bool:
    """Whether two names may be one person's: :func:`folded` they are equal."""
    return folded(one) == folded(other)
