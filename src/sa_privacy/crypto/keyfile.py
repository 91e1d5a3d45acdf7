"""The text of a keyring file: written in one way, read strictly (docs/spec/keyring.md)."""

from __future__ import annotations

import binascii
import json
import os
import re
from base64 import b64decode, b64encode
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any, NamedTuple

from sa_privacy.crypto.derivation import KEY_BYTES
from sa_privacy.crypto.ring import Entry, Lookup, Ring, key_name
from sa_privacy.crypto.services.wrapping import MAX_WRAPPED, KeyService, Wrapping, is_policy_id, is_service_name
from sa_privacy.errors import KeyUnavailable

__all__ = ["Loaded", "dump", "from_variable", "older_self", "parse"]

FORMAT = "sa_privacy.keyring"
VERSION = 2
_MEMBERS = {1: ("format", "version", "primary", "keys"), 2: ("format", "version", "primary", "lookup", "keys")}
_MAX_KEYS = 10_000
_ID = re.compile(r"[0-9a-f]{8}")
_CREATED = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", re.ASCII)
_GIVE_SERVICE = "Pass service=..., the key service of that name (docs/key-services.md)."
_RESTORE = "Restore the file from a backup; docs/spec/keyring.md has the format."


class Loaded(NamedTuple):
    """A ring, and who wraps its secrets in the file; None where they stand there as they are."""

    ring: Ring
    wrapping: Wrapping | None


def dump(ring: Ring, wrapping: Wrapping | None = None) -> str:
    """The file's text, in the newest version of the format.

    :raises KeyUnavailable: the key service did not wrap a secret.
    """
    slots = [None if key_id is None else key_name(key_id) for key_id in ring.lookup.slots]
    service = {} if wrapping is None else {"name": wrapping.service.name, "policy_id": wrapping.policy_id}
    return json.dumps(
        {
            "format": FORMAT,
            "version": VERSION,
            "primary": key_name(ring.primary),
            "lookup": {"search": key_name(ring.lookup.search), "slots": slots},
            **({"service": service} if service else {}),
            "keys": [
                {"id": key_name(entry.id), "created": entry.created, **_material(entry, wrapping)}
                for entry in ring.entries
            ],
        },
        indent=2,
    )


def _material(entry: Entry, wrapping: Wrapping | None) -> dict[str, str]:
    if wrapping is None:
        return {"secret": b64encode(entry.secret).decode("ascii")}
    return {"wrapped": b64encode(wrapping.wrap(entry.id, entry.secret)).decode("ascii")}


def parse(text: str | bytes, source: str, services: Mapping[str, KeyService] | None = None) -> Loaded:
    """Reads a keyring, strictly.

    :param source: the file or the variable, for messages.
    :param services: who may unwrap its secrets, by name.
    :raises KeyUnavailable: it breaks a rule of the format, or its secrets cannot be unwrapped; the message says which
        rule, or why, and shows nothing of the text.
    """
    try:
        return _loaded(text, services or {})
    except _Malformed as error:
        fault, hint = f"{source} is no keyring: {error}", _RESTORE
    except _Locked as error:
        fault, hint = f"{source} cannot be used: {error}", _GIVE_SERVICE
    except KeyUnavailable as error:  # a new one, without the frames that hold secrets
        fault, hint = error.message.rstrip("."), error.hint or _RESTORE
    text = b""  # tracebacks keep the locals of this frame; those of the frames below are gone with their error
    raise KeyUnavailable(f"{fault}.", hint=hint)


class _Malformed(Exception):
    """Says which rule of the format is broken. Never leaves this module: its traceback holds secrets."""


class _Locked(Exception):
    """Says that the secrets are wrapped, and by whom."""


def _loaded(text: str | bytes, services: Mapping[str, KeyService]) -> Loaded:
    document = _json(text)
    if not isinstance(document, dict):
        raise _Malformed("it is not a JSON object, or has a member twice")
    if document.get("format") != FORMAT:
        raise _Malformed(f'its "format" is not "{FORMAT}"')
    version = document.get("version")
    if type(version) is not int or version not in _MEMBERS:
        raise _Malformed('its "version" is not 1 or 2')
    wrapped = version > 1 and "service" in document
    if set(document) - ({"service"} if wrapped else set()) != set(_MEMBERS[version]):
        raise _Malformed(f"its members are not {', '.join(_MEMBERS[version])}")
    wrapping = _wrapping(document["service"], services) if wrapped else None
    keys = document["keys"]
    if not isinstance(keys, list) or not 1 <= len(keys) <= _MAX_KEYS:
        raise _Malformed(f'its "keys" is not a list of 1 to {_MAX_KEYS:,} entries')
    entries = tuple(_entry(key, place, wrapping) for place, key in enumerate(keys, 1))
    if len({entry.id for entry in entries}) < len(entries):
        raise _Malformed("two of its keys have the same id")
    if len({entry.secret for entry in entries}) < len(entries):
        raise _Malformed("two of its keys have the same secret")
    ids = {key_name(entry.id): entry.id for entry in entries}
    primary = _one_of(ids, document["primary"])
    if primary is None:
        raise _Malformed('its "primary" is not the id of one of its keys')
    if version == 1:  # before lookups: the primary's digests go into slot A
        return Loaded(Ring(entries, primary, Lookup(primary, (primary, None))), None)
    return Loaded(Ring(entries, primary, _lookup(document["lookup"], ids)), wrapping)


