"""Whom a breach concerns, and whether the columns were sealed then."""

from __future__ import annotations

from datetime import timedelta

import pytest

from sa_privacy.accesslog import members
from sa_privacy.accesslog.questions import Journal, breach, who
from tests.accesslog.questions.story import ANN, BO, CONTEXT, CY, Story


def test_people_are_counted_once_and_by_column_and_category(story: Story, journal: Journal) -> None:
    writer = story.writer()
    names, mails = "customers.name", "customers.email"
    writer.statement([ANN, BO], rows=5, cells={names: 2, mails: 1}, reads=[names, mails])
    writer.statement([ANN], rows=1, cells={names: 1}, matches=[mails])
    writer.statement([BO], rows=1, reads=[], writes=["orders.amount"])
    writer.statement([BO], rows=7, reads=[], deletes=["orders"])
    writer.use(subjects=[CY], reads=[mails])
    writer.intent(subjects=["d" * 26], reads=[names], decision="denied", denials=[f"read {names}"])
    found = breach(journal)
    assert (found.people, set(found.pseudonyms)) == (3, {ANN, BO, CY})
    assert list(found.found((one, key) for key, one in enumerate(("d" * 26, CY, ANN)))) == [1, 2]
    told = {one.column: one for one in found.columns}
    assert {name: one.people for name, one in told.items()} == {names: 2, mails: 3, "orders.amount": 1}
    assert (told[names].read, told[names].matched, told[names].cells, told[names].statements) == (6, 0, 3, 2)
    assert (told[mails].read, told[mails].matched, told[mails].cells, told[mails].statements) == (5, 1, 1, 3)
    assert (told["orders.amount"].written, told["orders.amount"].read) == (1, 0)
    assert found.deleted == {"orders": 7}
    assert {one.category: one.people for one in found.categories} == {"name": 2, "email": 3, "amount": 1}
    assert (found.statements, found.uses, found.rows, found.cells, found.refused) == (4, 1, 14, 4, 1)
    assert found.actors == {"staff:17": 5}
    assert found.purposes == {"shipping": 4}
    assert found.first is not None
    assert found.last is not None


def test_who_was_erased_since_is_counted_and_not_told(story: Story, journal: Journal) -> None:
    """Keys come back: whoever has Ann's name now is another person, and was touched by nobody."""
    writer = story.writer()
    writer.log.append("erased", members(subjects=[BO]))  # before: the one who was touched has the name since
    writer.statement([ANN, BO, CY], rows=3)
    begun = writer.log.append("erased", members(subjects=[ANN]))
    writer.log.append("erased", members(subjects=[ANN], intent=begun, decision="allowed"))
    begun = writer.log.append("erased", members(subjects=[CY]))
    writer.log.append("erased", members(subjects=[CY], intent=begun, decision="denied"))  # it was not
    found = breach(journal)
    assert (found.people, found.erased) == (3, frozenset({ANN}))
    assert list(found.found((one, one) for one in (ANN, BO, CY))) == [BO, CY]


def test_of_whom_nobody_can_tell_there_may_be_more(story: Story, journal: Journal) -> None:
    writer = story.writer()
    writer.statement(None, rows=40)
    writer.statement(None, rows=0)
    old = writer.intent(reads=["customers.name"])  # of before "unbounded"
    writer.outcome(old, subjects=None, rows=2, cells={"customers.name": 2}, reads=["customers.name"])
    streamed = writer.intent(reads=["customers.name"])
    for _ in range(2):
        writer.outcome(streamed, unbounded=True, rows=5, reads=["customers.name"])
    writer.statement([BO])
    writer.intent(subjects=[ANN, BO], deletes=["customers"])
    found = breach(journal)
    assert (found.people, found.unbounded, found.unbounded_rows, found.cells) == (1, 3, 52, 2)
    assert (found.unfinished, found.unfinished_people) == (1, 1)
    [name] = found.columns
    assert (name.people, name.unbounded) == (1, 4)  # two outcomes are of one statement
    assert [(one.people, one.perhaps_more) for one in found.categories] == [(1, True)]


