"""Durable before shown: kill -9, a full disk, a lost file, fork, interrupts. Each on real processes and files."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from sa_privacy.accesslog import AccessLog, Event, members, read_events, verify_directory
from sa_privacy.errors import LogUnavailable
from tests.accesslog.events import ENVIRONMENT, check_segment

KILLS = int(os.environ.get("SA_PRIVACY_KILLS", "5"))
SAID = members(actor="staff:17")
PRELUDE = """
import os, random, resource, signal, sys, threading, time
from sa_privacy.accesslog import AccessLog, members, verify_directory
from sa_privacy.errors import LogUnavailable
log = AccessLog.open(sys.argv[1], fsync="never")
"""


def run(code: str, directory: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", PRELUDE + code, directory],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env=ENVIRONMENT,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def rows(directory: Path) -> list[int | None]:
    return [event.rows for event in read_events(directory) if event.kind == "use"]


def wait_for_next_second() -> None:
    time.sleep(1.001 - time.time() % 1)


def test_after_kill_nine_every_acknowledged_event_is_there_and_the_chain_holds(tmp_path: Path) -> None:
    code = """
log = AccessLog.open(sys.argv[1], fsync=sys.argv[2], interval=0.01, segment_bytes=int(sys.argv[3]))
def work(name):
    for number in range(10**9):
        seq = log.append("use", members(rows=number, request=name))
        os.write(1, b"%d\\n" % seq)  # what a client would have seen
for name in "abc":
    threading.Thread(target=work, args=(name,)).start()
"""
    for round_, length in enumerate(["1", *random.choices(["1", "2000", "20000"], k=KILLS - 1)]):
        directory = tmp_path / str(round_)
        how = ("never", "interval", "always")[round_ % 3]
        command: list[str | Path] = [sys.executable, "-c", PRELUDE + code, directory, how, length]
        with subprocess.Popen(command, stdout=subprocess.PIPE, env=ENVIRONMENT) as process:
            assert process.stdout is not None
            first = process.stdout.readline() + process.stdout.readline()
            killer = threading.Timer(random.uniform(0, 0.05), process.kill)
            killer.start()
            seen = (first + process.stdout.read()).split(b"\n")[:-1]
            assert process.wait() == -9
        written = {event.seq for event in read_events(directory)}
        assert {int(seq) for seq in seen} <= written
        found = verify_directory(directory)
        assert found.ok, str(found)
        assert len(found.unclosed) in {1, 2}  # and the empty file of a hand-over under way
        assert len({path.stem[-16:] for path in directory.iterdir()}) == 1
        assert found.segments >= len(seen) or length != "1", "a segment that one event fills is handed over with each"


def test_a_full_disk_refuses_takes_back_the_part_and_goes_on_when_there_is_room(tmp_path: Path) -> None:
    """RLIMIT_FSIZE makes the kernel write a part of a line, then fail: the same two steps as a full disk."""
    out = run(
        """
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (2000, resource.RLIM_INFINITY))
done, refused = [], 0
for number in range(40):
    try:
        done.append(log.append("use", members(rows=number)))
    except LogUnavailable as error:
        refused += 1
        assert isinstance(error.__cause__, OSError), error.__cause__
        assert error.__cause__.strerror in str(error) and "hint" in str(error)
        assert verify_directory(sys.argv[1])[2:4] == ((), ()), "a part of a line was left behind"
    if number == 30:
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
log.close()
print(len(done), refused, done == list(range(1, len(done) + 1)))
""",
        tmp_path,
    )
    done, refused, gapless = out.split()
    assert int(refused) > 10
    assert int(done) + int(refused) == 40
    assert gapless == "True"
    assert verify_directory(tmp_path)[:5] == (int(done) + 2, 1, (), (), ())


def test_a_disk_too_full_for_a_first_line_leaves_no_file(tmp_path: Path) -> None:
    run(
        """
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (100, resource.RLIM_INFINITY))
for _ in range(3):
    try:
        log.append("use", b"")
    except LogUnavailable:
        pass
    else:
        raise SystemExit("it was written?")
