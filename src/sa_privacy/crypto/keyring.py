"""The keyring: entry secrets, and the ciphers and pseudonyms made from them (docs/spec/keyring.md)."""

from __future__ import annotations

import os
import secrets
from datetime import UTC, datetime
from threading import RLock
from weakref import WeakSet

from sa_privacy.crypto import keyfile
from sa_privacy.crypto.cell import FieldCipher, key_name
from sa_privacy.crypto.derivation import KEY_BYTES
from sa_privacy.crypto.keyfile import Entry, Ring
from sa_privacy.crypto.pseudonym import Pseudonyms
from sa_privacy.crypto.secrecy import Unportable
from sa_privacy.errors import KeyUnavailable

__all__ = ["Keyring"]


class Keyring(Unportable):
    """Keys by id, one of them primary. Cells are sealed under the primary key and opened with the key they name.

    Get one from :meth:`generate`, :meth:`load` or :meth:`from_env`. Safe to share between threads. It shows ids only,
    and cannot be pickled or copied.
    """

    __slots__ = ("_ciphers", "_enrolled", "_lock", "_pseudonyms", "_ring")

    def __init__(self, ring: Ring) -> None:
        self._ring = ring
        self._lock = RLock()
        self._ciphers: dict[tuple[str, bool], FieldCipher] = {}
        self._enrolled: WeakSet[FieldCipher] = WeakSet()
        # From the oldest entry: a rotation must not cut a person's history in the log in two.
        self._pseudonyms = Pseudonyms(ring.entries[0].secret)

    @classmethod
    def generate(cls) -> Keyring:
        """A new ring with one random key. Save it before anything is sealed: without it the cells are lost."""
        entry = _new_entry(())
        return cls(Ring((entry,), entry.id))

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Keyring:
        """Reads a keyring file.

        :raises KeyUnavailable: the file is missing, malformed, or can be read by group or others (POSIX).
        """
        path = os.fspath(path)
        return cls(keyfile.parse(keyfile.read(path), f"the file {path}"))

    @classmethod
    def from_env(cls, name: str) -> Keyring:
        """Reads a keyring from an environment variable: the JSON of a keyring file, or base64 of it.

        :raises KeyUnavailable: the variable is not set, or does not hold a keyring.
        """
        if not os.environ.get(name, "").strip():
            raise KeyUnavailable(
                f"the environment variable {name} is not set, or empty.",
                hint="Set it to the content of a keyring file, plain or in base64 (base64 -w0 < keys.json).",
            )
        return cls(keyfile.from_variable(name))

    def save(self, path: str | os.PathLike[str], *, overwrite: bool = False) -> None:
        """Writes the ring to a file with mode 0600, whole or not at all.

        :param overwrite: also replace a file whose keys this ring does not hold. A file that holds some of this ring's
            keys and no others (the ring before a rotation) is replaced in any case.
        :raises KeyUnavailable: the file holds other keys, or is no keyring, or cannot be written.
        """
        with self._lock:
            keyfile.replace(os.fspath(path), self._ring, overwrite=overwrite)

    def rotate(self) -> int:
        """Adds a random key and makes it primary; older keys go on opening their cells. Returns its id.

        Ciphers that were handed out before follow at once. Save the ring before anything is sealed under the new key.
        """
        with self._lock:
            entry = _new_entry(self._ring.entries)
            # Ready to open everywhere before the first cell is sealed under it anywhere.
            ciphers = tuple(self._enrolled)
            for cipher in ciphers:
                cipher.adopt(entry.id, entry.secret, primary=False)
            self._ring = Ring((*self._ring.entries, entry), entry.id)
            for cipher in ciphers:
                cipher.adopt(entry.id, entry.secret, primary=True)
            return entry.id

    @property
    def primary_id(self) -> int:
        """Id of the key that new cells are sealed under."""
        return self._ring.primary

    @property
    def ids(self) -> tuple[int, ...]:
        """Ids of all keys, oldest first."""
        return tuple(entry.id for entry in self._ring.entries)

    def __len__(self) -> int:
        return len(self._ring.entries)

    def __repr__(self) -> str:
        ring = self._ring
        ids = ", ".join(key_name(entry.id) for entry in ring.entries)
        return f"<Keyring of {len(ring.entries)}: {ids}; primary {key_name(ring.primary)}>"

    def sealer(self, field: str, *, slots: bool = False) -> FieldCipher:
        """The cipher for one field; the same object for the same arguments.

        :param field: the logical field id, 1 to 1,024 bytes of UTF-8.
        :param slots: new cells have lookup slots (suite 0x02).
        :raises TypeError: the field id is not a str.
        :raises ValueError: it is empty or too long.
        """
        cipher = self._ciphers.get((field, slots))
        if cipher is None:
            with self._lock:
                cipher = self._ciphers.get((field, slots))
                if cipher is None:
                    cipher = FieldCipher(field, slots=slots)
                    self.enrol(cipher)
                    self._ciphers[field, slots] = cipher
        return cipher

    def enrol(self, cipher: FieldCipher) -> None:
        """Gives a cipher that somebody else keeps the ring's keys, now and with every rotation."""
        with self._lock:
            for entry in self._ring.entries:
                cipher.adopt(entry.id, entry.secret, primary=entry.id == self._ring.primary)
            self._enrolled.add(cipher)

    def release(self, cipher: FieldCipher) -> None:
        """Takes the keys away from a cipher that was enrolled."""
        with self._lock:
            self._enrolled.discard(cipher)
            cipher.forget()

    def pseudonym_key(self) -> Pseudonyms:
        """The ring's pseudonyms for the access log. Rotation does not change them; see docs/spec/cell.md."""
        return self._pseudonyms


def _new_entry(taken: tuple[Entry, ...]) -> Entry:
    ids = {0, *(entry.id for entry in taken)}
    while (key_id := secrets.randbits(32)) in ids:
        pass
    return Entry(key_id, secrets.token_bytes(KEY_BYTES), f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}")
