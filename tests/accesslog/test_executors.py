"""A log is verified by the workers of any executor; the verdict is the same, whoever looked and whoever died."""

from __future__ import annotations

import time
from concurrent.futures import BrokenExecutor, Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, text

from sa_privacy.accesslog import AccessLog, Verification, verify_directory
from sa_privacy.accesslog.proof import pieces
from sa_privacy.accesslog.proof.segments import examine_part, join_parts
from sa_privacy.accesslog.sinks import EventTable, Shipper
from sa_privacy.errors import LogUnavailable
from sa_privacy.executors import Processes, results
from tests.accesslog.dying import DEATHS, die_once, kill_me
from tests.accesslog.proving import SAID, World

LINE = 337  # bytes of one event here, near enough


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    """Two writers, several segments each, and pieces that hold ten lines."""
    monkeypatch.setattr(pieces, "PIECE", 10 * LINE)
    world = World(tmp_path)
    logs = [world.writer(segment_bytes=90 * LINE) for _ in range(2)]
    for number in range(250):
        for log in logs:
            log.append("use", SAID)
        if number in (40, 170):
            world.checkpoints.write()
    world.logs.pop().close()  # the other one is in use: its last segment is open
    world.checkpoints.write()
    logs[0].append("use", SAID)
    return world


def verified(world: World, executor: Executor | None = None, **how: Any) -> Verification:
    return verify_directory(world.log, key=world.key.public, second=world.second, executor=executor, **how)


def watched(monkeypatch: pytest.MonkeyPatch, name: str) -> list[str]:
    """The segments that are read, in parts or as a whole, from now on."""
    read: list[str] = []
    work = getattr(pieces, name)

    def noted(root: Path, segment: str, *said: Any, **how: Any) -> Any:
        read.append(segment)
        return work(root, segment, *said, **how)

    monkeypatch.setattr(pieces, name, noted)
    return read


@pytest.mark.parametrize(
    "change", ["nothing", "a byte", "a line cut", "two lines swapped", "the end cut", "torn", "longer"]
)
@pytest.mark.parametrize("where", [1, 9, 10, 11, 55, 88])
def test_pieces_find_what_the_whole_finds(world: World, change: str, where: int) -> None:
    path = world.segments(world.logs[0].writer)[0 if change != "torn" else -1]
    lines = path.read_bytes().splitlines(keepends=True)
    if change == "a byte":
        lines[where] = lines[where].replace(b"staff:17", b"staff:18")
    elif change == "a line cut":
        del lines[where]
    elif change == "two lines swapped":
        lines[where : where + 2] = reversed(lines[where : where + 2])
    elif change == "the end cut":
        del lines[where:]
    elif change == "torn":
        lines.append(b'{"kind":"use"' * where)
    elif change == "longer":
        lines.insert(where, b"x" * 40 * LINE + b"\n")
    path.write_bytes(b"".join(lines))
    alone = verified(world)
    assert alone.ok is (change in ("nothing", "torn"))
    with ThreadPoolExecutor(3) as pool:
        assert verified(world, pool) == alone


