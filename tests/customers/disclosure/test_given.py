"""What a recipient gets: what was asked for, of everybody asked for, and nothing else."""

from __future__ import annotations

import json

import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from sa_privacy import (
    AccessLog,
    DisclosureRefused,
    Privacy,
)
from tests.customers import giving
from tests.customers.disclosure.acting import (
    EVERYBODY,
    PAPERS,
    as_officer,
    as_warehouse,
    ask,
    records,
)
from tests.customers.giving import ANN, BO, CY, customers
from tests.support.databases import Database


def test_a_delivery_company_is_given_names_and_addresses_in_a_table(
    privacy: Privacy, session: Session, shop: tuple[Privacy, Engine]
) -> None:
    with as_warehouse(privacy):
        given = privacy.disclose(
            session, to="delivery", subjects=customers(BO, ANN), categories=["name", "phone"], format="csv"
        )
        session.commit()
    assert given.data.decode() == "number,name,phone\r\n1,'=1+1,\r\n2,Ann Arbor,'+81-90-1\r\n"
    assert (given.given, given.left_out, given.format) == (2, {}, "csv")
    [head], people = records(*shop)
    assert given.records == (head.id,)
    assert (head.kind, head.recipient, head.contract, head.people) == ("processor", "delivery", "C-17", 2)
    assert (head.address, head.representative, head.purposes) == ("1 Depot Road", "P. Fast", "shipping")
    assert (head.actor, head.ground, head.policy) == ("staff:1", None, giving.POLICY.hash)
    assert [(p.number, p.subject_kind, p.subject_key, p.categories) for p in people] == [
        (1, "customer", str(BO), "name"),  # nothing is known of his telephone
        (2, "customer", str(ANN), "name phone"),
    ]


def test_data_of_all_tables_is_given_as_json_and_told_apart_by_number(privacy: Privacy, session: Session) -> None:
    with as_officer(privacy):
        given = privacy.disclose(
            session,
            to="police",
            subjects=customers(CY, ANN),
            categories=["name", "birthday", "amount", "order_items"],
            ground="inquiry",
            evidence=PAPERS,
        )
        session.commit()
    said = json.loads(given.data)
    assert said["format"] == "sa-privacy-disclosure/1"
    assert said["id"] == given.records[0]
    assert said["from"] == {"en": "The Shop", "ja": "店"}
    assert said["to"]["name"] == "police"
    assert said["ground"] == {
        "title": {"en": "Asked for by a public agency", "ja": "公的機関"},
        "clause": "4-1",
        "article": "27-1-4",
    }
    assert said["categories"]["name"] == {"title": {"en": "Name", "ja": "氏名"}, "dpv": "pd:Name"}
    assert {"table": "items", "column": "product", "category": "order_items"} in said["columns"]
    assert said["people"] == [
        {"number": 1, "kind": "customer", "data": {"customers": [{"name": "Cy Twombly"}]}},
        {
            "number": 2,
            "kind": "customer",
            "data": {
                "customers": [{"name": "Ann Arbor"}],
                "members": [{"birthday": "1990-01-02"}],
                "items": [{"product": "Umbrella"}, {"product": "Kettle"}, {"product": "Lamp"}],
                "orders": [{"amount": "10.50"}, {"amount": "20"}],
            },
        },
    ]


def test_the_same_as_csv_has_a_line_for_each_value(privacy: Privacy, session: Session) -> None:
    with as_officer(privacy):
        given = privacy.disclose(
            session,
            to="police",
            subjects=[("customer", BO), ("employee", "E-1")],
            categories=["name", "amount"],
            ground="inquiry",
            evidence=PAPERS,
            format="csv",
        )
        session.commit()
    assert given.data.decode().splitlines() == [
        "number,kind,table,row,column,category,value",
        "1,customer,customers,1,name,name,'=1+1",
        "1,customer,orders,1,amount,amount,-5",  # a number is no formula
        "2,employee,employees,1,name,name,Em Ployee",
    ]


