"""Pseudonyms: how the log names a person without saying who (docs/spec/cell.md, "Log pseudonyms")."""

from __future__ import annotations

import hmac
import re
from base64 import b32encode
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cache, lru_cache
from typing import SupportsIndex
from uuid import UUID

from sa_privacy.crypto.derivation import Label, frame, subkey
from sa_privacy.crypto.secrecy import Unportable

__all__ = ["Pseudonyms", "canonical"]

_DIGEST_BYTES = 16
_REMEMBERED = 16_384
_LONGEST_EXPONENT = 400
_UUID = re.compile(r"[0-9a-fA-F]{32}|[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


class Pseudonyms(Unportable):
    """Keyed pseudonyms: the same person always has the same one, and without the key nobody can guess it back.

    The 16,384 of each kind used last are remembered. Safe to share between threads.
    """

    __slots__ = ("of_kind",)

    of_kind: Callable[[str], Callable[[object], str]]
    """``of_kind(kind)(key)``: as :meth:`of`, for who asks about many of one kind."""

    def __init__(self, secret: bytes) -> None:
        start = hmac.new(subkey(secret, Label.PSEUDONYM), digestmod="sha256")

        @cache
        def of_kind(kind: str) -> Callable[[object], str]:
            named = start.copy()
            named.update(frame(kind.encode("utf-8", "surrogatepass")))

            @lru_cache(maxsize=_REMEMBERED)
            def pseudonym(key: object) -> str:
                mac = named.copy()
                parts = key if isinstance(key, tuple) else (key,)
                if not parts:
                    raise ValueError("a subject's key has at least one part")
                for part in parts:
                    mac.update(frame(canonical(part).encode("utf-8", "surrogatepass")))
                return b32encode(mac.digest()[:_DIGEST_BYTES]).decode("ascii").rstrip("=").lower()

            return pseudonym

        self.of_kind = of_kind

    def of(self, kind: str, key: object) -> str:
        """The pseudonym, 26 characters.

        :param kind: the kind of subject ("customer").
        :param key: its primary key: int, str, UUID, bytes, Decimal, float, date, datetime, or a tuple of them. 42 and
            "42" are the same person.
        :raises TypeError: another key; names the type.
        :raises ValueError: a number that is no key (NaN, infinities).
        """
        return self.of_kind(kind)(key)

    def __repr__(self) -> str:
        return "<Pseudonyms>"


def canonical(key: object) -> str:
    """The one text for a key, whatever type it came in. Keys that are equal in Python have the same text.

    :raises TypeError: a key of a type that has no canonical text.
    :raises ValueError: NaN, an infinity, or a number of more than 400 digits.
    """
    if isinstance(key, str):
        return key.replace("-", "").lower() if _UUID.fullmatch(key) else str.__str__(key)
    if isinstance(key, SupportsIndex):
        return str(int(key.__index__()))
    if isinstance(key, UUID):
        return key.hex
    if isinstance(key, (bytes, bytearray, memoryview)):
        return bytes(key).hex()
    if isinstance(key, (Decimal, float)):
        return _number(Decimal(key))
    if isinstance(key, datetime):
        moment = key.replace(fold=0)
        if moment.utcoffset() is not None:
            moment = moment.astimezone(UTC)
        return moment.isoformat(timespec="microseconds")
    if isinstance(key, date):
        return key.isoformat()
    raise TypeError(
        f"a subject's key is int, str, UUID, bytes, Decimal, date or a tuple of them, not {type(key).__name__}"
    )


def _number(number: Decimal) -> str:
    if not number.is_finite() or abs(number.adjusted()) > _LONGEST_EXPONENT:
        raise ValueError("a subject's key is a finite number of at most 400 digits")
    if not number:
        return "0"
    text = format(number, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text
