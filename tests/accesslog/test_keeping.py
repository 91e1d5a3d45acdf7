"""The log's own schedule: nothing is lost at any step, and what is left still verifies."""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from sa_privacy.accesslog import members, read_events, verify_directory
from sa_privacy.accesslog.proof import keeping as room
from sa_privacy.accesslog.proof.keeping import Kept, compress_segment, keep_log
from sa_privacy.accesslog.proof.verify import Verification
from sa_privacy.errors import LogChanged, LogUnavailable
from sa_privacy.policy.periods import Period
from tests.accesslog.proving import SAID, World, small_log

LATER = datetime.now(UTC) + timedelta(days=400)
YEAR = Period(years=1)
WEEK = Period(days=7)


@pytest.fixture
def world(tmp_path: Path) -> World:
    return small_log(tmp_path)


def verify(world: World) -> Verification:
    return verify_directory(world.log, key=world.key.public, second=world.second)


def keep(world: World, **how: object) -> Kept:
    return keep_log(world.log, now=LATER, checkpoints=world.checkpoints, **how)  # type: ignore[arg-type]


def events(world: World) -> list[tuple[str, int, str]]:
    return [(one.writer, one.seq, one.hash) for one in read_events(world.log)]


def test_old_segments_are_compressed_and_read_and_verify_as_before(world: World) -> None:
    before, found = events(world), verify(world)
    done = keep(world, compress_after=WEEK)
    assert len(done.compressed) == found.segments
    assert world.segments() == []
    assert {path.stat().st_mode & 0o777 for path in world.log.glob("*.gz")} == {0o600}
    assert events(world) == before
    assert verify(world)[:5] == found[:5]
    assert verify(world).ok
    assert keep(world, compress_after=WEEK).compressed == []


def test_a_dry_run_changes_nothing(world: World) -> None:
    before = sorted(path.name for path in world.log.iterdir())
    done = keep(world, compress_after=WEEK, keep=YEAR, dry_run=True)
    assert len(done.removed) == len(world.segments())
    assert done.freed == 0
    assert sorted(path.name for path in world.log.iterdir()) == before


def test_a_segment_in_use_is_not_compressed_and_one_of_a_killed_process_is(tmp_path: Path) -> None:
    world = World(tmp_path)
    log = world.writer(10**6)
    log.append("use", SAID)
    assert keep(world, compress_after=WEEK).compressed == []
    left = tmp_path / "left"
    left.mkdir()
    [path] = world.segments()
    (left / path.name).write_bytes(path.read_bytes())
    world.close()
    assert keep_log(left, compress_after=WEEK, now=LATER).compressed == [path.name]


