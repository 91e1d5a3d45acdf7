"""A log to look at: lines of about 600 bytes as the gate writes them, properly chained, in segments of 64 MiB."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from multiprocessing import get_context
from pathlib import Path

__all__ = ["BEGIN", "WRITERS", "generate", "person"]

PEOPLE = 20_000
SEGMENT = 64 * 1024 * 1024
LONG = 1_000_000
"""Events from which processes of their own pay."""
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
    """Writes a log of so many events, half of them intents and half outcomes, one in twenty-five of them unbounded.

    Each writer's chain is made by a process of its own, where they are long.
    """
    directory.mkdir(mode=0o700)
    chains = [(directory, number, events // len(WRITERS)) for number in range(len(WRITERS))]
    if events < LONG:
        for one in chains:
            _chain(*one)
        return
    with get_context("spawn").Pool(len(chains)) as pool:
        pool.starmap(_chain, chains)


def _chain(directory: Path, number: int, events: int) -> None:
    """The segments of one writer."""
    writer, lines = WRITERS[number], _bodies(events, random.Random(number))
    at = BEGIN.replace(tzinfo=None, microsecond=number)
    seq, intent, prev, following = 0, 0, "0" * 64, next(lines, None)
    between = timedelta(milliseconds=97)

    def line(kind: str, said: str) -> bytes:
        nonlocal seq, intent, prev
        intent = seq if kind == "intent" else intent
        moment = at.isoformat(timespec="microseconds")
        body = f'{{"kind":"{kind}","at":"{moment}Z","writer":"{writer}","seq":{seq},{said}"prev":"{prev}"'.encode()
        prev = hashlib.sha256(body).hexdigest()
        seq += 1
        return body + b',"hash":"' + prev.encode() + b'"}\n'

    while following is not None:
        with (directory / _named(at, writer)).open("wb", buffering=1 << 20) as file:
            size = file.write(line("opened", '"format":2,'))
            at += between
            size += file.write(line("context", f"{CONTEXT},"))
            at += between
            while following is not None and size < SEGMENT:
                kind, said = following
                size += file.write(line(kind, said % intent if kind == "outcome" else said))
                at += between
                following = next(lines, None)
            after = at + timedelta(milliseconds=1)
            file.write(line("closed", f'"next":"{_named(after, writer)}",' if following is not None else ""))
            at = after


def _named(at: datetime, writer: str) -> str:
    """The name of a segment that begins then."""
    return f"{at:%Y%m%dT%H%M%S.%fZ}-{writer}.jsonl"


def _bodies(events: int, chosen: random.Random) -> Iterator[tuple[str, str]]:
    """Kinds, and what is said; an outcome has a place for the number of its intent."""
    people = [person(number) for number in range(PEOPLE)]
    for number in range(events // 2):
        under, columns = SHAPES[number % len(SHAPES)]
        about = '"unbounded":true,"subjects":null,' if number % 25 == 24 else f'"subjects":["{chosen.choice(people)}"],'
        said = (
            f'"actor":"staff:{number % 40}",{under},"reason":"order {number % 5000}","route":"GET /orders/{{id}}",{columns},'
            f'"statement":"sha256:{number % 97:016x}","decision":"allowed","policy":"{POLICY}"'
        )
        yield "intent", f"{said},{about}"
        yield "outcome", f'{said},"intent":%d,"rows":1,"cells":{{"customers.name":1}},{about}'
