"""Who used a person's data."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sa_privacy.accesslog import Wanted, members
from sa_privacy.accesslog.questions import Journal, breach, who
from sa_privacy.accesslog.questions.glass import touched_under
from tests.accesslog.questions.story import ANN, BO, CY, Story


def test_each_use_says_when_who_what_for_and_what(story: Story, journal: Journal) -> None:
    writer = story.writer()
    seq = writer.statement(
        [ANN, BO],
        rows=3,
        cells={"customers.name": 2},
        matches=["customers.email"],
        reason="order 1001",
        ticket="T-1",
        break_glass=True,
        route="GET /orders/{id}",
        origin="shop.py:3 in ship",
        request="r-1",
        policy="sha256:1",
    )
    writer.statement([BO])
    [use] = who(journal, ANN).uses
    assert (use.state, use.memory, use.would_refuse) == ("done", False, False)
    assert (use.actor, use.roles, use.purposes, use.reason) == ("staff:17", ("warehouse",), ("shipping",), "order 1001")
    assert (use.reads, use.matches, use.writes, use.deletes) == (("customers.name",), ("customers.email",), (), ())
    assert use.categories == {"customers.name": "name", "customers.email": "email"}
    assert (use.rows, use.cells, use.people) == (3, {"customers.name": 2}, 2)
    assert (use.ticket, use.break_glass, use.maintenance) == ("T-1", True, False)
    assert (use.route, use.origin, use.request, use.policy) == (
        "GET /orders/{id}",
        "shop.py:3 in ship",
        "r-1",
        "sha256:1",
    )
    assert use.event == f"{writer.log.writer}:{seq}"
    assert who(journal, CY).uses == ()


def test_outcomes_of_one_statement_are_one_use(story: Story, journal: Journal) -> None:
    """A stream hands rows over in parts; only some of them are this person's."""
    writer = story.writer()
    said = {"reads": ["customers.name"]}
    intent = writer.intent(**said)
    other = writer.intent(subjects=[ANN], **said)
    for subjects in ([ANN], [BO], [ANN, CY]):
        writer.outcome(intent, subjects=subjects, rows=len(subjects), cells={"customers.name": 1}, **said)
    writer.outcome(other, subjects=[ANN], rows=1, **said)
    second, first = who(journal, ANN).uses
    assert (first.rows, first.cells, first.people) == (3, {"customers.name": 2}, 2)
    assert (second.rows, second.state) == (1, "done")


def test_what_began_and_is_not_known_to_have_ended_is_told_apart(story: Story, journal: Journal) -> None:
    killed, other = story.writer(), story.writer()
    killed.intent(subjects=[ANN], reads=["customers.name"])
    gone = other.intent(subjects=[ANN], reads=["customers.email"])
    other.outcome(gone, subjects=[], rows=0, reads=["customers.email"])  # nobody of that key
    before = story.now + timedelta(microseconds=1)
    late = other.intent(subjects=[ANN], writes=["customers.name"])
    until = story.now + timedelta(microseconds=1)
    story.now += timedelta(hours=1)
    other.outcome(late, subjects=[ANN], rows=1, writes=["customers.name"])
    assert [(use.state, use.rows) for use in who(journal, ANN).uses] == [("began", None), ("done", 0), ("done", 1)]
    [use] = who(journal, ANN, since=before, until=until).uses
    assert (use.state, use.rows) == ("done", 1)


def test_refusals_and_values_in_memory_count_too(story: Story, journal: Journal) -> None:
    writer = story.writer()
    writer.intent(subjects=[ANN], decision="denied", denials=["read customers.email"], reads=["customers.email"])
    writer.use(subjects=[ANN], reads=["customers.name"])
    writer.use(
        subjects=[ANN], reads=["customers.name"], decision="would_deny", categories={"customers.name": "nickname"}
    )
    intent = writer.intent(subjects=[ANN], reads=["customers.name"])
    writer.outcome(intent, subjects=[ANN], rows=0, decision="denied", denials=["access ended"])
    told = [(use.state, use.memory, use.would_refuse) for use in who(journal, ANN).uses]
    assert told == [("refused", False, False), ("done", True, False), ("done", True, True), ("refused", False, False)]
    assert who(journal, ANN).uses[0].denials == ("read customers.email",)
    assert who(journal, ANN).uses[2].categories == {"customers.name": "nickname"}