def test_a_good_log_is_read_once_and_in_pieces(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is looked at again as a whole is what a piece found wrong: so nothing, but for an end that falls between pieces."""
    wholes, parts = watched(monkeypatch, "examine"), watched(monkeypatch, "examine_part")
    with ThreadPoolExecutor(3) as pool:
        assert verified(world, pool).ok
    assert len(parts) > 40
    assert len(wholes) <= 2


def test_a_segment_of_which_a_part_was_put_in_anew_does_not_join(world: World) -> None:
    """Each piece holds by itself; that one follows from the other is looked at too."""
    first = world.segments(world.logs[0].writer)[0]
    found = examine_part(world.log, first.name, (), first.stat().st_size, 0, 10 * LINE)
    after = examine_part(world.log, first.name, (), first.stat().st_size, 20 * LINE, 30 * LINE)
    assert found.problem is None
    assert after.problem is None
    assert join_parts([found, after]) is None


def test_workers_that_die_do_not_end_it(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    alone = verified(world)
    monkeypatch.setenv(DEATHS, str(tmp_path / "deaths"))
    with Processes(2, die_once) as pool:
        assert verified(world, pool) == alone
    assert (tmp_path / "deaths").exists()


def test_a_pool_that_is_broken_for_good_leaves_the_work_here() -> None:
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        with pytest.raises(BrokenExecutor):
            pool.submit(kill_me).result()
        assert dict(results(pool, abs, [-1, -2, -3])) == {0: 1, 1: 2, 2: 3}


def test_a_worker_that_does_not_see_the_directory_is_no_proof(world: World) -> None:
    class Elsewhere(Executor):
        """Another machine, where the log is not."""

        def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
            hidden = world.log.rename(world.log.with_name("hidden"))
            future: Future[Any] = Future()
            future.set_result(fn(*args, **kwargs))
            hidden.rename(world.log)
            return future

    with pytest.raises(LogUnavailable, match="does not see the access log's directory"):
        verified(world, Elsewhere())


def test_what_an_interrupted_run_had_read_is_not_read_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.logs[0].close()
    world.checkpoints.write()
    notes = world.root / "notes"
    alone = verified(world)

    def stop(done: int, total: int) -> None:
        if done > total / 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        verified(world, resume=notes, progress=stop)
    assert notes.stat().st_mode & 0o777 == 0o600
    changed, kept = world.segments()[0], world.segments()[1]
    time.sleep(0.02)
    changed.write_bytes(changed.read_bytes().replace(b"staff:17", b"staff:18", 1))
    read = watched(monkeypatch, "examine")
    again = verified(world, resume=notes)
    assert changed.name in read
    assert kept.name not in read
    assert [one.segment for one in again.problems] == [changed.name]
    assert again.segments == alone.segments
    assert any("interrupted" in said for said in again.unshown)
    assert not notes.exists()


def test_notes_that_anybody_may_write_are_not_believed(world: World, tmp_path: Path) -> None:
    with pytest.raises(LogUnavailable, match="in the log's own directory"):
        verified(world, resume=world.log / "notes")
    notes = tmp_path / "notes"
    notes.write_bytes(b"")
    notes.chmod(0o644)
    with pytest.raises(LogUnavailable, match="open to other users"):
        verified(world, resume=notes)
    notes.chmod(0o600)
    notes.write_bytes(b'{"log":"/another","at":"2026-03-01T00:00:00+00:00"}\n')
    with pytest.raises(LogUnavailable, match="another log"):
        verified(world, resume=notes)


def test_an_event_of_another_log_does_not_pass_in_pieces(world: World, tmp_path: Path) -> None:
    """A good segment of another writer's under this one's name is refused, in pieces as well."""
    with AccessLog.open(tmp_path / "other", fsync="never") as other:
        for _ in range(60):
            other.append("use", SAID)
    [foreign] = (tmp_path / "other").glob("*.jsonl")
    world.segments(world.logs[0].writer)[0].write_bytes(foreign.read_bytes())
    alone = verified(world)
    assert not alone.ok
    with ThreadPoolExecutor(3) as pool:
        assert verified(world, pool) == alone


def test_a_table_is_verified_by_workers_too(world: World, tmp_path: Path) -> None:
    """Each writer is a piece; a line that was changed, and one that questions do not find, are told as by one process."""
    world.logs[0].close()
    url = f"sqlite:///{tmp_path / 'shipped.db'}"
    with EventTable(url) as table:
        table.create()
        Shipper(world.log, table).run_once()
        with Counting(2) as pool:
            alone = table.verify(second=world.second)
            assert alone.ok, str(alone)
            assert table.verify(second=world.second, executor=pool) == alone
            assert pool.pieces == 2
            with table.engine.begin() as connection:
                for trigger in inspect_triggers(connection):
                    connection.execute(text(f'DROP TRIGGER "{trigger}"'))
                connection.execute(
                    text("UPDATE sa_privacy_events SET line = replace(line, '17', '18') WHERE id % 50 = 7")
                )
            alone = table.verify(second=world.second)
            assert len(alone.problems) == 2
            assert table.verify(second=world.second, executor=pool) == alone


class Counting(ThreadPoolExecutor):
    """Counts what it is handed."""

    pieces = 0

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        self.pieces += 1
        assert "sqlite:" not in repr(args)  # of other URLs, the password would be there
        return super().submit(fn, *args, **kwargs)


def inspect_triggers(connection: Connection) -> list[str]:
    """Whoever may write the file can drop them."""
    return list(connection.scalars(text("SELECT name FROM sqlite_schema WHERE type = 'trigger'")))
