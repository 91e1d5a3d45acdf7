"""What a policy says of the end of data is read as it stands, and what cannot be meant is a fault with its place."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from sa_privacy.policy import Policy, check
from sa_privacy.policy.periods import Period
from sa_privacy.policy.writing import as_sections, as_toml

SOUND = """\
[policy]
id = "shop"
version = "1"
languages = ["en", "ja"]

[categories.name]
[purposes.shipping]
use = ["name"]
[roles.support]
purposes = ["shipping"]
[roles.visitor]
purposes = ["shipping"]
anonymous = true

[clocks.last_order]
table = "customers"
sql = "(SELECT max(placed_at) FROM orders WHERE customer_id = customers.id)"

[retention.customers]
table = "customers"
clock = "last_order"
period = "P2Y"
action = "delete"
[retention.customers.values]
tier = "none"
[retention.customers.reasons.tax]
law = "Books of account"
clock = "created_at"
period = "P7Y"
keeps = ["tier"]
[retention.customers.reasons.claims]
law = "Limitation of claims"
period = "P5Y"
[retention.customers.guards.open]
sql = "EXISTS (SELECT 1 FROM orders WHERE customer_id = customers.id AND open)"
ends = {en = "when the order is closed", ja = "注文が完了したとき"}

[erasure]
roles = ["officer"]
[roles.officer]
"""

FAULTS = {
    "neither table nor category": ('table = "customers"\nclock', "clock", "retention.customers", "say one of them"),
    "both": ('table = "customers"\nclock', 'table = "customers"\ncategory = "name"\nclock', "retention.customers", "say one of them"),
    "an unknown category": ('table = "customers"\nclock', 'category = "nane"\nclock', "retention.customers.category", '"name"'),
    "no table": ('table = "customers"\nclock', 'table = "a.b.c"\nclock', "retention.customers.table", "is no table"),
    "a clock of another table": ('table = "customers"\nclock', 'table = "orders"\nclock', "retention.customers.clock", "another table"),
    "no clock": ('clock = "last_order"\n', "", "retention.customers", "has no clock"),
    "no period": ('period = "P2Y"\n', "", "retention.customers", "has no period"),
    "a period that is none": ('period = "P2Y"', 'period = "2 years"', "retention.customers.period", '"P3Y"'),
    "no action": ('action = "delete"\n', "", "retention.customers", "has no action"),
    "an unknown action": ('"delete"', '"remove"', "retention.customers.action", "pseudonymise"),
    "columns of a deletion": ('action = "delete"', 'action = "delete"\ncolumns = ["tier"]', "retention.customers.columns", "leave it out"),
    "a value that is none": ('tier = "none"', "tier = []", "retention.customers.values.tier", "must be text"),
    "a reason without a law": ('law = "Books of account"\n', "", "retention.customers.reasons.tax", "has no law"),
    "a reason without a period": ('period = "P7Y"\n', "", "retention.customers.reasons.tax", "has no period"),
    "an unknown key of a reason": ("keeps =", "keep =", "retention.customers.reasons.tax.keep", '"keeps"'),
    "a guard that never ends": (
        'ends = {en = "when the order is closed", ja = "注文が完了したとき"}\n',
        "",
        "retention.customers.guards.open",
        "has no ends",
    ),
    "an end in one language": ('ends = {en = "when the order is closed", ja = "注文が完了したとき"}', 'ends = {en = "later"}', "retention.customers.guards.open.ends", "ja"),
    "a guard without a condition": ('sql = "EXISTS', 'title = "EXISTS', "retention.customers.guards.open", "has no sql"),
    "a clock without sql": ('sql = "(SELECT', 'title = "(SELECT', "clocks.last_order", "has no sql"),
    "an unknown role": ('roles = ["officer"]', 'roles = ["offcer"]', "erasure.roles[0]", '"officer"'),
    "nobody who erases": ('[erasure]\nroles = ["officer"]', "[erasure]", "erasure", "has no roles"),
    "an anonymous role": ('roles = ["officer"]', 'roles = ["officer", "visitor"]', "erasure.roles", "anonymous"),
}  # fmt: skip


@pytest.mark.parametrize(("before", "after", "place", "words"), FAULTS.values(), ids=FAULTS)
def test_what_cannot_be_meant_is_a_fault(before: str, after: str, place: str, words: str) -> None:
    assert before in SOUND
    told = [fault for fault in check(SOUND.replace(before, after, 1)) if fault.place == place]
    assert [words in str(fault) for fault in told] == [True]


def test_it_is_read_as_it_stands() -> None:
    policy = Policy.loads(SOUND)
    schedule = policy.retention["customers"]
    assert (schedule.table, schedule.clock, schedule.action, schedule.meanwhile) == (
        "customers", "last_order", "delete", "pseudonymise",
    )  # fmt: skip
    assert schedule.period == Period(years=2)
    assert {name: (reason.clock, reason.keeps) for name, reason in schedule.reasons.items()} == {
        "tax": ("created_at", ("tier",)),
        "claims": (None, None),
    }
    assert schedule.guards["open"].ends["ja"] == "注文が完了したとき"
    assert schedule.values == {"tier": "none"}
    assert policy.clocks["last_order"].table == "customers"
    assert policy.erasure is not None
    assert policy.erasure.roles == {"officer"}
    assert policy.keeps_ledgers


def test_it_is_written_as_it_was_read() -> None:
    policy = Policy.loads(SOUND)
    assert Policy(**as_sections(policy)).hash == policy.hash
    assert Policy.loads(as_toml(as_sections(policy))).hash == policy.hash


def test_meanwhile_needs_a_reason() -> None:
    without = SOUND.replace('action = "delete"', 'action = "delete"\nmeanwhile = "anonymise"')
    assert check(without) == ()
    start, end = without.index("[retention.customers.reasons.tax]"), without.index("[retention.customers.guards")
    (fault,) = check(without[:start] + without[end:])
    assert fault.place == "retention.customers.meanwhile"


def test_it_counts_for_the_hash_and_older_policies_keep_theirs() -> None:
    head = SOUND[: SOUND.index("[clocks")]
    assert Policy.loads(head).hash == "sha256:e83820889f564ad3f9c36aca632ed692d07ed558b108020b5c3b2f0109a39697"
    assert not Policy.loads(head).keeps_ledgers
    assert Policy.loads(SOUND).hash != Policy.loads(SOUND.replace("P7Y", "P8Y")).hash
    assert Policy.loads(
        head + '[retention.a]\ncategory = "name"\nclock = "at"\nperiod = "P1Y"\naction = "anonymise"\n'
    ).keeps_ledgers


def test_a_period_that_is_over_stays_over_and_ends_on_the_last_day_of_a_short_month() -> None:
    def over(period: str, now: str) -> tuple[str, str]:
        moment = datetime.fromisoformat(now).replace(tzinfo=UTC)
        said = Period.parse(period)
        return said.over_since(moment).strftime("%m-%dT%H"), said.over_since_day(moment).strftime("%m-%d")

    assert over("P1M", "2026-02-28T12:00:00") == ("01-28T12", "01-31"), "whole days of January's end are over"
    assert over("P1M", "2026-03-01T00:00:00") == ("02-01T00", "02-01")
    assert over("P1M", "2026-03-28T13:00:00") == ("02-28T13", "02-28")
    assert over("P1M", "2026-03-29T00:00:00") == ("02-28T23", "02-28"), "what was over on March 28 is over on March 29"
    assert over("P1Y", "2029-02-28T00:00:00") == ("02-28T00", "02-29"), "of 2028, a leap year"
    assert over("P1M1D", "2026-03-01T00:00:00") == ("01-28T00", "01-31")


def test_what_is_kept_for_longer_than_the_calendar_goes_back_is_never_over() -> None:
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    assert Period.parse("P9999Y").over_since(moment).year == 1
    assert Period.parse("P999999D").over_since_day(moment) == date(1, 1, 1)
