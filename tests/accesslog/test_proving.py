"""Every way to change a log is found, and named at its first event; a log in use is not called changed."""

from __future__ import annotations

import gzip
import shutil
import tempfile
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sa_privacy.accesslog import AccessLog, keep_log, verify_directory
from sa_privacy.accesslog.proof.checkpoints import Checkpoints
from sa_privacy.accesslog.proof.verify import Problem, Verification
from sa_privacy.crypto import SigningKey
from sa_privacy.errors import LogChanged, LogUnavailable
from sa_privacy.policy.periods import Period
from tests.accesslog.proving import KEY, SAID, World, chain_anew, lines, seq_of, small_log
from tests.accesslog.second_verifier import check_log
from tests.support.draws import draws


def verify(world: World, *, second: bool = True) -> Verification:
    return verify_directory(world.log, key=world.key.public, second=world.second if second else None)


def first(world: World, *, second: bool = True) -> Problem:
    found = verify(world, second=second)
    assert not found.ok
    return found.problems[0]


@pytest.fixture
def world(tmp_path: Path) -> World:
    return small_log(tmp_path)


def test_an_unchanged_log_holds_and_says_what_is_covered(world: World) -> None:
    found = verify(world)
    assert found.ok, str(found)
    assert found.covered is not None
    assert (found.covered.number, found.covered.signed, found.covered.after, found.covered.behind) == (3, True, 0, 0)
    assert found.unshown == ()
    assert len(world.segments()) >= 4


def test_what_a_verification_cannot_show_is_said(world: World) -> None:
    [said] = [one for one in verify_directory(world.log).unshown if "signatures were not checked" in one]
    assert "forged" in said
    assert any("set back" in one for one in verify(world, second=False).unshown)
    for path in world.files():
        path.unlink()
    [only] = verify_directory(world.log).unshown
    assert "no checkpoints" in only


def test_events_after_the_last_checkpoint_are_counted(world: World) -> None:
    log = world.writer()
    for _ in range(3):
        log.append("use", SAID)
    world.close()
    found = verify(world)
    assert found.ok
    assert found.covered is not None
    assert found.covered.after == sum(len(lines(path)) for path in world.segments(log_writer(world)))
    assert any("chain alone" in one for one in found.unshown)


def log_writer(world: World) -> str:
    return world.segments()[-1].name[-22:-6]


def test_a_cut_tail_is_named_at_the_first_missing_event(world: World) -> None:
    path = world.segments()[-1]
    kept = lines(path)[:-2]
    path.write_bytes(b"".join(kept))
    found = first(world)
    assert (found.segment, found.line, found.seq) == (path.name, len(kept) + 1, seq_of(kept[-1]) + 1)
    assert "cut" in found.what


def test_a_segment_that_was_cut_before_another_is_named_itself(world: World) -> None:
    writer = log_writer(world)
    path = world.segments(writer)[0]
    kept = lines(path)[:-1]
    path.write_bytes(b"".join(kept))
    for found in (first(world), verify_directory(world.log).problems[0]):
        assert (found.segment, found.line, found.seq) == (path.name, len(kept) + 1, seq_of(kept[-1]) + 1)
        assert "cut: the writer went on" in found.what


def test_a_removed_segment_is_named_first_middle_and_last(tmp_path: Path) -> None:
    world = small_log(tmp_path, writers=1, events=8)
    paths = world.segments()
    for path in paths:
        held = path.read_bytes()
        due = seq_of(lines(path)[0])
        path.unlink()
        found = first(world)
        assert found.seq == due
        assert "removed" in found.what
        if path != paths[0]:
            assert (found.segment, found.line) == (path.name, 1)
        path.write_bytes(held)
    assert verify(world).ok


def test_a_middle_segment_is_missed_without_checkpoints_too(tmp_path: Path) -> None:
    world = small_log(tmp_path, writers=1, events=8)
    world.segments()[1].unlink()
    missing = verify_directory(world.log, key=None).problems[0]
    for path in world.files():
        path.unlink()
    assert verify_directory(world.log).problems[0] == missing
    assert missing.what.startswith("removed")


