"""What an event says beside the decision: whose data, where it was asked for first, and never a value or a key."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, insert, select, text, update
from sqlalchemy.orm import Session, joinedload, selectinload

from sa_privacy import AccessDenied, AccessLog, PolicyError, Privacy, PurposeDenied, RowsDenied
from tests.gate import owned, world
from tests.gate.trail import CLERK, Line, Trail, Whose
from tests.gate.world import Customer, Order
from tests.support.databases import Database

whose = Whose(world.KEYS)


@pytest.fixture
def trail(session: Session, log: AccessLog) -> Trail:
    """The log from the moment the rows are there."""
    return Trail(log)


def told(line: Line) -> set[str] | None:
    assert not ("subjects" in line and "unbounded" in line)
    return None if line.get("unbounded") else set(line.get("subjects", ()))


# -- whose -----------------------------------------------------------------------------------------------------------

JOINED: dict[str, tuple[Any, list[int]]] = {
    "a join to the person": (select(Order.amount).join(Customer).where(Customer.id == 2), [2]),
    "a join from the person": (select(Customer.name).join(Order).where(Order.customer_id == 1), [1]),
    "both, of one person": (select(Customer.name, Order.amount).join(Order).where(Customer.id == 1), [1]),
    "rows of a join": (select(Customer.name, Order.amount, Order.customer_id).join(Order), [1, 2]),
    "entities with their children": (select(Customer).options(joinedload(Customer.orders)), [1, 2, 3]),
    "a page of them": (select(Customer).order_by(Customer.id).limit(2).options(joinedload(Customer.orders)), [1, 2]),
    "children, then their people": (select(Order).options(joinedload(Order.customer)), [1, 2]),
    "children in a second query": (select(Customer).options(selectinload(Customer.orders)), [1, 2, 3]),
}


@pytest.mark.parametrize("name", JOINED)
def test_people_are_named_through_joins(name: str, session: Session, privacy: Privacy, trail: Trail) -> None:
    statement, people = JOINED[name]
    with privacy.access(**CLERK):
        session.execute(statement).unique().all()
    found = [told(line) for line in trail.outcomes]
    assert None not in found
    assert set().union(*(one or set() for one in found)) == whose(people)


def test_lazy_loads_of_children_name_their_person(session: Session, privacy: Privacy, trail: Trail) -> None:
    with privacy.access(**CLERK):
        assert session.get_one(Customer, 1).orders
    assert [told(line) for line in trail.of("intent", "outcome")] == [whose([1])] * 4


def test_a_new_person_is_named_once_the_database_has_chosen_the_key(
    session: Session, privacy: Privacy, trail: Trail
) -> None:
    with privacy.access(**CLERK):
        one = Customer(name="New", email="new@example.com")
        session.add(one)
        session.flush()
        key = one.id
    [intent], [outcome] = trail.intents, trail.outcomes
    assert (told(intent), told(outcome)) == (None, whose([key]))


def test_a_row_that_changes_hands_is_about_both(session: Session, privacy: Privacy, trail: Trail) -> None:
    with privacy.access(**CLERK):
        session.execute(update(Order).where(Order.customer_id == 1).values(customer_id=3, amount=1))
    assert told(trail.outcomes[0]) == whose([1, 3])


def test_a_key_that_sqlite_takes_for_a_number_names_that_number(
    session: Session, privacy: Privacy, trail: Trail
) -> None:
    if session.get_bind().dialect.name != "sqlite":  # PostgreSQL compares what the driver sends as text
        statement = text("SELECT name FROM customers WHERE id = CAST(:key AS integer)")
    else:
        statement = text("SELECT name FROM customers WHERE id = :key")
    with privacy.access(**CLERK):
        assert session.execute(statement, {"key": "01"}).scalar() is not None
    found = told(trail.outcomes[0])
    assert found is None or whose([1]) <= found


def test_the_access_says_whose_data_it_is_where_nothing_else_does(
    session: Session, privacy: Privacy, trail: Trail
) -> None:
    names = select(Customer.name)
    with privacy.access(**CLERK, subjects=[1, ("customer", 2)]):
        session.execute(names).all()
        session.execute(names.where(Customer.id == 3)).all()
        session.execute(select(Customer.id, Customer.name).where(Customer.id == 3)).all()
        with privacy.access(reason="inside"):
            session.execute(update(Customer).values(segment="x"))
        with privacy.access(subjects=3):
            session.execute(names).all()
    found = [told(line) for line in trail.of("intent", "outcome")]
    assert found == [whose([1, 2])] * 2 + [whose([1, 2, 3])] * 4 + [whose([1, 2])] * 2 + [whose([3])] * 2


NONE: dict[str, tuple[Any, str]] = {
    "a float that is none": (float("nan"), "is no key"),
    "an object": (object(), "is no key"),
    "nothing in a list": ([None], "is no key"),
    "true": (True, "true, false"),
    "another kind": (("employee", 1), 'no kind of people "employee"'),
}


@pytest.mark.parametrize("name", NONE)
def test_subjects_that_can_be_nobody_are_refused_and_not_repeated(
    name: str, privacy: Privacy, session: Session
) -> None:
    said, words = NONE[name]
    with pytest.raises(PolicyError, match=words) as caught, privacy.access(**CLERK, subjects=said):
        pytest.fail("the block ran")
    assert "kinds" in str(caught.value) or "write subjects=" in str(caught.value)


def test_a_denied_statement_says_whom_it_asked_for(session: Session, privacy: Privacy, trail: Trail) -> None:
    with privacy.access("shipping", role="warehouse"):
        for statement in (select(Customer.email).where(Customer.id == 2), select(Customer.id, Customer.email)):
            with pytest.raises(PurposeDenied):
                session.execute(statement).all()
    assert [told(line) for line in trail.intents] == [whose([2]), None]


def test_without_a_keyring_nobody_can_be_named_and_every_event_says_so(
    database: Database, engine: Engine, tmp_path: Path
) -> None:
    world.filled(database)
    log = AccessLog.open(tmp_path / "keyless")
    privacy = Privacy(world.POLICY, keys=None, log=log, metadata=world.Base)
    privacy.install(engine)
    trail = Trail(log)
    with Session(engine) as session, privacy.access(**CLERK, subjects=1):
        session.execute(select(Customer.id, Customer.segment).where(Customer.id == 1)).all()
        session.execute(update(Customer).values(segment="x").where(Customer.id == 1))
    lines = trail.of("intent", "outcome")
    assert [told(line) for line in lines] == [None] * 4
    assert all(line.get("subjects") is None for line in lines)
    privacy.close()


# -- values in memory ------------------------------------------------------------------------------------------------


@pytest.fixture
def steps(database: Database, engine: Engine, tmp_path: Path) -> Iterator[tuple[Privacy, Session, Trail]]:
    """The world in which rows are several steps away from their person."""
    owned.filled(database)
    log = AccessLog.open(tmp_path / "steps")
    privacy = Privacy(owned.POLICY, keys=owned.KEYS, log=log, metadata=owned.Base)
    privacy.install(engine)
    with Session(engine) as session:
        yield privacy, session, Trail(log)
    privacy.close()


def test_a_value_in_memory_two_steps_away_is_somebodys_also_where_it_is_denied(
    steps: tuple[Privacy, Session, Trail],
) -> None:
    privacy, session, trail = steps
    ann = Whose(owned.KEYS)([1])
    desk: dict[str, Any] = {"purpose": "desk", "role": "clerk", "actor": "staff:1"}
    alone = select(owned.Item).where(owned.Item.id == 1)
    for statement, people in ((alone.options(joinedload(owned.Item.order)), ann), (alone, None)):
        session.expunge_all()
        with privacy.access(**desk):
            [item] = session.scalars(statement)
            trail.forget()
            with privacy.access(actor="staff:2"):
                assert item.product == "soap"
            with privacy.access("account", role="customer", subject=2), pytest.raises(RowsDenied):
                _ = item.product
        with pytest.raises(AccessDenied):
            _ = item.product
        found = [(line["decision"], told(line)) for line in trail.of("use")]
        assert found == [("allowed", people), ("denied", people), ("denied", people)]


# -- where -----------------------------------------------------------------------------------------------------------


def test_the_origin_is_where_the_statement_was_run_first(session: Session, privacy: Privacy, trail: Trail) -> None:
    def one_place() -> None:
        session.execute(select(Customer.tier, Customer.name)).all()

    def another_place() -> None:
        session.execute(select(Customer.tier, Customer.name)).all()

    def texts() -> None:
        session.execute(text("SELECT tier, name FROM customers")).all()

    with privacy.access(**CLERK):
        one_place()
        another_place()
        texts()
    origins = [line["origin"] for line in trail.of("intent", "outcome")]
    assert all("tests/gate/test_evidence.py:" in origin for origin in origins)
    assert ["one_place" in origin for origin in origins] == [True] * 4 + [False] * 2
    assert all("texts" in origin for origin in origins[4:])
    assert all("site" not in line for line in trail.of("intent", "outcome"))


def test_site_is_where_it_happened_although_the_origin_is_elsewhere(
    session: Session, privacy: Privacy, trail: Trail
) -> None:
    def allowed() -> None:
        session.execute(select(Customer.email, Customer.tier)).all()

    def denied() -> None:
        session.execute(select(Customer.email, Customer.tier)).all()

    with privacy.access(**CLERK):
        allowed()
    with privacy.access("shipping", role="warehouse"), pytest.raises(PurposeDenied):
        denied()
    refused = trail.intents[-1]
    assert "denied" in refused["site"]
    assert "origin" in refused


def test_events_carry_the_id_of_the_request(session: Session, privacy: Privacy, trail: Trail) -> None:
    with privacy.request("r-77", **CLERK):
        found = session.scalars(select(Customer)).first()
        with privacy.access(reason="inside"):
            assert found is not None
            assert found.name
    assert {line.get("request") for line in trail.of("intent", "outcome", "use")} == {"r-77"}


# -- never a value ---------------------------------------------------------------------------------------------------

KEY = 918273645
CANARY = "zq-canary-7731"


def test_no_key_and_no_value_stands_in_the_log(session: Session, privacy: Privacy, log: AccessLog) -> None:
    with privacy.access(**CLERK, subjects=[KEY, ("customer", KEY + 1)], ticket="T-1"):
        session.execute(
            insert(Customer), [{"id": KEY, "name": CANARY, "email": f"{CANARY}@example.com", "segment": CANARY}]
        )
        one = session.get_one(Customer, KEY)
        session.add(Order(customer_id=KEY, amount=77317731))
        session.flush()
        for statement in (
            select(Customer).where(Customer.id == KEY),
            select(Customer.id, Customer.name).where(Customer.segment == CANARY),
            select(Order.amount).join(Customer).where(Customer.id.in_([KEY])),
            text(f"SELECT name FROM customers WHERE id = {KEY} AND segment = '{CANARY}'"),
            update(Customer).where(Customer.id == KEY).values(segment=CANARY),
        ):
            session.execute(statement)
        with privacy.access(reason="another"):
            assert one.name
    with pytest.raises(PurposeDenied), privacy.access("shipping", role="warehouse"):
        session.execute(select(Customer.email).where(Customer.id == KEY))
    written = b"".join(path.read_bytes() for path in log.path.iterdir())
    for secret in (str(KEY), str(KEY + 1), CANARY, "77317731"):
        assert secret.encode() not in written
    assert b"subjects" in written
