"""The record of processing: a row for each purpose, table and category, and nothing that a spreadsheet would calculate."""

from __future__ import annotations

import csv
import io

import pytest
from sqlalchemy import Column, ForeignKey, Integer, MetaData, String, Table

from sa_privacy.columns import Catalogue, Encrypted
from sa_privacy.columns.build import build_catalogue
from sa_privacy.policy import Policy
from sa_privacy.publish.processing import Activity, activities, as_csv
from tests.publish.shop import POLICY, catalogue

ROWS = activities(POLICY, catalogue())


def _row(purpose: str, table: str | None, category: str | None, rows: tuple[Activity, ...] = ROWS) -> Activity:
    (found,) = (one for one in rows if (one.purpose, one.table, one.category) == (purpose, table, category))
    return found


def test_a_row_says_all_there_is_to_say() -> None:
    assert _row("shipping", "customers", "name") == Activity(
        purpose="shipping",
        table="customers",
        category="name",
        columns=("name", "name_kana"),
        verbs=("read", "match", "write"),
        people="customer",
        roles=("warehouse", "order_desk", "support"),
        systems=(),
        recipients=("delivery_company", "advertising_partner", "police_and_courts", "rescue_services", "lawyer"),
        schedules=("customers",),
        sealed="all",
        searchable=False,
        under_keys_of_people=False,
    )


def test_every_purpose_has_its_categories_wherever_they_are_held_and_no_others() -> None:
    held = {(one.table, one.category) for one in catalogue().columns.values()}
    expected = {
        (purpose.name, table, category)
        for purpose in POLICY.purposes.values()
        for table, category in held
        if category in purpose.read | purpose.match | purpose.write
    }
    assert {(row.purpose, row.table, row.category) for row in ROWS} == expected


def test_details_of_the_shop() -> None:
    signing_in = _row("sign_in", "customers", "email")
    assert (signing_in.verbs, signing_in.roles, signing_in.searchable) == (("match",), ("visitor",), True)
    usage = _row("service_improvement", "usage_events", "usage_history")
    assert (usage.sealed, usage.systems) == ("none", ("nightly-usage-report",))
    assert _row("service_improvement", "questionnaires", "opinions").sealed == "some"
    assert "delivery_company" not in _row("inquiries", "customers", "name").recipients  # works on another purpose
    assert _row("order_confirmation", "order_items", "order_items").schedules == ("orders",)  # goes with its order


def test_columns_narrow_purposes_and_tables_are_only_deleted_from() -> None:
    metadata = MetaData()
    Table(
        "people",
        metadata,
        Column("id", Integer, primary_key=True),
        Column("a", Encrypted(String(), category="x", purposes=["p"])),
        Column("b", Encrypted(String(), category="x")),
    )
    Table("logins", metadata, Column("id", Integer, primary_key=True), Column("by", ForeignKey("people.id")))
    policy = Policy(
        policy={"id": "p", "version": "1"},
        categories={"x": {}, "y": {}},
        purposes={"p": {"use": ["x"]}, "q": {"read": ["x", "y"], "delete": ["people", "logins"]}},
    )
    rows = activities(policy, build_catalogue(policy, [metadata]))
    assert _row("p", "people", "x", rows).columns == ("a", "b")
    assert _row("q", "people", "x", rows).columns == ("b",)
    assert _row("q", "people", "x", rows).verbs == ("read", "delete")
    assert _row("q", None, "y", rows).columns == ()
    assert _row("q", "logins", None, rows).verbs == ("delete",)
    assert len(rows) == 4


@pytest.mark.parametrize("language", ["en", "ja"])
def test_the_table_opens_in_a_spreadsheet(language: str) -> None:
    text = as_csv(POLICY, catalogue(), language)
    assert text.startswith("\ufeff")
    head, *rows = csv.reader(io.StringIO(text.removeprefix("\ufeff")))
    assert len(rows) == len(ROWS)
    assert {len(row) for row in rows} == {len(head)}
    assert {row[-1] for row in rows} == {POLICY.hash}
    abroad = {row[head.index("Goes abroad to" if language == "en" else "外国への移転")] for row in rows}
    assert abroad == {"", "Example Surveys Inc.: US"}


@pytest.mark.parametrize("title", ["=1+1", "+1", "-1", "@SUM(A1)", "＝1+1", "＠x", "\t=1", "\r\n=1", " =1"])
def test_no_cell_is_a_formula(title: str) -> None:
    policy = Policy(
        policy={"id": "p", "version": "1"}, categories={"x": {}}, purposes={"p": {"use": ["x"], "title": title}}
    )
    _, row = csv.reader(io.StringIO(as_csv(policy, Catalogue(), "en")))
    assert row[0] == "'" + title.strip()
