"""What has to be shown before data is given away without consent: exactly what the ground asks for, and no blanks.

Pure: values in, a value or an error out. No error repeats what was shown.
"""

from __future__ import annotations

import difflib
import json
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from sa_privacy.errors import DisclosureRefused
from sa_privacy.policy import Ground
from sa_privacy.policy.dealings import ARTICLES, EVIDENCE

__all__ = ["Proof", "prove"]

_LONGEST: Final = 2000


@dataclass(frozen=True, slots=True)
class Proof:
    """A ground with its evidence.

    :param article: the item of APPI 27(1) that it is.
    :param shown: the evidence as the record keeps it, in JSON.
    """

    ground: Ground
    article: str
    shown: str = field(repr=False)


def prove(ground: Ground, evidence: object, *, actor: str, now: datetime) -> Proof:
    """The ground with its evidence, if that is what it requires.

    :param evidence: by kind of evidence; ``until`` is an aware ``datetime``, all else are texts.
    :param actor: who asks, and so cannot be the approver.
    :raises DisclosureRefused: telling every fault at once, and no value.
    """
    if evidence is not None and not isinstance(evidence, Mapping):
        raise _refused(ground, ["evidence is no mapping"])
    given: Mapping[Any, Any] = evidence or {}
    faults = [f"{name} is missing" for name in EVIDENCE if name in ground.requires and name not in given]
    faults += [_superfluous(name) for name in given if name not in ground.requires]
    shown: dict[str, str] = {}
    for name in EVIDENCE:
        if name in ground.requires and name in given:
            fault = _CHECKS.get(name, _text)(given[name], ground, actor, now)
            if fault is not None:
                faults.append(f"{name} {fault}")
            else:
                shown[name] = _kept(given[name])
    if faults:
        raise _refused(ground, faults)
    return Proof(ground, ground.article or shown["article"], json.dumps(shown, ensure_ascii=False, sort_keys=True))


def _superfluous(name: object) -> str:
    if isinstance(name, str) and name in EVIDENCE:
        return f"{name} is not what this ground asks for"
    near = difflib.get_close_matches(str(name), EVIDENCE, 1)
    return "there is an entry that is no kind of evidence" + (f"; did you mean {near[0]}?" if near else "")


def _text(value: object, _ground: Ground, _actor: str, _now: datetime) -> str | None:
    if not isinstance(value, str):
        return f"is no text but a {type(value).__name__}"
    if not any(character.isalnum() for character in value):
        return "is empty"
    if len(value) > _LONGEST:
        return f"is longer than {_LONGEST} characters"
    if "\0" in value or any("\ud800" <= character <= "\udfff" for character in value):
        return "holds what is no character"
    return None


def _approver(value: object, ground: Ground, actor: str, now: datetime) -> str | None:
    fault = _text(value, ground, actor, now)
    if fault is None and _name(str(value)) == _name(actor):
        return "is who asks, and it takes somebody else"
    return fault


def _until(value: object, _ground: Ground, _actor: str, now: datetime) -> str | None:
    if not isinstance(value, datetime):
        return f"is no datetime but a {type(value).__name__}"
    if value.utcoffset() is None:
        return "has no time zone"
    return None if value > now else "is over"


def _article(value: object, ground: Ground, _actor: str, _now: datetime) -> str | None:
    if value not in ARTICLES:
        return f"is no ground of APPI 27(1): {', '.join(ARTICLES)}"
    if ground.article is not None and value != ground.article:
        return f"is another than the policy's, {ground.article}"
    return None


_CHECKS: Final[Mapping[str, Callable[[object, Ground, str, datetime], str | None]]] = {
    "approver": _approver,
    "until": _until,
    "article": _article,
}


def _kept(value: str | datetime) -> str:
    return value.isoformat() if isinstance(value, datetime) else value.strip()


def _name(text: str) -> str:
    """A name, however it is written: width, case and blanks make nobody somebody else."""
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    return "".join(one for one in folded if not one.isspace() and unicodedata.category(one) not in {"Cf", "Cc"})


def _refused(ground: Ground, faults: list[str]) -> DisclosureRefused:
    required = ", ".join(name for name in EVIDENCE if name in ground.requires)
    return DisclosureRefused(
        f'the ground "{ground.name}" is not shown: {"; ".join(faults)}.',
        hint=f"it requires {required}; evidence={{...}} takes these and nothing else.",
    )
