"""Questions to the table: the same answers as from all events, one by one."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine

from sa_privacy.accesslog import Wanted
from sa_privacy.accesslog.sinks import EventTable, Shipper, TableSource
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
        Wanted(subject=PEOPLE[3], unbounded=True),
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
    assert len(list(source.find(questions[9]))) > 3


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
