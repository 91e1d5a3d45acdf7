"""A journal finds the events that reading everything finds, and reads no more than it has to."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sa_privacy.accesslog import Wanted, read_events
from sa_privacy.accesslog.questions import Journal
from sa_privacy.accesslog.questions import journal as journals
from sa_privacy.accesslog.questions.files import last_event, segment_files
from sa_privacy.errors import LogUnavailable
from tests.accesslog.questions.story import ANN, BO, CY, Story, compress

ODD = 'staff "17"\n\\ 倉庫 \u2028'


def written(story: Story) -> list[Path]:
    """Two writers, several segments each, every kind of event."""
    for number in range(2):
        writer = story.writer(segment_bytes=3000)
        for _ in range(6):
            writer.statement([ANN, BO], actor=ODD)
            writer.statement(None, reads=["orders.amount"], rows=3)
            writer.statement([CY], reads=[], deletes=["customers"], actor="staff:1")
            writer.intent(actor="staff:1", decision="denied", denials=["read customers.name"], reads=["customers.name"])
            writer.use(subjects=[ANN], reads=["customersx.name"], decision="would_deny", reason='"unbounded":true')
        writer.log.append("review", b'"of":"x:1","verdict":"justified"')
        writer.log.append("note", b"")
        if number:
            writer.log.close()
    return sorted(story.directory.iterdir())


EMPTY = {
    "a person of another name",
    "an account whose name begins so",
    "a purpose that begins so",
    "a table that nothing touches",
}
BEGIN = datetime(2026, 3, 1, 9, tzinfo=UTC)
QUESTIONS = {
    "everything": Wanted(),
    "a person": Wanted(subject=ANN),
    "a person of another name": Wanted(subject=ANN[:-1]),
    "another person": Wanted(subject=CY),
    "an account": Wanted(actor=ODD),
    "an account whose name begins so": Wanted(actor="staff:"),
    "a purpose": Wanted(purpose="shipping"),
    "a purpose that begins so": Wanted(purpose="ship"),
    "a table": Wanted(table="customers"),
    "a table that nothing touches": Wanted(table="customer"),
    "refusals": Wanted(decisions=frozenset({"denied", "would_deny"})),
    "a rare kind": Wanted(kinds=frozenset({"review", "break_glass"})),
    "contexts": Wanted(kinds=frozenset({"context"})),
    "common kinds": Wanted(kinds=frozenset({"outcome", "use"})),
    "a time": Wanted(since=BEGIN + timedelta(seconds=40), until=BEGIN + timedelta(seconds=90)),
    "one moment": Wanted(since=BEGIN + timedelta(seconds=40), until=BEGIN + timedelta(seconds=41)),
    "all of it": Wanted(
        since=BEGIN + timedelta(seconds=20),
        until=BEGIN + timedelta(seconds=150),
        subject=ANN,
        actor=ODD,
        table="customers",
        kinds=frozenset({"outcome"}),
        decisions=frozenset({"allowed"}),
    ),
}


@pytest.mark.parametrize("chunk", [100, 1500, 256 * 1024])  # a line is longer; some lines; a whole segment
def test_it_finds_what_reading_everything_finds(chunk: int, story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    files = written(story)
    assert len(files) > 6
    compress(files[0])
    compress(files[-1])
    monkeypatch.setattr(journals, "_CHUNK", chunk)
    every = list(read_events(story.directory))
    writers = {event.writer: event.at for event in reversed(every)}
    every.sort(key=lambda event: (writers[event.writer], event.seq))
    some = frozenset((event.writer, event.seq) for event in every if event.kind == "intent" and event.actor == ODD)
    for name, wanted in (QUESTIONS | {"outcomes": Wanted(intents=some)}).items():
        expected = [event for event in every if wanted.takes(event)]
        assert list(Journal(story.directory).find(wanted)) == expected, name
        assert bool(expected) is (name not in EMPTY), name


def test_a_torn_line_is_left_out_and_no_event_is_told(story: Story, journal: Journal) -> None:
    writer = story.writer()
    writer.statement([ANN])
    [segment] = story.directory.iterdir()
    whole = segment.read_bytes()
    with segment.open("ab") as file:
        file.write(whole.splitlines(keepends=True)[2][:-1])
    assert len(list(journal.find(Wanted(subject=ANN)))) == 1
    with segment.open("ab") as file:
        file.write(b"\n" + f'{{"subjects":["{ANN}"]\n'.encode())
    with pytest.warns(RuntimeWarning, match=rf"{segment.name} byte \d+ begins no event; run verify"):
        list(journal.find(Wanted(subject=ANN)))


def test_segments_of_another_time_are_not_read(story: Story, journal: Journal) -> None:
    """They are broken here, and nobody minds."""
    early = story.writer(segment_bytes=1)
    early.statement([ANN])  # three segments
    story.now += timedelta(days=3)
    early.statement([BO])
    early.log.close()
    story.now += timedelta(days=3)
    noon = story.now
    story.writer().statement([ANN])
    story.now += timedelta(days=3)
    story.writer().statement([ANN])
    files = sorted(story.directory.iterdir())
    for file in (*files[:2], files[-1]):
        compress(file).write_bytes(b"no gzip")
    wanted = Wanted(subject=ANN, since=noon, until=noon + timedelta(minutes=1))
    assert len(list(journal.find(wanted))) == 1
    with pytest.raises(LogUnavailable):
        list(journal.find(Wanted(subject=ANN)))


@pytest.mark.parametrize("hours", [-20, 20])
def test_a_clock_that_was_off_by_less_than_a_day_hides_nothing(hours: int, story: Story, journal: Journal) -> None:
    writer = story.writer()
    writer.statement([ANN])
    story.now += timedelta(hours=hours)  # the segment's name says another time
    at = story.now
    writer.statement([ANN])
    assert len(list(journal.find(Wanted(subject=ANN, since=at, until=at + timedelta(minutes=1))))) == 1


def test_a_log_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(LogUnavailable, match="nowhere cannot be read"):
        list(Journal(tmp_path / "nowhere").find(Wanted()))


def test_files_of_other_names_are_read_but_never_skipped(story: Story, journal: Journal) -> None:
    story.writer().statement([ANN])
    [segment] = story.directory.iterdir()
    segment.rename(segment.with_name("20269999T000000.000000Z-00c0ffee00c0ffee.jsonl"))
    (story.directory / "brought back.jsonl").write_bytes(
        segment.with_name("20269999T000000.000000Z-00c0ffee00c0ffee.jsonl").read_bytes()
    )
    assert [file.opened for file in segment_files(story.directory)] == [None, None]
    assert len(list(journal.find(Wanted(subject=ANN, until=story.now + timedelta(days=1))))) == 2


def test_the_last_event_of_a_segment_is_found_from_its_end(story: Story) -> None:
    writer = story.writer()
    writer.statement([ANN], reason="x" * 200_000)
    [segment] = story.directory.iterdir()
    last = last_event(segment)
    assert last is not None
    assert (last.kind, last.seq) == ("outcome", json.loads(segment.read_bytes().splitlines()[-1])["seq"])
    assert last_event(segment.with_name("none")) is None
