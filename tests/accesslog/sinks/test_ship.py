"""Shipping: the table holds what the journal holds, whatever happens on the way."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import time
from collections.abc import Callable, Collection
from pathlib import Path
from threading import Thread

import pytest
from sqlalchemy import Engine, text

from sa_privacy.accesslog import AccessLog, members
from sa_privacy.accesslog.journal.reading import segment_names
from sa_privacy.accesslog.sinks import EventTable, Lag, Shipper, StdoutTarget, TableTarget, Unshippable
from sa_privacy.accesslog.sinks.target import Batch, Mark
from sa_privacy.errors import LogUnavailable
from tests.accesslog.sinks.journals import compress, count, held, journal, lines_of, write


@pytest.fixture
def table(engine: Engine) -> EventTable:
    made = EventTable(engine)
    made.create()
    return made


def test_the_table_holds_what_the_journal_holds(tmp_path: Path, table: EventTable) -> None:
    log = journal(tmp_path / "log", events=150)
    assert len(segment_names(log)) > 4
    shipper = Shipper(log, table, batch=37)
    expected = list(lines_of(log))
    assert shipper.run_once() == len(expected)
    assert held(table) == expected
    assert shipper.run_once() == 0
    assert Shipper(log, table).run_once() == 0, "how far it came is in the table, not in the shipper"
    assert table.verify().ok
    assert table.verify().events == len(expected)


def test_what_is_written_meanwhile_arrives_with_the_next_look(tmp_path: Path, table: EventTable) -> None:
    with AccessLog.open(tmp_path / "log", segment_bytes=2000) as log:
        shipper = Shipper(tmp_path / "log", table, batch=5)
        for step in range(6):
            write(log, 5, seed=step)
            shipper.run_once()
            assert held(table) == list(lines_of(tmp_path / "log"))


def test_compressed_segments_are_shipped_and_compressing_shipped_ones_changes_nothing(
    tmp_path: Path, table: EventTable
) -> None:
    log = journal(tmp_path / "log", events=100, writers=1)
    expected = list(lines_of(log))
    first, *_, last = segment_names(log)
    compress(log, first)
    shipper = Shipper(log, table, batch=40)
    assert not shipper.shipped(first)
    before = shipper.lag()
    assert before.events == len(expected)
    assert before.bytes == sum(map(len, expected))
    shipper.run_once()
    compress(log, last)
    assert shipper.run_once() == 0
    assert shipper.shipped(first)
    assert shipper.shipped(f"{last}.gz")
    assert held(table) == expected


def test_a_torn_line_waits_until_it_is_whole(tmp_path: Path, table: EventTable) -> None:
    log = journal(tmp_path / "log", events=20, writers=1, segment_bytes=1 << 20)
    (name,) = segment_names(log)
    whole = (log / name).read_bytes()
    (log / name).write_bytes(whole[:-30])
    shipper = Shipper(log, table)
    shipper.run_once()
    assert b"".join(held(table)) == whole[: whole[:-1].rfind(b"\n") + 1]
    assert shipper.shipped(name), "a torn line was never acknowledged: nobody waits for it"
    assert shipper.lag() == Lag(0, 0, 0.0)
    (log / name).write_bytes(whole)
    assert not shipper.shipped(name)
    assert shipper.run_once() == 1
    assert b"".join(held(table)) == whole


def test_a_line_behind_the_closing_one_is_not_passed_over(tmp_path: Path, table: EventTable) -> None:
    log = journal(tmp_path / "log", events=5, writers=1)
    shipper = Shipper(log, table)
    shipper.run_once()
    with (log / segment_names(log)[-1]).open("ab") as file:
        file.write(b"{}\n")
    for one in (shipper, Shipper(log, table)):
        with pytest.raises(Unshippable):
            one.run_once()


@pytest.mark.parametrize("poison", [b"{}\n", b"not json\n", b'{"kind":"use"}\n', b"\xff\xfe\n"])
def test_a_line_that_is_no_event_stops_it_there(tmp_path: Path, table: EventTable, poison: bytes) -> None:
    log = journal(tmp_path / "log", events=20, writers=2, segment_bytes=1 << 20)
    name, _ = segment_names(log)
    lines = (log / name).read_bytes().splitlines(keepends=True)
    (log / name).write_bytes(b"".join([*lines[:7], poison, *lines[7:]]))
    shipper = Shipper(log, table)
    place = sum(map(len, lines[:7]))
    with pytest.raises(Unshippable, match=f"byte {place} of the segment {name}") as caught:
        shipper.run_once()
    assert poison.decode(errors="replace").strip() not in str(caught.value)
    assert held(table) == lines[:7], "what stands before it is shipped, and nothing after it"
    assert shipper.trouble is caught.value
    (log / name).write_bytes(b"".join(lines))
    shipper.run_once()
    assert shipper.trouble is None
    assert held(table) == list(lines_of(log))


def test_a_segment_that_was_rewritten_behind_the_mark_is_not_gone_on_with(tmp_path: Path, table: EventTable) -> None:
    log = journal(tmp_path / "log", events=20, writers=1, segment_bytes=1 << 20)
    (name,) = segment_names(log)
    lines = (log / name).read_bytes().splitlines(keepends=True)
    (log / name).write_bytes(b"".join(lines[:9]))
    shipper = Shipper(log, table)
    shipper.run_once()
    changed = lines[8].replace(b'"hash":"', b'"hash":"0')[: len(lines[8]) - 3] + b'"}\n'
    with (log / name).open("wb") as file:
        file.write(b"".join([*lines[:8], changed, *lines[10:]]))
    assert len(changed) == len(lines[8])
    with pytest.raises(Unshippable, match="does not go on"):
        shipper.run_once()


def test_a_segment_that_lost_its_end_is_said_once_and_the_others_go_on(
    tmp_path: Path, table: EventTable, capsys: pytest.CaptureFixture[str]
) -> None:
    log = journal(tmp_path / "log", events=20, writers=1, segment_bytes=1 << 20)
    (name,) = segment_names(log)
    whole = (log / name).read_bytes()
    (log / name).write_bytes(whole[: whole[:-1].rfind(b"\n") + 1])  # not closed yet
    shipper = Shipper(log, table)
    shipper.run_once()
    before = held(table)
    (log / name).write_bytes(whole[:200])
    journal(log, events=5, writers=1)
    shipper.run_once()
    shipper.run_once()
    assert capsys.readouterr().err.count(f"the segment {name} is shorter") == 1
    assert held(table)[: len(before)] == before
    assert len(held(table)) > len(before)


def test_the_same_journal_shipped_from_a_copy_adds_nothing(tmp_path: Path, table: EventTable) -> None:
    log = journal(tmp_path / "log", events=30)
    Shipper(log, table).run_once()
    with table.engine.begin() as connection:
        connection.execute(text("DELETE FROM sa_privacy_events_shipped"))
    journal(log, events=10, writers=1)
    Shipper(log, table, batch=50).run_once()
    assert held(table) == list(lines_of(log))


def test_another_line_under_the_same_number_is_not_passed_over(tmp_path: Path, table: EventTable) -> None:
    log = journal(tmp_path / "log", events=20, writers=1, segment_bytes=1 << 20)
    Shipper(log, table).run_once()
    (name,) = segment_names(log)
    lines = (log / name).read_bytes().splitlines(keepends=True)
    other = tmp_path / "other"
    other.mkdir()
    (other / f"x{name}").write_bytes(b"".join([*lines[:3], lines[3].replace(b"staff", b"stuff")]))
    with pytest.raises(Unshippable, match="another line under the number"):
        Shipper(other, table).run_once()
    assert held(table) == lines


def test_two_shippers_at_once_ship_everything_once(
    tmp_path: Path, table: EventTable, make_engine: Callable[..., Engine]
) -> None:
    log = journal(tmp_path / "log", events=250, writers=3, segment_bytes=8000)
    failed: list[BaseException] = []

    def ship(batch: int) -> None:
        try:
            with Shipper(log, make_engine(), batch=batch) as shipper:
                shipper.run_once()
        except BaseException as error:  # noqa: BLE001 - shown by the test
            failed.append(error)

    threads = [Thread(target=ship, args=(batch,)) for batch in (20, 33, 50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed
    assert held(table) == list(lines_of(log))


class Measuring:
    """A target that keeps of each batch only how much it was."""

    name, apart = "nowhere", True

    def __init__(self) -> None:
        self.lines: list[int] = []
        self.bytes: list[int] = []

    def marks(self, segments: Collection[str]) -> dict[str, Mark]:
        return {}

    def take(self, batch: Batch) -> bool:
        self.lines.append(len(batch.rows))
        self.bytes.append(sum(len(row[7]) + 1 for row in batch.rows))
        return True

    def close(self) -> None:
        """Nothing is held."""


@pytest.mark.parametrize(("events", "length"), [(9_000, 10), (40, 300_000)])
def test_what_piled_up_while_a_target_was_away_is_shipped_in_small_pieces(
    tmp_path: Path, events: int, length: int
) -> None:
    with AccessLog.open(tmp_path / "log", fsync="never") as log:
        said = members(actor="a" * length)
        for _ in range(events):
            log.append("intent", said)
    target = Measuring()
    assert Shipper(tmp_path / "log", target).run_once() == sum(target.lines) > events
    assert len(target.lines) > 2
    assert max(target.lines) <= 4_000
    assert max(target.bytes) <= 4 << 20


def test_a_target_that_is_away_blocks_and_loses_nothing(
    tmp_path: Path, table: EventTable, capsys: pytest.CaptureFixture[str]
) -> None:
    with AccessLog.open(tmp_path / "log") as log:
        write(log, 20)
        with Shipper(tmp_path / "log", table).every(0.01) as shipping:
            wait_for(lambda: count(table.engine) > 20)
            rename(table.engine, "sa_privacy_events_shipped", "elsewhere")
            write(log, 20, seed=2)
            wait_for(lambda: shipping.shipper.trouble is not None)
            write(log, 20, seed=3)
            time.sleep(0.3)
            rename(table.engine, "elsewhere", "sa_privacy_events_shipped")
            wait_for(lambda: shipping.shipper.lag().events == 0)
    assert held(table) == list(lines_of(tmp_path / "log"))[:-1], (
        "all but the closing line, written after the shipper ended"
    )
    said = capsys.readouterr().err
    assert said.count("waits") == 1
    assert said.count("goes on") == 1


def test_the_thread_ships_the_rest_when_it_is_closed(tmp_path: Path, table: EventTable) -> None:
    (tmp_path / "log").mkdir(mode=0o700)
    shipping = Shipper(tmp_path / "log", table).every(60)
    time.sleep(0.1)
    journal(tmp_path / "log", events=30)
    shipping.close()
    shipping.close()
    assert held(table) == list(lines_of(tmp_path / "log"))


def test_lag_says_what_is_not_there_yet(tmp_path: Path, table: EventTable) -> None:
    with AccessLog.open(tmp_path / "log") as log:
        write(log, 10)
        shipper = Shipper(tmp_path / "log", table)
        shipper.run_once()
        assert shipper.lag() == Lag(0, 0, 0.0)
        begun = time.time()
        log.append("use", members(actor="a"))
        log.append("use", members(actor="b" * 100_000))  # longer than what is read at first
        log.append("use", members(actor="c"))
        time.sleep(0.05)
        events, size, seconds = shipper.lag()
        assert events == 3
        assert 100_000 < size < 102_000
        assert 0.05 <= seconds <= time.time() - begun
        (name,) = segment_names(tmp_path / "log")
        assert not shipper.shipped(name)


def test_a_batch_is_taken_whole_or_not_at_all(tmp_path: Path, table: EventTable) -> None:
    log = journal(tmp_path / "log", events=100, writers=1, segment_bytes=1 << 20)
    target = TableTarget(table)
    shipper = Shipper(log, target, batch=40)
    (batch, following, *_) = shipper.journal.batches(shipper.journal.segments(), {})
    broken = Batch(batch.moves, [*batch.rows[:-1], (*batch.rows[-1][:7], None, (), None)])  # type: ignore[list-item]
    with pytest.raises(LogUnavailable):
        target.take(broken)
    assert count(table.engine) == count(table.engine, "sa_privacy_events_shipped") == 0
    assert target.take(batch)
    assert not target.take(batch), "somebody else shipped this"
    assert following.moves[0].before.bytes
    assert target.take(following)
    assert not target.take(following)


# -- stdout ------------------------------------------------------------------------------------------------------------


def test_stdout_gets_the_lines_as_they_stand(tmp_path: Path) -> None:
    log = journal(tmp_path / "log", events=40)
    stream = io.BytesIO()
    shipper = Shipper(log, StdoutTarget(log, stream), batch=25)
    shipper.run_once()
    assert sorted(stream.getvalue().splitlines(keepends=True)) == sorted(lines_of(log))
    journal(log, events=3, writers=1)
    Shipper(log, StdoutTarget(log, stream)).run_once()
    assert sorted(stream.getvalue().splitlines(keepends=True)) == sorted(lines_of(log))
    assert (log / "shipped-stdout.json").stat().st_mode & 0o777 == 0o600
    assert shipper.lag().events >= 0


def test_marks_of_stdout_that_cannot_be_read_are_no_reason_to_begin_anew(tmp_path: Path) -> None:
    log = journal(tmp_path / "log", events=4, writers=1)
    (log / "shipped-stdout.json").write_bytes(b"{")
    with pytest.raises(Unshippable, match="does not say what was shipped"):
        Shipper(log, StdoutTarget(log, io.BytesIO())).run_once()


def test_nobody_reading_stdout_is_said(tmp_path: Path) -> None:
    log = journal(tmp_path / "log", events=4, writers=1)
    out, into = os.pipe()
    os.close(out)
    with os.fdopen(into, "wb", buffering=0) as stream, pytest.raises(Unshippable, match="Nobody reads"):
        Shipper(log, StdoutTarget(log, stream)).run_once()
    assert not StdoutTarget(log, io.BytesIO()).marks(segment_names(log))


def test_the_library_does_not_import_sqlalchemy_for_a_journal() -> None:
    said = "import sys, sa_privacy.accesslog.journal.log; sys.exit('sa_privacy.accesslog.sinks' in sys.modules)"
    assert (
        subprocess.run(
            [sys.executable, "-c", said], env={"PYTHONPATH": os.pathsep.join(sys.path)}, check=False
        ).returncode
        == 0
    )


def test_an_empty_mark_is_where_a_segment_begins() -> None:
    assert Mark() == (0, 0, "", False)


def rename(engine: Engine, old: str, new: str) -> None:
    with engine.begin() as connection:
        connection.execute(text(f"ALTER TABLE {old} RENAME TO {new}"))


def wait_for(done: Callable[[], bool], seconds: float = 10) -> None:
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end
        time.sleep(0.01)
