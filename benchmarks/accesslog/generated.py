"""A log to look at: lines of about 600 bytes as the gate writes them, properly chained, in segments of 64 MiB."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

__all__ = ["BEGIN", "WRITERS", "generate", "person"]

PEOPLE = 20_000
SEGMENT = 64 * 1024 * 1024
WRITERS = ("00c0ffee00c0ffee", "00decaf000decaf0")
BEGIN = datetime(2026, 3, 1, tzinfo=UTC)
POLICY = "sha256:9d65746f6abeb872ba2527a745f8e2ce36bf9b5004b8ede5d4afc8f05111744b"
CONTEXT = (
    f'"policy":"{POLICY}","categories":{{"customers.address":"address","customers.email":"email","customers.name":"name",'
    '"customers.phone":"phone","orders.amount":"amount"},"sealed":["customers.address","customers.email",'
    '"customers.name","customers.phone","orders.amount"],"keys":["5f0e3a11"]'
)
SHAPES = (
    ('"roles":["warehouse"],"purpose":["shipping"]', '"reads":["customers.address","customers.name"]'),
    ('"roles":["support"],"purpose":["inquiries"]', '"reads":["customers.email","customers.name"],"matches":["customers.email"]'),
    ('"roles":["order_desk"],"purpose":["order_confirmation"]', '"reads":["customers.name","orders.amount"]'),
)  # fmt: skip


def person(number: int) -> str:
    return hashlib.sha256(b"%d" % number).hexdigest()[:26].translate(str.maketrans("0189", "abcd"))


def generate(directory: Path, events: int) -> None:
    """Writes a log of so many events, half of them intents and half outcomes, one in twenty-five of them unbounded."""
    directory.mkdir(mode=0o700)
    chosen = random.Random(5)
    for number, writer in enumerate(WRITERS):
        lines = _bodies(events // len(WRITERS), chosen)
        at, seq, prev, following = BEGIN + timedelta(microseconds=number), 0, "0" * 64, next(lines, None)
        while following is not None:
            stamp = at.strftime("%Y%m%dT%H%M%S.%fZ")
            with (directory / f"{stamp}-{writer}.jsonl").open("wb", buffering=1 << 20) as file:
                size = 0
                own = [("opened", '"format":2'), ("context", CONTEXT)]
                while following is not None and size < SEGMENT:
                    kind, said = own.pop(0) if own else following
                    if not own and (kind, said) == following:
                        following = next(lines, None)
                    moment = at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
                    said = said.replace("INTENT", str(seq - 1))
                    body = (
                        f'{{"kind":"{kind}","at":"{moment}","writer":"{writer}","seq":{seq},{said},"prev":"{prev}"'
                    ).encode()
                    prev = hashlib.sha256(body).hexdigest()
                    size += file.write(body + b',"hash":"' + prev.encode() + b'"}\n')
                    seq += 1
                    at += timedelta(milliseconds=97)
                after = (at + timedelta(milliseconds=1)).strftime("%Y%m%dT%H%M%S.%fZ")
                moment = at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
                ending = f'"next":"{after}-{writer}.jsonl",' if following is not None else ""
                body = f'{{"kind":"closed","at":"{moment}","writer":"{writer}","seq":{seq},{ending}"prev":"{prev}"'.encode()
                prev = hashlib.sha256(body).hexdigest()
                file.write(body + b',"hash":"' + prev.encode() + b'"}\n')
                seq += 1
                at += timedelta(milliseconds=1)


def _bodies(events: int, chosen: random.Random) -> Iterator[tuple[str, str]]:
    for number in range(events // 2):
        under, columns = SHAPES[number % len(SHAPES)]
        whom = person(chosen.randrange(PEOPLE))
        unbounded = number % 25 == 24
        about = '"unbounded":true,"subjects":null' if unbounded else f'"subjects":["{whom}"]'
        said = (
            f'"actor":"staff:{number % 40}",{under},"reason":"order {number % 5000}","route":"GET /orders/{{id}}",{columns},'
            f'"statement":"sha256:{number % 97:016x}","decision":"allowed","policy":"{POLICY}"'
        )
        yield "intent", f"{said},{about}"
        yield "outcome", f'{said},"intent":INTENT,"rows":1,"cells":{{"customers.name":1}},{about}'
