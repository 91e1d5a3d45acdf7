"""The log in figures, for a health check."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from sa_privacy.accesslog import AccessLog, members
from sa_privacy.errors import LogUnavailable
from tests.accesslog.events import ENVIRONMENT

SAID = members(actor="staff:17")


def test_they_count_all_segments_and_what_this_process_wrote(tmp_path: Path) -> None:
    with AccessLog.open(tmp_path, fsync="never", segment_bytes=1000) as log:
        assert log.metrics() == (0, 0, 0, 0, 0, 0, None)
        for _ in range(20):
            log.append("use", SAID)
        (tmp_path / "checkpoints-2026-11.ndjson").write_text("no segment")
        found = log.metrics()
        paths = list(tmp_path.glob("*.jsonl"))
        assert found.bytes == sum(path.stat().st_size for path in paths)
        assert found.segments == len(paths) > 2
        assert found.events == sum(1 for _ in log.events())
        assert found.syncs == 0
        assert found.unsynced_bytes == max(paths).stat().st_size
        lines = found.events + 1
    assert log.metrics().events == lines
    assert log.metrics().unsynced_bytes == 0


def test_a_writer_that_runs_is_told_from_one_that_was_killed(tmp_path: Path) -> None:
    here = AccessLog.open(tmp_path)
    here.append("use", SAID)
    code = """
import sys
from sa_privacy.accesslog import AccessLog
log = AccessLog.open(sys.argv[1])
log.append("use", b"")
print(flush=True)
sys.stdin.readline()
"""
    command: list[str | Path] = [sys.executable, "-c", code, tmp_path]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=ENVIRONMENT) as other:
        assert other.stdout is not None
        other.stdout.readline()
        assert here.metrics().open_writers == 2
        other.kill()
    assert here.metrics().open_writers == 1
    assert here.metrics().segments == 2
    child = os.fork()
    if child == 0:
        os._exit(here.metrics().open_writers)  # it let go of its parent's segment, and has none
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 1
    here.close()
    assert here.metrics().open_writers == 0


def test_a_directory_that_is_gone_says_so(tmp_path: Path) -> None:
    log = AccessLog.open(tmp_path / "log")
    log.path.rmdir()
    with pytest.raises(LogUnavailable, match="No such file"):
        log.metrics()
