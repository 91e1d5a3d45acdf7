"""Rules about rows as the database can keep them, and those that it cannot, which are listed."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import (
    ColumnElement,
    Engine,
    Integer,
    String,
    Text,
    and_,
    cast,
    exists,
    func,
    insert,
    literal,
    or_,
    select,
    true,
)
from sqlalchemy.dialects import postgresql

from sa_privacy.columns.build import build_catalogue
from sa_privacy.customers.disclosure.tables import PROVIDED
from sa_privacy.ledger import OWN_TABLES
from sa_privacy.walls import Login, RowRule, RowSources, WallPlan, plan_wall, shapes_of
from sa_privacy.walls.conditions import as_list, as_setting, sql_of
from sa_privacy.walls.limits import limits_of
from sa_privacy.walls.reach import alone, role_of
from sa_privacy.walls.row_rules import NotExpressible, stated
from sa_privacy.walls.sqlite import Bars, Pane
from tests.gate import world
from tests.support.databases import Database
from tests.walls.owner import dropped, raised
from tests.walls.rows import LETTERS, PEOPLE, RULES, Base, policy

Where = Callable[[Any, Any], Any]


def setting(name: str) -> str:
    return f"NULLIF(pg_catalog.current_setting('sa_privacy.value_{name}', true), '')"


KEPT: dict[str, tuple[Where, str]] = {
    "a detail": (lambda c, access: c.team == access.details["team"], f"people.team = {setting('detail_team')}"),
    "a detail that may be missing": (
        lambda c, access: c.team == access.details.get("team"),
        f"people.team = {setting('detail_team')}",
    ),
    "a number": (lambda c, access: c.id == access.subject, f"people.id = {setting('subject')}::bigint"),
    "the other way round": (lambda c, access: access.actor == c.name, f"people.name = {setting('actor')}"),
    "a list": (
        lambda c, access: c.id.in_(access.details["ids"]),
        f"people.id = ANY ({setting('detail_ids')}::bigint[])",
    ),
    "no member of a list": (
        lambda c, access: ~c.team.in_(access.details["teams"]),
        f"people.team <> ALL ({setting('detail_teams')}::text[])",
    ),
    "a function": (
        lambda c, access: func.lower(c.team) == func.lower(access.request),
        f"lower(people.team) = lower({setting('request')})",
    ),
    "constants": (
        lambda c, _: or_(c.team == "it's 100% \\ :fine", c.id.in_([1, 2]), c.name.is_(None)),
        "people.team = 'it''s 100% \\ :fine' OR people.id IN (1, 2) OR people.name IS NULL",
    ),
    "always": (lambda *_: true(), "true"),
}


@pytest.mark.parametrize("name", KEPT)
def test_what_a_rule_takes_from_the_access_is_a_setting(name: str) -> None:
    where, expected = KEPT[name]
    assert sql_of(stated(RowRule(PEOPLE, "agent", None, where)), PEOPLE)[0] == expected


LOST: dict[str, Where] = {
    "a choice by value": lambda c, access: c.team == ("red" if access.actor == "staff:1" else "blue"),
    "a choice by truth": lambda c, access: True if access.details["all"] else c.team == "red",
    "a look-up": lambda c, access: c.team == {"staff:1": "red"}[access.actor],
    "text made of it": lambda c, access: c.team == f"{access.actor}",
    "a part of it": lambda c, access: c.team == access.actor.partition(":")[2],
    "an item of it": lambda c, access: c.id == access.subject[1],
    "each of it": lambda c, access: or_(*(c.team == team for team in access.details["teams"])),
    "whether it is there": lambda c, access: c.team == "red" if "team" in access.details else True,
    "its roles": lambda c, access: c.team == "red" if "boss" in access.roles else True,
    "a comparison in Python": lambda c, access: c.team == "red" if access.details["level"] > 3 else True,
    "a column that is not there": lambda c, _: c.nothing == 1,
    "another table": lambda c, _: c.id == LETTERS.c.person_id,
    "a moment": lambda c, _: c.id == cast(func.length(literal(datetime(2026, 1, 1, tzinfo=UTC))), Text),
    "one value as two types": lambda c, access: and_(c.id == access.subject, c.team == access.subject),
    "no condition": lambda *_: None,
    "a truth of Python": lambda *_: True,
}


@pytest.mark.parametrize("name", LOST)
def test_a_rule_that_needs_the_values_is_listed(name: str) -> None:
    rule = RowRule(PEOPLE, "agent", None, LOST[name])
    with pytest.raises(NotExpressible):
        sql_of(stated(rule), PEOPLE)
    planned = plan({"post": {"use": ["name"]}}, RowSources(None, (rule,)))
    assert [(one.role, one.what, one.kind) for one in planned.not_walled if one.kind == "rule"] == [
        ("everybody", ("people",), "rule")
    ]
    assert planned.policies == ()


def test_a_rule_about_sealed_values_is_listed() -> None:
    rule = RowRule(world.Base.metadata.tables["customers"], "agent", None, lambda c, _: c.email.is_not(None))
    with pytest.raises(NotExpressible, match="sealed"):
        sql_of(stated(rule), rule.table)


def plan(purposes: dict[str, Any], rows: RowSources) -> WallPlan:
    made = policy(purposes)
    return plan_wall(made, build_catalogue(made, [Base.metadata]), shapes_of([Base.metadata]), rows=rows)


def test_a_rule_that_comes_back_to_its_own_table_is_listed() -> None:
    """PostgreSQL would find an infinite recursion, for every query of the table."""
    asks = RowRule(PEOPLE, "agent", None, lambda c, _: exists(select(LETTERS.c.id).where(LETTERS.c.person_id == c.id)))
    back = RULES["letters of their team"]
    planned = plan({"post": {"use": ["name", "note"]}}, RowSources(None, (asks, back)))
    assert [one.what for one in planned.not_walled if one.kind == "rule"] == [("letters", "people")]
    assert planned.policies == ()
    assert plan({"post": {"use": ["name", "note"]}}, RowSources(None, (asks,))).policies


def test_a_rule_that_reads_what_a_role_may_not_is_listed() -> None:
    rule = RowRule(LETTERS, "agent", None, lambda c, _: exists(select(PEOPLE.c.id).where(PEOPLE.c.note == c.body)))
    planned = plan({"post": {"use": ["name"]}}, RowSources(None, (rule,)))
    assert [one.why for one in planned.not_walled if one.kind == "rule"] == [
        "the database keeps no such rule: it reads people.note, which sap/rows/post may not"
    ]


def test_purposes_together_share_a_role_only_where_they_reach_the_same_rows() -> None:
    made = policy(
        {
            "post": {"use": ["name"], "consent": "opt_in"},
            "mail": {"use": ["name"], "consent": "opt_in"},
            "calls": {"use": ["name", "note"]},
        }
    )
    catalogue = build_catalogue(made, [Base.metadata])
    assert role_of(alone(made, "mail", "post"), catalogue) == "sap/rows/mail+post"  # one of the two is enough
    assert role_of(alone(made, "calls", "post"), catalogue) == "sap/rows/calls"


def test_a_purpose_that_deletes_asks_for_consent_like_one_that_reads() -> None:
    made = policy(
        {
            "post": {"use": ["name"]},
            "erase": {"read": ["note"], "delete": ["people"], "consent": "opt_in"},
            "mail": {"use": ["note"]},
        }
    )
    catalogue = build_catalogue(made, [Base.metadata])
    found = limits_of(alone(made, "post", "erase", "mail"), catalogue).consents
    assert found == {"people": frozenset({frozenset({"erase"})})}


@pytest.mark.parametrize(
    ("value", "told"),
    [(7, "7"), ("07", "7"), ("seven", ""), (2**63, ""), (None, ""), (True, "true"), (b"x", ""), (1.5, "")],
)
def test_a_value_that_is_none_of_its_kind_is_nobody(value: object, told: str) -> None:
    assert as_setting(value, Integer(), postgresql.dialect()) == told  # type: ignore[no-untyped-call]


def test_a_list_is_written_as_postgresql_writes_arrays() -> None:
    assert as_list(['a"b\\', "c,d", "é"], String(), None) == '{"a\\"b\\\\","c,d","é"}'
    assert as_list([], String(), None) == "{}"
    assert [as_list(values, String(), None) for values in ("ab", None, [None])] == ["", "", ""]


@pytest.mark.backends("postgresql")
def test_without_its_settings_a_role_sees_no_row(database: Database, engine: Engine) -> None:
    made = policy({"post": {"use": ["name"]}, "account": {"use": ["note"], "rows": "own"}})
    Base.metadata.create_all(engine)
    with engine.begin() as connection:
        connection.execute(insert(PEOPLE), [{"id": 1, "name": "Ann", "note": "x", "team": "red"}])
    rule = RowRule(PEOPLE, "agent", None, lambda c, _: c.team == "red")
    catalogue = build_catalogue(made, [Base.metadata])
    try:
        raised(engine, made, catalogue, Base.metadata, [Login("rows_web")], rows=RowSources(None, (rule,)))
        for role in ("post", "account"):
            for told in ("SELECT 1", "SELECT set_config('sa_privacy.rules', '', true)"):
                with engine.begin() as connection:
                    connection.exec_driver_sql(told)
                    connection.exec_driver_sql(f'SET LOCAL ROLE "sap/rows/{role}"')
                    assert connection.exec_driver_sql("SELECT count(*) FROM people").scalar() == 0
        with engine.begin() as connection:
            connection.exec_driver_sql("SELECT set_config('sa_privacy.rules', ',', true)")
            connection.exec_driver_sql('SET LOCAL ROLE "sap/rows/post"')
            assert connection.exec_driver_sql("SELECT count(*) FROM people").scalar() == 1
    finally:
        engine.dispose()
        dropped(database.engine())


class AskingALedger:
    """Consents that stand in one of the library's own tables."""

    def condition(self, purpose: str, kind: str, key: Any) -> ColumnElement[bool]:
        told = PROVIDED.alias()
        theirs = (told.c.categories == purpose, told.c.subject_kind == kind, told.c.subject_key == cast(key, Text))
        return exists(select(literal(1)).select_from(told).where(*theirs).correlate_except(told))

    def agreed(self, *_: Any) -> frozenset[object]:
        raise AssertionError("nothing is given away here")


