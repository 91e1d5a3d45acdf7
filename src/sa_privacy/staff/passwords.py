"""Passwords: hashed by Argon2id, with their parameters in the hash (argon2-cffi, the extra ``staff``)."""

from __future__ import annotations

from functools import cached_property
from importlib import import_module
from typing import TYPE_CHECKING, Final
from unicodedata import normalize

from sa_privacy.errors import StaffRefused

if TYPE_CHECKING:
    from argon2 import PasswordHasher

__all__ = ["Passwords"]

_SHORTEST: Final = 12
_LONGEST: Final = 1024


class Passwords:
    """Makes and checks hashes of passwords. Never shows one.

    :param hasher: with parameters of your own; None: argon2-cffi's, which follow RFC 9106.
    """

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._given = hasher

    def __repr__(self) -> str:
        return "<Passwords>"

    @cached_property
    def _hasher(self) -> PasswordHasher:
        if self._given is not None:
            return self._given
        try:
            argon2 = import_module("argon2")
        except ModuleNotFoundError:
            raise StaffRefused(
                "accounts need argon2-cffi, which is not installed.", hint='pip install "sa-privacy[staff]"'
            ) from None
        made: PasswordHasher = argon2.PasswordHasher()
        return made

    @cached_property
    def _nobodys(self) -> str:
        """A hash that stands in where there is none, so that a name that nobody has costs the same time."""
        return self._hasher.hash(b"nobody's")

    def prepare(self) -> None:
        """Does what is done once, before the time that anything takes can tell something."""
        _ = self._nobodys

    def hash(self, password: object) -> str:
        """The hash of a new password.

        :raises StaffRefused: it is too short, or much too long.
        """
        if not isinstance(password, str) or not _SHORTEST <= len(password) <= _LONGEST:
            raise StaffRefused(
                f"a password has {_SHORTEST} to {_LONGEST:,} characters.", hint="a few words in a row do well."
            )
        return self._hasher.hash(_bytes(password))

    def check(self, stored: str | None, password: object) -> bool:
        """Whether a password is the one of a hash. Takes as long without a hash.

        :param stored: None: there is no such account, or it has no password.
        """
        from argon2.exceptions import InvalidHashError, VerificationError  # noqa: PLC0415 - an extra

        if not isinstance(password, str) or len(password) > _LONGEST:
            password, stored = "", None
        try:
            self._hasher.verify(self._nobodys if stored is None else stored, _bytes(password))
        except (VerificationError, InvalidHashError):
            return False
        return stored is not None

    def is_outdated(self, stored: str) -> bool:
        """Whether a hash was made with other parameters than a new one would be."""
        return self._hasher.check_needs_rehash(stored)


def _bytes(password: str) -> bytes:
    return normalize("NFKC", password).encode("utf-8", "surrogatepass")
