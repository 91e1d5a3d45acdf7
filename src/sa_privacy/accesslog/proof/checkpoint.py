"""One checkpoint: what it vouches for, and its bytes (docs/spec/log.md, "Checkpoints")."""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256
from itertools import pairwise

import msgspec

from sa_privacy.accesslog.journal.segment import START
from sa_privacy.accesslog.proof.chain import SEGMENT_NAME, Bad, Mark
from sa_privacy.crypto import Document, SigningKey, VerifyingKey

__all__ = ["FIRST", "MAX_BYTES", "Checkpoint", "Head", "Removed", "read_checkpoint", "sign_checkpoint"]

MAX_BYTES = 256 * 1024 * 1024
"""The longest checkpoint, its line break included. One that lists a million writers is not longer."""
FIRST = START.decode()
"""``prev`` of the first checkpoint."""

_SIG = b',"sig":"'
_TAIL = len(_SIG) + 88 + len(b'"}')
_ID = re.compile(r"[0-9a-f]{16}", re.ASCII)
_DIGEST = re.compile(r"[0-9a-f]{64}", re.ASCII)
_AT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", re.ASCII)


class Head(msgspec.Struct, frozen=True, kw_only=True):
    """How far a writer had come: its last line, and the bytes of that line's segment up to there.

    ``next`` stands where the line is a closing one: the segment it names, or None if that was the writer's end.
    """

    writer: str
    segment: str
    bytes: int
    seq: int
    hash: str
    next: str | msgspec.UnsetType | None = msgspec.UNSET

    @property
    def mark(self) -> Mark:
        """The line."""
        return Mark(self.seq, self.bytes, self.hash)


class Removed(msgspec.Struct, frozen=True, kw_only=True):
    """A segment that was let go by its schedule: what its neighbours need to be held together without it."""

    segment: str
    writer: str
    first: int
    last: int
    prev: str
    hash: str


class Checkpoint(msgspec.Struct, frozen=True, kw_only=True):
    """What was there at a time, signed.

    ``heads`` are those that changed since the checkpoint before; all of them, where ``full`` says so.
    """

    number: int
    at: str
    prev: str
    full: bool
    heads: tuple[Head, ...]
    removed: tuple[Removed, ...]
    key: str
    sig: str = ""

    @property
    def time(self) -> datetime:
        """When it was made."""
        return datetime.fromisoformat(self.at)

    @property
    def file(self) -> str:
        """The name of the file it stands in."""
        return f"checkpoints-{self.at[:7]}.ndjson"


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Checkpoint).decode


def sign_checkpoint(checkpoint: Checkpoint, key: SigningKey) -> bytes:
    """The line, without its line break."""
    unsigned = _encode(checkpoint)
    message = unsigned[: unsigned.rindex(_SIG)]
    return message + _SIG + b64encode(key.sign(Document.CHECKPOINT, message)) + b'"}'


def read_checkpoint(
    line: bytes, *, number: int | None, prev: str | None, keys: Mapping[str, VerifyingKey] | None
) -> tuple[Checkpoint, str]:
    """The checkpoint in a line, and the hash that the next one follows from.

    :param line: without its line break.
    :param number: the one that belongs there; None: any.
    :param prev: the hash it has to follow from; None: any.
    :param keys: who may sign, by id; None: the signature is not looked at.
    :raises Bad: it is no checkpoint, not that one, or not signed by one of the keys.
    """
    try:
        found = _decode(line)
    except (ValueError, RecursionError):
        raise Bad("the line is not a checkpoint") from None
    if not _is_canonical(found, line):
        raise Bad("the line is not a checkpoint as it is written")
    if number is not None and found.number > number:
        raise Bad(f"checkpoints are missing or moved: number {found.number} stands here")
    if number is not None and found.number < number:
        raise Bad(f"repeated or moved: checkpoint {found.number} stands here again")
    if keys is not None:
        key = keys.get(found.key)
        if key is None:
            raise Bad(f"forged, or another key is needed: it is signed with key {found.key}")
        if not key.verify(Document.CHECKPOINT, line[:-_TAIL], b64decode(found.sig)):
            raise Bad("forged: the signature does not match the checkpoint")
    if prev is not None and found.prev != prev:
        raise Bad("it does not follow from the checkpoint before: one of the two was replaced")
    return found, sha256(line).hexdigest()


def _is_canonical(found: Checkpoint, line: bytes) -> bool:
    texts = [found.prev, *(head.hash for head in found.heads)]
    for removed in found.removed:
        texts += [removed.prev, removed.hash]
    named = [(head.segment, head.writer) for head in found.heads] + [(one.segment, one.writer) for one in found.removed]
    writers = [head.writer for head in found.heads]
    return (
        _encode(found) == line
        and len(found.sig) == 88
        and _is_base64(found.sig)
        and _AT.fullmatch(found.at) is not None
        and found.number >= 1
        and _ID.fullmatch(found.key) is not None
        and all(_DIGEST.fullmatch(text) for text in texts)
        and all(SEGMENT_NAME.fullmatch(name) and name[-22:-6] == writer for name, writer in named)
        and all(a < b for a, b in pairwise(writers))
        and all(head.seq >= 0 and head.bytes > 0 for head in found.heads)
        and all(0 <= one.first <= one.last for one in found.removed)
    )


def _is_base64(text: str) -> bool:
    try:
        return b64encode(b64decode(text, validate=True)).decode() == text
    except ValueError:
        return False
