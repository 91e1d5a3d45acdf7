"""The report of a breach: when it is due, what it says, what it leaves to people."""

from __future__ import annotations

import string
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from sa_privacy.accesslog import AccessLog, members
from sa_privacy.accesslog.questions import Breach, Journal, breach
from sa_privacy.publish.appi import ITEMS, due_dates
from sa_privacy.publish.breach_report import breach_report
from sa_privacy.publish.breach_words import WORDS
from tests.gate.world import POLICY


def of(tmp_path: Path, people: int, *, unbounded: bool = False) -> Breach:
    """A breach of so many people."""
    with AccessLog.open(tmp_path / "log", fsync="never") as log:
        said = {"actor": "staff_66", "reads": ["customers.name"], "decision": "allowed"}
        intent = log.append("intent", members(**said))
        log.append("outcome", members(intent=intent, rows=people, subjects=[f"{n:026}" for n in range(people)], **said))
        if unbounded:
            log.append("use", members(unbounded=True, **said))
    return breach(Journal(tmp_path / "log"), categories={"customers.name": "name"})


@pytest.mark.parametrize(
    ("noticed", "malicious", "preliminary", "final"),
    [
        (date(2026, 11, 26), False, (date(2026, 11, 28), date(2026, 11, 30)), date(2026, 12, 25)),
        (date(2026, 11, 26), True, (date(2026, 11, 28), date(2026, 11, 30)), date(2027, 1, 24)),
        (
            datetime(2026, 11, 26, 14, 59, tzinfo=UTC),
            False,
            (date(2026, 11, 28), date(2026, 11, 30)),
            date(2026, 12, 25),
        ),
        (datetime(2026, 11, 26, 15, 0, tzinfo=UTC), False, (date(2026, 11, 29), date(2026, 12, 1)), date(2026, 12, 26)),
    ],
)
def test_the_day_it_became_known_in_japan_is_the_first(
    noticed: date, malicious: bool, preliminary: tuple[date, date], final: date
) -> None:
    due = due_dates(noticed, malicious=malicious)
    assert (due.preliminary, due.final) == (preliminary, final)


@pytest.mark.parametrize(
    ("people", "unbounded", "over"), [(1000, False, False), (1001, False, True), (1, True, None), (1001, True, True)]
)
def test_over_a_thousand_people_is_said_as_far_as_it_is_known(
    people: int, unbounded: bool, over: bool | None, tmp_path: Path
) -> None:
    report = breach_report(of(tmp_path, people, unbounded=unbounded))
    assert report.over_1000 is over
    assert f"{people:,}" in report.items[2].known[0]


@pytest.mark.parametrize("language", ["en", "ja"])
def test_what_the_log_cannot_know_is_marked(language: str, tmp_path: Path) -> None:
    report = breach_report(of(tmp_path, 2), language=language, policy=POLICY, waiting=["a:1"])
    assert [item.name for item in report.items] == list(ITEMS)
    for item in report.items:
        assert item.known or item.missing, item.name
    text = report.as_markdown()
    assert text.count(f"**{WORDS[language]['fill']}**") == 6
    assert WORDS[language]["no_noticed"] in text
    assert "a:1" in text
    assert WORDS[language]["sealed_unknown"] in text
    assert "staff\\_66" in text


def test_both_languages_say_the_same() -> None:
    def fields(text: str) -> set[str]:
        return {name.partition(":")[0] for _, name, _, _ in string.Formatter().parse(text) if name is not None}

    assert WORDS["en"].keys() == WORDS["ja"].keys()
    for name, text in WORDS["en"].items():
        assert fields(text) == fields(WORDS["ja"][name]), name
    assert all(set(title) == {"en", "ja"} for title in ITEMS.values())
