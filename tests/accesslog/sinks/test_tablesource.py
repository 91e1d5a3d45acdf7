"""Questions to the table: the same answers as from all events, one by one."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from sa_privacy.accesslog import AccessLog, Wanted, members
from sa_privacy.accesslog.questions import Journal
from sa_privacy.accesslog.sinks import EventTable, Shipper, TableSource
from sa_privacy.accesslog.unbounded import Tally, is_unbounded
from sa_privacy.errors import LogUnavailable
from tests.accesslog.sinks.journals import ODD, PEOPLE, journal


def test_it_finds_what_is_wanted_in_order(tmp_path: Path, engine: Engine) -> None:
    table = EventTable(engine)
    table.create()
    Shipper(journal(tmp_path / "log", events=120, writers=3), table).run_once()
    everything = list(table.events())
    middle = everything[len(everything) // 2].at
    source = TableSource(table)
    questions = [
        Wanted(),
        Wanted(subject=PEOPLE[3]),
        Wanted(subject=PEOPLE[3], since=middle),
        Wanted(subject=PEOPLE[3], until=middle, kinds=frozenset({"outcome"})),
        Wanted(subject="customer:nobody"),
        Wanted(subject="*"),
        Wanted(actor="staff:3"),
        *(Wanted(actor=actor) for actor in ODD if actor),
        Wanted(actor="long" * 901),
        Wanted(decisions=frozenset({"denied"})),
        Wanted(decisions=frozenset({"denied", "would_deny"}), since=middle),
        Wanted(decisions=frozenset({"allowed"})),
        Wanted(kinds=frozenset({"break_glass", "review"})),
        Wanted(kinds=frozenset({"intent"}), table="customers"),
        Wanted(kinds=frozenset({"opened", "intent"}), until=middle),
        Wanted(since=middle, until=middle + timedelta(microseconds=1)),
        Wanted(table="orders"),
        Wanted(intents=frozenset((event.writer, event.seq) for event in everything if event.kind == "intent")),
        Wanted(intents=frozenset({(everything[5].writer, 4), ("00", 1)}), kinds=frozenset({"outcome"})),
    ]
    for wanted in questions:
        assert list(source.find(wanted)) == [event for event in everything if wanted.takes(event)], wanted
    assert len(list(source.find(questions[1]))) > 3
    assert len(list(source.find(questions[8]))) > 3


def test_it_counts_what_cannot_be_told_as_one_by_one(tmp_path: Path, engine: Engine) -> None:
    table = EventTable(engine)
    table.create()
    log = journal(tmp_path / "log", events=120, writers=3)
    with AccessLog.open(log) as more:
        first, second = (more.append("intent", members(actor="a\0b", unbounded=True)) for _ in range(2))
        said = {"actor": "a\0b", "unbounded": True, "reads": ["s.orders.amount"], "deletes": ["orders"]}
        for intent in (first, second, first):  # streamed side by side
            more.append("outcome", members(**said, intent=intent, rows=4, subjects=[PEOPLE[3]]))
        more.append("outcome", members(**{**said, "deletes": []}, rows=0))
        more.append("outcome", members(**said, rows=1, decision="denied"))
    Shipper(log, table).run_once()
    everything = list(table.events())
    middle = everything[len(everything) // 2].at
    spans: list[dict[str, Any]] = [{}, {"since": middle}, {"until": middle}, {"since": middle, "until": middle}]
    for besides in (None, PEOPLE[3]):
        for span in spans:
            tally = Tally()
            wanted = Wanted(**span)
            for event in everything:
                if wanted.takes(event) and is_unbounded(event) and besides not in (event.subjects or ()):
                    tally.add(event)
            assert TableSource(table).unbounded(**span, besides=besides) == tally.found
            assert Journal(log).unbounded(**span, besides=besides) == tally.found
    [mine] = [one for one in TableSource(table).unbounded() if one.actor == "a\0b"]
    assert (mine.times, mine.rows, mine.tables) == (2, 12, {"s.orders", "orders"})
    assert len(TableSource(table).unbounded()) > 5


def test_a_question_that_is_left_in_the_middle_lets_go(tmp_path: Path, engine: Engine) -> None:
    table = EventTable(engine)
    table.create()
    Shipper(journal(tmp_path / "log", events=50), table).run_once()
    for wanted in (Wanted(), Wanted(decisions=frozenset({"denied"}))):
        found = TableSource(table).find(wanted)
        next(found)
        found.close()  # type: ignore[attr-defined]
    assert engine.pool.checkedout() == 0  # type: ignore[attr-defined]


def test_a_database_without_the_table_is_said(engine: Engine) -> None:
    with pytest.raises(LogUnavailable, match="no access log"):
        TableSource(engine)
