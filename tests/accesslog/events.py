"""What the tests share: the events of the test vectors, and how a log with fixed time and writer writes them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import sa_privacy.errors
from sa_privacy.accesslog import AccessLog, members

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
    ("outcome", members(rows=2, subjects=["customer:q7f3", "customer:x1a9"], cells=4, intent=2)),
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
    """Write EVENTS through the library at fixed times, in two segments; returns those."""
    ticks = iter(range(BEGIN, BEGIN + 10**12, 400_000_000))
    patch.setattr("sa_privacy.accesslog.journal.segment.time_ns", lambda: next(ticks))
    patch.setattr("sa_privacy.accesslog.journal.handover.secrets.token_hex", lambda _: WRITER)
    with AccessLog.open(directory, segment_bytes=1500) as log:
        log.preamble = lambda: CONTEXT
        for kind, said in EVENTS:
            log.append(kind, said)
    patch.undo()
    return sorted(directory.iterdir())
