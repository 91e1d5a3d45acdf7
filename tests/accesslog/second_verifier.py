"""A second verifier, from docs/spec/log.md alone: standard library and Ed25519, nothing of the library."""

import gzip
import hashlib
import json
import re
from base64 import b64decode
from collections import defaultdict, namedtuple
from contextlib import suppress
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

AT = rb"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z)"
HEAD = re.compile(rb'\{"kind":"([a-z][a-z0-9_]{0,31})","at":"%b","writer":"([0-9a-f]{16})","seq":(0|[1-9][0-9]*),' % AT)
TEXTS = "actor reason statement policy request route site origin ticket next"
LISTS = "roles purpose reads matches writes deletes denials sealed keys subjects"
FLAGS, MAPS = "maintenance unbounded break_glass", "categories narrowed"
SHAPES = {str: TEXTS, list: LISTS, int: "rows intent format", bool: FLAGS, dict: MAPS}
LONGEST, START, DECISIONS = 16 * 1024 * 1024, "0" * 64, {None, "allowed", "denied", "would_deny"}


# lines: (seq, bytes up to its end, hash); prev: what the first follows from; bad: the seq that belongs in the first bad line
Found = namedtuple("Found", "lines prev next closed bad torn")  # noqa: PYI024 - short is the point here


def segment(path: Path) -> Found:
    *lines, rest = (gzip.decompress if path.suffix == ".gz" else bytes)(path.read_bytes()).split(b"\n")
    seen: list[tuple[int, int, str]] = []
    first = prev = START
    size, due, last, opener, event = 0, 0, b"", b"", dict[str, Any]()
    for number, line in enumerate(lines, 1):
        body, tail = line[:-75], line[-75:]
        digest, head = hashlib.sha256(body).hexdigest(), HEAD.match(body)
        if tail != f',"hash":"{digest}"}}'.encode() or not head or len(line) >= LONGEST:
            return Found(seen, first, None, False, due, False)
        kind, at, writer, seq = head.groups()
        event = _event(line)
        name = re.sub("[-:]", "", at.decode()) + "-" + writer.decode() + ".jsonl"
        if number == 1 and event.get("format") == 2 and int(seq):
            first, prev, due = event["prev"], event["prev"], int(seq)
        good = number > 1 or (name == path.name.removesuffix(".gz") and event.get("format") in {1, 2})
        good = good and int(seq) == due and writer == (opener or writer) and (kind == b"opened") == (number == 1)
        good = good and body.endswith(f',"prev":"{prev}"'.encode()) and last != b"closed"
        if not good or [event.get(k) for k in ("kind", "writer", "seq")] != [kind.decode(), writer.decode(), due]:
            return Found(seen, first, None, False, due if seen else 0, False)
        seen.append((due, size + len(line) + 1, digest))
        prev, last, opener, size, due = digest, kind, writer, size + len(line) + 1, due + 1
    end = rest.find(b',"hash":"')
    bad = rest and (last == b"closed" or (end >= 0 and len(rest) - end >= 76) or len(rest) > LONGEST)
    return Found(seen, first, event.get("next"), last == b"closed", due if bad else None, bool(rest) or not lines)


def check_log(root: Path, key: bytes, second: Path) -> set[tuple[str, int]]:
    """The first bad event of each writer, as (writer, seq); a bad checkpoint is ("", its number)."""
    lines = [[one for path in sorted(place.glob("checkpoints-*.ndjson")) for one in path.read_bytes().split(b"\n")[:-1]]
             for place in (root, second)]  # fmt: skip
    bad, prev, heads, gone = set[tuple[str, int]](), START, dict[str, Any](), defaultdict[str, list[Any]](list)
    for number in range(1, max(map(len, lines)) + 1):
        here = [place[number - 1] for place in lines if len(place) >= number]
        good = [line for line in here if _signed(line, key) and json.loads(line)["prev"] == prev]
        if len(good) < len(here) or len(lines[0]) < number or len(set(good)) > 1:
            bad.add(("", number))
        if not good:
            break
        point, prev = json.loads(good[-1]), hashlib.sha256(good[-1]).hexdigest()
        heads |= {head["writer"]: head for head in point["heads"]}
        for one in point["removed"]:
            gone[one["writer"]].append(one)
            heads = {writer: head for writer, head in heads.items() if head["segment"] != one["segment"]}
    paths = {path: path.name.removesuffix(".gz") for path in sorted(root.glob("*.jsonl*"))}
    for writer in {name[-22:-6] for name in paths.values()} | heads.keys():
        starts = [(one["first"], one["prev"]) for one in gone[writer]] or [(0, START)]
        starts += [(one["last"] + 1, one["hash"]) for one in gone[writer]]
        at, known = None, set[Any]()
        problem: int | None = None
        for path in (one for one, name in paths.items() if name[-22:-6] == writer):
            found = segment(path)
            if found.lines and problem is None:
                if (found.lines[0][0], found.prev) not in starts or (at is not None and at != paths[path]):
                    problem = max(seq for seq, _ in starts if seq <= found.lines[0][0] or at is not None)
                known |= set(found.lines)
                starts, at = [(found.lines[-1][0] + 1, found.lines[-1][2])], found.next or ""
            if problem is None and found.bad is not None:
                problem = found.bad if found.lines else max(seq for seq, _ in starts)
        short = (head := heads.get(writer)) and (head["seq"], head["bytes"], head["hash"]) not in known
        if problem is None and (short or (at and at not in paths.values())):
            problem = max(seq for seq, _ in starts)
        bad |= {(writer, problem)} if problem is not None else set()
    return bad


def _signed(line: bytes, key: bytes) -> bool:
    message, _, tail = line.rpartition(b',"sig":"')
    with suppress(InvalidSignature, ValueError):
        Ed25519PublicKey.from_public_bytes(key).verify(b64decode(tail[:-2]), b"sa_privacy/v1/checkpoint\n" + message)
        return True
    return False


def _event(line: bytes) -> dict[str, Any]:
    event: dict[str, Any] = {}
    with suppress(ValueError):
        event = json.loads(line)
    said = [(event[k], kind) for kind, names in SHAPES.items() for k in names.split() if event.get(k) is not None]
    good = all(type(one) is kind for one, kind in said) and event.get("decision") in DECISIONS
    lists = [one for one, kind in said if kind is list] + [*(event.get("narrowed") or {}).values()] if good else []
    good = good and all(type(one) is list for one in lists)
    texts = sum(lists, [*(event.get("categories") or {}).values()]) if good else []
    return event if good and all(type(text) is str for text in texts) else {}
