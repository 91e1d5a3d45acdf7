"""A process that comes of another is a writer of its own, however it comes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from sa_privacy.accesslog import read_events, verify_directory
from tests.accesslog.events import ENVIRONMENT

PROGRAM = """
import multiprocessing, os, sys, time
from sa_privacy.accesslog import AccessLog, members

def work(log, name):
    if not isinstance(log, AccessLog):
        log = AccessLog.open(log, segment_bytes=1000, fsync="always")
    for number in range(10):
        log.append("use", members(request=name, rows=number))
    log.close()

if __name__ == "__main__":
    how, directory = sys.argv[1:]
    log = AccessLog.open(directory, segment_bytes=1000, fsync="always" if how == "spawn" else "interval", interval=0.01)
    log.preamble = lambda: b'"keys":["0a1b2c3d"]'
    for number in range(5):
        log.append("use", members(request="parent", rows=number))
    names = [f"child {number}" for number in range(2)]
    if how == "prefork":  # as gunicorn does: workers are forked by one that has logged, replaced, and end by os._exit
        children = {}
        while names or children:
            while names and len(children) < 1:
                name = names.pop()
                child = os.fork()
                if child == 0:
                    work(log, name)
                    os._exit(0)
                children[child] = name
            ended, status = os.wait()
            assert status == 0
            del children[ended]
            log.append("use", members(request="parent", rows=5))
    else:
        context = multiprocessing.get_context(how)
        children = [context.Process(target=work, args=(directory if how == "spawn" else log, name)) for name in names]
        for child in children:
            child.start()
        for child in children:
            child.join()
            assert child.exitcode == 0
    log.append("use", members(request="parent", rows=6))
    log.close()
"""


@pytest.mark.parametrize("how", ["prefork", "fork", "spawn"])
def test_each_process_is_a_writer_and_the_parent_goes_on(tmp_path: Path, how: str) -> None:
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    log = tmp_path / "log"
    done = subprocess.run(
        [sys.executable, "-W", "error", program, how, log],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env=ENVIRONMENT,
    )
    assert (done.returncode, done.stderr) == (0, "")
    found = verify_directory(log)
    assert (found.ok, found.torn, found.unclosed) == (True, (), ())
    assert found.segments > 10
    said: dict[str, list[int | None]] = {}
    writers: dict[str, set[str]] = {}
    for event in read_events(log):
        if event.kind == "use":
            assert event.request is not None
            said.setdefault(event.request, []).append(event.rows)
            writers.setdefault(event.request, set()).add(event.writer)
    for name in (f"child {number}" for number in range(2)):
        assert said[name] == list(range(10))
    assert [number for number in said["parent"] if number != 5] == [0, 1, 2, 3, 4, 6]
    assert all(len(one) == 1 for one in writers.values())
    assert len(set.union(*writers.values())) == 3
