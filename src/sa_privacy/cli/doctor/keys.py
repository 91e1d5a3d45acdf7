"""What a keyring's file says, and where it lies. The keys stay in the library."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from sa_privacy.cli.doctor.section import LEAKS, MIND, Risk, Section, many
from sa_privacy.cli.services import find_service
from sa_privacy.crypto import Keyring, key_name
from sa_privacy.errors import PrivacyError

__all__ = ["keys_in"]


def keys_in(path: Path, service: str | None, *, needed: bool, beside: Iterable[tuple[str, Path]]) -> Section:
    """Reads a keyring.

    :param needed: columns are sealed.
    :param beside: what must not lie where the keys lie, and what it is called.
    """
    if not path.exists():
        risk = Risk(MIND, f"columns are sealed, and there is no keyring in {path} to look at.", "--keys FILE")
        return Section(
            "keys", (f"not looked at: there is no {path} (--keys)",), {"file": None}, [risk] if needed else []
        )
    try:
        ring = Keyring.load(path, service=find_service(service))
    except PrivacyError as error:
        risk = Risk(LEAKS, error.message, error.hint or "sa-privacy keys status")
        return Section("keys", (f"{path}: cannot be used",), {"file": str(path), "usable": False}, [risk])
    wrapped, phase = ring.wrapped_by, ring.lookup_phase
    risks = []
    near = [what for what, place in beside if place.resolve() == path.resolve().parent]
    if near and wrapped is None:
        risks.append(
            Risk(
                LEAKS,
                f"{path} lies beside {' and '.join(near)}, unwrapped: who copies the directory has both.",
                "move it, or have a key service wrap it: sa-privacy keys wrap.",
            )
        )
    elif wrapped is None:
        risks.append(Risk(MIND, f"the keys in {path} are not wrapped by a key service.", "sa-privacy keys wrap"))
    if phase != "steady":
        risks.append(
            Risk(
                MIND,
                f"a rotation of the lookup key is half way ({phase}).",
                "sa-privacy keys status says what is next.",
            )
        )
    by = f"wrapped by {wrapped}" if wrapped else "not wrapped"
    line = f"{path}: {many(len(ring), 'key')}, its owner's alone, primary {key_name(ring.primary_id)}, {by}, lookup {phase}"
    return Section(
        "keys",
        (line,),
        {
            "file": str(path),
            "usable": True,
            "keys": len(ring),
            "primary": key_name(ring.primary_id),
            "wrapped_by": wrapped,
            "lookup_phase": phase,
            "beside": near,
        },
        risks,
    )
