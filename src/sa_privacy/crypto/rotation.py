"""The steps of a ring, each a new ring from the one before (docs/spec/keyring.md). Nothing here follows or saves."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import NoReturn

from sa_privacy.crypto.derivation import KEY_BYTES
from sa_privacy.crypto.ring import Entry, Lookup, Ring, key_name
from sa_privacy.errors import KeyUnavailable, RotationRefused

__all__ = [
    "first_ring",
    "lookup_added",
    "lookup_ended",
    "lookup_switched",
    "new_entry",
    "promoted",
    "retired",
    "with_entry",
]

_NEXT_STEP = {
    "steady": "rotate_lookup() comes first.",
    "adding": "reseal every row, then switch_lookup().",
    "switching": "end_lookup(), once every process has the ring that switched.",
}


def new_entry(taken: Iterable[Entry]) -> Entry:
    """A random key, whose id none of these has."""
    ids = {0, *(entry.id for entry in taken)}
    while (key_id := secrets.randbits(32)) in ids:
        pass
    return Entry(key_id, secrets.token_bytes(KEY_BYTES), f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}")


def first_ring(entry: Entry) -> Ring:
    """A ring of one key, which does everything."""
    return Ring((entry,), entry.id, Lookup(entry.id, (entry.id, None)))


def with_entry(ring: Ring, entry: Entry) -> Ring:
    """With one more key, which opens cells and seals none yet."""
    return ring._replace(entries=(*ring.entries, entry))


def promoted(ring: Ring, key_id: int) -> Ring:
    """With another primary key.

    :raises KeyUnavailable: the ring does not hold it.
    """
    _expect_key(ring, key_id)
    return ring._replace(primary=key_id)


def lookup_added(ring: Ring, entry: Entry) -> Ring:
    """With a new key's digests in the free slot.

    :raises RotationRefused: there is none.
    """
    _expect_phase(ring, "steady", "rotate_lookup()")
    return with_entry(ring, entry)._replace(lookup=ring.lookup.with_other(entry.id))


def lookup_switched(ring: Ring) -> Ring:
    """Searching by the newer key.

    :raises RotationRefused: there is none, or that is so already.
    """
    _expect_phase(ring, "adding", "switch_lookup()")
    lookup = ring.lookup
    return ring._replace(lookup=lookup if lookup.other is None else Lookup(lookup.other, lookup.slots))


def lookup_ended(ring: Ring) -> Ring:
    """With the older key's slot left empty.

    :raises RotationRefused: searches still use it.
    """
    _expect_phase(ring, "switching", "end_lookup()")
    return ring._replace(lookup=ring.lookup.with_other(None))


def retired(ring: Ring, key_id: int) -> Ring:
    """Without a key.

    :raises KeyUnavailable: the ring does not hold it.
    :raises RotationRefused: it is needed.
    """
    _expect_key(ring, key_id)
    name = key_name(key_id)
    if key_id == ring.primary:
        _refuse(f"key {name} is the primary one: new cells are sealed under it", "rotate() first, and reseal.")
    if key_id == ring.entries[0].id:
        _refuse(
            f"key {name} is the ring's first: it makes the pseudonyms of the access log",
            "keep it for as long as the log's people are to be told apart.",
        )
    if key_id in ring.lookup.slots:
        _refuse(
            f"key {name} makes the lookup digests",
            "rotate_lookup(), reseal, switch_lookup(), end_lookup(); then it may go.",
        )
    return ring._replace(entries=tuple(entry for entry in ring.entries if entry.id != key_id))


def _expect_key(ring: Ring, key_id: int) -> None:
    if key_id not in ring.ids:
        raise KeyUnavailable(
            f"the keyring holds no key {key_name(key_id)}.", hint="sa-privacy keys status lists its keys."
        )


def _expect_phase(ring: Ring, phase: str, step: str) -> None:
    now = ring.lookup_phase
    if now != phase:
        _refuse(f'{step} needs the lookup phase "{phase}", and the ring is in "{now}"', _NEXT_STEP[now])


def _refuse(what: str, hint: str) -> NoReturn:
    raise RotationRefused(f"{what}.", hint=hint)
