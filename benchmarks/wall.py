"""What the wall costs on SQLite, from one interleaved run: a change of access, and taking a connection under an access.

    python -m benchmarks.wall

Two protected engines of one policy, in memory, without a log: one has a wall, the other has none. Microseconds more with
the wall, the median of the rounds, with the spread of the middle half.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable

from sqlalchemy import Engine, select

from benchmarks.overhead import POLICY, ProtectedBase, Visit
from benchmarks.report import report, row
from benchmarks.results import Results
from benchmarks.timing import added, memory_engine
from sa_privacy import Policy, Privacy

ROUNDS, REPEAT = 25, 500
BAR = 20.0  # microseconds for a change of access

# Two purposes that cover different columns, so that each change of access moves the bars.
TWO = Policy(
    policy={"id": "bench-wall", "version": "1"},
    categories={name: {} for name in POLICY.categories},
    purposes={"one": {"read": ["usage_history"]}, "two": {"read": ["usage_history", "name"]}},
    roles={"staff": {"purposes": ["one", "two"]}},
)


def engine(privacy: Privacy, *, walls: bool) -> Engine:
    """A protected engine with empty tables."""
    made = memory_engine()
    ProtectedBase.metadata.create_all(made)
    privacy.install(made, walls=walls)
    return made


def changes(privacy: Privacy, on: Engine) -> Callable[[], None]:
    """Two accesses after another on one connection, a statement in each: two changes of access."""
    connection = on.connect()
    statement = select(Visit.page)

    def run() -> None:
        for purpose in ("one", "two"):
            with privacy.access(purpose, role="staff", actor="bench"):
                connection.execute(statement).all()

    return run


def transactions(on: Engine) -> Callable[[], None]:
    """A connection taken out of the pool under an access that lasts, one statement, and back."""
    statement = select(Visit.page)

    def run() -> None:
        with on.connect() as connection:
            connection.execute(statement).all()

    return run


def main() -> int:
    """Prints the table; with ``--check``, exits 1 where a change of access is over its bar."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="fewer rounds; writes nothing")
    parser.add_argument("--check", action="store_true", help="exit 1 where the bar is missed")
    options = parser.parse_args()
    rounds = 7 if options.quick else ROUNDS
    privacy = Privacy(TWO, log=None, metadata=ProtectedBase)
    plain, walled = engine(privacy, walls=False), engine(privacy, walls=True)
    one_change = [us / 4 for us in added(changes(privacy, plain), changes(privacy, walled), rounds, REPEAT)]
    with privacy.access("one", role="staff", actor="bench"):
        taken = added(transactions(plain), transactions(walled), rounds, REPEAT)
    privacy.close()
    found = [
        row("a change of access", "us more", BAR, one_change),
        row("a connection taken from the pool under an access", "us more", None, taken),
    ]
    if not options.quick:
        Results("wall", "What the wall costs on SQLite", "python -m benchmarks.wall", found).write()
    return 1 if report(found) and options.check else 0


if __name__ == "__main__":
    sys.exit(main())