LEDGER = {
    "post": {"use": ["name"], "consent": "opt_in"},
    "calls": {"use": ["name"]},
}


def test_of_a_ledger_a_role_sees_what_its_questions_are_about() -> None:
    made = policy(LEDGER)
    catalogue = build_catalogue(made, [Base.metadata], own=True)
    planned = plan_wall(made, catalogue, shapes_of([Base.metadata, OWN_TABLES]), rows=RowSources(AskingALedger()))
    ledger = ("public", "sa_privacy_provided")
    held = {(r.grantee, r.privilege, r.column) for r in planned.rights if r.thing == ledger and "+" not in r.grantee}
    desk = {right.privilege for right in planned.rights if right.thing == ledger and right.grantee == "sap/rows+ledger"}
    assert desk == {"SELECT", "INSERT"}  # nothing in a ledger is changed
    assert held == {("sap/rows/post", "SELECT", name) for name in ("categories", "subject_kind", "subject_key")}
    about = [one for one in planned.policies if one.table == ledger and one.restrictive]
    assert [(one.roles, one.using) for one in about] == [
        (
            ("sap/rows/post",),
            "(sa_privacy_provided.categories = 'post' AND sa_privacy_provided.subject_kind = 'person')",
        )
    ]
    for purpose in ("post", "calls"):
        assert not [
            r
            for r in planned.rights
            if r.grantee == f"sap/rows/{purpose}" and r.privilege != "SELECT" and r.thing == ledger
        ]