def test_a_removed_writer_is_named_by_its_first_event(world: World) -> None:
    writer = log_writer(world)
    for path in world.segments(writer):
        path.unlink()
    [found] = verify(world).problems
    assert (found.writer, found.seq, found.line) == (writer, 0, 1)


def test_lines_that_were_chained_anew_are_found_and_narrowed_by_the_checkpoints(tmp_path: Path) -> None:
    world = World(tmp_path)
    log = world.writer(10**6)
    for number in range(9):
        log.append("use", SAID)
        if number % 3 == 2:
            world.checkpoints.write()
    world.close()
    [path] = world.segments()
    held = lines(path)
    for at in range(1, 10):
        changed = list(held)
        changed[at] = changed[at].replace(b"staff:17", b"staff:18")
        path.write_bytes(b"".join(chain_anew(changed, at)))
        assert verify_directory(world.log).problems
        found = first(world)
        begin = (at - 1) // 3 * 3 + (at > 3)  # before the first checkpoint: from the opening line on
        assert (found.segment, found.seq, found.line) == (path.name, begin, begin + 1)
        assert f"seq {begin} to {(at - 1) // 3 * 3 + 3}" in found.what
        with pytest.raises(LogChanged, match=f"seq {begin}"):
            world.checkpoints.write()


def test_a_log_that_was_set_back_is_found_by_the_second_place(world: World) -> None:
    before = world.root / "before"
    shutil.copytree(world.log, before)
    log = world.writer()
    log.append("use", SAID)
    world.checkpoints.write()
    world.close()
    shutil.rmtree(world.log)
    shutil.move(before, world.log)
    assert verify(world, second=False).ok
    problems = verify(world).problems
    assert "second place has them" in problems[0].what
    assert (problems[1].seq, problems[1].what[:7]) == (0, "removed")
    with pytest.raises(LogChanged, match="second place"):
        Checkpoints(world.log, KEY, world.second).write()


def test_checkpoints_that_were_cut_removed_or_written_by_another_are_found(world: World) -> None:
    [file] = world.files()
    held = file.read_bytes()
    whole = lines(file)
    other = World(world.root / "other", key=SigningKey.generate())
    shutil.copytree(world.log, other.log, ignore=shutil.ignore_patterns("*.ndjson"))
    other.checkpoints.write()
    cases: list[tuple[bytes, int, str]] = [
        (b"".join(whole[:-1]), 3, "cut"),
        (b"", 1, "cut"),
        (b"".join(whole[1:]), 1, "missing or moved"),
        (whole[0] + whole[2], 2, "missing or moved"),
        (b"".join([whole[0], whole[0], *whole[1:]]), 2, "again"),
        (other.files()[0].read_bytes(), 1, "another key"),
        (held.replace(b'"bytes":', b'"bytes":1', 1), 1, "forged"),
        (held[:-8] + b'xx"}\n', 3, "not a checkpoint"),
        (held.replace(b'"sig":"', b'"sig":"A', 1).replace(b'"}\n', b'"}\n', 1), 1, "not a checkpoint"),
    ]
    for content, number, what in cases:
        file.write_bytes(content)
        found = first(world)
        assert (found.segment, found.seq) == (file.name, number), what
        assert what in found.what
    file.unlink()
    assert first(world).seq == 1
    assert "no checkpoint, though" in first(world, second=False).what
    file.write_bytes(held + b'{"number":4,"at":"20')  # one that is being written
    assert verify(world).ok
    log = world.writer()
    log.append("use", SAID)
    assert world.checkpoints.write() is not None
    assert verify(world).ok


def test_a_removal_that_no_checkpoint_vouches_for_is_found(world: World) -> None:
    writer = log_writer(world)
    world.segments(writer)[0].unlink()
    found = first(world)
    assert (found.writer, found.seq) == (writer, 0)
    assert "no checkpoint vouches" in found.what