def _wrapping(said: Any, services: Mapping[str, KeyService]) -> Wrapping:
    if not isinstance(said, dict) or set(said) != {"name", "policy_id"}:
        raise _Malformed('the members of its "service" are not name, policy_id')
    if not is_service_name(said["name"]) or not is_policy_id(said["policy_id"]):
        raise _Malformed('the "name" or the "policy_id" of its "service" cannot be one')
    service = services.get(said["name"])
    if service is None:
        raise _Locked(f"its keys are wrapped by the key service {said['name']}")
    return Wrapping(service, said["policy_id"])


def _lookup(lookup: Any, ids: dict[str, int]) -> Lookup:
    if not isinstance(lookup, dict) or set(lookup) != {"search", "slots"}:
        raise _Malformed('the members of its "lookup" are not search, slots')
    slots = lookup["slots"]
    if not isinstance(slots, list) or len(slots) != 2:
        raise _Malformed('the "slots" of its "lookup" are not two')
    filled = [_one_of(ids, name) for name in slots if name is not None]
    if None in filled or len(set(filled)) < len(filled):
        raise _Malformed('the "slots" of its "lookup" are not null or the ids of two of its keys')
    search = _one_of(ids, lookup["search"])
    if search is None or search not in filled:
        raise _Malformed('the "search" of its "lookup" is not the id in one of the slots')
    first, second = (None if name is None else ids[name] for name in slots)
    return Lookup(search, (first, second))


def _one_of(ids: dict[str, int], name: Any) -> int | None:
    return ids.get(name) if isinstance(name, str) else None


def _entry(key: Any, place: int, wrapping: Wrapping | None) -> Entry:
    member, what = ("secret", f"{KEY_BYTES}") if wrapping is None else ("wrapped", f"1 to {MAX_WRAPPED:,}")
    if not isinstance(key, dict) or set(key) != {"id", "created", member}:
        raise _Malformed(f"the members of key {place} are not id, created, {member}")
    name, created, material = key["id"], key["created"], None
    if not isinstance(name, str) or not _ID.fullmatch(name) or not int(name, 16):
        raise _Malformed(f"the id of key {place} is not 8 lower-case hexadecimal digits, or is 0")
    if not isinstance(created, str) or not _CREATED.fullmatch(created):
        raise _Malformed(f'the "created" of key {place} is not a UTC time such as 2026-11-23T09:00:00Z')
    with suppress(ValueError, TypeError):
        material = b64decode(key[member], validate=True) if isinstance(key[member], str) else None
    fits = material is not None and (
        len(material) == KEY_BYTES if wrapping is None else 1 <= len(material) <= MAX_WRAPPED
    )
    if material is None or not fits:
        raise _Malformed(f"the {member} of key {place} is not {what} bytes in base64")
    return Entry(int(name, 16), material if wrapping is None else wrapping.unwrap(int(name, 16), material), created)


def _json(text: str | bytes) -> Any:
    """The document, or None. A JSONDecodeError holds the whole text, so it must not become anyone's context."""
    try:
        return json.loads(text, object_pairs_hook=_once)
    except (ValueError, RecursionError):
        return None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        raise ValueError("a member stands twice")
    return members


def from_variable(name: str, services: Mapping[str, KeyService] | None = None) -> Loaded:
    """Reads a keyring from an environment variable that holds plain JSON or base64 of it."""
    return parse(_decoded(os.environ.get(name, "").strip()), f"the environment variable {name}", services)


def _decoded(text: str) -> str | bytes:
    if text.startswith("{"):
        return text
    try:
        return b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        return b""


def older_self(
    text: bytes, path: str, ring: Ring, retired: Iterable[Entry] = (), wrappings: Iterable[Wrapping] = ()
) -> None:
    """Refuses to replace a file unless it is an older state of the ring, or the same.

    :param text: what the file holds.
    :param retired: entries that the ring let go of; the file may hold them.
    :param wrappings: who may be asked to unwrap what the file holds.
    :raises KeyUnavailable: the file holds keys that the ring does not have, or is further on in the rotation of the
        lookup key, or is no keyring at all.
    """
    hint = "Save under another name, or pass overwrite=True: what was sealed under the keys in that file is then lost."
    there: Ring | None = None
    why = first = ""
    try:
        there = parse(text, f"the file {path}", {one.service.name: one.service for one in wrappings}).ring
    except KeyUnavailable as error:
        why, first = error.message, error.hint or ""
    text = b""  # as in parse()
    if there is None:  # out here, so that no traceback of the file's text comes along
        # What to mend comes first, and to overwrite only where there is nothing to mend.
        way_out = f"{first} {hint}" if first == _RESTORE else first
        raise KeyUnavailable(f"nothing was saved, for what is there cannot be read as a keyring: {why}", hint=way_out)
    if not _all_in(there.entries, (*ring.entries, *retired)):
        raise KeyUnavailable(f"{path} holds keys that the ring to be saved does not have.", hint=hint)
    if _progress(there.lookup, ring) > _progress(ring.lookup, ring):
        raise KeyUnavailable(
            f"{path} is further on in the rotation of the lookup key than the ring to be saved.",
            hint="Load it again. overwrite=True goes back: rows written since may then be lost from sight, or doubled.",
        )


def _all_in(some: Iterable[Entry], known: Iterable[Entry]) -> bool:
    return {(entry.id, entry.secret) for entry in some} <= {(entry.id, entry.secret) for entry in known}


def _progress(lookup: Lookup, ring: Ring) -> tuple[int, int, bool]:
    """Grows with every step of a lookup key's rotation. Keys that the ring has retired came before all others."""
    age = {key_id: place for place, key_id in enumerate(ring.ids)}
    newest = max(age.get(key_id, -1) for key_id in lookup.slots if key_id is not None)
    return newest, age.get(lookup.search, -1), None in lookup.slots