def test_sqlite_lets_a_purpose_read_what_its_condition_asks_and_no_more() -> None:
    made = policy(LEDGER)
    catalogue = build_catalogue(made, [Base.metadata], own=True)
    connection = sqlite3.connect(":memory:")
    for table in (PEOPLE, PROVIDED):
        connection.execute(f"CREATE TABLE {table.name} ({', '.join(column.name for column in table.c)})")
    condition = AskingALedger().condition("post", "person", PEOPLE.c.id)
    asks = str(select(PEOPLE.c.name).where(condition).compile(compile_kwargs={"literal_binds": True}))
    pane = Pane(connection, Bars(catalogue, None))
    for purpose, opens in (("post", True), ("calls", False)):
        pane.bars = Bars(catalogue, alone(made, purpose), RowSources(AskingALedger()))
        pane.arm()
        assert is_open(connection, asks) is opens
        assert is_open(connection, "SELECT subject_key FROM sa_privacy_provided") is opens
        assert not is_open(connection, "SELECT consent FROM sa_privacy_provided")
        assert not is_open(connection, "SELECT count(*) FROM sa_privacy_provided")
        assert not is_open(connection, "UPDATE sa_privacy_provided SET subject_key = '2'")
        assert not is_open(connection, "INSERT INTO sa_privacy_provided (subject_key) VALUES ('2')")
        assert not is_open(connection, "DELETE FROM sa_privacy_provided")
    connection.close()


def is_open(connection: sqlite3.Connection, sql: str) -> bool:
    try:
        connection.execute(sql)
    except sqlite3.DatabaseError as error:
        assert "prohibited" in str(error) or "not authorized" in str(error), error
        return False
    return True
