"""What an account did, and what was refused."""

from __future__ import annotations

from datetime import timedelta

from sa_privacy.accesslog.questions import Journal, by, denied
from tests.accesslog.questions.story import ANN, BO, CY, Story


def test_what_an_account_did_is_grouped_by_purpose_and_table(story: Story, journal: Journal) -> None:
    writer = story.writer()
    writer.statement(
        [ANN, BO], rows=4, cells={"customers.name": 4, "orders.amount": 1}, reads=["customers.name", "orders.amount"]
    )
    writer.statement([BO, CY], rows=2, reads=["customers.email"])
    writer.statement([ANN], purpose=["campaigns"])
    writer.statement(None, purpose=["campaigns"], rows=9)
    writer.statement([ANN], actor="staff:1")
    writer.use(subjects=[CY], purpose=["campaigns"], reads=["customers.name"], decision="would_deny")
    writer.intent(purpose=["campaigns"], reads=["customers.email"], decision="denied", denials=["read customers.email"])
    writer.intent(purpose=["campaigns"], decision="denied", denials=["enter SP-203"])
    writer.intent(purpose=["campaigns"], deletes=["orders"])
    found = by(journal, "staff:17")
    assert found.people == 3
    told = {(one.purposes, one.table): one for one in found.groups}
    shipping, orders = told[("shipping",), "customers"], told[("shipping",), "orders"]
    assert (shipping.statements, shipping.rows, shipping.people, shipping.cells) == (2, 6, 3, 4)
    assert shipping.columns == {"customers.name", "customers.email"}
    assert (orders.statements, orders.rows, orders.people, orders.cells) == (1, 4, 2, 1)
    assert shipping.first is not None
    assert shipping.last is not None
    assert shipping.last - shipping.first == timedelta(seconds=3)
    campaigns = [one for one in found.groups if one.purposes == ("campaigns",)]
    customers = [one for one in campaigns if one.table == "customers"]
    assert sum(one.statements for one in customers) == 2
    assert sum(one.uses for one in customers) == 1
    assert sum(one.refused for one in customers) == 1
    assert set().union(*(one.columns for one in customers)) == {"customers.name"}
    assert set().union(*(one.refused_columns for one in customers)) == {"customers.email"}
    assert sum(one.would_refuse for one in customers) == 1
    assert sum(one.unbounded for one in customers) == 1
    [entered] = [one for one in campaigns if one.table is None]
    assert (entered.refused, entered.statements) == (1, 0)
    [deleting] = [one for one in campaigns if one.table == "orders"]
    assert (deleting.deleted, deleting.statements, deleting.unfinished) == (True, 1, 1)
    assert by(journal, "staff:17", table="orders").people == 2
    assert {one.table for one in by(journal, "staff:17", table="orders").groups} == {"orders"}
    assert by(journal, "staff:2") == ("staff:2", (), 0)


def test_what_began_before_counts_once_and_what_ends_later_is_not_unfinished(story: Story, journal: Journal) -> None:
    writer = story.writer()
    said = {"reads": ["customers.name"]}
    early = writer.intent(**said)
    since = story.now
    for _ in range(2):
        writer.outcome(early, subjects=[ANN], rows=1, **said)
    late = writer.intent(**said)
    writer.intent(**said)  # killed
    until = story.now + timedelta(seconds=1)
    story.now += timedelta(seconds=10)
    writer.outcome(late, subjects=[BO], rows=1, **said)
    [group] = by(journal, "staff:17", since=since + timedelta(microseconds=1), until=until).groups
    assert (group.statements, group.rows, group.people, group.unfinished) == (3, 2, 1, 1)
    [group] = by(journal, "staff:17").groups
    assert (group.statements, group.rows, group.people, group.unfinished) == (3, 3, 2, 1)


def test_refusals_are_grouped_by_who_and_where(story: Story, journal: Journal) -> None:
    writer = story.writer()
    said = {"decision": "denied", "site": "shop.py:3 in ship", "roles": ["warehouse"], "purpose": ["shipping"]}
    for name in ("customers.email", "customers.email", "orders.amount"):
        writer.intent(reads=[name], denials=[f"read {name}"], **said)
    writer.use(**said | {"site": "shop.py:9 in bill", "actor": None})
    intent = writer.intent(decision="would_deny", reads=["customers.name"], denials=["read customers.name"])
    writer.outcome(intent, decision="would_deny", reads=["customers.name"], denials=["read customers.name"], rows=1)
    ended = writer.intent(reads=["orders.amount"])
    writer.outcome(ended, decision="denied", denials=["access ended"], rows=0, reads=["orders.amount"])
    found = denied(journal)
    assert (found.denied, found.would_deny) == (5, 1)
    ended_late, would, used, thrice = found.groups
    assert ended_late.denials == {"access ended": 1}
    assert (would.decision, would.times) == ("would_deny", 1)
    assert (used.actor, used.site) == (None, "shop.py:9 in bill")
    assert (thrice.actor, thrice.roles, thrice.purposes) == ("staff:17", ("warehouse",), ("shipping",))
    assert (thrice.times, thrice.denials) == (3, {"read customers.email": 2, "read orders.amount": 1})
    assert thrice.last - thrice.first == timedelta(seconds=2)
    assert thrice.event.startswith(f"{writer.log.writer}:")
    assert denied(journal, actor="staff:17", table="customers").denied == 2
    assert denied(journal, since=thrice.first, until=thrice.last).denied == 2
