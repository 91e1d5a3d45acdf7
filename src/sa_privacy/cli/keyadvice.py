"""What a keyring and a count of cells say: which key may go, which must be rotated, what is missing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sa_privacy.cli.census import Census
from sa_privacy.crypto import KeyInfo, key_name

__all__ = ["LIMIT", "ROTATE_NOW", "ROTATE_SOON", "Advice", "advise"]

LIMIT = 2**32
"""The most cells that one key may seal in one field (docs/spec/cell.md, "Nonce")."""
ROTATE_SOON = 2**30
ROTATE_NOW = 2**31
"""Long before the limit: cells that were overwritten since count too, and are not there to be counted."""


@dataclass(frozen=True)
class Advice:
    """The outcome.

    :param kept_for: why a key may not go, by id; a key that is not in here may.
    :param notes: what to know.
    :param wrong: what to mend.
    """

    kept_for: dict[int, str]
    notes: tuple[str, ...] = ()
    wrong: tuple[str, ...] = ()


def advise(keys: Sequence[KeyInfo], phase: str, census: Census | None) -> Advice:
    """Judges.

    :param phase: the ring's lookup phase.
    :param census: None: nothing was counted, so no key may go.
    """
    if census is None:
        return Advice({key.id: "not counted" for key in keys})
    kept_for = {key.id: why for key in keys if (why := _kept_for(key, census))}
    notes = [
        f"{field}: {cells:,} cells under key {key_name(key_id)}. Rotate soon: the limit is 2^32, and overwritten cells "
        "count too."
        for (field, key_id), cells in sorted(census.by_field.items())
        if ROTATE_SOON <= cells < ROTATE_NOW
    ]
    wrong = [
        f"{field}: {cells:,} cells under key {key_name(key_id)}. Rotate now, and reseal: the limit is 2^32."
        for (field, key_id), cells in sorted(census.by_field.items())
        if cells >= ROTATE_NOW
    ]
    known = {key.id for key in keys}
    wrong += [
        f"{cells:,} cells are sealed under key {key_name(key_id)}, which the ring does not hold."
        for key_id, cells in sorted(census.by_key.items())
        if key_id not in known
    ]
    notes += [f"{name}: {cells:,} values are not sealed." for name, cells in sorted(census.unsealed.items())]
    notes += [f"{name}: not in the database yet." for name in census.missing]
    notes += _lookup(keys, phase, census)
    if len(kept_for) < len(keys):
        notes.append("A key may go as far as this database is concerned: others, and backups, were not counted.")
    return Advice(kept_for, tuple(notes), tuple(wrong))


def _kept_for(key: KeyInfo, census: Census) -> str | None:
    reasons = []
    if key.primary:
        reasons.append("new cells")
    if key.slot is not None:
        reasons.append("lookups")
    if key.first:
        reasons.append("pseudonyms")
    if census.by_key[key.id]:
        reasons.append("its cells")
    if census.by_slot[key.id]:
        reasons.append("digests in cells")
    return ", ".join(reasons) or None


def _lookup(keys: Sequence[KeyInfo], phase: str, census: Census) -> list[str]:
    """How far a rotation of the lookup key is."""
    searched = next(key for key in keys if key.search)
    other = next((key for key in keys if key.slot is not None and not key.search), None)
    if phase == "adding" and other is not None:
        left = census.without_digest(other.id)
        if left:
            return [
                f"{left:,} searchable cells have no digest of key {key_name(other.id)} yet: reseal, then switch-lookup."
            ]
        return [f"Every searchable cell has a digest of key {key_name(other.id)}: switch-lookup may follow."]
    left = census.without_digest(searched.id)
    return (
        [f"{left:,} searchable cells have no digest of key {key_name(searched.id)}, and are not found."] if left else []
    )
