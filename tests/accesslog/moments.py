"""Something happens to a log at the very moment that somebody looks at it: each look at its directory is such a moment."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from sa_privacy.accesslog import keep_log
from sa_privacy.accesslog.journal import reading
from sa_privacy.accesslog.journal.segment import Segment
from sa_privacy.accesslog.proof import checkpoints, segments, snapshot, verify
from sa_privacy.accesslog.proof.checkpoints import Checkpoints
from sa_privacy.accesslog.proof.places import CheckpointFiles
from sa_privacy.errors import LogChanged
from sa_privacy.policy.periods import Period
from tests.accesslog.proving import KEY, SAID, World

DAY = Period(days=1)
LATER = datetime.now(UTC) + timedelta(days=400)
PLACES = [
    (segments, "open_segment"),
    (snapshot, "_size"),
    (verify, "segment_exists"),
    (checkpoints, "segment_exists"),
    (CheckpointFiles, "lines"),
]


class Busy:
    """A log of writers that are at it, and one that ended, with checkpoints; and what other processes do to it meanwhile."""

    def __init__(self, root: Path) -> None:
        self.world = World(root)
        self.world.log.mkdir(mode=0o700)
        self.writers = [self.world.writer() for _ in range(2)]
        self.slow = self._slow_writer()
        self.others = Checkpoints(self.world.log, KEY, self.world.second)
        self.go_on()
        self.writers.pop(0).close()
        self.writers.append(self.world.writer())
        self.others.write()
        self.go_on()

    def close(self) -> None:
        self.world.close()
        self.slow.close()

    def _slow_writer(self) -> Generator[None]:
        """One more writer, that is watched between all steps of a hand-over."""
        one = Segment.make(self.world.log, "00c0ffee00c0ffee", full=1, seconds=60)
        try:
            one.open()
            while True:
                yield
                one.append("use", SAID)
                yield
                after = one.successor()
                yield
                one.finish(after)
                after.follow(one)
                one.release()
                one = after
                yield
                one.open()
        finally:
            one.release()

    def step(self) -> None:
        """The slow writer does one thing more."""
        next(self.slow)

    def steps(self) -> None:
        """Two things: it closes a segment and writes the first line of the next, for one."""
        self.step()
        self.step()

    def go_on(self) -> None:
        """Each writer hands over at least once."""
        for log in self.writers:
            for _ in range(2):
                log.append("use", SAID)
        self.step()

    def end(self) -> None:
        """A writer ends, and another one begins."""
        self.writers.pop(0).close()
        self.writers.append(self.world.writer())
        self.writers[-1].append("use", SAID)

    def compress(self) -> None:
        keep_log(self.world.log, now=LATER, compress_after=DAY)

    def sign(self) -> None:
        self.others.write()

    def let_go(self) -> None:
        keep_log(self.world.log, now=LATER, keep=DAY, checkpoints=self.others)

    def all(self) -> None:
        self.go_on()
        self.go_on()
        self.sign()
        self.end()
        self.step()
        self.let_go()
        self.go_on()
        self.compress()

    def nothing(self) -> None:
        pass


UNLOCKED = ("nothing", "step", "steps", "go_on", "end", "compress")
"""What nobody waits for who makes a checkpoint."""
ALL = (*UNLOCKED, "sign", "let_go", "all")


@contextmanager
def disturbed(busy: Busy, happens: list[str], first: list[bool]) -> Iterator[list[str]]:
    """In the block, one thing after the other happens, each before one more look at the log.

    :param happens: names of methods of :class:`Busy`.
    :param first: of each name in a directory, by its order: it is read before what happens while the directory is read.
    """
    left, done = list(happens), list[str]()
    inside = False

    def moment() -> None:
        nonlocal inside
        if inside or not left:
            return
        inside = True
        done.append(left.pop(0))
        with suppress(LogChanged):  # of a log that was changed, nothing is signed or let go
            getattr(busy, done[-1])()
        inside = False

    def disturbing(real: Callable[..., Any]) -> Callable[..., Any]:
        def one(*args: Any, **how: Any) -> Any:
            moment()
            return real(*args, **how)

        return one

    def listed(directory: Path) -> set[str]:
        before = real_listed(directory)
        moment()
        after = real_listed(directory)
        early = {name for at, name in enumerate(sorted(before | after)) if first[at % len(first)]}
        return (before & early) | (after - early)

    real_listed = reading._listed
    with pytest.MonkeyPatch.context() as patch:
        for room, name in PLACES:
            patch.setattr(room, name, disturbing(getattr(room, name)))
        patch.setattr(reading, "_listed", listed)
        yield done
