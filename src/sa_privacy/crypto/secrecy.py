"""Objects that hold keys: they show nothing of themselves and do not leave the process without being told to."""

from __future__ import annotations

from enum import Enum
from typing import Any, Final, Literal, NoReturn

__all__ = ["KEYS_IN_THE_CLEAR", "InTheClear", "Unportable", "require_consent"]


class _Consent(Enum):
    """One member, so that a type checker can tell it from everything else."""

    KEYS_IN_THE_CLEAR = "keys in the clear"


KEYS_IN_THE_CLEAR: Final = _Consent.KEYS_IN_THE_CLEAR
"""Says, where keys are to leave in the clear, that this is meant. Search code for it: each place is one to look at."""
InTheClear = Literal[_Consent.KEYS_IN_THE_CLEAR]


def require_consent(said: object) -> None:
    """Refuses everything but the constant itself.

    :raises TypeError: something else was given.
    """
    if said is not KEYS_IN_THE_CLEAR:
        raise TypeError("keys leave in the clear only for sa_privacy.crypto.KEYS_IN_THE_CLEAR, given on purpose")


class Unportable:
    """Base of objects that hold keys. Pickling and copying raise TypeError, as a copy of a key is one more to lose."""

    __slots__ = ()

    def __reduce_ex__(self, protocol: Any) -> NoReturn:
        raise TypeError(
            f"{type(self).__name__} holds keys: it cannot be pickled or copied. Load it where it is needed."
        )

    def __getstate__(self) -> NoReturn:
        self.__reduce_ex__(None)