assert os.listdir(sys.argv[1]) == []
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
assert log.append("use", b"") == 1
""",
        tmp_path,
    )
    assert verify_directory(tmp_path).ok


def test_a_part_that_cannot_be_taken_back_ends_the_segment_and_a_new_one_begins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = AccessLog.open(tmp_path)
    log.append("use", members(rows=1))
    real = os.write
    parts = iter([50, None])

    def write(fd: int, line: bytes) -> int:
        part = next(parts)
        return real(-1, line) if part is None else real(fd, line[:part])

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", write)
        patch.setattr(os, "ftruncate", lambda *_: real(-1, b""))
        with pytest.raises(LogUnavailable, match="Bad file descriptor"):
            log.append("use", members(rows=2))
    log.append("use", members(rows=3))
    log.close()
    found = log.verify()
    assert found.ok
    assert (len(found.torn), found.segments, len(found.unclosed)) == (1, 2, 1)
    assert rows(tmp_path) == [1, 3]


def test_a_short_write_is_completed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = AccessLog.open(tmp_path)
    real = os.write
    with monkeypatch.context() as patch:
        patch.setattr(os, "write", lambda fd, line: real(fd, line[:7]))
        assert log.append("use", members(rows=1)) == 1
    log.close()
    assert log.verify()[:5] == (3, 1, (), (), ())


@pytest.mark.parametrize("how", ["deleted", "moved", "replaced", "cut", "added to"])
def test_a_segment_that_is_meddled_with_is_noticed_within_a_second_and_a_new_one_begins(
    tmp_path: Path, how: str
) -> None:
    log = AccessLog.open(tmp_path / "log")
    log.append("use", members(rows=1))
    (path,) = log.path.iterdir()
    before = path.read_bytes()
    if how == "deleted":
        path.unlink()
    elif how == "moved":
        path.rename(tmp_path / "moved.jsonl")
    elif how == "replaced":
        path.rename(tmp_path / "moved.jsonl")
        path.write_bytes(before)
    elif how == "cut":
        os.truncate(path, len(before) - 10)
    else:
        with path.open("ab") as file:
            file.write(b"{")
    wait_for_next_second()
    with pytest.raises(LogUnavailable, match=r"hint: .+"):
        log.append("use", members(rows=2))
    assert log.append("use", members(rows=3)) == 1
    log.close()
    assert rows(log.path)[-1] == 3
    assert log.verify().ok  # what is left of the old segment ends in a whole or a torn line


def test_a_directory_that_vanishes_refuses_until_it_is_back(tmp_path: Path) -> None:
    log = AccessLog.open(tmp_path / "log")
    log.append("use", members(rows=1))
    log.path.rename(tmp_path / "away")
    wait_for_next_second()
    for _ in range(3):
        with pytest.raises(LogUnavailable, match=r"No such file(.|\n)*bring the directory back"):
            log.append("use", members(rows=2))
    (tmp_path / "away").rename(log.path)
    assert log.append("use", members(rows=3)) == 1
    log.close()
    assert rows(log.path) == [1, 3]
    assert log.verify().ok


def test_closing_says_so_when_the_segment_is_gone_and_the_log_is_closed_nonetheless(tmp_path: Path) -> None:
    log = AccessLog.open(tmp_path)
    log.append("use", SAID)
    next(tmp_path.iterdir()).unlink()
    with pytest.raises(LogUnavailable, match="lost its segment"):
        log.close()
    log.close()
    with pytest.raises(LogUnavailable, match="closed"):
        log.append("use", SAID)


def test_a_forked_child_writes_a_segment_of_its_own_and_the_parent_goes_on(tmp_path: Path) -> None:
    """Forked while other threads hold the lock most of the time."""
    run(
        """
stop = False
def work():
    while not stop:
        log.append("use", members(request="parent"))
threads = [threading.Thread(target=work) for _ in range(2)]
for thread in threads:
    thread.start()
