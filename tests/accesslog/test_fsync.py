"""What is on the disk when: counted and delayed at the system call, since no test can pull the plug.

``os.fdatasync`` and ``os.fsync`` are wrapped, never replaced: what they are asked for, and when, is the guarantee.
"""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from sa_privacy.accesslog import AccessLog, Fsync, members, read_events
from sa_privacy.accesslog.journal import interval as interval_module
from sa_privacy.accesslog.journal.segment import Segment
from sa_privacy.accesslog.journal.syncing import Syncing
from sa_privacy.errors import LogUnavailable
from tests.accesslog.events import ENVIRONMENT

SAID = members(actor="staff:17")


class Disk:
    """What the disk was asked to keep.

    :ivar sizes: how long each file was when its last sync began, by inode.
    :ivar asked: what was asked for, in order: names of files, with how long they were.
    :ivar slow: held while nothing gets through; threads at the disk wait for it.
    :ivar broken: the disk refuses.
    """

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.sizes: dict[int, int] = {}
        self.asked: list[tuple[str, int]] = []
        self.delay = 0.0
        self.slow = threading.Lock()
        self.at_it = 0
        self.broken = False
        self._sync, self._sync_all = os.fdatasync, os.fsync
        patch.setattr(os, "fdatasync", self.fdatasync)
        patch.setattr(os, "fsync", self.fsync)

    def fdatasync(self, fd: int) -> None:
        before = os.fstat(fd)  # what is written meanwhile may come too late
        self._ask(fd)
        self._sync(fd)
        self.sizes[before.st_ino] = before.st_size

    def fsync(self, fd: int) -> None:
        self._ask(fd)
        self._sync_all(fd)

    def _ask(self, fd: int) -> None:
        found = os.fstat(fd)
        self.asked.append((Path(f"/proc/self/fd/{fd}").readlink().name, found.st_size))
        self.at_it += 1
        with self.slow:
            time.sleep(self.delay)
        self.at_it -= 1
        if self.broken:
            raise OSError(errno.EIO, os.strerror(errno.EIO))

    def has(self, directory: Path) -> bool:
        """Whether it has all that stands in a log's segments."""
        return all(self.sizes.get(path.stat().st_ino) == path.stat().st_size for path in directory.iterdir())


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    return Disk(monkeypatch)


def until(what: str, holds: Callable[[], object]) -> None:
    end = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < end, what
        time.sleep(0.002)


def is_synced(log: AccessLog) -> bool:
    return log.metrics()[-2:] == (0, 0.0)


def test_never_asks_for_nothing(tmp_path: Path, disk: Disk) -> None:
    with AccessLog.open(tmp_path, fsync="never", segment_bytes=500) as log:
        for _ in range(20):
            log.append("use", SAID)
        assert log.metrics().unsynced_seconds is None
        assert log.metrics().unsynced_bytes > 0
    assert disk.asked == []


def test_a_new_directory_is_there_after_a_power_failure(tmp_path: Path, disk: Disk) -> None:
    AccessLog.open(tmp_path / "a" / "b", fsync="never").close()
    assert sorted(name for name, _ in disk.asked) == sorted(["a", tmp_path.name])


def test_always_has_each_event_and_the_files_name_on_the_disk_when_append_returns(tmp_path: Path, disk: Disk) -> None:
    with AccessLog.open(tmp_path, fsync="always", segment_bytes=1000) as log:
        for _ in range(10):
            log.append("use", SAID)
            assert disk.has(tmp_path)
            assert log.metrics().unsynced_bytes == 0
    assert disk.has(tmp_path)
    assert sum(name == tmp_path.name for name, _ in disk.asked) == len(list(tmp_path.iterdir()))


