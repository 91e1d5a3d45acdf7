"""The keyring file: its text, read strictly; its bytes, replaced whole or not at all (docs/spec/keyring.md)."""

from __future__ import annotations

import binascii
import json
import os
import re
import secrets
import stat
import sys
from base64 import b64decode, b64encode
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from sa_privacy.crypto.derivation import KEY_BYTES
from sa_privacy.crypto.ring import Entry, Lookup, Ring, key_name
from sa_privacy.errors import KeyUnavailable

if sys.platform != "win32":
    import fcntl

__all__ = ["dump", "from_variable", "parse", "read", "replace"]

FORMAT = "sa_privacy.keyring"
VERSION = 2
_MEMBERS = {1: ("format", "version", "primary", "keys"), 2: ("format", "version", "primary", "lookup", "keys")}
_MAX_BYTES = 1 << 20
_MAX_KEYS = 10_000
_OTHERS = 0o077
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0)  # O_EXCL follows no link
_ID = re.compile(r"[0-9a-f]{8}")
_CREATED = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", re.ASCII)
_RESTORE = "Restore the file from a backup; docs/spec/keyring.md has the format."


def dump(ring: Ring) -> bytes:
    """The file's bytes, in the newest version of the format."""
    keys = [
        {"id": key_name(entry.id), "created": entry.created, "secret": b64encode(entry.secret).decode("ascii")}
        for entry in ring.entries
    ]
    slots = [None if key_id is None else key_name(key_id) for key_id in ring.lookup.slots]
    document = {
        "format": FORMAT,
        "version": VERSION,
        "primary": key_name(ring.primary),
        "lookup": {"search": key_name(ring.lookup.search), "slots": slots},
        "keys": keys,
    }
    return json.dumps(document, indent=2).encode("ascii") + b"\n"


def parse(text: str | bytes, source: str) -> Ring:
    """Reads a keyring, strictly.

    :param source: the file or the variable, for messages.
    :raises KeyUnavailable: it breaks a rule of the format; the message says which, and shows nothing of the text.
    """
    try:
        return _ring(text)
    except _Malformed as error:
        fault = str(error)
    text = b""  # tracebacks keep the locals of this frame; those of the frames below are gone with their error
    raise KeyUnavailable(f"{source} is no keyring: {fault}.", hint=_RESTORE)


class _Malformed(Exception):
    """Says which rule of the format is broken. Never leaves this module: its traceback holds secrets."""


def _ring(text: str | bytes) -> Ring:
    document = _json(text)
    if not isinstance(document, dict):
        raise _Malformed("it is not a JSON object, or has a member twice")
    if document.get("format") != FORMAT:
        raise _Malformed(f'its "format" is not "{FORMAT}"')
    version = document.get("version")
    if type(version) is not int or version not in _MEMBERS:
        raise _Malformed('its "version" is not 1 or 2')
    if set(document) != set(_MEMBERS[version]):
        raise _Malformed(f"its members are not {', '.join(_MEMBERS[version])}")
    keys = document["keys"]
    if not isinstance(keys, list) or not 1 <= len(keys) <= _MAX_KEYS:
        raise _Malformed(f'its "keys" is not a list of 1 to {_MAX_KEYS:,} entries')
    entries = tuple(_entry(key, place) for place, key in enumerate(keys, 1))
    if len({entry.id for entry in entries}) < len(entries):
        raise _Malformed("two of its keys have the same id")
    if len({entry.secret for entry in entries}) < len(entries):
        raise _Malformed("two of its keys have the same secret")
    ids = {key_name(entry.id): entry.id for entry in entries}
    primary = _one_of(ids, document["primary"])
    if primary is None:
        raise _Malformed('its "primary" is not the id of one of its keys')
    if version == 1:  # before lookups: the primary's digests go into slot A
        return Ring(entries, primary, Lookup(primary, (primary, None)))
    return Ring(entries, primary, _lookup(document["lookup"], ids))


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


def _entry(key: Any, place: int) -> Entry:
    if not isinstance(key, dict) or set(key) != {"id", "created", "secret"}:
        raise _Malformed(f"the members of key {place} are not id, created, secret")
    name, created, secret = key["id"], key["created"], None
    if not isinstance(name, str) or not _ID.fullmatch(name) or not int(name, 16):
        raise _Malformed(f"the id of key {place} is not 8 lower-case hexadecimal digits, or is 0")
    if not isinstance(created, str) or not _CREATED.fullmatch(created):
        raise _Malformed(f'the "created" of key {place} is not a UTC time such as 2026-11-23T09:00:00Z')
    with suppress(ValueError, TypeError):
        secret = b64decode(key["secret"], validate=True) if isinstance(key["secret"], str) else None
    if secret is None or len(secret) != KEY_BYTES:
        raise _Malformed(f"the secret of key {place} is not {KEY_BYTES} bytes in base64")
    return Entry(int(name, 16), secret, created)


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