time.sleep(0.05)
for number in range(8):
    pid = os.fork()
    if pid == 0:
        assert log.writer is None
        assert [log.append("use", members(request=f"child {number}")) for _ in range(5)] == [1, 2, 3, 4, 5]
        log.close()
        os._exit(0)
    assert os.waitpid(pid, 0)[1] == 0
stop = True
for thread in threads:
    thread.join()
log.append("use", members(request="parent"))
log.close()
""",
        tmp_path,
    )
    found = verify_directory(tmp_path)
    assert (found.ok, found.segments, found.torn, found.unclosed) == (True, 9, (), ())
    writers: dict[str, set[str | None]] = {}
    for event in read_events(tmp_path):
        writers.setdefault(event.writer, set()).add(event.request)
    assert sorted(len(requests) for requests in writers.values()) == [2] * 9  # its own, and None of opened and closed


@pytest.mark.parametrize("opening", ["", "interval=0.001, segment_bytes=5000", 'fsync="always", segment_bytes=5000'])
def test_an_interrupt_at_any_point_never_breaks_the_chain_or_loses_an_acknowledged_event(
    tmp_path: Path, opening: str
) -> None:
    out = run(
        f"log = AccessLog.open(sys.argv[1], {opening})"
        """
log.preamble = lambda: b""
class Stop(Exception):
    pass
def ring(*_):
    raise Stop
signal.signal(signal.SIGALRM, ring)
done = []
interrupts = 0
end = time.monotonic() + 30
while interrupts < 150 and time.monotonic() < end:
    try:
        signal.setitimer(signal.ITIMER_REAL, random.uniform(0.00003, 0.001))
        for _ in range(10_000):  # should an alarm get lost
            seq = log.append("use", members(rows=len(done)))
            done.append((log.writer, seq))
    except Stop:
        interrupts += 1
signal.setitimer(signal.ITIMER_REAL, 0)
log.append("use", b"")
log.close()
print(interrupts)
for writer, seq in done:
    print(writer, seq)
""",
        tmp_path,
    ).splitlines()
    assert int(out[0]) == 150
    assert len(out) > 150
    found = verify_directory(tmp_path)
    assert found.ok, str(found)
    written = {f"{event.writer} {event.seq}" for event in read_events(tmp_path)}
    assert set(out[1:]) <= written
    assert len(set(out[1:])) == len(out[1:])
    if not opening:
        assert all(check_segment(path)[0] is None for path in tmp_path.iterdir())


def test_an_append_from_within_an_append_is_refused_rather_than_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a signal handler or a finaliser could do."""
    log = AccessLog.open(tmp_path)
    log.append("use", members(rows=1))
    real = os.write
    refused: list[LogUnavailable] = []

    def write(fd: int, line: bytes) -> int:
        with pytest.raises(LogUnavailable, match="while it was writing one") as caught:
            log.append("use", members(rows=99))
        refused.append(caught.value)
        return real(fd, line)

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", write)
        log.append("use", members(rows=2))
    log.append("use", members(rows=3))
    log.close()
    assert len(refused) == 1
    assert rows(tmp_path) == [1, 2, 3]
    assert log.verify().ok


def test_a_reader_may_look_on_while_the_log_grows(tmp_path: Path) -> None:
    log = AccessLog.open(tmp_path)
    log.append("use", SAID)
    stop = threading.Event()

    def work() -> None:
        while not stop.wait(0.0002):
            log.append("use", SAID)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        last = 0
        rounds = 0
        while rounds < 20 or last < 10:
            rounds += 1
            events: list[Event] = list(read_events(tmp_path))
            assert [event.seq for event in events] == list(range(len(events)))
            assert len(events) >= last
            last = len(events)
            assert verify_directory(tmp_path).ok
    finally:
        stop.set()
        thread.join()
    log.close()


def test_a_reader_ends_where_the_log_ended_when_it_began(tmp_path: Path) -> None:
    """Or a busy writer would keep it for ever."""
    log = AccessLog.open(tmp_path)
    log.append("use", SAID)
    for read, _ in enumerate(log.events(), 1):
        log.append("use", SAID)
        assert read <= 2