@pytest.mark.parametrize("fsync", ["never", "interval"])
def test_one_event_can_be_forced_to_the_disk_under_any_mode(tmp_path: Path, disk: Disk, fsync: Fsync) -> None:
    with AccessLog.open(tmp_path, fsync=fsync, interval=1000) as log:
        log.append("use", SAID)
        assert not disk.has(tmp_path)
        log.append("break_glass", SAID, sync=True)
        assert disk.has(tmp_path)
        log.append("use", SAID)
        assert not disk.has(tmp_path)
    assert disk.has(tmp_path) is (fsync == "interval")


def test_threads_share_syncs_and_none_returns_before_its_own_event_is_covered(tmp_path: Path, disk: Disk) -> None:
    disk.delay = 0.004
    threads, events = 16, 20
    log = AccessLog.open(tmp_path, fsync="always")
    log.append("use", SAID)
    [path] = tmp_path.iterdir()
    inode = path.stat().st_ino
    early: list[int] = []
    ends: dict[int, int] = {}
    real = os.write

    def work() -> None:
        for _ in range(events):
            seq = log.append("use", SAID)
            if disk.sizes[inode] < ends[seq]:
                early.append(seq)

    def write(fd: int, line: bytes) -> int:
        written = real(fd, line)
        ends[len(ends) + 2] = os.fstat(fd).st_size  # in the order of seq: the log holds its lock
        return written

    before = log.metrics().syncs
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "write", write)
        running = [threading.Thread(target=work) for _ in range(threads)]
        for thread in running:
            thread.start()
        for thread in running:
            thread.join()
    assert early == []
    assert len(ends) == threads * events
    assert log.metrics().syncs - before <= threads * events // 4
    assert log.metrics().events == threads * events + 2
    log.close()
    assert log.verify().ok


def test_others_append_while_one_waits_for_a_slow_disk(tmp_path: Path, disk: Disk) -> None:
    log = AccessLog.open(tmp_path, fsync="always")
    log.append("use", members(rows=0))
    done: list[int] = []

    def work(number: int) -> None:
        log.append("use", members(rows=number))
        done.append(number)

    with disk.slow:
        first = threading.Thread(target=work, args=(1,))
        first.start()
        until("the first waits at the disk", lambda: disk.at_it == 1)
        second = threading.Thread(target=work, args=(2,))
        second.start()
        until("the second has written", lambda: [event.rows for event in log.events()][-1] == 2)
        assert done == []
        assert log.metrics().unsynced_bytes > 0
    first.join()
    second.join()
    assert sorted(done) == [1, 2]
    assert disk.has(tmp_path)
    log.close()


