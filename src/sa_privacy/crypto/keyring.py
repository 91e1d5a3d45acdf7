"""The keyring: entry secrets, and the ciphers and pseudonyms made from them (docs/spec/keyring.md)."""

from __future__ import annotations

import os
from collections.abc import Callable
from inspect import ismethod
from threading import Lock, RLock
from typing import Protocol
from weakref import WeakMethod, WeakSet, ref

from sa_privacy.crypto import keyfile, privatefile, rotation
from sa_privacy.crypto.cell import FieldCipher
from sa_privacy.crypto.keyfile import Loaded
from sa_privacy.crypto.lookup import LookupDigests
from sa_privacy.crypto.pseudonym import Pseudonyms
from sa_privacy.crypto.ring import Entry, KeyInfo, Ring, key_name
from sa_privacy.crypto.secrecy import InTheClear, Unportable, require_consent
from sa_privacy.crypto.services.wrapping import KeyService, Wrapping, next_wrapping
from sa_privacy.crypto.subject_cell import SubjectCipher
from sa_privacy.crypto.subject_key import SubjectKeys
from sa_privacy.errors import KeyUnavailable

__all__ = ["Keyring"]


class Follower(Protocol):
    """What is given the keys of a ring, now and with every change."""

    def adopt(self, ring: Ring) -> None:
        """Works with the keys of `ring` from now on."""

    def forget(self) -> None:
        """Works with none."""


