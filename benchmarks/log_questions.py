"""Asking a log of a million events: how long, and how much memory.

    python -m benchmarks.log_questions                 10^4, 10^5 and 10^6 events in segments
    python -m benchmarks.log_questions --events 10000000

The log is generated: lines of about 600 bytes as the gate writes them, properly chained, segments of 64 MiB. Times are of
this machine, files in the page cache; on a busy one, the seconds of a processor tell more. Memory is what one question adds to the process at its highest.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

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


def peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def measure(name: str, directory: Path, after: datetime) -> None:
    """One question in this process: prints seconds, what was found, and the memory it took."""
    from sa_privacy.accesslog.questions import Journal, breach, by, denied, who  # noqa: PLC0415 - before the memory is read

    source = Journal(directory)
    asked: dict[str, Callable[[], object]] = {
        "who": lambda: len(who(source, person(7)).uses),
        "who, one hour": lambda: len(who(source, person(7), since=after - timedelta(hours=1), until=after).uses),
        "by": lambda: sum(group.statements for group in by(source, "staff:7").groups),
        "denied": lambda: len(denied(source).groups),
        "breach, one account": lambda: breach(source, actor="staff:7").people,
        "breach, everything": lambda: breach(source).people,
    }
    before, start, busy = peak(), time.perf_counter(), time.process_time()
    found = asked[name]()
    took, busy = time.perf_counter() - start, time.process_time() - busy
    print(
        f"{name:22} {took:8.2f} s ({busy:.2f} s of a processor)   found {found!s:>9}   memory +{(peak() - before) / 1e6:6.1f} MB"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, nargs="*", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--measure", nargs=3, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.measure:
        name, directory, after = given.measure
        measure(name, Path(directory), datetime.fromisoformat(after))
        return
    with tempfile.TemporaryDirectory() as kept:
        for events in given.events:
            directory = Path(kept) / str(events)
            generate(directory, events)
            size = sum(file.stat().st_size for file in directory.iterdir())
            print(f"{events:,} events, {size / 1e6:,.0f} MB, {len(list(directory.iterdir()))} segments")
            after = BEGIN + timedelta(milliseconds=97) * (events // len(WRITERS))
            for name in ("who", "who, one hour", "by", "denied", "breach, one account", "breach, everything"):
                asking = [sys.executable, "-m", "benchmarks.log_questions", "--measure", name, str(directory)]
                subprocess.run([*asking, after.isoformat()], check=True, env=dict(os.environ))  # noqa: S603


if __name__ == "__main__":
    main()