def test_interval_has_it_on_the_disk_soon_and_the_thread_ends_when_there_is_nothing_to_do(
    tmp_path: Path, disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(interval_module, "_LINGER", 0.05)
    logs = [AccessLog.open(tmp_path / str(number), interval=0.05) for number in range(3)]
    for _ in range(2):
        for log in logs:
            log.append("use", SAID)
            assert not disk.has(log.path)
            assert 0 <= (log.metrics().unsynced_seconds or 0) < 10
        for log in logs:
            until("it is on the disk", partial(disk.has, log.path))
            until("the log knows", partial(is_synced, log))
        until("the thread ends", lambda: not interval_module._INTERVAL._runs)
    assert all(log.metrics().syncs == 2 for log in logs)


def test_a_busy_log_is_synced_again_and_again(tmp_path: Path, disk: Disk) -> None:
    with AccessLog.open(tmp_path, interval=0.02, segment_bytes=20_000) as log:
        begin = time.monotonic()
        while (elapsed := time.monotonic() - begin) < 0.5 or log.metrics().syncs < 10:
            log.append("use", SAID)
            assert (log.metrics().unsynced_seconds or 0) < 10
            assert elapsed < 20
            time.sleep(0.0005)
        found = log.metrics()
        elapsed = time.monotonic() - begin
        assert found.syncs <= elapsed / 0.02 + 2 * found.segments + 2, "once in an interval, and twice at a hand-over"


def test_what_is_written_during_a_sync_is_covered_by_the_next_without_another_append(
    tmp_path: Path, disk: Disk
) -> None:
    with AccessLog.open(tmp_path, interval=0.02) as log:
        with disk.slow:
            log.append("use", SAID)
            until("the thread waits at the disk", lambda: disk.at_it == 1)
            log.append("use", SAID)
        until("it is on the disk", lambda: disk.has(tmp_path))
        until("the log knows", partial(is_synced, log))
        assert log.metrics().syncs == 2


def test_a_log_that_is_let_go_is_closed_at_once(tmp_path: Path, disk: Disk) -> None:
    AccessLog.open(tmp_path, interval=1000).append("use", SAID)
    assert [event.kind for event in read_events(tmp_path)] == ["opened", "use", "closed"]
    assert disk.has(tmp_path)


def test_without_a_thread_each_append_syncs(tmp_path: Path, disk: Disk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interval_module, "_INTERVAL", interval_module._Interval())

    def none(*_: object) -> int:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(interval_module, "start_new_thread", none)
    with AccessLog.open(tmp_path, interval=1000) as log:
        for _ in range(3):
            log.append("use", SAID)
            assert disk.has(tmp_path)


@pytest.mark.parametrize("fsync", ["interval", "always"])
def test_each_step_of_a_hand_over_is_on_the_disk_before_the_next(tmp_path: Path, disk: Disk, fsync: Fsync) -> None:
    with AccessLog.open(tmp_path, fsync=fsync, interval=1000, segment_bytes=1) as log:
        log.append("use", SAID)
        del disk.asked[:]
        log.append("use", SAID)
        first, second = sorted(tmp_path.iterdir())
        steps = disk.asked[:3]
        assert [name for name, _ in steps] == [second.name, tmp_path.name, first.name]
        assert steps[0][1] == 0
        assert steps[2][1] == first.stat().st_size
        assert b'"kind":"closed"' in first.read_bytes()


def test_a_sync_that_failed_is_told_by_the_next_append_once_and_another_writer_begins(
    tmp_path: Path, disk: Disk
) -> None:
    log = AccessLog.open(tmp_path, interval=0.02)
    disk.broken = True
    log.append("use", members(rows=0))
    first = log.writer
    until("the thread has tried", lambda: log.metrics().syncs == 1)
    segment = log._segment
    until("the log knows", lambda: segment is not None and segment.state)
    with pytest.raises(
        LogUnavailable, match=r"cannot force .*Input/output error(.|\n)*hint: look after the disk"
    ) as caught:
        log.append("use", members(rows=1))
    assert isinstance(caught.value.__cause__, OSError)
    disk.broken = False
    log.append("use", members(rows=2))
    assert log.writer != first
    log.close()
    old, new = sorted(tmp_path.iterdir())
    assert [name for name, _ in disk.asked].count(old.name) == 1, "never again the same file"
    assert log.verify().ok
    assert log.verify().unclosed == (old.name,)
    assert [event.rows for event in log.events() if event.kind == "use"] == [0, 2]
    assert new.exists()


def test_all_who_wait_for_a_sync_that_fails_are_told(tmp_path: Path, disk: Disk) -> None:
    log = AccessLog.open(tmp_path, fsync="always")
    log.append("use", SAID)
    told: list[LogUnavailable] = []

    def work() -> None:
        with pytest.raises(LogUnavailable, match="Input/output error") as caught:
            log.append("use", SAID)
        told.append(caught.value)

    running = [threading.Thread(target=work) for _ in range(8)]
    with disk.slow:
        disk.broken = True
        for thread in running:
            thread.start()
        until("all have written", lambda: log.metrics().events == 10)
    for thread in running:
        thread.join()
    disk.broken = False
    assert len(told) == 8
    assert len({id(error) for error in told}) == 8
    assert log.metrics().syncs == 2
    log.append("use", SAID)
    assert disk.sizes[max(tmp_path.iterdir()).stat().st_ino] == max(tmp_path.iterdir()).stat().st_size
    log.close()
    assert log.verify().ok


@pytest.mark.parametrize("fsync", ["interval", "always"])
def test_a_hand_over_whose_sync_fails_is_told_and_what_was_named_is_there(
    tmp_path: Path, disk: Disk, fsync: Fsync, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = AccessLog.open(tmp_path, fsync=fsync, interval=1000, segment_bytes=1)
    log.append("use", members(rows=0))
    [path] = tmp_path.iterdir()
    real = Disk._ask

    def ask(self: Disk, fd: int) -> None:
        self.broken = Path(f"/proc/self/fd/{fd}").readlink() == path
        real(self, fd)

    monkeypatch.setattr(Disk, "_ask", ask)
    with pytest.raises(LogUnavailable, match="Input/output error"):
        log.append("use", members(rows=1))
    log.append("use", members(rows=2))
    log.close()
    found = log.verify()
    assert found.ok, str(found)
    assert found.segments == 3
    assert [torn.segment for torn in found.torn] == [sorted(tmp_path.iterdir())[1].name]
    assert [event.rows for event in log.events() if event.kind == "use"] == [0, 2]


def test_a_segment_that_somebody_waits_for_is_synced_before_it_is_let_go_of(
    tmp_path: Path, disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Under "never" too: another thread hands over between the line and its sync."""
    log = AccessLog.open(tmp_path, fsync="never", segment_bytes=1)
    real = Syncing.reach

    def reach(self: Syncing, segment: Segment, size: int) -> None:
        log.append("use", SAID)
        assert len(list(tmp_path.iterdir())) == 2
        real(self, segment, size)

    monkeypatch.setattr(Syncing, "reach", reach)
    log.append("break_glass", SAID, sync=True)
    first, second = sorted(tmp_path.iterdir())
    assert disk.sizes == {first.stat().st_ino: first.stat().st_size}
    assert second.exists()


def test_closing_tells_of_a_sync_that_failed(tmp_path: Path, disk: Disk) -> None:
    log = AccessLog.open(tmp_path, interval=1000)
    log.append("use", SAID)
    disk.broken = True
    with pytest.raises(LogUnavailable, match="Input/output error"):
        log.close()
    log.close()


@pytest.mark.parametrize(
    "wrong", [{"fsync": "sometimes"}, {"interval": 0}, {"segment_bytes": 0}, {"segment_seconds": -1}]
)
def test_what_makes_no_sense_is_refused(tmp_path: Path, wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        AccessLog.open(tmp_path, **wrong)  # type: ignore[arg-type]


def test_no_thread_is_there_at_a_fork_and_both_sides_go_on_syncing(tmp_path: Path) -> None:
    code = """
import os, sys, time
alone = []
os.register_at_fork(before=lambda: alone.append(len(os.listdir("/proc/self/task"))))  # runs after the library's
from sa_privacy.accesslog import AccessLog
from sa_privacy.accesslog.journal import interval
log = AccessLog.open(sys.argv[1], interval=0.02)
def synced(count):
    end = time.monotonic() + 10
    while log.metrics().syncs < count or log.metrics().unsynced_bytes:
        assert time.monotonic() < end
        time.sleep(0.002)
log.append("use", b"")
synced(1)
for _ in range(5):
    log.append("use", b"")
    assert len(os.listdir("/proc/self/task")) == 2
    begin = time.monotonic()
    child = os.fork()
    if child == 0:
        assert not interval._INTERVAL._runs
        log.append("use", b"")
        synced(1)
        log.close()
        os._exit(0)
    assert time.monotonic() - begin < 3
    assert os.waitpid(child, 0)[1] == 0
    synced(2)
assert alone == [1] * 5, alone
"""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code, tmp_path],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env=ENVIRONMENT,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert len(list(tmp_path.iterdir())) == 6