class Keyring(Unportable):
    """Keys by id, one of them primary. Cells are sealed under the primary key and opened with the key they name. One of
    them, two while it is being replaced, makes the lookup digests.

    Get one from :meth:`generate`, :meth:`load` or :meth:`from_env`. Safe to share between threads. It shows ids only,
    and cannot be pickled or copied.
    """

    __slots__ = (
        "_ciphers",
        "_digests",
        "_enrolled",
        "_lock",
        "_on_lookup_change",
        "_pseudonyms",
        "_retired",
        "_ring",
        "_saving",
        "_subject_ciphers",
        "_subject_keys",
        "_wrapping",
    )

    def __init__(self, ring: Ring, wrapping: Wrapping | None = None) -> None:
        self._ring = ring
        self._wrapping = wrapping  # as in the file that the ring came from, or was saved to last
        self._saving = Lock()  # a lock of its own: a slow key service must hold nobody up but savers
        self._lock = RLock()
        self._ciphers: dict[tuple[str, bool], FieldCipher] = {}
        self._digests: dict[str, LookupDigests] = {}
        self._subject_keys: SubjectKeys | None = None
        self._subject_ciphers: dict[tuple[str, bool], SubjectCipher] = {}
        self._enrolled: WeakSet[Follower] = WeakSet()
        self._on_lookup_change: list[ref[Callable[[], object]]] = []
        self._retired: list[Entry] = []  # save() may replace a file that still has them
        # From the oldest entry: a rotation must not cut a person's history in the log in two.
        self._pseudonyms = Pseudonyms(ring.entries[0].secret)

    @classmethod
    def generate(cls) -> Keyring:
        """A new ring with one random key. Save it before anything is sealed: without it the cells are lost."""
        return cls(rotation.first_ring(rotation.new_entry(())))

    @classmethod
    def load(
        cls, path: str | os.PathLike[str], *, service: KeyService | None = None, policy_id: str | None = None
    ) -> Keyring:
        """Reads a keyring file.

        :param service: unwraps its keys, here and now; it is not asked again until the ring is saved.
        :param policy_id: refuse a file whose keys are wrapped for another policy.
        :raises KeyUnavailable: the file is missing, malformed, can be read by group or others (POSIX), is wrapped and
            no such service was given, or is not wrapped though one was; or the service did not unwrap a key.
        """
        path = os.fspath(path)
        source = f"the file {path}"
        content = privatefile.read(path, _WHAT, missing=_MAKE_ONE)
        try:
            return cls(*_checked(keyfile.parse(content, source, _by_name(service)), source, service, policy_id))
        finally:
            content = b""  # tracebacks keep the locals of this frame

    @classmethod
    def from_env(cls, name: str, *, service: KeyService | None = None, policy_id: str | None = None) -> Keyring:
        """Reads a keyring from an environment variable: the JSON of a keyring file, or base64 of it.

        :param service: as for :meth:`load`.
        :param policy_id: as for :meth:`load`.
        :raises KeyUnavailable: the variable is not set, or does not hold a keyring; and as for :meth:`load`.
        """
        source = f"the environment variable {name}"
        if not os.environ.get(name, "").strip():
            raise KeyUnavailable(
                f"{source} is not set, or empty.",
                hint="Set it to the content of a keyring file, plain or in base64 (base64 -w0 < keys.json).",
            )
        return cls(*_checked(keyfile.from_variable(name, _by_name(service)), source, service, policy_id))

    def save(
        self,
        path: str | os.PathLike[str],
        *,
        service: KeyService | None = None,
        policy_id: str | None = None,
        in_the_clear: InTheClear | None = None,
        overwrite: bool = False,
    ) -> None:
        """Writes the ring to a file with mode 0600, whole or not at all.

        A ring that was loaded with a key service is wrapped by it again.

        :param service: wraps the keys, from now on.
        :param policy_id: the policy that they are wrapped for; needed where the ring was not wrapped before.
        :param in_the_clear: :data:`KEYS_IN_THE_CLEAR` saves a ring unwrapped that was wrapped.
        :param overwrite: also replace a file whose keys this ring does not hold. A file that holds some of this ring's
            keys, or keys that it retired, and no others (the ring before a rotation) is replaced in any case.
        :raises KeyUnavailable: the file holds other keys, or is further on in the rotation of the lookup key, or is no
            keyring, or cannot be written; or the service did not wrap a key. Nothing was saved then.
        """
        with self._saving:
            before = self._wrapping
            if in_the_clear is None:
                wrapping = next_wrapping(before, service, policy_id)
            else:
                require_consent(in_the_clear)
                wrapping = None
                if service is not None:
                    raise TypeError("keys are wrapped by a service, or saved in the clear: not both")
            with self._lock:
                ring, retired = self._ring, tuple(self._retired)
            asked = tuple(one for one in (wrapping, before) if one is not None)

            def check(there: str) -> None:
                keyfile.older_self(privatefile.read(there, _WHAT, missing=_MAKE_ONE), there, ring, retired, asked)

            text = f"{keyfile.dump(ring, wrapping)}\n".encode("ascii")
            try:
                privatefile.replace(os.fspath(path), text, _WHAT, check=None if overwrite else check)
            finally:
                text = b""  # tracebacks keep the locals of this frame
            self._wrapping = wrapping

    def export(self, consent: InTheClear) -> str:
        """The text of a keyring file with all keys in the clear.

        :param consent: :data:`KEYS_IN_THE_CLEAR`, so that no key leaves by accident.
        :raises TypeError: it is something else.
        """
        require_consent(consent)
        return keyfile.dump(self._ring)

    @property
    def wrapped_by(self) -> str | None:
        """Name of the key service that wraps the ring's keys in its file, or None."""
        return None if self._wrapping is None else self._wrapping.service.name

    @property
    def policy_id(self) -> str | None:
        """Id of the policy that the ring's keys are wrapped for in its file, or None where they are not wrapped."""
        return None if self._wrapping is None else self._wrapping.policy_id

    def rotate(self) -> int:
        """Adds a random key and makes it primary; older keys go on opening their cells. Returns its id.

        Ciphers that were handed out before follow at once. Save the ring before anything is sealed under the new key.
        Where several processes seal, :meth:`add_key` and :meth:`promote` do it in two steps. Lookups stay as they are:
        their key has a rotation of its own.
        """
        with self._lock:
            # Ready to open everywhere before the first cell is sealed under it anywhere.
            key_id = self.add_key()
            self.promote(key_id)
            return key_id

    def add_key(self) -> int:
        """Adds a random key that opens cells, and seals none yet. Returns its id.

        Save the ring and hand it to every process, before :meth:`promote`.
        """
        with self._lock:
            entry = rotation.new_entry(self._known())
            self._become(rotation.with_entry(self._ring, entry))
            return entry.id

    def promote(self, key_id: int) -> None:
        """Makes a key of the ring the primary one: new cells are sealed under it from now on.

        :raises KeyUnavailable: the ring does not hold it.
        """
        with self._lock:
            self._become(rotation.promoted(self._ring, key_id))

    def rotate_lookup(self) -> int:
        """First step of a new lookup key: adds a random key, whose digests go into the free slot of every new cell.
        Searches go on with the old one. Returns the new key's id.

        Save the ring, hand it to every process, and reseal every row, before :meth:`switch_lookup`.

        :raises RotationRefused: a rotation is under way.
        """
        with self._lock:
            entry = rotation.new_entry(self._known())
            self._become(rotation.lookup_added(self._ring, entry))
            return entry.id

    def switch_lookup(self) -> None:
        """Second step: searches use the new key from now on; new cells go on having both digests.

        Only after every row has the new digest: rows without one are not found any more. Save, and hand the ring to
        every process, before :meth:`end_lookup`.

        :raises RotationRefused: the ring is not in the phase "adding".
        """
        with self._lock:
            self._become(rotation.lookup_switched(self._ring))
        self._tell_lookup_change()

    def end_lookup(self) -> None:
        """Last step: new cells have the new digest only. The old key's slot is free for the next rotation.

        :raises RotationRefused: the ring is not in the phase "switching".
        """
        with self._lock:
            self._become(rotation.lookup_ended(self._ring))
        self._tell_lookup_change()

    def _tell_lookup_change(self) -> None:
        with self._lock:
            callbacks = [callback for kept in self._on_lookup_change if (callback := kept()) is not None]
        for callback in callbacks:  # outside the lock: what they do may take locks of its own
            callback()

    @property
    def lookup_phase(self) -> str:
        """Where the lookup key's rotation stands: ``"steady"``, ``"adding"`` or ``"switching"``."""
        return self._ring.lookup_phase

    @property
    def search_slot(self) -> int:
        """Which lookup slot searches compare: 0 (A) or 1 (B)."""
        return self._ring.lookup.search_slot

    def on_lookup_change(self, callback: Callable[[], object]) -> None:
        """Calls back whenever searches have begun to use another slot, and once more when the old one is written no more,
        so that SQL that names a slot can be dropped.

        :param callback: held weakly: it is called for as long as somebody else keeps it.
        """
        kept: ref[Callable[[], object]] = WeakMethod(callback) if ismethod(callback) else ref(callback)
        with self._lock:
            self._on_lookup_change = [one for one in self._on_lookup_change if one() is not None] + [kept]

    def retire(self, key_id: int) -> None:
        """Lets go of a key. What was sealed under it, or wrapped, does not open any more: see first that no cell names it,
        and no key of a person. This asks no database; ``sa-privacy keys retire`` does.

        :raises KeyUnavailable: the ring does not hold it.
        :raises RotationRefused: it is the primary key, the first one (pseudonyms), or makes lookup digests.
        """
        with self._lock:
            ring = self._ring
            left = rotation.retired(ring, key_id)
            self._retired += set(ring.entries) - set(left.entries)
            self._become(left)

    def _known(self) -> tuple[Entry, ...]:
        return (*self._ring.entries, *self._retired)

    def _become(self, ring: Ring) -> None:
        """Whoever has keys of this ring follows. Called under the lock."""
        self._ring = ring
        for follower in tuple(self._enrolled):
            follower.adopt(ring)

    @property
    def primary_id(self) -> int:
        """Id of the key that new cells are sealed under."""
        return self._ring.primary

    @property
    def ids(self) -> tuple[int, ...]:
        """Ids of all keys, oldest first."""
        return self._ring.ids

    @property
    def keys(self) -> tuple[KeyInfo, ...]:
        """What may be known of the keys, oldest first."""
        return self._ring.infos

    def __len__(self) -> int:
        return len(self._ring.entries)

    def __repr__(self) -> str:
        ring = self._ring
        ids = ", ".join(key_name(entry.id) for entry in ring.entries)
        return f"<Keyring of {len(ring.entries)}: {ids}; primary {key_name(ring.primary)}, lookup {ring.lookup_phase}>"

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

    def digests(self, field: str) -> LookupDigests:
        """What makes the lookup digests of one field; the same object for the same field.

        :param field: the lookup field id, 1 to 1,024 bytes of UTF-8; columns that share a lookup share it.
        :raises TypeError: the field id is not a str.
        :raises ValueError: it is empty or too long.
        """
        with self._lock:
            digests = self._digests.get(field)
            if digests is None:
                digests = self._digests[field] = LookupDigests(field)
                self.enrol(digests)
            return digests

    def subject_keys(self) -> SubjectKeys:
        """What wraps and unwraps people's keys; always the same object."""
        with self._lock:
            if self._subject_keys is None:
                self._subject_keys = SubjectKeys()
                self.enrol(self._subject_keys)
            return self._subject_keys

    def subject_cipher(self, field: str, *, slots: bool = False) -> SubjectCipher:
        """The cipher for one field whose cells are sealed under people's keys; the same object for the same arguments.

        :param field: the logical field id, 1 to 1,024 bytes of UTF-8.
        :param slots: new cells have lookup slots (suite 0x04).
        :raises TypeError: the field id is not a str.
        :raises ValueError: it is empty or too long.
        """
        with self._lock:
            cipher = self._subject_ciphers.get((field, slots))
            if cipher is None:
                cipher = self._subject_ciphers[field, slots] = SubjectCipher(field, self.subject_keys(), slots=slots)
                self.enrol(cipher)
            return cipher

    def enrol(self, follower: Follower) -> None:
        """Gives a cipher or digests that somebody else keeps the ring's keys, now and with every rotation."""
        with self._lock:
            follower.adopt(self._ring)
            self._enrolled.add(follower)

    def release(self, follower: Follower) -> None:
        """Takes the keys away from what was enrolled."""
        with self._lock:
            self._enrolled.discard(follower)
            follower.forget()

    def pseudonym_key(self) -> Pseudonyms:
        """The ring's pseudonyms for the access log. Rotation does not change them; see docs/spec/cell.md."""
        return self._pseudonyms


_WHAT = "the keyring file"
_MAKE_ONE = "Make one: Keyring.generate().save(path)."


def _by_name(service: KeyService | None) -> dict[str, KeyService]:
    return {} if service is None else {service.name: service}


def _checked(loaded: Loaded, source: str, service: KeyService | None, policy_id: str | None) -> Loaded:
    """What was loaded, if it is wrapped as the caller expects."""
    wrapping = loaded.wrapping
    if service is not None and wrapping is None:
        raise KeyUnavailable(
            f"{source} holds its keys in the clear, though a key service was given.",
            hint="Wrap them (sa-privacy keys wrap); if others may have read the file, rotate too.",
        )
    if wrapping is not None and policy_id not in (None, wrapping.policy_id):
        raise KeyUnavailable(f"the keys in {source} are wrapped for another policy.", hint="Give that policy's file.")
    return loaded
