"""The person's file: all that is theirs, and nothing of anybody else."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, Engine
from sqlalchemy.orm import Session

from sa_privacy import AccessLog, PolicyError, Privacy
from sa_privacy.customers.file.files import PersonFile
from sa_privacy.customers.file.records import consents_told, provisions_told, receipts_told
from sa_privacy.ledger import Person
from tests.customers.requests import asking
from tests.customers.requests.asking import Customer, Employee, Item, Order, Profile, customer, maintenance, officer
from tests.support.databases import Database
from tests.support.draws import draws


@pytest.fixture
def log(tmp_path: Path) -> AccessLog:
    return AccessLog.open(tmp_path / "log")


@pytest.fixture
def privacy(database: Database, engine: Engine, log: AccessLog) -> Iterator[Privacy]:
    asking.filled(database)
    with asking.protected(engine, log) as (made, _):
        yield made


def file_of(privacy: Privacy, session: Session, key: int) -> PersonFile:
    """Asked for by the person, answered by the officer."""
    with customer(privacy, key):
        reference = privacy.requests.receive(session, "disclosure").reference
    with officer(privacy):
        privacy.requests.begin(session, reference)
        file = privacy.requests.answer(session, reference).file
    session.commit()
    assert file is not None
    return file


def preview_of(privacy: Privacy, session: Session, key: int) -> PersonFile:
    """The same, looked through before it is answered."""
    with customer(privacy, key):
        reference = privacy.requests.receive(session, "disclosure").reference
    with officer(privacy):
        privacy.requests.begin(session, reference)
        return privacy.requests.preview(session, reference)


def values(file: PersonFile) -> dict[tuple[str, str], dict[str, Any]]:
    """What a file shows of each row."""
    return {
        (table["table"], json.dumps(row["row"])): {one["column"]: one["value"] for one in row["values"]}
        for table in file.content["data"]
        for row in table["rows"]
    }


def test_everything_of_a_person_and_what_it_is_for(privacy: Privacy, engine: Engine) -> None:
    privacy.requests.files.withhold("customers.password_hash")
    with Session(engine) as session:
        file = file_of(privacy, session, 1)
    assert values(file) == {
        ("customers", '{"id": 1}'): {
            "name": "Ann Arbor",
            "email": "home@example.com",
            "birthday": "1990-01-02",
            "joined_on": "2026-01-05",
        },
        ("profiles", '{"customer_id": 1}'): {"nickname": "annie"},
        ("orders", '{"id": 1}'): {"amount": 1001, "note": "ring twice", "status": "open"},
        ("orders", '{"id": 2}'): {"status": "open"},
        ("orders", '{"id": 3}'): {"status": "open"},
        ("items", '{"id": 1}'): {"product": "soap"},
        ("items", '{"id": 2}'): {},
        ("items", '{"id": 3}'): {"product": "lamp"},
    }
    left_out = {
        (table["table"], row["row"]["id"]): row["about_others"]
        for table in file.content["data"]
        for row in table["rows"]
        if row["about_others"]
    }
    assert left_out == {
        ("orders", 2): ["orders.amount", "orders.note"],
        ("orders", 3): ["orders.amount", "orders.note"],
        ("items", 2): ["items.product"],
    }
    (name,) = [one for one in file.content["categories"] if one["name"] == "name"]
    assert [purpose["clause"] for purpose in name["purposes"]] == ["1-1", None]
    assert [one["name"] for one in name["recipients"]] == ["carrier"]


def test_who_is_mentioned_elsewhere_is_told_how_often_and_not_where(privacy: Privacy, engine: Engine) -> None:
    with Session(engine) as session:
        ann, bo = file_of(privacy, session, 1), file_of(privacy, session, 2)
    assert {one["table"]: one["mentioned_in"] for one in ann.content["data"] if one["mentioned_in"]} == {"customers": 1}
    assert {one["table"]: one["mentioned_in"] for one in bo.content["data"] if one["mentioned_in"]} == {"orders": 1}
    assert "love" not in bo.json()


def test_what_is_about_the_owner_is_told_once_the_application_says_so(privacy: Privacy, engine: Engine) -> None:
    privacy.requests.files.tell("orders.amount")
    with Session(engine) as session:
        shown = values(file_of(privacy, session, 1))
    assert shown["orders", '{"id": 2}'] == {"amount": 1002, "status": "open"}
    with pytest.raises(PolicyError, match=r"orders\.amounts"):
        privacy.requests.files.tell("orders.amounts")


def test_how_the_data_was_used_is_told_without_names(privacy: Privacy, engine: Engine) -> None:
    with Session(engine) as session:
        with privacy.access("shipping", actor="staff:Eve", role="warehouse"):
            for key in (1, 1, 2):
                found = session.get(Customer, key, populate_existing=True)
                assert found is not None
        file = file_of(privacy, session, 1)
    uses = [one for one in file.content["uses"]["counts"] if one["purposes"]]
    shipping = [one for one in uses if one["purposes"][0]["name"] == "shipping"]
    assert [(one["times"], one["changed"]) for one in shipping] == [(2, False)]
    assert "Eve" not in file.json()
    assert "Shipping products" in file.html("en")


def test_other_requests_are_told(privacy: Privacy, engine: Engine) -> None:
    with Session(engine) as session:
        file_of(privacy, session, 2)
        with customer(privacy, 1):
            privacy.requests.receive(session, "erasure")
        file = file_of(privacy, session, 1)
    assert [(one["kind"], one["state"]) for one in file.content["requests"]] == [("erasure", "identified")]
    assert file.content["request"]["state"] == "answered"


def test_it_is_json_that_any_reader_reads(privacy: Privacy, engine: Engine) -> None:
    with Session(engine) as session:
        file = file_of(privacy, session, 1)
    again = json.loads(file.json())
    assert again == file.content
    assert (again["format"], again["version"]) == ("sa-privacy-person-file", 1)
    assert list(again) == [
        *("format", "version", "made_at", "controller", "policy", "person", "request", "categories", "data"),
        *("consents", "provisions", "received", "uses", "requests", "not_disclosed"),
    ]
    assert "Ann" not in repr(file)


def test_ledgers_that_are_joined_in_stand_in_it(privacy: Privacy, engine: Engine) -> None:
    at = datetime(2026, 11, 1, 9, 0, tzinfo=UTC)
    where = {"address": "1 High Street", "representative": None, "country": None}
    given = [
        SimpleNamespace(
            recipient=to, recipient_name={"en": name}, kind=kind, at=at, categories=["name"], article=article, **where
        )
        for to, name, kind, article in (
            ("carrier", "Example Carrier", "processor", None),
            ("police", "The Police", "authority", "27-1-1"),
        )
    ]
    said = SimpleNamespace(
        to="advertiser", said="withdrawn", at=at, how="web", version="2", valid_until=None, authority=None
    )
    asked: list[str] = []

    def provisions(_: Connection, person: Person) -> Iterator[Mapping[str, Any]]:
        asked.append(person.text)
        return provisions_told(given)

    privacy.requests.files._records |= {
        "provisions": provisions,
        "consents": lambda *_: consents_told(asking.POLICY, [said]),
        "received": lambda *_: receipts_told([]),
    }
    with Session(engine) as session:
        file = file_of(privacy, session, 1)
    assert asked == ["1"]
    assert [one["to"] for one in file.content["provisions"]] == ["carrier"]
    assert file.content["consents"][0]["title"] == {"en": "Ad Inc.", "ja": "広告社"}
    assert file.content["received"] == []
    page = file.html("en")
    assert "Example Carrier" in page
    assert "The Police" not in page
    assert "web site" in page


# -- shops of any kind ------------------------------------------------------------------------------------------------

PEOPLE = (101, 102, 103)
_maybe_person = st.none() | st.sampled_from(PEOPLE)
_orders = st.lists(st.tuples(st.sampled_from(PEOPLE), _maybe_person, st.none() | st.just(100)), max_size=5)
_items = st.lists(st.tuples(st.integers(0, 4), st.none() | st.integers(0, 4)), max_size=5)
_referrers = st.tuples(_maybe_person, _maybe_person, _maybe_person)


@given(orders=_orders, items=_items, referrers=_referrers, asks=st.sampled_from(PEOPLE))
@settings(max_examples=draws(20), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_in_any_shop_it_holds_all_that_is_theirs_and_nothing_of_others(
    privacy: Privacy,
    engine: Engine,
    orders: list[tuple[int, int | None, int | None]],
    items: list[tuple[int, int | None]],
    referrers: tuple[int | None, ...],
    asks: int,
) -> None:
    """What is whose is worked out here from the shop's own figures, without the catalogue."""
    items = [(order, other) for order, other in items if order < len(orders) and (other is None or other < len(orders))]
    with Session(engine) as session:
        with maintenance(privacy):
            session.add(Employee(id=100, name="<100-employee>"))
            for key in PEOPLE:
                session.add(Customer(id=key, name=f"<{key}-name>", email=f"<{key}-email>"))
                session.flush()
                session.add(Profile(customer_id=key, nickname=f"<{key}-nickname>"))
            for key, referrer in zip(PEOPLE, referrers, strict=True):
                session.get_one(Customer, key).referrer_id = referrer
            for number, (owner, recipient, packer) in enumerate(orders):
                session.add(
                    Order(
                        id=200 + number,
                        customer_id=owner,
                        recipient_id=recipient,
                        packed_by=packer,
                        amount=777000 + number,
                        note=f"<{owner}-note-{number}>",
                    )
                )
            session.flush()
            for number, (order, other) in enumerate(items):
                session.add(
                    Item(
                        id=300 + number,
                        order_id=200 + order,
                        instead_of=None if other is None else 200 + other,
                        product=f"<{orders[order][0]}-product-{number}>",
                    )
                )
            session.flush()
            session.expunge_all()
        told = preview_of(privacy, session, asks).json()
        session.rollback()
    expected = {f"<{asks}-name>", f"<{asks}-email>", f"<{asks}-nickname>"}
    everything = {f"<{key}-{what}>" for key in PEOPLE for what in ("name", "email", "nickname")} | {"<100-employee>"}
    for number, (owner, recipient, packer) in enumerate(orders):
        mine = {f"<{owner}-note-{number}>", str(777000 + number)}
        everything |= mine
        if owner == asks and recipient in (None, asks) and packer is None:
            expected |= mine
    for number, (order, other) in enumerate(items):
        product = f"<{orders[order][0]}-product-{number}>"
        everything.add(product)
        if orders[order][0] == asks and (other is None or orders[other][0] == asks):
            expected.add(product)
    assert {value for value in everything if value in told} == expected
