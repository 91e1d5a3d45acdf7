"""From segment to segment: numbers and chain go on, whatever happens between two steps."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

import pytest

from sa_privacy.accesslog import AccessLog, members, read_events
from sa_privacy.accesslog.journal.segment import Segment
from sa_privacy.errors import LogUnavailable
from tests.support.volumes import fill, free, small_volume

SAID = members(actor="staff:17")
CONTEXT = members(keys=["0a1b2c3d"])
PAGE = 4096


def contexts() -> bytes:
    return CONTEXT


def whole(directory: Path) -> list[int | None]:
    """The rows of all events, after a look at the chain from the first line of the one writer to its last."""
    events = list(read_events(directory))
    assert {event.writer for event in events} == {events[0].writer}
    assert [event.seq for event in events] == list(range(len(events)))
    assert [event.prev for event in events] == ["0" * 64, *[event.hash for event in events[:-1]]]
    assert events[-1].kind == "closed"
    assert events[-1].next is None
    names = sorted(path.name for path in directory.glob("*.jsonl"))
    assert [event.next for event in events if event.kind == "closed"] == [*names[1:], None]
    return [event.rows for event in events if event.kind == "use"]


@pytest.mark.parametrize("fsync", ["never", "interval", "always"])
def test_numbers_and_chain_go_on_and_each_segment_says_its_context(tmp_path: Path, fsync: str) -> None:
    with AccessLog.open(tmp_path, segment_bytes=2000, fsync=fsync) as log:  # type: ignore[arg-type]
        log.preamble = contexts
        writers = {log.writer for number in range(30) if log.append("use", members(rows=number))}
    assert len(writers - {None}) == 1
    assert whole(tmp_path) == list(range(30))
    paths = sorted(tmp_path.iterdir())
    assert len(paths) > 3
    assert all(path.stat().st_size < 2600 for path in paths)
    for path in paths:
        assert [line.split(b'"')[3] for line in path.read_bytes().splitlines()[:2]] == [b"opened", b"context"]
    assert log.verify().ok
    assert log.verify().unclosed == ()


def test_a_segment_of_nothing_but_its_first_lines_still_takes_one_event(tmp_path: Path) -> None:
    with AccessLog.open(tmp_path, segment_bytes=1) as log:
        assert [log.append("use", members(rows=number)) for number in range(3)] == [1, 4, 7]
    assert whole(tmp_path) == [0, 1, 2]


def test_names_follow_each_other_when_the_clock_stands_still_or_goes_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    times = iter([1_700_000_000_000_000_000, *[1_600_000_000_000_000_000] * 100])
    monkeypatch.setattr("sa_privacy.accesslog.journal.segment.time_ns", lambda: next(times))
    with AccessLog.open(tmp_path, segment_bytes=1) as log:
        for number in range(5):
            log.append("use", members(rows=number))
    assert whole(tmp_path) == [0, 1, 2, 3, 4]
    assert log.verify().ok


def test_an_old_segment_is_handed_over_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = time.time_ns()
    monkeypatch.setattr("sa_privacy.accesslog.journal.segment.time_ns", lambda: now)
    with AccessLog.open(tmp_path, segment_seconds=3600) as log:
        log.append("use", members(rows=0))
        now += 3500 * 10**9
        log.append("use", members(rows=1))
        assert len(list(tmp_path.iterdir())) == 1
        now += 200 * 10**9
        log.append("use", members(rows=2))  # finds out
        log.append("use", members(rows=3))
        assert len(list(tmp_path.iterdir())) == 2
    assert whole(tmp_path) == [0, 1, 2, 3]


@contextmanager
def no_space(directory: Path, writes: Callable[[int], bool], patch: pytest.MonkeyPatch) -> Iterator[None]:
    """A full disk, without one: what is written to a file of such a size does not arrive."""
    real = os.write

    def write(fd: int, line: bytes) -> int:
        if writes(os.fstat(fd).st_size):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return real(fd, line)

    with patch.context() as patched:
        patched.setattr(os, "write", write)
        yield


@pytest.mark.parametrize("step", ["the file is made, closed is not written", "closed is written, opened is not"])
@pytest.mark.parametrize("fsync", ["never", "always"])
def test_a_disk_that_is_full_in_the_middle_refuses_and_goes_on_in_the_same_chain(
    tmp_path: Path, step: str, fsync: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a real small volume: what is left of the old segment's last page decides whether `closed` still fits there."""
    directory = tmp_path / "log"
    left = 100 if step.endswith("closed is not written") else 1000
    with small_volume(directory) as mounted:
        log = AccessLog.open(directory, segment_bytes=PAGE - left - 20, fsync=fsync)  # type: ignore[arg-type]
        log.append("use", members(rows=0))
        [path] = directory.iterdir()
        empty = (
            len(path.read_bytes().splitlines(keepends=True)[1]) + len(members(rows=0, reason="")) - len(members(rows=0))
        )
        log.append("use", members(rows=0, reason="x" * (PAGE - left - path.stat().st_size - empty)))
        assert path.stat().st_size == PAGE - left
        with (
            no_space(directory, lambda size: (size == 0) is (left > 500), monkeypatch)
            if not mounted
            else full(directory)
        ):
            for _ in range(3):
                with pytest.raises(LogUnavailable, match=r"No space left(.|\n)*hint: free space") as caught:
                    log.append("use", members(rows=1))
                assert isinstance(caught.value.__cause__, OSError)
                found = log.verify()
                assert found.ok, str(found)
                # the empty successor, which its predecessor names or which was taken away again
                assert [torn.segment for torn in found.torn] == [
                    path.name for path in directory.glob("*") if size(path) == 0
                ]
            assert len(list(directory.glob("*.jsonl"))) == (1 if left < 500 else 2)
        log.append("use", members(rows=2))
        log.close()
        assert log.verify().ok
        assert log.verify().torn == ()
        assert whole(directory) == [0, 0, 2]


