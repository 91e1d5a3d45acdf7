"""What the tests share: the events of the test vectors, and how a log with fixed time and writer writes them."""

from __future__ import annotations

import os
from datetime import datetime, tzinfo
from pathlib import Path
from typing import Self

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

import sa_privacy.errors
from sa_privacy.accesslog import AccessLog, Checkpoints, members
from sa_privacy.crypto import SigningKey
from tests.accesslog import second_verifier

VECTORS = Path(__file__).parent.parent / "vectors"
ENVIRONMENT = os.environ | {"PYTHONPATH": str(Path(sa_privacy.errors.__file__).parent.parent)}
"""For programs of their own that the tests start: the same library as here."""

WRITER = "00c0ffee00c0ffee"
BEGIN = 1_772_355_600_000_001_000  # 2026-03-01T09:00:00.000001Z, in ns
NAME = f"20260301T090000.000001Z-{WRITER}.jsonl"

EVENTS: list[tuple[str, bytes]] = [
    (
        "intent",
        members(
            actor="staff:17",
            roles=["warehouse"],
            purpose=["shipping", "order_confirmation"],
            reason='注文 1001 "急ぎ"\n二行目',
            reads=["customers.address", "customers.name"],
            matches=["customers.id"],
            statement="sha256:0123456789abcdef",
            decision="allowed",
            policy="sha256:" + "ab" * 32,
            request="r-1",
        ),
    ),
    (
        "outcome",
        members(
            rows=2,
            subjects=["customer:q7f3", "customer:x1a9"],
            cells={"customers.address": 2, "customers.name": 2},
            intent=2,
        ),
    ),
    (
        "intent",
        members(actor=None, reads=["customers.birthday"], decision="denied", denials=["read customers.birthday"]),
    ),
    ("use", members(actor="staff:17", reads=["customers.name"], subjects=None, decision="would_deny")),
    ("note", b""),
]


CONTEXT = members(
    policy="sha256:" + "ab" * 32,
    categories={"customers.address": "address", "customers.birthday": "birthday", "customers.name": "name"},
    sealed=["customers.name"],
    keys=["0a1b2c3d"],
)


def write_vector(directory: Path, patch: pytest.MonkeyPatch) -> list[Path]:
    """Write EVENTS through the library at fixed times, in two segments, and a checkpoint; returns these files."""
    ticks = iter(range(BEGIN, BEGIN + 10**12, 400_000_000))
    patch.setattr("sa_privacy.accesslog.journal.segment.time_ns", lambda: next(ticks))
    patch.setattr("sa_privacy.accesslog.journal.handover.secrets.token_hex", lambda _: WRITER)
    with AccessLog.open(directory, segment_bytes=1500) as log:
        log.preamble = lambda: CONTEXT
        for kind, said in EVENTS:
            log.append(kind, said)
    patch.setattr("sa_privacy.accesslog.proof.checkpoints.datetime", _Fixed)
    Checkpoints(directory, SigningKey(Ed25519PrivateKey.from_private_bytes(bytes(range(32))))).write()
    patch.undo()
    return sorted(path for path in directory.iterdir() if path.suffix in {".jsonl", ".ndjson"})


class _Fixed(datetime):
    @classmethod
    def now(cls, tz: tzinfo | None = None) -> Self:
        return cls(2026, 3, 1, 9, 1, tzinfo=tz)


def check_segment(path: Path) -> tuple[int | None, bool]:
    """The number of the first bad line of a writer's first segment (None: all hold), and whether the last is torn."""
    found = second_verifier.segment(path)
    return (None, found.torn) if found.bad is None else (found.bad + 1, False)
