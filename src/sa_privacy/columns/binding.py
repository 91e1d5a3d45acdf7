"""Which keys an engine's sealed columns use: the keyring of the ``Privacy`` that is installed on it, or none."""

from __future__ import annotations

from collections.abc import Mapping
from threading import Lock
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from sqlalchemy.engine import Dialect
from sqlalchemy.exc import DontWrapMixin

from sa_privacy.crypto import FieldCipher, LookupDigests, SubjectCipher, SubjectKeys
from sa_privacy.errors import KeyUnavailable, SealedColumn

if TYPE_CHECKING:
    from sa_privacy.columns.accepting import Acceptance
    from sa_privacy.crypto import Keyring

__all__ = ["KeyBinding", "NoKeys", "bind_keys", "keys_of", "unbind_keys"]


class NoKeys(KeyUnavailable, DontWrapMixin):
    """Raised while parameters are bound. DontWrapMixin: a StatementError around it would carry the plaintext."""


class KeyBinding:
    """The ciphers of one engine. Processors keep a cipher, which has keys only while the engine has: that is how
    ``uninstall`` reaches them, and why opening a cell asks nobody.
    """

    __slots__ = (
        *("__weakref__", "_accepted", "_ciphers", "_digests", "_keyring", "_lock", "_subject_ciphers", "subject_keys"),
    )

    def __init__(self) -> None:
        self._lock = Lock()
        self._keyring: Keyring | None = None
        self._accepted: Mapping[str, Acceptance] = {}
        self._ciphers: dict[tuple[str, bool], FieldCipher] = {}
        self._digests: dict[str, LookupDigests] = {}
        self._subject_ciphers: dict[tuple[str, bool], SubjectCipher] = {}
        #: Wraps and unwraps people's keys on this engine.
        self.subject_keys = SubjectKeys(keyless=_no_keys)

    def accepted(self) -> Mapping[str, Acceptance]:
        """Of which fields plain values are read, beside cells."""
        return self._accepted

    def lend(self, keyring: Keyring) -> bool:
        """Gives the engine keys, unless it has some: whether it got them."""
        with self._lock:
            if self._keyring is not None:
                return False
            self._keyring = keyring
            for follower in self._followers():
                keyring.enrol(follower)
            return True

    def _followers(self) -> list[FieldCipher | LookupDigests | SubjectCipher | SubjectKeys]:
        return [self.subject_keys, *self._ciphers.values(), *self._digests.values(), *self._subject_ciphers.values()]

    def require_all_sealed(self, field: str | None) -> None:
        """Makes sure that a search finds all: plain values have no digest, so it would pass them over.

        :raises SealedColumn: plain values of the field are accepted.
        """
        acceptance = self._accepted.get(field or "")
        if acceptance is not None and acceptance.open:
            raise SealedColumn(
                f"{acceptance.column} is being sealed: a search would not find the values that are still plain.",
                hint=f"sa-privacy seal {acceptance.column}; once all is sealed, take it out of accept_plaintext.",
                columns=(acceptance.column,),
            )

    def use(self, keyring: Keyring | None, accepted: Mapping[str, Acceptance] | None = None) -> None:
        """From now on these keys, or none; and plain values of these fields."""
        with self._lock:
            self._accepted = accepted or {}
            if keyring is self._keyring:
                return
            for follower in self._followers():
                if self._keyring is not None:
                    self._keyring.release(follower)
                if keyring is not None:
                    keyring.enrol(follower)
            self._keyring = keyring

    def cipher(self, field: str, *, slots: bool) -> FieldCipher:
        """The cipher of one field on this engine, the same for as long as the engine lives."""
        with self._lock:
            cipher = self._ciphers.get((field, slots))
            if cipher is None:
                cipher = FieldCipher(field, slots=slots, keyless=_no_keys)
                if self._keyring is not None:
                    self._keyring.enrol(cipher)
                self._ciphers[field, slots] = cipher
            return cipher

    def subject_cipher(self, field: str, *, slots: bool) -> SubjectCipher:
        """The cipher of one field that is sealed under people's keys, likewise."""
        with self._lock:
            cipher = self._subject_ciphers.get((field, slots))
            if cipher is None:
                cipher = SubjectCipher(field, self.subject_keys, slots=slots, keyless=_no_keys)
                if self._keyring is not None:
                    self._keyring.enrol(cipher)
                self._subject_ciphers[field, slots] = cipher
            return cipher

    def digests(self, field: str) -> LookupDigests:
        """What makes the lookup digests of one lookup field on this engine, likewise."""
        with self._lock:
            digests = self._digests.get(field)
            if digests is None:
                digests = self._digests[field] = LookupDigests(field, keyless=_no_lookup)
                if self._keyring is not None:
                    self._keyring.enrol(digests)
            return digests

    @property
    def search_slot(self) -> int:
        """The lookup slot that searches compare at the moment; the first where there are no keys."""
        keyring = self._keyring
        return 0 if keyring is None else keyring.search_slot


def _no_keys(field: str, verb: str) -> NoKeys:
    return NoKeys(
        f"{field} is sealed and cannot be {verb}: this engine has no Privacy, or its Privacy has no keys.",
        hint="call privacy.install(engine), with Privacy(..., keys=Keyring.load(...)).",
        columns=(field,),
    )


def _no_lookup(field: str, _verb: str) -> NoKeys:
    return NoKeys(
        f"nothing can be looked up by {field}: this engine has no Privacy, or its Privacy has no keys.",
        hint="call privacy.install(engine), with Privacy(..., keys=Keyring.load(...)).",
        columns=(field,),
    )


_bindings: WeakKeyDictionary[Dialect, KeyBinding] = WeakKeyDictionary()


def keys_of(dialect: Dialect) -> KeyBinding:
    """The binding of an engine, by its dialect (every engine has its own)."""
    binding = _bindings.get(dialect)
    if binding is None:
        binding = _bindings.setdefault(dialect, KeyBinding())
    return binding


def bind_keys(dialect: Dialect, keyring: Keyring | None, accepted: Mapping[str, Acceptance] | None = None) -> None:
    """Gives the engine its keys, and says of which fields it accepts plain values."""
    keys_of(dialect).use(keyring, accepted)


def unbind_keys(dialect: Dialect) -> None:
    """Takes them away: sealed columns neither write nor read from now on."""
    keys_of(dialect).use(None)
