"""Appending: order, threads, closing, and what a directory must be."""

from __future__ import annotations

import os
import pickle
import stat
import subprocess
import sys
import threading
import time
import tracemalloc
from pathlib import Path

import pytest

from sa_privacy.accesslog import AccessLog, EventLog, members, read_events
from sa_privacy.accesslog.journal.segment import MAX_LINE
from sa_privacy.errors import LogUnavailable
from tests.accesslog.events import ENVIRONMENT

SAID = members(actor="staff:17", purpose=["shipping"])


def test_seq_counts_the_events_of_the_writer_from_one(tmp_path: Path) -> None:
    with AccessLog.open(tmp_path) as opened:
        log: EventLog = opened
        assert [log.append("intent", SAID) for _ in range(3)] == [1, 2, 3]
        assert [(e.kind, e.seq) for e in log.events()] == [("opened", 0), ("intent", 1), ("intent", 2), ("intent", 3)]


def test_directory_and_files_are_for_their_owner_only(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        with AccessLog.open(tmp_path / "a" / "log") as log:
            log.append("use", SAID)
    finally:
        os.umask(before)
    assert stat.S_IMODE(log.path.stat().st_mode) == 0o700
    assert [stat.S_IMODE(file.stat().st_mode) for file in log.path.iterdir()] == [0o600]


def test_a_log_that_is_only_read_leaves_no_trace(tmp_path: Path) -> None:
    with AccessLog.open(tmp_path) as log:
        assert list(log.events()) == []
        assert log.verify()[:2] == (0, 0)
        assert log.verify().ok
        assert log.writer is None
    assert list(tmp_path.iterdir()) == []


def test_a_file_is_refused_as_a_directory(tmp_path: Path) -> None:
    (tmp_path / "log").write_text("")
    for path in (tmp_path / "log", tmp_path / "log" / "below"):
        with pytest.raises(LogUnavailable, match=r"SP-401(.|\n)*hint: name a directory") as caught:
            AccessLog.open(path)
        assert isinstance(caught.value.__cause__, OSError)


@pytest.mark.parametrize("mode", [0o755, 0o770, 0o701])
def test_a_directory_that_others_may_use_is_refused_with_the_way_out(tmp_path: Path, mode: int) -> None:
    tmp_path.chmod(mode)
    with pytest.raises(LogUnavailable, match="chmod 700"):
        AccessLog.open(tmp_path)
    AccessLog.open(tmp_path / "inside").close()


def test_a_directory_without_the_right_to_write_is_refused(tmp_path: Path) -> None:
    """As an ordinary user; root may write anywhere, so root steps down first."""
    directory = tmp_path / "log"
    directory.mkdir(mode=0o500)
    code = (
        "import os, sys\n"
        "from sa_privacy.accesslog import AccessLog\n"
        "from sa_privacy.errors import LogUnavailable\n"
        "os.chdir(sys.argv[1])\n"
        "if os.getuid() == 0:\n"
        "    os.chown('.', 65534, 65534); os.setgroups([]); os.setgid(65534); os.setuid(65534)\n"
        "try:\n"
        "    AccessLog.open('')\n"
        "except LogUnavailable as error:\n"
        "    print(error, type(error.__cause__).__name__)\n"
    )
    # an ordinary user may not reach a root-owned parent by its absolute path, which is a refusal just as well
    done = subprocess.run(
        [sys.executable, "-c", code, directory], capture_output=True, text=True, check=True, timeout=60, env=ENVIRONMENT
    )
    assert "Permission denied" in done.stdout
    assert "hint: let the user that runs this process write there" in done.stdout


def test_a_relative_path_stays_where_it_was_when_the_process_moves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    log = AccessLog.open("log")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    log.append("use", SAID)
    log.close()
    assert len(list((tmp_path / "log").iterdir())) == 1


def test_a_closed_log_refuses_and_closing_twice_is_fine(tmp_path: Path) -> None:
    log = AccessLog.open(tmp_path)
    log.append("use", SAID)
    log.close()
    log.close()
    with pytest.raises(LogUnavailable, match="closed"):
        log.append("use", SAID)
    assert log.verify().unclosed == ()
    assert [e.kind for e in log.events()] == ["opened", "use", "closed"]


def test_a_log_that_is_let_go_or_left_open_at_exit_is_closed(tmp_path: Path) -> None:
    AccessLog.open(tmp_path).append("use", SAID)
    code = (
        "import sys\nfrom sa_privacy.accesslog import AccessLog\n"
        "log = AccessLog.open(sys.argv[1]); log.append('use', b'')"
    )
    subprocess.run([sys.executable, "-c", code, tmp_path], check=True, timeout=60, env=ENVIRONMENT)
    assert [e.kind for e in read_events(tmp_path)] == ["opened", "use", "closed"] * 2


@pytest.mark.parametrize("kind", ["", "Intent", "in tent", 'x","seq":1', "ä", "a" * 33, "opened", "closed", "9"])
def test_a_kind_that_could_forge_a_line_is_refused_and_the_log_goes_on(tmp_path: Path, kind: str) -> None:
    with AccessLog.open(tmp_path) as log:
        with pytest.raises(ValueError, match="event"):
            log.append(kind, SAID)
        assert log.append("use", SAID) == 1
    assert log.verify()[:5] == (3, 1, (), (), ())


def test_members_with_a_line_break_are_refused_and_the_log_goes_on(tmp_path: Path) -> None:
    with AccessLog.open(tmp_path) as log:
        with pytest.raises(ValueError, match="line break"):
            log.append("use", b'"actor":"a"\n,"reason":"b"')
        assert log.append("use", SAID) == 1
    assert log.verify()[:5] == (3, 1, (), (), ())


def test_an_event_longer_than_a_line_may_be_is_refused_and_the_log_goes_on(tmp_path: Path) -> None:
    with AccessLog.open(tmp_path) as log:
        with pytest.raises(LogUnavailable, match="chunks"):
            log.append("outcome", members(reason="x" * MAX_LINE))
        assert log.append("use", SAID) == 1
    assert log.verify()[:5] == (3, 1, (), (), ())


def test_more_kinds_than_are_remembered_are_written_as_well(tmp_path: Path) -> None:
    with AccessLog.open(tmp_path) as log:
        for number in range(100):
            log.append(f"kind_{number}", b"")
    assert [e.kind for e in log.events()][1:-1] == [f"kind_{number}" for number in range(100)]
    assert log.verify().ok


def test_sixteen_threads_share_one_chain(tmp_path: Path) -> None:
    log = AccessLog.open(tmp_path)
    got: list[list[int]] = [[] for _ in range(16)]

    def work(mine: list[int]) -> None:
        mine.extend(log.append("use", members(rows=number)) for number in range(300))

    threads = [threading.Thread(target=work, args=(mine,)) for mine in got]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    log.close()
    assert sorted(seq for mine in got for seq in mine) == list(range(1, 4801))
    assert log.verify()[:5] == (4802, 1, (), (), ())
    rows = {event.seq: event.rows for event in log.events()}
    assert all([rows[seq] for seq in mine] == list(range(300)) for mine in got)


def test_two_logs_on_one_directory_are_two_writers_in_order_of_opening(tmp_path: Path) -> None:
    with AccessLog.open(tmp_path) as first, AccessLog.open(tmp_path) as second:
        second.append("use", members(rows=1))
        time.sleep(0.001)
        first.append("use", members(rows=2))
        second.append("use", members(rows=3))
    assert [event.rows for event in first.events() if event.kind == "use"] == [1, 3, 2]
    assert len({event.writer for event in first.events()}) == 2


def test_time_goes_on_from_second_to_second_and_a_clock_set_back_breaks_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1_700_000_000_999_999_999
    times = iter([now, now, now + 1, now + 2, now - 5_000_000_000, now + 60_000_000_000, now])
    monkeypatch.setattr("sa_privacy.accesslog.journal.segment.time_ns", lambda: next(times))
    with AccessLog.open(tmp_path) as log:
        for _ in range(5):
            log.append("use", b"")
    assert [event.at.strftime("%M:%S.%f") for event in log.events()] == [
        "13:20.999999",
        "13:20.999999",
        "13:21.000000",
        "13:21.000000",
        "13:15.999999",
        "14:20.999999",
        "13:20.999999",
    ]
    assert log.verify().ok


def test_repr_shows_the_path_and_nothing_else(tmp_path: Path) -> None:
    log = AccessLog.open(tmp_path)
    log.append("use", SAID)
    assert repr(log) == f"AccessLog({str(tmp_path)!r})"
    with pytest.raises(TypeError):
        pickle.dumps(log)


def test_reading_and_verifying_take_the_same_memory_for_a_log_ten_times_as_long(tmp_path: Path) -> None:
    def peak(events: int) -> int:
        directory = tmp_path / str(events)
        with AccessLog.open(directory) as log:
            for _ in range(events):
                log.append("use", SAID)
            tracemalloc.start()
            assert log.verify().ok
            assert sum(1 for _ in log.events()) == events + 1
            used = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
        return used

    peak(10)
    assert peak(20_000) < peak(2_000) + 100_000
