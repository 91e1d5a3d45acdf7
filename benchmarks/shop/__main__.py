"""Requests, withdrawals, breach reports and erasures of the example shop, by how many rows there are of each person.

python -m benchmarks.shop             # 1 to 10,000 rows for each person; some minutes
python -m benchmarks.shop --quick     # 1 to 100
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import Any, Final, Literal

from benchmarks.gdprbench.places import Places, postgresql, sqlite
from benchmarks.report import report_curves
from benchmarks.results import Results, curve
from benchmarks.shop.asked import Incomplete, Shop
from benchmarks.shop.people import fill
from examples import shop_app
from examples.shop_app.models import Base
from sa_privacy import AccessLog, Keyring, Privacy

POLICY: Final = Path(shop_app.__path__[0]) / "privacy.toml"
ROUNDS: Final = {1: 5, 10: 5, 100: 5, 1_000: 5, 10_000: 3}
ASKED: Final[dict[str, tuple[str, Literal["flat", "linear"]]]] = {  # in an order that leaves for the next what it needs
    "file": ("the file of a person, from request to JSON", "linear"),
    "breach": ("what an account saw of a person", "flat"),
    "withdrawal": ("withdrawal of consent", "flat"),
    "erasure": ("erasure of a person, plan and run", "linear"),
}


def curves(places: Places, rounds: dict[int, int]) -> list[dict[str, Any]]:
    """All questions on one kind of database.

    :param rounds: how many people are asked about, by how many rows each has. One more of each size goes ahead, untimed.
    """
    began = time.monotonic()
    engine, directory = places.engine("shop"), places.directory
    keys, log = Keyring.generate(), directory / "access-log"
    privacy = Privacy(
        POLICY, keys=keys, log=AccessLog.open(log), metadata=Base, erasures=AccessLog.open(directory / "erasures")
    )
    privacy.install(engine)
    Base.metadata.create_all(engine)
    privacy.metadata.create_all(engine)
    found: dict[str, dict[float, list[float]]] = {name: {} for name in ASKED}
    try:
        filled = fill(privacy, engine, {size: people + 1 for size, people in rounds.items()})
        print(f"{places.kind}: {sum(sum(rows.values()) for rows in filled.rows.values()):,} rows filled in", flush=True)
        shop = Shop(privacy, engine, log, filled)
        for name in ASKED:
            for size, people in filled.people.items():
                took = [getattr(shop, name)(person) for person in people]
                found[name][size] = [seconds * 1e3 for seconds in took[1:]]
            print(f"{places.kind}, {name}: every answer whole, {time.monotonic() - began:.0f} s", flush=True)
    finally:
        privacy.close()
        engine.dispose()
    return [
        curve(f"{places.kind}, {what}", "rows of the person", "ms", found[name], aim=aim)
        for name, (what, aim) in ASKED.items()
    ]


def main() -> int:
    """Prints the curves; exits 1 where an answer is not whole."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="up to 100 rows for each person")
    parser.add_argument("--on", choices=("SQLite", "PostgreSQL"), help="one kind of database")
    parser.add_argument("--out", type=Path, help="the directory for the results, instead of benchmarks/results")
    options = parser.parse_args()
    rounds = {size: 3 for size in ROUNDS if size <= 100} if options.quick else ROUNDS
    found: list[dict[str, Any]] = []
    try:
        for kind, opened in (("SQLite", sqlite), ("PostgreSQL", postgresql)):
            if options.on in (None, kind):
                with opened() as places:
                    found += curves(places, rounds)
    except Incomplete as wrong:
        print(f"error: an answer is not whole, and so no times: {wrong}", file=sys.stderr)
        return 1
    report_curves(found)
    if options.out is not None or not (options.quick or options.on):
        results = Results("shop", "What people ask of the shop", "python -m benchmarks.shop", curves=found)
        print(results.write(options.out) if options.out else results.write())
    return 0


if __name__ == "__main__":
    sys.exit(main())
