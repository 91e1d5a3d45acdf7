"""Whatever happens at whichever moment of a look at the log: no false alarm, and no change that goes unseen."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sa_privacy.accesslog import keep_log, verify_directory
from sa_privacy.accesslog.proof import keeping
from sa_privacy.accesslog.proof.chain import Segment
from sa_privacy.accesslog.proof.checkpoint import Checkpoint
from sa_privacy.accesslog.proof.checkpoints import Checkpoints
from sa_privacy.accesslog.proof.segments import examine
from sa_privacy.accesslog.proof.snapshot import Standing, take_snapshot
from sa_privacy.accesslog.proof.verify import NO_CHECKPOINT, Verification
from tests.accesslog.moments import ALL, DAY, LATER, UNLOCKED, Busy, disturbed
from tests.accesslog.proving import KEY, SAID, World, lines, small_log
from tests.support.draws import FEWER, draws

FIRST = ([True], [False], [True, False], [False, True], [True, True, False, False], [False, False, True, True])
LISTINGS = 8
"""The directory is listed before that many looks were taken."""
ORDERS = st.lists(st.booleans(), min_size=1, max_size=7)
often = settings(max_examples=draws(60), deadline=None, suppress_health_check=[HealthCheck.too_slow])


@contextmanager
def busy_log() -> Iterator[Busy]:
    with tempfile.TemporaryDirectory() as root:
        busy = Busy(Path(root))
        yield busy
        busy.close()


def verify(busy: Busy) -> Verification:
    return verify_directory(busy.world.log, key=KEY.public, second=busy.world.second)


def _phases(what: str, moment: int) -> list[int]:
    """Of a hand-over, where that is what happens; in CI one at each moment."""
    if "step" not in what:
        return [0]
    return [moment % 4] if FEWER else [0, 1, 2, 3]


def at_each_moment(what: str, look: Callable[[Busy], object]) -> None:
    """One thing happens before each look at the log in turn, and a directory in which it happens is read in several orders."""
    moment, done = 0, [what]
    while what in done:
        for first in FIRST if moment < LISTINGS else FIRST[:1]:
            for phase in _phases(what, moment):
                with busy_log() as busy:
                    for _ in range(phase):
                        busy.step()
                    with disturbed(busy, ["nothing"] * moment + [what], first) as done:
                        look(busy)
                    busy.others.write()
                    assert verify(busy).ok, (moment, phase, first)
        moment += 1
    assert moment > LISTINGS + 1


@pytest.mark.parametrize("what", ALL[1:])
def test_one_thing_that_happens_at_any_moment_of_a_verification_is_no_change(what: str) -> None:
    def look(busy: Busy) -> None:
        found = verify(busy)
        assert found.ok, str(found)

    at_each_moment(what, look)


@pytest.mark.parametrize("what", UNLOCKED[1:])
def test_one_thing_that_happens_at_any_moment_of_making_a_checkpoint_is_no_change(what: str) -> None:
    at_each_moment(what, lambda busy: busy.world.checkpoints.write())


@given(happens=st.lists(st.sampled_from(ALL), max_size=40), first=ORDERS)
@often
def test_much_that_happens_during_a_verification_is_no_change(happens: list[str], first: list[bool]) -> None:
    with busy_log() as busy:
        with disturbed(busy, happens, first):
            found = verify(busy)
        assert found.ok, str(found)
        busy.others.write()
        assert verify(busy).ok


@given(happens=st.lists(st.sampled_from(UNLOCKED), max_size=40), first=ORDERS)
@often
def test_much_that_happens_while_a_checkpoint_is_made_is_no_change(happens: list[str], first: list[bool]) -> None:
    with busy_log() as busy:
        with disturbed(busy, happens, first):
            busy.world.checkpoints.write()
        busy.others.write()
        assert verify(busy).ok


def test_the_first_checkpoint_is_made_during_a_verification(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(tmp_path)
    world.writer().append("use", SAID)
    assert [one.what for one in verify_directory(world.log, key=KEY.public).problems] == [NO_CHECKPOINT]

    def after_one_is_made(root: Path) -> list[Standing]:
        world.checkpoints.write()
        return take_snapshot(root)

    monkeypatch.setattr("sa_privacy.accesslog.proof.verify.take_snapshot", after_one_is_made)
    assert verify_directory(world.log, key=KEY.public).ok
    world.close()


HOW = ("changed", "line removed", "segment removed", "end cut")


@given(
    how=st.sampled_from(HOW),
    happens=st.lists(st.sampled_from(ALL), max_size=40),
    first=ORDERS,
    where=st.integers(0, 10**6),
)
@often
def test_a_change_is_found_whatever_else_happens(how: str, happens: list[str], first: list[bool], where: int) -> None:
    with busy_log() as busy:
        current = {head.segment for head in busy.others.write().heads}  # type: ignore[union-attr]
        paths = [path for path in busy.world.segments() if path.name not in current]
        path = paths[where % len(paths)]
        held = lines(path)
        at = where // len(paths) % len(held)
        if how == "changed":
            held[at] = held[at].replace(b'"at":"2', b'"at":"3')
        elif how == "line removed":
            del held[at]
        elif how == "end cut":
            held = held[:at]
        path.write_bytes(b"".join(held))
        if how == "segment removed":
            path.unlink()
        with disturbed(busy, happens, first):
            found = verify(busy)
        assert path.name[-22:-6] in {one.writer for one in found.problems}, str(found)
        assert not verify(busy).ok


def test_no_checkpoint_vouches_again_for_what_is_being_let_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another process makes one between two segments that are unlinked: it waits."""
    world = small_log(tmp_path)
    others = Checkpoints(world.log, KEY, world.second)
    made: list[Checkpoint | None] = []
    threads: list[threading.Thread] = []
    unlink = Path.unlink

    def slowly(path: Path, missing_ok: bool = False) -> None:
        if not threads:
            threads.append(threading.Thread(target=lambda: made.append(others.write())))
            threads[0].start()
            threads[0].join(0.3)
            assert made == []
        unlink(path, missing_ok)

    monkeypatch.setattr(Path, "unlink", slowly)
    done = keep_log(world.log, now=LATER, keep=DAY, checkpoints=world.checkpoints)
    threads[0].join()
    assert len(done.removed) > 3
    assert made == [None]
    assert verify_directory(world.log, key=KEY.public, second=world.second).ok


def test_a_segment_that_was_handed_over_while_its_removal_was_considered_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was read unfinished; that nobody has it open any more does not mean that nothing was added."""
    world = World(tmp_path)
    log = world.writer(1)
    log.append("use", SAID)
    [path] = world.segments()

    def then_handed_over(*given: Any) -> Segment:
        found = examine(*given)
        if len(world.segments()) == 1:
            log.append("use", SAID)
        return found

    monkeypatch.setattr(keeping, "examine", then_handed_over)
    done = keep_log(world.log, now=LATER, keep=DAY, checkpoints=world.checkpoints)
    assert (done.removed, list(done.left)) == ([], [path.name])
    monkeypatch.undo()
    assert keep_log(world.log, now=LATER, keep=DAY, checkpoints=world.checkpoints).removed == [path.name]
    world.close()
    assert verify_directory(world.log, key=KEY.public, second=world.second).ok