@pytest.mark.parametrize("step", range(1, 9))
def test_stopped_at_any_step_of_compressing_nothing_is_lost_or_doubled(
    world: World, step: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = events(world)
    path = world.segments()[0]
    left = [step]

    def stopping(do: Callable[..., object]) -> Callable[..., object]:
        def one(*args: object, **how: object) -> object:
            left[0] -= 1
            if left[0] == 0:
                raise KeyboardInterrupt
            return do(*args, **how)

        return one

    with monkeypatch.context() as patch:
        for name in ("_copy", "_same", "flush_directory"):
            patch.setattr(room, name, stopping(getattr(room, name)))
        patch.setattr(os, "utime", stopping(os.utime))
        patch.setattr(Path, "replace", stopping(Path.replace))
        patch.setattr(Path, "unlink", stopping(Path.unlink))
        with suppress(KeyboardInterrupt):
            compress_segment(path)
    assert events(world) == before
    assert verify(world).ok
    keep(world, compress_after=WEEK)
    assert events(world) == before
    assert verify(world).ok
    assert not list(world.log.glob("*.part"))
    assert world.segments() == []


def test_two_keepers_at_once_do_the_work_once_and_neither_fails(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second one comes while the first has a half-made file."""
    before, names = events(world), [path.name for path in world.segments()]
    done: list[str] = []
    others: list[threading.Thread] = []
    copy = room._copy

    def work() -> None:
        done.extend(keep_log(world.log, now=LATER, compress_after=WEEK).compressed)

    def slowly(*files: Any) -> None:
        copy(*files)
        if not others:
            others.append(threading.Thread(target=work))
            others[0].start()
            others[0].join(0.5)

    monkeypatch.setattr(room, "_copy", slowly)
    work()
    others[0].join()
    assert sorted(done) == sorted(names)
    assert events(world) == before
    assert not list(world.log.glob("*.part"))


def test_a_compressed_file_that_is_not_the_same_is_made_again(world: World) -> None:
    before = events(world)
    path = world.segments()[0]
    path.with_name(path.name + ".gz").write_bytes(b"half of one")
    keep(world, compress_after=WEEK)
    assert events(world) == before


def test_a_damaged_compressed_segment_is_named(world: World) -> None:
    keep(world, compress_after=WEEK)
    path = min(world.log.glob("*.gz"))
    held = path.read_bytes()
    path.write_bytes(held[: len(held) // 2])
    [problem] = verify(world).problems
    assert problem.segment == path.name.removesuffix(".gz")
    assert "cannot be read" in problem.what


def test_what_is_past_its_time_is_let_go_and_the_rest_verifies(world: World) -> None:
    log = world.writer()
    log.append("use", SAID)
    old = [path.name for path in world.segments()[:-1]]
    done = keep(world, keep=YEAR, compress_after=WEEK)
    assert sorted(done.removed) == old
    assert [path.name for path in world.segments()] == [path.name for path in world.segments() if path.name not in old]
    found = verify(world)
    assert found.ok, str(found)
    log.append("use", SAID)
    assert world.checkpoints.write() is not None
    world.close()
    assert verify(world).ok
    assert events(world)


def test_only_the_first_segments_of_a_writer_go_and_the_rest_still_follows(tmp_path: Path) -> None:
    world = small_log(tmp_path, writers=1, events=16)
    paths = world.segments()
    stays = paths[2].name
    done = keep(world, keep=YEAR, shipped=lambda segment: segment < stays)
    assert done.removed == [path.name for path in paths[:2]]
    assert list(done.left) == [stays]
    assert "shipped" in done.left[stays]
    found = verify(world)
    assert found.ok, str(found)
    held = paths[2].read_bytes()
    paths[2].unlink()  # without a checkpoint
    [problem] = verify(world).problems
    assert "no checkpoint vouches" in problem.what
    paths[2].write_bytes(held)
    assert keep(world, keep=YEAR).removed == [path.name for path in paths[2:]]
    assert verify(world).ok
    assert verify(world).events == 0


@pytest.mark.parametrize("step", range(5))
def test_stopped_while_letting_go_the_rest_verifies_and_the_next_run_ends_it(
    world: World, step: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = [step]
    real = Path.unlink

    def unlink(path: Path, missing_ok: bool = False) -> None:
        left[0] -= 1
        if left[0] < 0:
            raise KeyboardInterrupt
        real(path, missing_ok)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", unlink)
        with suppress(KeyboardInterrupt):
            keep(world, keep=YEAR)
    found = verify(world)
    assert found.ok, str(found)
    keep(world, keep=YEAR)
    assert world.segments() == []
    assert verify(world).ok


def test_nothing_is_let_go_without_a_key_or_while_the_second_place_is_away(world: World) -> None:
    done = keep_log(world.log, now=LATER, keep=YEAR)
    assert done.removed == []
    assert all("signing key" in why for why in done.left.values())
    log = world.writer()
    log.append("use", SAID)
    for path in world.second.iterdir():
        path.unlink()
    world.second.rmdir()
    world.second.write_text("in the way")
    before = world.segments()
    with pytest.raises(LogUnavailable, match="second place"):
        keep(world, keep=YEAR)
    assert world.segments() == before


def test_a_break_glass_event_stays_until_it_is_reviewed(tmp_path: Path) -> None:
    world = World(tmp_path)
    log = world.writer(10**6)
    seq = log.append("break_glass", members(actor="staff:1", ticket="T-1"))
    writer = log.writer
    world.close()
    done = keep(world, keep=YEAR)
    assert (done.removed, list(done.left.values())) == ([], ["it holds a break-glass event that nobody has reviewed"])
    assert keep(world, keep=YEAR, unreviewed=lambda w, s: (w, s) == (writer, seq)).removed == []
    other = world.writer(10**6)
    for said in ({"actor": "staff:1", "verdict": "justified"}, {"verdict": "justified"}, {"actor": "staff:2"}):
        other.append("review", members(of=f"{writer}:{seq}", **said))  # none of them is a review
    assert keep(world, keep=YEAR).removed == []
    other.append("review", members(of=f"{writer}:{seq}", verdict="justified", actor="staff:2"))
    world.close()
    assert len(keep(world, keep=YEAR).removed) == 2
    assert verify(world).ok


def test_a_review_stays_as_long_as_what_it_closes(tmp_path: Path) -> None:
    """Two processes reviewed each other's, a third one's reviews stand alone: what is kept is kept with its review."""
    world = World(tmp_path)
    first, second, third = (world.writer(10**6) for _ in range(3))
    seqs = [log.append("break_glass", members(actor="staff:1", ticket="T")) for log in (first, second)]
    names = [f"{log.writer}:{seq}" for log, seq in zip((first, second), seqs, strict=True)]
    for log, of in ((second, names[0]), (third, names[1])):
        log.append("review", members(of=of, verdict="justified", actor="dpo"))
    stays = first.writer
    world.close()
    done = keep(world, keep=YEAR, shipped=lambda name: stays not in name)
    assert done.removed == []
    assert sorted(why.split()[-1] for why in done.left.values()) == ["kept", "kept", "yet"]
    assert len(keep(world, keep=YEAR).removed) == 3
    assert verify(world).ok


def test_nothing_is_let_go_of_a_log_that_does_not_hold(world: World) -> None:
    path = world.segments()[0]
    path.write_bytes(path.read_bytes().replace(b"staff:17", b"staff:18"))
    before = world.segments()
    with pytest.raises(LogChanged, match=re.escape(path.name)):
        keep(world, keep=YEAR)
    assert world.segments() == before


@pytest.mark.parametrize(
    ("text", "moment", "before"),
    [
        ("P3Y", "2026-11-26", "2023-11-26"),
        ("P1Y", "2024-02-29", "2023-02-28"),
        ("P1M", "2026-03-31", "2026-02-28"),
        ("P2W", "2026-11-26", "2026-11-12"),
        ("P1Y2M3D", "2026-01-01", "2024-10-29"),
    ],
)
def test_a_period_is_a_span_of_the_calendar(text: str, moment: str, before: str) -> None:
    period = Period.parse(text)
    assert period.before(datetime.fromisoformat(moment)) == datetime.fromisoformat(before)
    assert Period.parse(str(period)) == period


@pytest.mark.parametrize("text", ["", "P", "P0D", "7D", "P7", "PT5M", "P1D2M", "P-1D", "p1d", "P1Y "])
def test_what_is_no_period_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="period"):
        Period.parse(text)


def test_nothing_is_let_go_behind_a_segment_that_was_removed(tmp_path: Path) -> None:
    """Else the checkpoint for what is let go would vouch for the absence of what somebody took away before it."""
    world = small_log(tmp_path, writers=1, events=8)
    for at in (0, 1):
        path = world.segments()[at]
        held = path.read_bytes()
        path.unlink()
        before = world.segments()
        with pytest.raises(LogChanged, match=r"nothing was let go: .*removed"):
            keep(world, keep=YEAR)
        assert world.segments() == before
        assert not verify(world).ok
        path.write_bytes(held)
    first = world.segments()[0].name
    assert keep(world, keep=YEAR, shipped=lambda name: name == first).removed == [first]
    assert keep(world, keep=YEAR).removed
    assert verify(world).ok