def test_a_column_that_is_narrowed_to_other_purposes_stays_from_a_processor(privacy: Privacy, session: Session) -> None:
    with as_warehouse(privacy):
        given = privacy.disclose(session, to="delivery", subjects=customers(ANN), categories="phone")
        session.commit()
    assert b"+81-90-1" in given.data
    assert b"+81-90-9" not in given.data
    assert b"secret" not in given.data


def test_no_key_of_the_application_is_given(privacy: Privacy, session: Session) -> None:
    with as_officer(privacy):
        given = privacy.disclose(
            session, to="police", subjects=[("employee", "E-1")], categories="name", ground="inquiry", evidence=PAPERS
        )
        session.commit()
    assert b"E-1" not in given.data


def test_people_of_whom_nothing_is_held_are_left_out_and_counted(
    privacy: Privacy, session: Session, shop: tuple[Privacy, Engine]
) -> None:
    with as_warehouse(privacy):
        given = privacy.disclose(session, to="delivery", subjects=EVERYBODY, categories=["phone"])
        session.commit()
    assert (given.given, given.left_out) == (1, {"nothing_held": 2})
    assert [person.subject_key for person in records(*shop)[1]] == [str(ANN)]


def test_where_nothing_is_given_nothing_is_recorded(
    privacy: Privacy, session: Session, shop: tuple[Privacy, Engine]
) -> None:
    with as_warehouse(privacy):
        given = privacy.disclose(session, to="delivery", subjects=customers(BO, CY), categories=["phone"], format="csv")
    assert (given.given, given.records, given.left_out) == (0, (), {"nothing_held": 2})
    assert given.data == b"number,phone\r\n"
    assert records(*shop) == ([], [])


def test_somebody_who_is_named_twice_is_given_once(privacy: Privacy, session: Session) -> None:
    with as_warehouse(privacy):
        given = privacy.disclose(
            session, to="delivery", subjects=[*customers(ANN), ("customer", "1")], categories="name"
        )
    assert given.given == 1


def test_many_people_are_given_in_batches_under_one_record(
    privacy: Privacy, session: Session, shop: tuple[Privacy, Engine], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sa_privacy.customers.owned.AT_ONCE", 2)
    with as_warehouse(privacy):
        given = privacy.disclose(session, to="delivery", subjects=EVERYBODY, categories=["name", "address"])
        session.commit()
    [head], people = records(*shop)
    assert (given.given, head.people, [person.number for person in people]) == (3, 3, [1, 2, 3])
    assert [one["number"] for one in json.loads(given.data)["people"]] == [1, 2, 3]


async def test_an_async_session_gives_by_run_sync(database: Database, async_driver: str, log: AccessLog) -> None:
    from sqlalchemy.ext.asyncio import AsyncSession

    giving.filled(database)
    privacy = Privacy(giving.POLICY, keys=giving.KEYS, log=log, metadata=giving.Base)
    engine = database.async_engine(async_driver)  # type: ignore[arg-type]
    privacy.install(engine)
    try:
        with as_warehouse(privacy):
            async with AsyncSession(engine) as session:
                given = await session.run_sync(lambda sync: ask(privacy, sync))
                with pytest.raises(DisclosureRefused):
                    _ = given.data
                await session.commit()
                assert b"Ann Arbor" in given.data
    finally:
        privacy.close()
        await database.dispose_async()


@pytest.mark.backends("sqlite")  # on PostgreSQL a wall has roles of its own: tests/walls
def test_behind_a_wall_it_is_given_all_the_same(database: Database) -> None:
    giving.filled(database)
    privacy = Privacy(giving.POLICY, keys=giving.KEYS, log=None, metadata=giving.Base)
    engine = database.engine()
    privacy.install(engine, walls=True)
    try:
        with as_warehouse(privacy), Session(engine) as session:
            given = ask(privacy, session)
            session.commit()
        assert b"1 High Street, back door" in given.data
    finally:
        privacy.close()
