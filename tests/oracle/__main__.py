"""Draws statements for a given time, has them judged, and makes attack cases of what it finds: ``make fuzz``.

Ends with 1 where something was found that will not do: a leak, two roads that differ, or too many wrong refusals.
"""

from __future__ import annotations

import argparse
import sys
import time
from contextlib import ExitStack
from random import Random

from tests.oracle.bench import Bench, Finding, bench
from tests.oracle.cases import shrunk, write_case
from tests.oracle.tally import Tally
from tests.support.databases import BACKENDS
from tests.support.postgres import Server

_TURN = 25
_SHRINK_AT_MOST = 10


def main() -> int:
    """Runs for the given seconds, both databases in turn."""
    parser = argparse.ArgumentParser(prog="python -m tests.oracle", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, help="draws the same again; by itself, another one each time")
    parser.add_argument("--backend", choices=BACKENDS, action="append", help="this database only")
    parser.add_argument("--statements", type=int, default=sys.maxsize, help="stop after so many on each database")
    chosen = parser.parse_args()
    seed = Random().randrange(10**6) if chosen.seed is None else chosen.seed
    print(f"seed {seed}")
    with ExitStack() as stack:
        backends = chosen.backend or BACKENDS
        server = stack.enter_context(Server()) if "postgresql" in backends else None
        benches = [stack.enter_context(bench(backend, server)) for backend in backends]
        tallies = _run(benches, seed, chosen.seconds, chosen.statements)
        for one, tally in zip(benches, tallies, strict=True):
            print("\n".join(tally.lines()))
            _keep(one, tally)
    faults = [f"{tally.name}: {fault}" for tally in tallies for fault in tally.faults()]
    for fault in faults:
        print(f"error: {fault}")
    return 1 if faults else 0


def _run(benches: list[Bench], seed: int, seconds: float, statements: int) -> list[Tally]:
    tallies = [Tally(one.backend) for one in benches]
    randoms = [Random(f"{seed} {one.backend}") for one in benches]
    start = shown = time.monotonic()
    while (now := time.monotonic()) - start < seconds and tallies[-1].drawn < statements:
        for one, tally, random in zip(benches, tallies, randoms, strict=True):
            for _ in range(_TURN):
                tally.add(one.examine(random))
        if now - shown > 5:
            shown = now
            drawn = ", ".join(f"{tally.drawn} on {tally.name}" for tally in tallies)
            print(f"{now - start:.0f} s: {drawn}; {sum(len(t.bad) for t in tallies)} leaks or differences", flush=True)
    return tallies


def _keep(one: Bench, tally: Tally) -> None:
    """Shrinks what was found, and writes it down where it can be a case."""
    too_many = tally.outcomes["wrong"] > 0.02 * tally.valid
    found: list[Finding] = [*tally.bad[:_SHRINK_AT_MOST], *(tally.shortest.values() if too_many else ())]
    for finding in found:
        small = shrunk(one, finding)
        print(f"\n{small.outcome} {small.why}\n  {' '.join(small.sql.split())}\n  opened: {sorted(small.opened.parts)}")
        if small.outcome == "differs":
            print(f"  drawn from {small.choices.numbers}")
        else:
            print(f"  written to {write_case(small, one.backend)}")


if __name__ == "__main__":
    sys.exit(main())
