"""A second verifier, written from docs/spec/log.md alone: standard library only, nothing of the library."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

AT = rb"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z)"
HEAD = re.compile(rb'\{"kind":"([a-z][a-z0-9_]{0,31})","at":"%b","writer":"([0-9a-f]{16})","seq":(0|[1-9][0-9]*),' % AT)
TEXTS = ("actor", "reason", "statement", "policy", "request", "route", "site")
LONGEST = 16 * 1024 * 1024
NUMBERS = ("rows", "cells", "intent", "format")
LISTS = ("roles", "purpose", "reads", "matches", "writes", "deletes", "denials")


def check_segment(path: Path) -> tuple[int | None, bool]:
    """The number of the first bad line (None: all hold), and whether the last line is torn."""
    *lines, rest = path.read_bytes().split(b"\n")
    prev, opener, last = b"0" * 64, b"", b""
    for number, line in enumerate(lines, 1):
        body, tail = line[:-75], line[-75:]
        digest = hashlib.sha256(body).hexdigest().encode()
        if tail != b',"hash":"' + digest + b'"}' or not (head := HEAD.match(body)) or len(line) >= LONGEST:
            return number, False
        kind, at, writer, seq = head.groups()
        event = _event(line)
        opener = opener or writer
        name = re.sub("[-:]", "", at.decode()) + "-" + writer.decode() + ".jsonl"
        holds = (
            (number > 1 or (name == path.name and event.get("format") in {1, 2}))
            and int(seq) == number - 1
            and writer == opener
            and (kind == b"opened") == (number == 1)
            and body.endswith(b',"prev":"' + prev + b'"')
            and last != b"closed"
            and [event.get(k) for k in ("kind", "writer", "seq")] == [kind.decode(), writer.decode(), int(seq)]
        )
        if not holds:
            return number, False
        prev, last = digest, kind
    end = rest.find(b',"hash":"')
    if rest and (last == b"closed" or (end >= 0 and len(rest) - end >= 76) or len(rest) > LONGEST):
        return len(lines) + 1, False
    return None, bool(rest) or not lines


def _event(line: bytes) -> dict[str, object]:
    try:
        event = json.loads(line)
    except ValueError:
        return {}
    good = event.get("decision") in {None, "allowed", "denied", "would_deny"}
    good &= all(isinstance(event.get(name), str | None) for name in TEXTS)
    good &= all(type(event.get(name)) in {int, type(None)} for name in NUMBERS)
    good &= isinstance(event.get("maintenance", False), bool)
    good &= all(isinstance(event.get(name, {}), dict) for name in ("categories", "narrowed"))
    good = good and all(isinstance(one, str) for one in event.get("categories", {}).values())
    held = event.get("narrowed", {}).values() if good else ()
    for items in [event.get("subjects") or [], *held, *(event.get(name, []) for name in LISTS)]:
        good &= isinstance(items, list) and all(isinstance(item, str) for item in items)
    return event if good else {}
