"""Writes cell.json, from docs/spec/cell.md and the primitives alone. Run: python tests/vectors/make_cell.py

Nonces and secrets are fixed here and only here, so that the file can be made again, byte for byte.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from base64 import b32encode, b64encode
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

OLD, NEW = 0x0000002A, 0xDEADBEEF
SECRETS = {OLD: bytes(range(32)), NEW: bytes(range(255, 223, -1))}
KEYRING = {
    "format": "sa_privacy.keyring",
    "version": 2,
    "primary": f"{NEW:08x}",
    "lookup": {"search": f"{OLD:08x}", "slots": [f"{NEW:08x}", f"{OLD:08x}"]},
    "keys": [
        {"id": f"{OLD:08x}", "created": "2026-04-01T00:00:00Z", "secret": b64encode(SECRETS[OLD]).decode()},
        {"id": f"{NEW:08x}", "created": "2026-11-23T09:00:00Z", "secret": b64encode(SECRETS[NEW]).decode()},
    ],
}
EMPTY = bytes(40)
EMAIL, NAME = "customers.email", "顧客.氏名"

# name, field, key, slots (None: suite 1), encoding, plaintext
SEALED: list[tuple[str, str, int, bytes | None, str, bytes]] = [
    ("an empty string", NAME, NEW, None, "str", b""),
    ("text", NAME, NEW, None, "str", "山田 太郎".encode()),
    ("text under the older key", NAME, OLD, None, "str", "山田 太郎".encode()),
    ("text with empty slots", EMAIL, NEW, EMPTY, "str", b"taro@example.jp"),
    ("an empty string with empty slots", EMAIL, OLD, EMPTY, "str", b""),
    ("bytes", "f.bytes", NEW, None, "bytes", b"\x00\xff"),
    ("false", "f.bool", NEW, None, "bool", b"\x00"),
    ("true", "f.bool", NEW, None, "bool", b"\x01"),
    ("zero", "f.int", NEW, None, "int", bytes(8)),
    ("minus one", "f.int", NEW, None, "int", b"\xff" * 8),
    ("two to the 63rd", "f.int", NEW, None, "int", b"\x00\x80" + bytes(7)),
    ("minus two to the 63rd", "f.int", NEW, None, "int", b"\x80" + bytes(7)),
    ("a float", "f.float", NEW, None, "float", bytes.fromhex("3ff8000000000000")),
    ("minus zero", "f.float", NEW, None, "float", bytes.fromhex("8000000000000000")),
    ("minus infinity", "f.float", NEW, None, "float", bytes.fromhex("fff0000000000000")),
    ("a decimal", "f.decimal", NEW, None, "Decimal", b"1.50"),
    ("a decimal with an exponent", "f.decimal", NEW, None, "Decimal", b"1E+3"),
    ("a signalling decimal", "f.decimal", NEW, None, "Decimal", b"-sNaN12"),
    ("a date", "f.date", NEW, None, "date", b"1985-02-28"),
    ("a time", "f.time", NEW, None, "time", b"09:30:00.000000"),
    ("a time in a zone", "f.time", NEW, None, "time", b"09:30:00.000001[Asia/Tokyo]"),
    ("a time with an offset", "f.time", NEW, None, "time", b"09:30:00.000000-03:30"),
    ("a naive datetime", "f.datetime", NEW, None, "datetime", b"2026-11-23T09:00:00.000000"),
    ("a naive datetime, second time", "f.datetime", NEW, None, "datetime", b"2026-11-23T09:00:00.000000[_fold=1]"),
    ("a datetime in UTC", "f.datetime", NEW, None, "datetime", b"2026-11-23T09:00:00.000000+00:00"),
    ("a datetime with an odd offset", "f.datetime", NEW, None, "datetime", b"1900-01-01T00:00:00.000000+09:18:59"),
    ("a datetime in a zone", "f.datetime", NEW, None, "datetime", b"2026-11-23T09:00:00.123456+09:00[Asia/Tokyo]"),
    (
        "a datetime in a zone, second time", "f.datetime", NEW, None, "datetime",
        b"2026-11-01T01:30:00.000000-05:00[America/New_York][_fold=1]",
    ),
    ("a timedelta", "f.timedelta", NEW, None, "timedelta", b"\xff" * 8),
    ("a uuid", "f.uuid", NEW, None, "UUID", bytes(range(16))),
    ("json", "f.json", NEW, None, "JSON", '{"a":[1,2.5,true,null,"é"],"b":18446744073709551616}'.encode()),
]  # fmt: skip

PSEUDONYMS = [
    ("customer", ["42"]),
    ("customer", ["000102030405060708090a0b0c0d0e0f"]),
    ("会員", ["a", "b"]),
    ("会員", ["ab"]),
]


def frame(part: bytes) -> bytes:
    return len(part).to_bytes(4, "big") + part


def mac(key: bytes, message: bytes) -> bytes:
    return hmac.digest(key, message, hashlib.sha256)


def derive(entry: int, label: bytes, scope: str = "") -> bytes:
    """RFC 5869 in two lines: extract with an empty salt; 32 bytes are one block of expand."""
    extracted = mac(bytes(32), SECRETS[entry])
    return mac(extracted, frame(label) + frame(scope.encode()) + b"\x01")


def seal(field: str, entry: int, slots: bytes | None, plaintext: bytes, nonce: bytes) -> bytes:
    header = bytes((1, 1 if slots is None else 2)) + entry.to_bytes(4, "big") + (slots or b"")
    aad = frame(b"sa_privacy/cell/v1") + frame(header) + frame(field.encode())
    return header + nonce + AESGCM(derive(entry, b"sa_privacy/v1/seal", field)).encrypt(nonce, plaintext, aad)


def digest(field: str, entry: int, normalised: bytes) -> bytes:
    return mac(derive(entry, b"sa_privacy/v1/lookup", field), normalised)[:16]


# Where the rotation of a lookup key stands: which key searches use, and the keys of slot A and slot B.
PHASES: list[tuple[str, int, tuple[int | None, int | None]]] = [
    ("steady", OLD, (OLD, None)),
    ("steady", OLD, (None, OLD)),
    ("adding", OLD, (OLD, NEW)),
    ("adding", OLD, (NEW, OLD)),
    ("switching", NEW, (OLD, NEW)),
    ("switching", NEW, (NEW, OLD)),
    ("steady", NEW, (None, NEW)),
    ("steady", NEW, (NEW, None)),
]


def slot(field: str, entry: int | None, normalised: bytes) -> bytes:
    return bytes(20) if entry is None else entry.to_bytes(4, "big") + digest(field, entry, normalised)


def nonce(number: int) -> bytes:
    return hashlib.sha256(b"nonce %d" % number).digest()[:12]


WRAPPING_KEY = hashlib.sha256(b"wrapping key").digest()


def wrap(entry: int, policy_id: str, fixed: bytes) -> bytes:
    """As the local key service does."""
    context = frame(b"key_id") + frame(f"{entry:08x}".encode()) + frame(b"policy_id") + frame(policy_id.encode())
    aad = frame(b"sa_privacy/wrap/v1") + context
    return fixed + AESGCM(WRAPPING_KEY).encrypt(fixed, SECRETS[entry], aad)


PERSON, OTHER = hashlib.sha256(b"person").digest()[:16], hashlib.sha256(b"other").digest()[:16]
PERSONS = {PERSON: hashlib.sha256(b"secret of person").digest(), OTHER: hashlib.sha256(b"secret of other").digest()}


def derive_of_person(person: bytes) -> bytes:
    return mac(mac(bytes(32), PERSONS[person]), frame(b"sa_privacy/v1/subject") + frame(person) + b"\x01")


def wrap_person(person: bytes, entry: int, fixed: bytes) -> bytes:
    header = b"\xf1" + entry.to_bytes(4, "big")
    aad = frame(b"sa_privacy/subject-key/v1") + frame(header) + frame(person)
    return header + fixed + AESGCM(derive(entry, b"sa_privacy/v1/wrap")).encrypt(fixed, PERSONS[person], aad)


def seal_for_person(field: str, person: bytes, slots: bytes | None, plaintext: bytes, fixed: bytes) -> bytes:
    header = bytes((1, 3 if slots is None else 4, 0, 0, 0, 0)) + (slots or b"") + person
    aad = frame(b"sa_privacy/cell/v1") + frame(header) + frame(field.encode())
    return header + fixed + AESGCM(derive_of_person(person)).encrypt(fixed, plaintext, aad)


def people() -> dict[str, Any]:
    """Keys of people, cells under them, and frames."""
    keys = {PERSON: wrap_person(PERSON, OLD, nonce(2000)), OTHER: wrap_person(OTHER, NEW, nonce(2001))}
    address = b"taro@example.jp"
    both = slot(EMAIL, NEW, address) + slot(EMAIL, OLD, address)
    cells = [
        (name, field, person, slots, plaintext, nonce(2100 + number))
        for number, (name, field, person, slots, plaintext) in enumerate(
            [
                ("text", NAME, PERSON, None, "山田 太郎".encode()),
                ("an empty string", NAME, OTHER, None, b""),
                ("text with both slots filled", EMAIL, PERSON, both, address),
                ("an empty string with empty slots", EMAIL, OTHER, EMPTY, b""),
            ]
        )
    ]
    plain, _, slotted, _ = (seal_for_person(f, p, s, t, n) for _, f, p, s, t, n in cells)
    wrapped = keys[PERSON]
    of_ring = seal(NAME, NEW, None, b"x", nonce(2200))
    frames = [
        ("with the key", NAME, wrapped + plain, "山田 太郎".encode().hex()),
        ("with slots, with the key", EMAIL, wrapped + slotted, address.hex()),
        ("the key was destroyed", NAME, b"\xf2" + plain, "ERASED"),
        ("with slots, the key was destroyed", EMAIL, b"\xf2" + slotted, "ERASED"),
        ("there is no such key", NAME, b"\xf0" + plain, "KeyUnavailable"),
        ("without a frame", NAME, plain, "KeyUnavailable"),
        ("a cell under the ring's key", NAME, b"\xf0" + of_ring, b"x".hex()),
        ("a cell under the ring's key, without a frame", NAME, of_ring, b"x".hex()),
        ("the key of another person", NAME, keys[OTHER] + plain, "CellRejected"),
        ("a key that was changed", NAME, wrapped[:-1] + bytes((wrapped[-1] ^ 1,)) + plain, "CellRejected"),
        (
            "a key wrapped by one that is not in the ring",
            NAME,
            b"\xf1\0\0\0\x2b" + wrapped[5:] + plain,
            "KeyUnavailable",
        ),
        ("a key of a later format", NAME, b"\xf3" + wrapped[1:] + plain, "CellRejected"),
        ("a cell of another field", EMAIL, wrapped + plain, "CellRejected"),
        ("a slot filled in by a stranger", EMAIL, wrapped + slotted[:6] + b"\x01" + slotted[7:], "CellRejected"),
        ("a cell that was changed", NAME, wrapped + plain[:-1] + bytes((plain[-1] ^ 1,)), "CellRejected"),
        ("a cell cut off", NAME, wrapped + plain[:49], "CellRejected"),
        ("a cell cut off, the key destroyed", NAME, b"\xf2" + plain[:49], "CellRejected"),
        ("suite 5", NAME, wrapped + plain[:1] + b"\x05" + plain[2:], "CellRejected"),
        ("a key and nothing else", NAME, wrapped, "CellRejected"),
        ("a marker and nothing else", NAME, b"\xf2", "CellRejected"),
    ]
    return {
        "keys": [
            {
                "id": person.hex(),
                "secret": PERSONS[person].hex(),
                "key": derive_of_person(person).hex(),
                "wrapping_key_id": made[1:5].hex(),
                "nonce": made[5:17].hex(),
                "wrapped": made.hex(),
            }
            for person, made in keys.items()
        ],
        "cells": [
            {
                "name": name,
                "field": field,
                "key": person.hex(),
                "suite": 3 if slots is None else 4,
                "slots": None if slots is None else slots.hex(),
                "nonce": fixed.hex(),
                "plaintext": plaintext.hex(),
                "cell": seal_for_person(field, person, slots, plaintext, fixed).hex(),
            }
            for name, field, person, slots, plaintext, fixed in cells
        ],
        "frames": [{"name": n, "field": f, "frame": each.hex(), "gives": gives} for n, f, each, gives in frames],
    }


def document() -> dict[str, Any]:
    """The whole of cell.json."""
    address = b"taro@example.jp"
    fillings: list[tuple[str, tuple[int | None, int | None]]] = [
        ("text with both slots filled", (NEW, OLD)),
        ("text with slot A filled", (OLD, None)),
        ("text with slot B filled", (None, NEW)),
    ]
    sealed = [
        *SEALED,
        *(
            (name, EMAIL, NEW, b"".join(slot(EMAIL, entry, address) for entry in filled), "str", address)
            for name, filled in fillings
        ),
    ]
    cells = []
    for number, (name, field, entry, room, encoding, plaintext) in enumerate(sealed):
        cell = seal(field, entry, room, plaintext, nonce(number))
        cells.append(
            {
                "name": name,
                "field": field,
                "key_id": f"{entry:08x}",
                "suite": 1 if room is None else 2,
                "slots": None if room is None else room.hex(),
                "nonce": nonce(number).hex(),
                "encoding": encoding,
                "plaintext": plaintext.hex(),
                "cell": cell.hex(),
            }
        )
    good = bytes.fromhex(str(cells[1]["cell"]))
    slotted = bytes.fromhex(str(cells[3]["cell"]))
    bad = [
        ("nothing at all", NAME, b"", "CellRejected"),
        ("one byte", NAME, good[:1], "CellRejected"),
        ("a header only", NAME, good[:6], "CellRejected"),
        ("one byte too short to hold a tag", NAME, good[:33], "CellRejected"),
        ("the last byte cut off", NAME, good[:-1], "CellRejected"),
        ("a byte too many", NAME, good + b"\x00", "CellRejected"),
        ("version 2", NAME, b"\x02" + good[1:], "CellRejected"),
        ("suite 3", NAME, good[:1] + b"\x03" + good[2:], "CellRejected"),
        ("suite 5", NAME, good[:1] + b"\x05" + good[2:], "CellRejected"),
        ("a cell under a person's key", NAME, seal_for_person(NAME, PERSON, None, b"x", nonce(2300)), "CellRejected"),
        ("suite 2 in place of 1", NAME, good[:1] + b"\x02" + good[2:], "CellRejected"),
        ("key id 0", NAME, good[:2] + bytes(4) + good[6:], "CellRejected"),
        ("a key id that is not in the ring", NAME, good[:2] + b"\x00\x00\x00\x2b" + good[6:], "KeyUnavailable"),
        ("another key of the ring", NAME, good[:2] + OLD.to_bytes(4, "big") + good[6:], "CellRejected"),
        ("a cell of another field", EMAIL, good, "CellRejected"),
        ("a slot filled in by a stranger", EMAIL, slotted[:6] + b"\x01" + slotted[7:], "CellRejected"),
        ("slots cut out", EMAIL, slotted[:1] + b"\x01" + slotted[2:6] + slotted[46:], "CellRejected"),
    ]
    key = derive(OLD, b"sa_privacy/v1/pseudonym")
    return {
        "about": "Vectors for docs/spec/cell.md, version 1. Byte strings are hexadecimal. Secrets are for tests only.",
        "keyring": KEYRING,
        "derived": [
            {"key_id": f"{key_id:08x}", "label": label, "scope": scope, "key": derive(key_id, label.encode(), scope).hex()}
            for key_id, label, scope in (
                (OLD, "sa_privacy/v1/seal", EMAIL),
                (NEW, "sa_privacy/v1/seal", NAME),
                (NEW, "sa_privacy/v1/lookup", EMAIL),
                (OLD, "sa_privacy/v1/pseudonym", ""),
                (NEW, "sa_privacy/v1/wrap", ""),
            )
        ],
        "cells": cells,
        "people": people(),
        "refused": [{"name": n, "field": f, "cell": c.hex(), "error": e} for n, f, c, e in bad],
        "lookups": [
            {
                "field": EMAIL,
                "key_id": f"{key_id:08x}",
                "normalised": address.hex(),
                "digest": digest(EMAIL, key_id, address).hex(),
            }
            for key_id in (OLD, NEW)
        ],
        "phases": [
            {
                "phase": phase,
                "lookup": {
                    "search": f"{search:08x}",
                    "slots": [None if entry is None else f"{entry:08x}" for entry in filled],
                },
                "field": EMAIL,
                "normalised": address.hex(),
                "slots": b"".join(slot(EMAIL, entry, address) for entry in filled).hex(),
                "search_slot": filled.index(search),
            }
            for phase, search, filled in PHASES
        ],
        "wrapped": [
            {
                "wrapping_key": WRAPPING_KEY.hex(),
                "context": {"key_id": f"{key_id:08x}", "policy_id": "belue-shop"},
                "nonce": nonce(1000 + number).hex(),
                "secret": SECRETS[key_id].hex(),
                "wrapped": wrap(key_id, "belue-shop", nonce(1000 + number)).hex(),
            }
            for number, key_id in enumerate((OLD, NEW))
        ],
        "pseudonyms": [
            {
                "kind": kind,
                "parts": parts,
                "pseudonym": b32encode(
                    mac(key, frame(kind.encode()) + b"".join(frame(part.encode()) for part in parts))[:16]
                ).decode().rstrip("=").lower(),
            }
            for kind, parts in PSEUDONYMS
        ],
    }  # fmt: skip


def text() -> str:
    """The bytes of the file."""
    return json.dumps(document(), indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    (Path(__file__).parent / "cell.json").write_text(text(), encoding="utf-8")