def test_a_checkpoint_is_refused_where_something_is_wrong_and_none_is_made_of_nothing(world: World) -> None:
    assert world.checkpoints.write() is None
    world.segments()[-1].unlink()
    with pytest.raises(LogChanged, match=r"seq \d+\): removed"):
        world.checkpoints.write()


def test_new_lines_that_do_not_hold_are_not_signed(tmp_path: Path) -> None:
    world = World(tmp_path)
    log = world.writer(10**6)
    log.append("use", SAID)
    world.checkpoints.write()
    log.append("use", SAID)
    log.append("use", SAID)
    [path] = world.segments()
    held = path.read_bytes()
    path.write_bytes(b"".join(lines(path)[:2]) + lines(path)[2].replace(b"staff", b"stuff") + lines(path)[3])
    with pytest.raises(LogChanged, match=r"line 3 \(seq 2\)"):
        world.checkpoints.write()
    path.write_bytes(held)
    assert world.checkpoints.write() is not None
    assert len(lines(world.files()[0])) == 2


def test_a_second_place_that_is_away_is_said_and_caught_up_with(tmp_path: Path) -> None:
    world = World(tmp_path)
    log = world.writer()
    world.second.rmdir()
    world.second.write_text("in the way")
    for _ in range(3):
        log.append("use", SAID)
        with pytest.raises(LogUnavailable, match="stands in the log"):
            world.checkpoints.write()
    world.second.unlink()
    with pytest.raises(LogUnavailable, match="no second place"):
        verify(world)
    world.second.mkdir(mode=0o700)
    found = verify(world)
    assert found.ok
    assert found.covered is not None
    assert found.covered.behind == 3
    world.checkpoints.write()
    assert (world.second / world.files()[0].name).read_bytes() == world.files()[0].read_bytes()
    assert verify(world).unshown == ()


