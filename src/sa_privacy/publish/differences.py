"""What is published, held against what would be published now: in sentences about what changed, then file by file."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from sa_privacy.publish.publication import RECORD
from sa_privacy.publish.speaker import plain

__all__ = ["differences"]

_NOUNS: Final[Mapping[str, str]] = {
    "categories": "category",
    "purposes": "purpose",
    "roles": "role",
    "systems": "system",
    "columns": "column",
    "wordings": "wording",
    "recipients": "recipient",
    "grounds": "ground",
    "clocks": "clock",
    "retention": "schedule",
}
"""Sections of named things, and what one of them is."""

_DOES: Final[Mapping[tuple[str, str], str]] = {
    ("purposes", "use"): "reads, finds rows by and writes",
    ("purposes", "read"): "reads",
    ("purposes", "match"): "finds rows by",
    ("purposes", "write"): "writes",
    ("purposes", "delete"): "deletes rows of",
    ("roles", "purposes"): "acts for",
    ("roles", "break_glass"): "acts, in an emergency, for",
    ("roles", "disclose"): "may give data to",
    ("roles", "grants"): "grants",
    ("systems", "purposes"): "acts for",
    ("recipients", "categories"): "may be given",
    ("recipients", "purposes"): "works on",
    ("grounds", "requires"): "requires",
    ("grounds", "to"): "holds for",
    ("columns", "purposes"): "is for",
    ("retention", "columns"): "empties",
}
"""What a list in a section means, as a verb."""

_CHANGED_BY_HAND: Final = (
    "{name}, line {line}, is not what the policy and the models give; a hand or another release wrote it"
)


def differences(published: Path, files: Mapping[str, bytes]) -> list[str]:
    """What differs, most meaningful first; empty where everything published follows from the policy and the models.

    :param published: the directory.
    :param files: what would be published now.
    """
    there = {name: _read(published / name) for name in files}
    facts = _facts(there[RECORD])
    if facts is None:
        gone = [name for name, content in there.items() if content is None]
        if len(gone) == len(files):
            return [f"nothing is published in {published}"]
        return [f"{RECORD} is not there, or is no record; what was published cannot be told"]
    now = json.loads(files[RECORD])
    told = list(_changes(facts["facts"], now["facts"]))
    behind = [name for name, content in files.items() if there[name] is not None and there[name] != content]
    stale = sorted(name for name in set(facts["files"]) - files.keys() if _read(published / name) is not None)
    meant = facts["policy"] != now["policy"] or bool(told)
    if meant and not told:
        told.append(f"the policy is another one ({now['policy']['hash'][:19]}…); what it says is written another way")
    elif not meant:
        told += [_CHANGED_BY_HAND.format(name=name, line=_line(there[name] or b"", files[name])) for name in behind]
        behind = []
    if behind:
        told.append(f"behind: {', '.join(behind)}")
    told += [f"{name} is not there" for name, content in there.items() if content is None]
    told += [f"{name} is published, and nothing makes it any more" for name in stale]
    return told


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return None


def _facts(record: bytes | None) -> dict[str, Any] | None:
    try:
        found = json.loads(record or b"")
    except ValueError:
        return None
    sound = (
        isinstance(found, dict) and {"policy", "files", "facts"} <= found.keys() and isinstance(found["facts"], dict)
    )
    sound = sound and isinstance(found["files"], list) and all(isinstance(name, str) for name in found["files"])
    return found if sound else None


def _line(one: bytes, other: bytes) -> int:
    """The first line in which they differ."""
    lines, others = one.split(b"\n"), other.split(b"\n")
    same = (a == b for a, b in zip(lines, others, strict=False))
    return next((at for at, alike in enumerate(same, 1) if not alike), min(len(lines), len(others)) + 1)


def _changes(before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    for section in dict.fromkeys((*now, *before)):
        was, is_ = before.get(section, {}), now.get(section, {})
        if was == is_:
            continue
        if section not in _NOUNS or not isinstance(was, Mapping) or not isinstance(is_, Mapping):
            yield from _values(section, "", section, was, is_)
            continue
        noun = _NOUNS[section]
        for name in dict.fromkeys((*is_, *was)):
            thing = f"{noun} {plain(name)}"
            if name not in was:
                yield f"{thing}{_what(is_[name])} is new; {_NOT_SAID}"
            elif name not in is_:
                yield f"{thing}{_what(was[name])} is gone; {_STILL_SAID}"
            else:
                yield from _values(section, "", thing, *_used(was[name], is_[name]))


def _used(*sides: Any) -> tuple[Any, ...]:
    """Purposes that open the same for all three verbs, as one."""
    if not all(isinstance(one, Mapping) and one.get("read") == one.get("match") == one.get("write") for one in sides):
        return sides
    verbs = ("read", "match", "write")
    return tuple({"use": one.get("read"), **{k: v for k, v in one.items() if k not in verbs}} for one in sides)


_NOT_SAID: Final = "the published notice does not say so"
_STILL_SAID: Final = "the published notice still has it"


def _what(thing: Any) -> str:
    """What a column holds, for people."""
    category = thing.get("category") if isinstance(thing, Mapping) else None
    return f" ({plain(category)})" if isinstance(category, str) else ""


def _values(section: str, key: str, thing: str, was: Any, now: Any) -> Iterator[str]:
    if was == now:
        return
    if isinstance(was, Mapping) and isinstance(now, Mapping):
        for name in dict.fromkeys((*now, *was)):
            inner = f"{key}.{name}" if key else name
            yield from _values(section, inner, thing, was.get(name), now.get(name))
        return
    old, new = (set(value) if isinstance(value, list) else set() if value is None else None for value in (was, now))
    does = _DOES.get((section, key), f"has as {plain(key.replace('_', ' '))}")
    if old is not None and new is not None:
        if new - old:
            yield f"{thing} now {does} {_list(new - old)}; {_NOT_SAID}"
        if old - new:
            yield f"{thing} no longer {does} {_list(old - new)}; {_STILL_SAID}"
        if old == new:
            yield f"{thing}: the order of {plain(key)} changed"
    elif isinstance(now, bool) and isinstance(was, (bool, type(None))):
        yield f"{thing} is {'now' if now else 'no longer'} {plain(key.replace('_', ' '))}; the published record says otherwise"
    else:
        yield f"{thing}: {plain(key)} is {_value(now)}; published is {_value(was)}"


def _list(names: set[Any]) -> str:
    return ", ".join(sorted(plain(str(name)) for name in names))


def _value(value: Any) -> str:
    if value is None:
        return "not said"
    text = plain(json.dumps(value, ensure_ascii=False))
    return text if len(text) <= 80 else f"{text[:79]}…"