def from_variable(name: str) -> Ring:
    """Reads a keyring from an environment variable that holds plain JSON or base64 of it."""
    return parse(_decoded(os.environ.get(name, "").strip()), f"the environment variable {name}")


def _decoded(text: str) -> str | bytes:
    if text.startswith("{"):
        return text
    try:
        return b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        return b""


def read(path: str) -> bytes:
    """The bytes of a keyring file that nobody else can read.

    :raises KeyUnavailable: it is missing, unreadable, not a regular file, too long, or open to group or others.
    """
    source = f"the keyring file {path}"
    try:
        # O_NONBLOCK: opening a pipe must not hang. The mode is judged on what was opened, not on the name.
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0))
    except FileNotFoundError:
        raise KeyUnavailable(f"{source} does not exist.", hint="Make one: Keyring.generate().save(path).") from None
    except OSError as error:
        raise KeyUnavailable(f"{source} cannot be opened ({error.strerror}).", hint="Check owner and mode.") from None
    try:
        status = os.fstat(handle)
        if not stat.S_ISREG(status.st_mode):
            raise KeyUnavailable(f"{source} is not a regular file.", hint="Give the path of the file itself.")
        if os.name == "posix" and status.st_mode & _OTHERS:
            raise KeyUnavailable(
                f"{source} is open to others than its owner (mode {stat.S_IMODE(status.st_mode):04o}).",
                hint=f"Run: chmod 600 {path}. If others may have read it, rotate too.",
            )
        with os.fdopen(handle, "rb", closefd=False) as file:
            content = file.read(_MAX_BYTES + 1)
    finally:
        os.close(handle)
    if len(content) > _MAX_BYTES:
        content = b""  # as in parse()
        raise KeyUnavailable(f"{source} is longer than 1 MiB.", hint=_RESTORE)
    return content


def replace(path: str, ring: Ring, *, overwrite: bool, retired: Iterable[Entry] = ()) -> None:
    """Writes the ring to the path with mode 0600; whoever reads it meanwhile sees the old file or the new one.

    :param retired: entries that the ring let go of; the file may hold them.
    :param overwrite: replace whatever is there, even if keys are lost.
    :raises KeyUnavailable: the path holds keys that the ring does not have, or no keyring at all, and ``overwrite`` is
        not set; or the file cannot be written.
    """
    target = Path(os.path.realpath(path))  # a link stays a link
    temporary = target.with_name(f".{target.name}.{secrets.token_hex(8)}.tmp")
    try:
        with _locked(target.parent) as folder_handle:
            if not overwrite and target.exists():
                _check_older_self(target, (*ring.entries, *retired))
            handle = os.open(temporary, _NEW, 0o600)
            try:
                _write(handle, dump(ring))
                temporary.replace(target)
            except BaseException:
                with suppress(OSError):
                    temporary.unlink()
                raise
            if folder_handle is not None:
                os.fsync(folder_handle)
    except OSError as error:
        raise KeyUnavailable(
            f"the keyring file {path} cannot be written ({error.strerror}).",
            hint="Check that its directory exists, that it is yours, and that the disk is not full.",
        ) from None


def _check_older_self(path: Path, known: Iterable[Entry]) -> None:
    hint = "Save under another name, or pass overwrite=True: what was sealed under the keys in that file is then lost."
    there: tuple[Entry, ...] = ()
    why = first = ""
    try:
        there = parse(read(str(path)), f"the file {path}").entries
    except KeyUnavailable as error:
        why, first = error.message, error.hint or ""
    if why:  # out here, so that no traceback of the file's text comes along
        # It may hold keys all the same: what to mend comes first, and to overwrite it only where that is said to lose them.
        way_out = f"{first} {hint}" if first == _RESTORE else first
        raise KeyUnavailable(f"nothing was saved, for what is there cannot be read as a keyring: {why}", hint=way_out)
    if not {(entry.id, entry.secret) for entry in there} <= {(entry.id, entry.secret) for entry in known}:
        raise KeyUnavailable(f"{path} holds keys that the ring to be saved does not have.", hint=hint)


def _write(handle: int, content: bytes) -> None:
    with os.fdopen(handle, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


@contextmanager
def _locked(folder: Path) -> Iterator[int | None]:
    """Holds the directory against a second saver, so that none replaces keys it did not see. Yields its descriptor."""
    if sys.platform == "win32":
        yield None
        return
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        with suppress(OSError):  # network file systems that lock no directories
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield handle
    finally:
        os.close(handle)
