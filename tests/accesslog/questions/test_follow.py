"""Following a log: nothing is missed, nothing comes twice."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from sa_privacy.accesslog import Event, Wanted, read_events
from sa_privacy.accesslog.questions import Journal
from sa_privacy.accesslog.questions.follow import Follow, last_events
from tests.accesslog.questions.story import ANN, BO, Story, compress


def names(events: list[Event]) -> list[tuple[str, int]]:
    return [(event.writer, event.seq) for event in events]


def test_it_goes_on_over_segments_and_writers(story: Story) -> None:
    one = story.writer(segment_bytes=1500)
    one.statement([ANN])
    follow, seen = Follow(story.directory), names(list(read_events(story.directory)))
    assert list(follow.new()) == []
    two = story.writer(segment_bytes=1500)
    for _ in range(5):
        one.statement([ANN])
        two.statement([BO])
        new = list(follow.new())
        assert new == sorted(new, key=lambda event: event.at)
        seen += names(new)
    compress(min(story.directory.iterdir()))
    one.statement([ANN])
    seen += names(list(follow.new()))
    assert sorted(seen) == sorted(names(list(read_events(story.directory))))
    assert len(set(seen)) == len(seen)
    assert list(follow.new()) == []


def test_only_what_is_wanted_comes(story: Story) -> None:
    writer = story.writer()
    writer.statement([ANN])
    follow = Follow(story.directory, Wanted(subject=BO))
    writer.statement([ANN])
    writer.statement([BO])
    assert [event.subjects for event in follow.new()] == [[BO]]


def test_a_line_that_is_not_finished_comes_once_it_is(story: Story) -> None:
    writer = story.writer()
    writer.statement([ANN])
    [segment] = story.directory.iterdir()
    whole = segment.read_bytes()
    follow = Follow(story.directory)
    line = whole.splitlines(keepends=True)[-1]
    with segment.open("ab") as file:
        file.write(line[:50])
    assert list(follow.new()) == []
    assert names(list(Follow(story.directory).new())) == []
    with segment.open("ab") as file:
        file.write(line[50:])
    assert len(list(follow.new())) == 1


def test_a_segment_that_became_shorter_is_told(story: Story) -> None:
    writer = story.writer()
    writer.statement([ANN])
    follow = Follow(story.directory)
    [segment] = story.directory.iterdir()
    segment.write_bytes(b"".join(segment.read_bytes().splitlines(keepends=True)[:2]))
    with pytest.warns(RuntimeWarning, match="became shorter; run verify"):
        assert list(follow.new()) == []
    assert list(follow.new()) == []


@pytest.mark.parametrize("count", [0, 1, 3, 7, 1000])
@pytest.mark.parametrize("wanted", [Wanted(), Wanted(actor="staff:1")])
def test_the_last_events_are_those_of_all_segments(count: int, wanted: Wanted, story: Story, journal: Journal) -> None:
    one, two = story.writer(segment_bytes=1500), story.writer()
    for number in range(8):
        one.statement([ANN], actor=f"staff:{number % 2}")
        two.statement([BO], actor=f"staff:{number % 3}")
    compress(min(story.directory.iterdir()))
    every = sorted((event for event in journal.find(wanted)), key=lambda event: (event.at, event.writer, event.seq))
    assert last_events(journal.path, wanted, count) == (every[-count:] if count else [])


def test_the_state_of_a_log(story: Story, journal: Journal) -> None:
    writer = story.writer(segment_bytes=1500)
    first = story.now
    for _ in range(4):
        writer.statement([ANN])
    writer.log.close()
    killed = story.writer()
    killed.statement([BO])
    files = sorted(story.directory.iterdir())
    compress(files[0])
    status = journal.status()
    assert (status.segments, status.compressed, status.writers) == (len(files), 1, 2)
    assert (status.running, status.unclosed) == (1, 0)
    assert status.bytes == sum(file.stat().st_size for file in story.directory.iterdir())
    assert status.first is not None
    assert abs(status.first - first) <= timedelta(seconds=1)
    assert status.last == max(event.at for event in read_events(story.directory))
    assert status.checkpoint is None
    (story.directory / "checkpoints-2026-02.ndjson").write_bytes(b'{"number":1,"at":"2026-02-28T23:00:00.000000Z"}\n')
    (story.directory / "checkpoints-2026-03.ndjson").write_bytes(
        b'{"number":2,"at":"2026-03-01T10:00:00.000000Z"}\n{"num'
    )
    assert journal.status().checkpoint == datetime(2026, 3, 1, 10, tzinfo=UTC)