def test_an_outcome_whose_intent_could_not_be_written_is_a_statement(story: Story, journal: Journal) -> None:
    """`[log] on_failure = "continue"`: there is no intent, and its number is 0."""
    writer = story.writer()
    for one in (ANN, BO):
        writer.outcome(0, subjects=[one], rows=1, reads=["customers.name"])
    assert (breach(journal).statements, breach(journal).people) == (2, 2)
    assert [use.state for use in who(journal, ANN).uses] == ["done"]


def test_an_account_a_table_and_a_time_narrow_it(story: Story, journal: Journal) -> None:
    writer = story.writer()
    writer.statement([ANN], reads=["customers.name", "orders.amount"])
    middle = story.now + timedelta(microseconds=1)
    writer.statement([BO], actor="staff:1")
    writer.statement([CY])
    assert set(breach(journal, actor="staff:17").pseudonyms) == {ANN, CY}
    narrow = breach(journal, table="orders")
    assert set(narrow.pseudonyms) == {ANN}
    assert [one.column for one in narrow.columns] == ["orders.amount"]
    assert set(breach(journal, since=middle).pseudonyms) == {BO, CY}
    assert set(breach(journal, until=middle).pseudonyms) == {ANN}
    assert breach(journal, until=story.now - timedelta(days=1)).columns == ()


def test_what_was_sealed_is_what_the_writer_said_last_before_it(story: Story, journal: Journal) -> None:
    """Sealed later does not help what was read before, and each writer has its own word."""
    name, mail, amount = "customers.name", "customers.email", "orders.amount"
    early = story.writer(context=CONTEXT | {"sealed": [mail], "keys": ["00000001"]})
    early.statement([ANN], reads=[name, mail])
    story.now += timedelta(days=20)  # its segment is a long one
    since = story.now
    early.statement([ANN], reads=[name, mail])
    early.log.append("context", b'"sealed":["%b","%b"],"keys":["00000002","00000001"]' % (mail.encode(), name.encode()))
    early.statement([BO], reads=[name])
    later = story.writer(context=CONTEXT | {"sealed": [mail, amount], "keys": ["00000003"]})
    later.statement([BO], reads=[amount])
    silent = story.writer(context=None)
    silent.statement([BO], reads=["orders.note"], categories={"orders.note": "opinions"})
    told = {one.column: one for one in breach(journal, since=since).columns}
    assert {column: (one.sealed, one.keys) for column, one in told.items()} == {
        name: ("partly", {"00000001", "00000002"}),
        mail: ("always", {"00000001"}),
        amount: ("always", {"00000003"}),
        "orders.note": ("unknown", set()),
    }
    assert told[name].category == "name"
    assert told["orders.note"].category == "opinions"
    found = breach(journal, since=since)
    assert (found.sealed, found.keys) == ("partly", ("00000001", "00000002", "00000003"))
    assert breach(journal, until=since).sealed == "partly"
    assert breach(journal, table="customers", until=since).columns[0].sealed == "always"


@pytest.mark.parametrize(
    ("sealed", "said"), [(["customers.name"], "always"), ([], "never"), (["orders.amount"], "never")]
)
def test_sealed_all_or_none(sealed: list[str], said: str, story: Story, journal: Journal) -> None:
    story.writer(context=CONTEXT | {"sealed": sealed}).statement([ANN])
    assert breach(journal).sealed == said
    assert breach(journal).keys == (("0a1b2c3d",) if said == "always" else ())


def test_categories_may_come_from_elsewhere(story: Story, journal: Journal) -> None:
    story.writer(context=None).statement([ANN], reads=["customers.name"])
    assert breach(journal).categories[0].category is None
    assert breach(journal, categories={"customers.name": "name"}).categories[0].category == "name"
