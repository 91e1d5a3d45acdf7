"""The rows of a person are found in every table, by the way that the models say, and with them nobody else's."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session

import sa_privacy.customers.disclosure.tables  # noqa: F401
from sa_privacy import AccessLog, Privacy
from sa_privacy.customers.owned import AT_ONCE, Owned, categories_read, in_batches, same_key
from tests.customers import giving
from tests.customers.giving import ANN, BO, CY
from tests.support.databases import Database


@pytest.fixture
def log(tmp_path: Path) -> AccessLog:
    return AccessLog.open(tmp_path / "log")


@pytest.fixture
def shop(database: Database, log: AccessLog) -> Iterator[tuple[Privacy, Engine]]:
    with giving.shop(database, log=log) as made:
        yield made


def test_all_tables_of_a_kind_are_known_and_the_person_s_own_come_first(shop: tuple[Privacy, Engine]) -> None:
    owned = Owned(shop[0]._live)
    assert [(table.name, table.single) for table in owned.tables("customer")] == [
        ("customers", True),
        ("members", True),
        ("items", False),
        ("orders", False),
        ("parcels", False),
    ]
    assert [table.name for table in owned.tables("employee")] == ["employees"]
    assert owned.tables("dog") == ()
    assert [column.name for column in owned.nobodys()] == ["visits.place"]


def test_the_library_s_own_tables_are_nobody_s_and_are_not_named(shop: tuple[Privacy, Engine]) -> None:
    owned = Owned(shop[0]._live)
    names = {table.name for kind in ("customer", "employee") for table in owned.tables(kind)}
    assert not any(name.startswith("sa_privacy_") for name in names | {c.table for c in owned.nobodys()})


def test_it_knows_the_columns_of_a_category_and_those_that_are_not_personal(shop: tuple[Privacy, Engine]) -> None:
    customers, _, _, orders, _ = Owned(shop[0]._live).tables("customer")
    assert [column.column for column in customers.holding({"phone", "email"})] == ["phone", "email", "secret"]
    assert customers.plain() == ("kind", "tier")
    assert orders.plain() == ("status",)  # not the key that leads to the customer


@pytest.mark.parametrize(
    ("name", "whose", "expected"),
    [
        ("customers", [ANN], [("1", {"id": 1}, {"address": "1 High Street"})]),
        ("members", [ANN, BO, CY], [("1", {"id": 1}, {"birthday": datetime.date(1990, 1, 2)})]),
        (
            "orders",
            [ANN],
            [("1", {"id": 10}, {"amount": Decimal("10.50")}), ("1", {"id": 11}, {"amount": Decimal(20)})],
        ),
        (
            "items",
            [ANN, BO],
            [
                ("1", {"id": 100}, {"product": "Umbrella"}),
                ("1", {"id": 101}, {"product": "Kettle"}),
                ("1", {"id": 102}, {"product": "Lamp"}),
                ("2", {"id": 103}, {"product": "Rope"}),
            ],
        ),
        ("items", [CY], []),
        ("parcels", [ANN, CY], [("1", {"id": 1}, {"address": "1 High Street, back door"})]),
        ("employees", ["E-1"], [("E-1", {}, {"name": "Em Ployee"})]),
    ],
)
def test_rows_of_a_table_are_read_with_whose_they_are(
    shop: tuple[Privacy, Engine], name: str, whose: list[object], expected: list[object]
) -> None:
    privacy, engine = shop
    owned = Owned(privacy._live)
    [table] = [t for kind in ("customer", "employee") for t in owned.tables(kind) if t.name == name]
    [column] = [c for c in table.columns if not expected or c.column in expected[0][2]]  # type: ignore[index]
    with (
        privacy.access("everything", role="clerk", actor="staff:1"),
        Session(engine) as session,
        privacy._desk.open(session, reads=categories_read(table, [column])) as connection,
    ):
        rows = list(table.rows(connection, whose, [column.column]))
    assert [(row.owner, dict(row.identity), dict(row.values)) for row in rows] == expected


def test_the_log_names_whose_rows_were_read_by_every_way(shop: tuple[Privacy, Engine], log: AccessLog) -> None:
    privacy, engine = shop
    owned = Owned(privacy._live)
    tables = [*owned.tables("customer"), *owned.tables("employee")]
    with privacy.access("everything", role="clerk", actor="staff:1"), Session(engine) as session:
        for table in tables:
            reads = categories_read(table, table.columns)
            keys = ["E-1"] if table.kind == "employee" else [ANN]
            with privacy._desk.open(session, reads=reads) as connection:
                list(table.rows(connection, keys, [column.column for column in table.columns]))
    pseudonyms = giving.KEYS.pseudonym_key()
    ann, employee = pseudonyms.of("customer", ANN), pseudonyms.of("employee", "E-1")
    outcomes = [event for event in log.events() if event.kind == "outcome"]
    assert [event.subjects for event in outcomes] == [[ann]] * 5 + [[employee]]


def test_without_a_desk_the_gate_lets_nobody_read_them(shop: tuple[Privacy, Engine]) -> None:
    privacy, engine = shop
    [table] = [table for table in Owned(privacy._live).tables("customer") if table.name == "parcels"]
    with (
        privacy.access("campaigns", role="officer", actor="staff:1"),
        Session(engine) as session,
        pytest.raises(PermissionError),
    ):
        list(table.rows(session.connection(), [ANN], ["address"]))


def test_many_people_are_asked_for_in_batches() -> None:
    sizes = [len(batch) for batch in in_batches(range(2 * AT_ONCE + 1))]
    assert sizes == [AT_ONCE, AT_ONCE, 1]


def test_a_key_is_the_same_as_text() -> None:
    assert same_key(7) == same_key("7") == "7"


def test_a_row_shows_no_value(shop: tuple[Privacy, Engine]) -> None:
    privacy, engine = shop
    table = Owned(privacy._live).tables("customer")[0]
    with (
        privacy.access("everything", role="clerk", actor="staff:1"),
        Session(engine) as session,
        privacy._desk.open(session, reads=["name"]) as connection,
    ):
        [row] = table.rows(connection, [ANN], ["name"])
    assert repr(row) == "<OwnedRow name>"
