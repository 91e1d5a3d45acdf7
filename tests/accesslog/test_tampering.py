"""Verification says where: files that are no segments, several segments, and reading past damage."""

from __future__ import annotations

import os
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest

from sa_privacy.accesslog import AccessLog, members, read_events, verify_directory
from sa_privacy.accesslog.proof.checkpoints import Checkpoints
from sa_privacy.accesslog.questions.status import log_status
from sa_privacy.errors import LogChanged, LogUnavailable
from tests.accesslog.proving import KEY


def three_segments(directory: Path) -> list[Path]:
    for _ in range(3):
        with AccessLog.open(directory) as log:
            for number in range(5):
                log.append("use", members(rows=number))
    return sorted(directory.iterdir())


def test_the_first_bad_event_of_each_segment_is_named_and_the_others_still_count(tmp_path: Path) -> None:
    first, second, third = three_segments(tmp_path)
    first.write_bytes(first.read_bytes().replace(b'"rows":3', b'"rows":4').replace(b'"rows":1', b'"rows":2'))
    lines = third.read_bytes().splitlines(keepends=True)
    third.write_bytes(b"".join(lines[:4] + lines[5:]))
    found = verify_directory(tmp_path)
    assert not found.ok
    assert [(p.segment, p.line, p.seq) for p in found.problems] == [(first.name, 3, 2), (third.name, 5, 4)]
    assert found.events == 2 + 7 + 4
    assert found.segments == 3
    assert second.name not in str(found)


def test_a_renamed_segment_is_a_problem(tmp_path: Path) -> None:
    first, second, _ = three_segments(tmp_path)
    first.rename(tmp_path / f"{first.name.split('-')[0]}-0123456789abcdef.jsonl")
    second.rename(tmp_path / "old.jsonl")
    found = verify_directory(tmp_path)
    assert len(found.problems) == 2
    assert [p.line for p in found.problems] == [1, 1]
    assert found.events == 7


def test_a_line_moved_to_another_segment_is_a_problem(tmp_path: Path) -> None:
    first, second, _ = three_segments(tmp_path)
    ours, theirs = (path.read_bytes().splitlines(keepends=True) for path in (first, second))
    second.write_bytes(b"".join([*theirs[:2], ours[2], *theirs[3:]]))
    (problem,) = verify_directory(tmp_path).problems
    assert (problem.segment, problem.line) == (second.name, 3)
    assert "another writer" in problem.what


def test_links_directories_and_pipes_are_no_segments_and_hold_nobody_up(tmp_path: Path) -> None:
    first, *_ = three_segments(tmp_path)
    (tmp_path / "notes.txt").write_text("no segment, and nobody's business")
    elsewhere = tmp_path.parent / "elsewhere.jsonl"
    first.rename(elsewhere)
    first.symlink_to(elsewhere)
    base = first.name.split("-")[0]
    (tmp_path / f"{base}-0000000000000001.jsonl").mkdir()
    os.mkfifo(tmp_path / f"{base}-0000000000000002.jsonl")
    found = verify_directory(tmp_path)
    assert (found.segments, len(found.problems)) == (5, 3)
    assert all("cannot be read" in problem.what for problem in found.problems)
    with pytest.raises(LogUnavailable, match="cannot be read"):
        list(read_events(tmp_path))


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir, lambda path: path.symlink_to("/dev/zero")])
def test_what_only_has_the_name_of_a_file_of_checkpoints_holds_nobody_up(
    tmp_path: Path, make: Callable[[Path], None]
) -> None:
    three_segments(tmp_path)
    make(tmp_path / "checkpoints-2099-01.ndjson")
    with pytest.raises(LogUnavailable, match=r"checkpoints-2099-01\.ndjson cannot be read"):
        verify_directory(tmp_path)
    with pytest.raises(LogUnavailable, match=r"checkpoints-2099-01\.ndjson cannot be read"):
        log_status(tmp_path)
    with pytest.raises(LogUnavailable, match=r"checkpoints-2099-01\.ndjson cannot be read"):
        Checkpoints(tmp_path, KEY).write()


def test_a_line_nested_too_deep_is_a_problem_and_nothing_worse(tmp_path: Path) -> None:
    with AccessLog.open(tmp_path) as log:
        log.append("use", b'"more":' + b"[" * 100_000 + b"]" * 100_000)
        log.append("use", members(rows=1))
    (problem,) = verify_directory(tmp_path).problems
    assert (problem.line, problem.what) == (2, "the line is not an event")
    with pytest.warns(RuntimeWarning, match="line 2 is not an event"):
        assert [event.kind for event in read_events(tmp_path)] == ["opened", "use", "closed"]
    with pytest.raises(LogChanged, match="the line is not an event"):
        Checkpoints(tmp_path, KEY).write()
    (tmp_path / "checkpoints-2026-01.ndjson").write_bytes(b'{"more":' + b"[" * 100_000 + b"\n")
    assert "the line is not a checkpoint" in verify_directory(tmp_path).problems[0].what


def test_one_damaged_line_hides_no_other_event_and_does_not_pass_unseen(tmp_path: Path) -> None:
    first, *_ = three_segments(tmp_path)
    first.write_bytes(first.read_bytes().replace(b'"rows":1', b'"rows"=1'))
    with pytest.warns(RuntimeWarning, match=rf"{first.name} line 3 .*verify"):
        events = list(read_events(tmp_path))
    assert len(events) == 20


def test_a_line_without_end_is_not_read_into_memory(tmp_path: Path) -> None:
    log = AccessLog.open(tmp_path)
    log.append("use", b"")
    (path,) = tmp_path.iterdir()
    with path.open("ab") as file:
        file.truncate(path.stat().st_size + 2**26)  # sparse: 64 MiB of NUL
    tracemalloc.start()
    (problem,) = verify_directory(tmp_path).problems
    used = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert problem.line == 3
    assert used < 2**26
    with pytest.raises(LogUnavailable, match="changed from outside"):
        log.close()


def test_a_directory_that_is_gone_cannot_be_verified_or_read(tmp_path: Path) -> None:
    with pytest.raises(LogUnavailable, match="No such file"):
        verify_directory(tmp_path / "none")
    with pytest.raises(LogUnavailable, match="No such file"):
        list(read_events(tmp_path / "none"))
