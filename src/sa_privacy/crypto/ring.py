"""What a keyring holds: entries, which one seals, and which ones make lookup digests (docs/spec/keyring.md)."""

from __future__ import annotations

from typing import NamedTuple

from sa_privacy.crypto.secrecy import Unportable

__all__ = ["Entry", "KeyInfo", "Lookup", "Ring", "key_name"]


def key_name(key_id: int) -> str:
    """A key id as people see it: 8 hexadecimal digits."""
    return f"{key_id:08x}"


class Entry(Unportable):
    """One key of a ring.

    :param id: 1 to 2^32 - 1.
    :param secret: 32 bytes.
    :param created: UTC, RFC 3339 in seconds.
    """

    __slots__ = ("created", "id", "secret")

    def __init__(self, id: int, secret: bytes, created: str) -> None:  # noqa: A002 - the format's own word
        self.id = id
        self.secret = secret
        self.created = created

    def __repr__(self) -> str:
        return f"<Entry {key_name(self.id)}>"


class KeyInfo(NamedTuple):
    """What may be known of a key.

    :param created: UTC, RFC 3339 in seconds.
    :param primary: new cells are sealed under it.
    :param first: it makes the pseudonyms of the access log.
    :param slot: new cells have its lookup digest in slot A (0) or B (1); None: in neither.
    :param search: searches compare its digests.
    """

    id: int
    created: str
    primary: bool
    first: bool
    slot: int | None
    search: bool


class Lookup(NamedTuple):
    """Which entry's lookup keys fill the two slots of new cells, and which one searches use, by id.

    A slot belongs to one entry while that is in use; the other slot is empty, or taken by the entry that comes next.
    """

    search: int
    slots: tuple[int | None, int | None]

    @property
    def search_slot(self) -> int:
        """Which slot searches compare: 0 (A) or 1 (B)."""
        return self.slots.index(self.search)

    @property
    def other(self) -> int | None:
        """The entry of the other slot, or None."""
        return self.slots[1 - self.search_slot]

    def with_other(self, key_id: int | None) -> Lookup:
        """The same search, with another entry in the other slot."""
        return Lookup(self.search, (self.search, key_id) if self.search_slot == 0 else (key_id, self.search))


class Ring(NamedTuple):
    """The entries, oldest first; the id of the one that new cells are sealed under; and the lookup."""

    entries: tuple[Entry, ...]
    primary: int
    lookup: Lookup

    @property
    def ids(self) -> tuple[int, ...]:
        """Ids of all entries, oldest first."""
        return tuple(entry.id for entry in self.entries)

    @property
    def infos(self) -> tuple[KeyInfo, ...]:
        """What may be known of the entries, oldest first."""
        slots = self.lookup.slots
        return tuple(
            KeyInfo(
                entry.id,
                entry.created,
                primary=entry.id == self.primary,
                first=entry is self.entries[0],
                slot=slots.index(entry.id) if entry.id in slots else None,
                search=entry.id == self.lookup.search,
            )
            for entry in self.entries
        )

    @property
    def lookup_phase(self) -> str:
        """Where the lookup key's rotation stands.

        ``"steady"``: one slot is written. ``"adding"``: both are, and searches use the older entry. ``"switching"``:
        both are, and searches use the newer one.
        """
        if self.lookup.other is None:
            return "steady"
        ids = self.ids
        return "adding" if ids.index(self.lookup.search) < ids.index(self.lookup.other) else "switching"