def test_what_may_have_been_this_persons_is_counted_by_account(story: Story, journal: Journal) -> None:
    writer = story.writer()
    begin = story.now
    for _ in range(3):
        writer.statement(None, rows=10)
    writer.statement(None, rows=0)  # nobody's
    writer.statement(None, rows=1, actor="staff:1", reads=["orders.amount"], deletes=["orders"])
    writer.use(unbounded=True, reads=["customers.email"])
    writer.statement([BO])
    intent = writer.intent(unbounded=True)
    for _ in range(2):
        writer.outcome(intent, unbounded=True, rows=5, reads=["orders.amount"])
    writer.intent(unbounded=True, decision="denied")
    found = who(journal, ANN)
    assert found.uses == ()
    most, least = found.unbounded
    assert (most.actor, most.times, most.rows, most.tables) == ("staff:17", 5, 40, {"customers", "orders"})
    assert begin < most.first < least.first == least.last < most.last
    assert (least.actor, least.times, least.rows, least.tables) == ("staff:1", 1, 1, {"orders"})
    assert who(journal, ANN, until=least.first).unbounded[0].times == 3


def test_uses_of_several_writers_are_in_order_of_time(story: Story, journal: Journal) -> None:
    one, two = story.writer(), story.writer(context=None)
    for writer in (one, two, one, two):
        writer.statement([ANN])
    uses = who(journal, ANN).uses
    assert [use.at for use in uses] == sorted(use.at for use in uses)
    assert [bool(use.categories) for use in uses] == [True, False, True, False]
    assert [use.event.split(":")[0] for use in uses] == [one.log.writer, two.log.writer] * 2


def test_a_query_that_changes_rows_on_the_way_and_returns_none_touched_them(story: Story, journal: Journal) -> None:
    story.writer().statement(None, rows=0, writes=["customers.name"])  # WITH x AS (UPDATE ...) SELECT ... WHERE false
    story.writer().statement(None, rows=0)
    assert [one.times for one in who(journal, ANN).unbounded] == [1]
    assert breach(journal).unbounded == 1


def test_a_clock_that_was_set_back_hides_no_end(story: Story, journal: Journal) -> None:
    writer = story.writer()
    intent = writer.intent(subjects=[ANN], reads=["customers.name"])
    story.now -= timedelta(hours=2)
    writer.outcome(intent, subjects=[BO], rows=1, reads=["customers.name"])
    [use] = who(journal, ANN).uses
    assert (use.state, use.rows) == ("done", 1)


def test_what_began_under_break_glass_counts_to_its_end_and_whatever_the_clock_says(
    story: Story, journal: Journal
) -> None:
    writer = story.writer()
    said: dict[str, Any] = {"break_glass": True, "ticket": "T-1"}
    until = story.now + timedelta(minutes=5)
    writer.log.append("break_glass", members(actor="staff:17", until=until, **said))
    slow = writer.intent(reads=["customers.name"], **said)
    story.now -= timedelta(hours=1)
    writer.statement([ANN], **said)
    story.now = until
    writer.outcome(slow, subjects=[BO, CY], rows=2, reads=["customers.name"], **said)
    writer.statement([ANN, BO, CY], **said)  # of a second glass with that ticket
    [event] = journal.find(Wanted(kinds=frozenset({"break_glass"})))
    found = touched_under(journal, event)
    assert (found.statements, found.rows, found.people) == (2, 3, 3)
