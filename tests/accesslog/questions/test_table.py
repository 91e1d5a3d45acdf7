"""A table that the log was shipped to gives the same answers as the segments."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from sa_privacy.accesslog import Source, Wanted
from sa_privacy.accesslog.questions import Journal, breach, by, denied, who
from sa_privacy.accesslog.questions.people import People
from sa_privacy.accesslog.reviews import open_reviews
from sa_privacy.accesslog.sinks import EventTable, Shipper, TableSource
from tests.accesslog.questions.story import ANN, BO, CY, Story
from tests.support.databases import Database

NOBODY = People()


@pytest.fixture
def table(story: Story, database: Database) -> Iterator[TableSource]:
    """What two writers did in a week, shipped."""
    for context in (
        {"sealed": ["customers.name"], "keys": ["00000001"], "categories": {"customers.name": "name"}},
        None,
    ):
        writer = story.writer(context=context, segment_bytes=1500)
        for _ in range(3):
            writer.statement([ANN, BO], rows=4, cells={"customers.name": 2})
            writer.statement(None, rows=7, reads=["orders.amount"])
            writer.use(subjects=[CY], reads=["customers.name"], decision="would_deny", denials=["read customers.name"])
            writer.intent(reads=["customers.name"], subjects=[ANN], decision="denied", denials=["read customers.name"])
            story.now += timedelta(days=1)
        gone = writer.intent(subjects=[ANN], reads=["customers.name"])
        writer.outcome(gone, subjects=[], rows=0, reads=["customers.name"])
        writer.intent(subjects=[ANN], writes=["customers.name"])
        writer.log.append("break_glass", b'"actor":"staff:17","ticket":"T-1"')
        writer.log.close()
    url = database.engine().url
    with EventTable(url) as made:
        made.create()
    with Shipper(story.directory, url) as shipper:
        shipper.run_once()
    with TableSource(url) as source:
        yield source


def test_it_gives_the_same_answers(table: TableSource, story: Story, journal: Journal) -> None:
    since = story.now - timedelta(days=5)
    spans: list[dict[str, Any]] = [
        {},
        {"since": since},
        {"until": since},
        {"since": since, "until": since + timedelta(days=2)},
    ]

    def answers(source: Source) -> list[object]:
        found: list[object] = []
        for span in spans:
            who_found, by_found = who(source, ANN, **span), by(source, "staff:17", **span)
            breach_found = breach(source, actor="staff:17", **span)
            found += [who_found, by_found, denied(source, **span), set(breach_found.pseudonyms)]
            found += [breach_found._replace(pseudonyms=NOBODY), breach(source, table="customers", **span).columns]
        return [*found, open_reviews(source), list(source.find(Wanted()))]

    of_table, of_segments = answers(table), answers(journal)
    for one, other in zip(of_table, of_segments, strict=True):
        assert one == other
    assert len(of_segments[0].uses) == 16  # type: ignore[attr-defined]