def test_a_new_month_begins_a_file_with_all_heads(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    [file] = world.files()
    text = file.read_text()
    log = world.writer()
    log.append("use", SAID)
    # a checkpoint is never older than the one before: the clock is set forward by the state
    world.checkpoints._state.at = "2999-01-01T00:00:00.000000Z"
    made = world.checkpoints.write()
    assert made is not None
    assert made.full
    assert len(made.heads) == 3
    assert [path.name for path in world.files()] == [file.name, "checkpoints-2999-01.ndjson"]
    assert verify(world).ok
    file.unlink()
    assert first(world, second=False).seq == 1
    file.write_text(text)
    world.files()[1].unlink()
    assert first(world).seq == made.number


def test_a_log_in_use_does_not_look_changed(tmp_path: Path) -> None:
    """Writers that roll over, checkpoints and verifications at the same time."""
    world = World(tmp_path)
    stop = threading.Event()

    def write() -> None:
        log = AccessLog.open(world.log, fsync="never", segment_bytes=5_000)
        while not stop.is_set():
            log.append("use", SAID)
            time.sleep(0.0002)
        log.close()

    threads = [threading.Thread(target=write) for _ in range(2)]
    for thread in threads:
        thread.start()
    ends = time.monotonic() + 2
    rounds = number = 0
    try:
        with world.checkpoints.every(0.01) as repeating:
            while time.monotonic() < ends or rounds < 3 or number <= 3:
                found = verify(world)
                assert not found.problems or not found.covered, str(found)
                number = found.covered.number if found.covered is not None else 0
                rounds += 1
            assert repeating.failure is None
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    world.checkpoints.write()
    found = verify(world)
    assert found.ok, str(found)


HOW = ("changed", "removed", "added", "swapped", "duplicated", "cut", "segment removed", "writer removed", "none")


@given(
    shape=st.tuples(st.integers(1, 3), st.integers(1, 7), st.integers(1, 3), st.booleans()),
    how=st.sampled_from(HOW),
    where=st.integers(0, 10**6),
)
@settings(max_examples=draws(60), deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_single_change_of_any_log_is_found_and_named(
    shape: tuple[int, int, int, bool], how: str, where: int
) -> None:
    writers, events, each, compressed = shape
    with tempfile.TemporaryDirectory() as root:
        world = small_log(Path(root), writers, events, each)
        paths = world.segments()
        path = paths[where % len(paths)]
        held = lines(path)
        at = where // len(paths) % len(held)
        due = seq_of(held[at])
        if how == "changed":
            held[at] = held[at].replace(b'"at":"2', b'"at":"3')
        elif how == "removed":
            del held[at]
        elif how in {"added", "duplicated"}:
            held.insert(at, lines(paths[0])[0] if how == "added" and path != paths[0] else held[at])
            due = due if how == "added" and path != paths[0] else due + 1
        elif how == "swapped":
            other = (at + 1) % len(held)
            due = min(due, seq_of(held[other]))
            held[at], held[other] = held[other], held[at]
        elif how == "cut":
            held = held[:at]
        path.write_bytes(b"".join(held))
        if how == "segment removed":
            path.unlink()
            due = seq_of(held[0])
        elif how == "writer removed":
            for one in world.segments(path.name[-22:-6]):
                one.unlink()
            due = 0
        if compressed:
            for one in world.segments():
                one.with_name(one.name + ".gz").write_bytes(gzip.compress(one.read_bytes()))
                one.unlink()
        found = verify(world)
        told = check_log(world.log, load_pem_public_key(world.key.public.pem()).public_bytes_raw(), world.second)  # type: ignore[union-attr]
        if how == "none":
            assert found.ok, str(found)
            assert told == set()
            return
        assert (path.name[-22:-6], due) in told, str(found)
        assert not found.ok
        assert (found.problems[0].writer, found.problems[0].seq) == (path.name[-22:-6], due), str(found)


def test_several_processes_find_the_same(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sa_privacy.accesslog.proof.verify._WORTH_PROCESSES", 0)
    told: list[tuple[int, int]] = []

    def both() -> tuple[Verification, Verification]:
        how = {"key": world.key.public, "second": world.second, "progress": lambda *said: told.append(said)}
        return verify_directory(world.log, **how), verify_directory(world.log, **how, workers=2)  # type: ignore[arg-type]

    path = world.segments()[1]
    path.write_bytes(path.read_bytes().replace(b"staff:17", b"staff:18"))
    one, two = both()
    assert one == two
    assert one.problems[0].segment == path.name
    assert told[-1][0] == told[-1][1] == sum(path.stat().st_size for path in world.segments())


def test_keeping_beside_writers_and_checkpoints_looks_like_no_change(tmp_path: Path) -> None:
    """Segments are compressed and let go while they are verified."""
    world = World(tmp_path)
    stop = threading.Event()
    compressed, removed = list[str](), list[str]()

    def write() -> None:
        log = AccessLog.open(world.log, fsync="never", segment_bytes=5_000)
        while not stop.is_set():
            log.append("use", SAID)
            time.sleep(0.0005)
        log.close()

    def keep() -> None:
        while not stop.is_set():
            now = datetime.now(UTC) + timedelta(days=1)
            compressed.extend(keep_log(world.log, now=now, compress_after=Period(days=1)).compressed)
            older = now - timedelta(seconds=0.5)
            done = keep_log(world.log, now=older, keep=Period(days=1), checkpoints=world.checkpoints)
            removed.extend(done.removed)

    threads = [threading.Thread(target=work) for work in (write, write, keep)]
    writers = threads[:2]
    for thread in writers:
        thread.start()
    while not world.segments() or world.checkpoints.write() is None:  # there is no line yet
        time.sleep(0.01)
    threads[2].start()
    ends = time.monotonic() + 3
    try:
        while time.monotonic() < ends or not compressed or not removed:
            found = verify(world)
            assert found.ok, str(found)
            assert threads[2].is_alive()
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    world.checkpoints.write()
    found = verify(world)
    assert found.ok, str(found)
    assert any(b'"removed":[{' in path.read_bytes() for path in world.files())
    assert not {path.name.removesuffix(".gz") for path in world.log.glob("*.jsonl*")} & set(removed)