def size(path: Path) -> int:
    return path.stat().st_size


@contextmanager
def full(directory: Path) -> Iterator[None]:
    fill(directory)
    try:
        yield
    finally:
        free(directory)


@pytest.mark.parametrize("step", ["finish", "open"])
def test_a_process_that_ends_between_two_steps_leaves_an_empty_file_and_no_sign_of_tampering(
    tmp_path: Path, step: str
) -> None:
    log = AccessLog.open(tmp_path, segment_bytes=1, fsync="never")
    child = os.fork()
    if child == 0:
        log.append("use", SAID)
        setattr(Segment, step, lambda *_: os._exit(7))
        log.append("use", SAID)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
    first, second = sorted(tmp_path.iterdir())
    assert size(second) == 0
    found = log.verify()
    assert found.ok, str(found)
    assert [torn.segment for torn in found.torn] == [second.name]
    assert [event.next for event in log.events() if event.kind == "closed"] == (
        [] if step == "finish" else [second.name]
    )
    with log:
        log.append("use", SAID)
    assert log.verify().ok
    assert first.exists()


def test_a_hand_over_that_cannot_make_a_file_is_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = AccessLog.open(tmp_path, segment_bytes=1)
    log.append("use", members(rows=0))
    real = os.open

    def refuse(*said: object) -> int:
        return real(tmp_path / "none" / "none", os.O_RDONLY)

    with monkeypatch.context() as patch:
        patch.setattr(os, "open", refuse)
        for _ in range(2):
            with pytest.raises(LogUnavailable, match=r"cannot begin a segment(.|\n)*hint: bring the directory back"):
                log.append("use", SAID)
    log.append("use", members(rows=1))
    log.close()
    assert whole(tmp_path) == [0, 1]


def test_a_segment_that_was_meddled_with_is_not_closed_and_another_writer_begins(tmp_path: Path) -> None:
    log = AccessLog.open(tmp_path, segment_bytes=1)
    log.append("use", members(rows=0))
    [path] = tmp_path.iterdir()
    with path.open("ab") as file:
        file.write(b"{")
    first = log.writer
    with pytest.raises(LogUnavailable, match="changed from outside"):
        log.append("use", SAID)
    log.append("use", members(rows=1))
    assert log.writer != first
    log.close()
    assert len(list(tmp_path.iterdir())) == 2
    assert log.verify().ok


def test_a_context_that_cannot_be_told_stops_the_event_and_is_asked_for_again(tmp_path: Path) -> None:
    log = AccessLog.open(tmp_path)
    answers: Iterator[Exception | bytes] = iter([ZeroDivisionError(), ZeroDivisionError(), CONTEXT])

    def preamble() -> bytes:
        answer = next(answers)
        if isinstance(answer, bytes):
            return answer
        raise answer

    log.preamble = preamble
    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            log.append("use", SAID)
    log.append("use", SAID)
    log.close()
    assert [event.kind for event in log.events()] == ["opened", "context", "use", "closed"]
    assert log.verify().ok


def test_a_context_that_touches_the_log_is_refused(tmp_path: Path) -> None:
    log = AccessLog.open(tmp_path)
    log.preamble = lambda: b"%d" % log.append("use", SAID)
    with pytest.raises(LogUnavailable, match="while it was writing one"):
        log.append("use", SAID)
    log.preamble = None
    log.append("use", SAID)
    log.close()
    assert [event.kind for event in log.events()] == ["opened", "use", "closed"]


def test_segments_follow_each_other_without_a_gap_for_a_reader(tmp_path: Path) -> None:
    with AccessLog.open(tmp_path, segment_bytes=500) as log:
        for number in range(20):
            log.append("use", members(rows=number))
            events = list(log.events())
            assert all(later.prev == event.hash for event, later in pairwise(events))
            assert log.verify().ok
