"""`mode="observe"`: everything runs, nothing changes, and the log says what would have been denied."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator
from contextvars import copy_context
from pathlib import Path

import pytest
from sqlalchemy import Engine, delete, func, insert, select, text, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from sqlalchemy.orm import Session, joinedload, selectinload

from sa_privacy import (
    Access,
    AccessDenied,
    AccessEnded,
    AccessLog,
    Policy,
    Privacy,
    PrivacyError,
    RoleDenied,
    SealedColumn,
    UnknownPurpose,
    UnknownRole,
)
from sa_privacy.access import AccessBlock, AccessScopes
from sa_privacy.accesslog import Event
from tests.gate import people, world
from tests.gate.people import Account, Employee, Letter, Member, Person, Visitor
from tests.gate.statements import ACCESSES, STATEMENTS, statement_for
from tests.gate.watch import events_between_notes, events_of, statements
from tests.gate.world import Customer, Order
from tests.support.databases import Database

KEYS = world.KEYS


@pytest.fixture
def watching(log: AccessLog) -> Iterator[Privacy]:
    """A Privacy that observes."""
    made = Privacy(world.POLICY, keys=KEYS, log=log, mode="observe", metadata=world.Base)
    yield made
    made.close()


@pytest.fixture
def watched(database: Database, engine: Engine, watching: Privacy) -> Engine:
    """The shop, observed."""
    world.filled(database)
    watching.install(engine)
    return engine


@pytest.fixture
def enforcing(tmp_path: Path) -> Iterator[Privacy]:
    """The same policy, enforced, with a log of its own."""
    made = Privacy(
        world.POLICY, keys=KEYS, log=AccessLog.open(tmp_path / "enforced"), mode="enforce", metadata=world.Base
    )
    yield made
    made.close()


def scenario(engine: Engine) -> Iterator[object]:
    """What an application does with its people, and all that it sees."""
    with Session(engine) as session:
        yield [(p.name, p.email, type(p).__name__) for p in session.scalars(select(Person).order_by(Person.id))]
        visitor = session.scalars(select(Visitor)).one()
        yield dict(sorted((key, value) for key, value in visitor.__dict__.items() if not key.startswith("_")))
        visitor.phone = "2"
        session.flush()
        session.refresh(visitor)
        yield (visitor.phone, visitor.interest)
        session.add(Employee(name="New", email=None, salary=5, home="H", desk="C3"))
        session.commit()
        yield [(e.salary, e.home) for e in session.scalars(select(Employee).order_by(Employee.id))]
        yield session.scalars(select(Member)).one().salary
        yield session.execute(select(Person.name, func.upper(Person.email)).order_by(Person.name)).all()
        yield session.execute(select(Person.name).union(select(Employee.home)).order_by("name")).all()
        yield session.scalars(select(Person).union(select(Person)).subquery().select().order_by(text("1"))).all()
        account = session.scalars(select(Account).options(selectinload(Account.letters))).one()
        yield [(letter.login, letter.subject, letter.body) for letter in account.letters]
        yield session.scalars(select(Letter).options(joinedload(Letter.account))).one().account.login
        yield pickle.loads(pickle.dumps(account)).letters[0].subject
        session.expire_all()
        yield account.letters[0].body
        yield session.execute(text("SELECT name, email FROM people ORDER BY name")).all()
        yield session.execute(update(Person).values(name="X").where(Person.email == "pia@example.com")).rowcount  # type: ignore[attr-defined]
        yield session.execute(
            insert(Letter).values(login="ann@example.com", subject="Hi").returning(Letter.subject)
        ).all()
        yield session.execute(delete(Letter).where(Letter.subject == "Hi")).rowcount  # type: ignore[attr-defined]
        session.rollback()
        yield session.scalars(select(Person).where(Person.name == "X")).all()
    with engine.connect() as connection:
        yield connection.exec_driver_sql("SELECT * FROM people ORDER BY id").all()
        yield connection.execute(select(Person.email).order_by(Person.id).limit(2)).scalars().all()


@pytest.mark.parametrize("access", ["none", "shipping", "everything", "own rows"])
def test_a_whole_scenario_gives_what_it_gives_without_privacy(
    access: str, make_engine: Callable[..., Engine], log: AccessLog
) -> None:
    people.Base.metadata.create_all(make_engine())
    plain = make_engine()
    people.rows(plain)
    without = list(scenario(plain))
    people.Base.metadata.drop_all(plain)
    people.Base.metadata.create_all(plain)
    people.rows(plain)
    watching = Privacy(world.POLICY, log=log, mode="observe", metadata=people.Base)
    engine = make_engine()
    watching.install(engine)
    try:
        with ACCESSES[access](watching):
            assert list(scenario(engine)) == without
    finally:
        watching.close()
    assert {event.decision for event in events_of(log)} >= {"would_deny"}
    assert "denied" not in {event.decision for event in events_of(log)}


def test_the_same_statements_are_sent_as_without_privacy(make_engine: Callable[..., Engine], log: AccessLog) -> None:
    plain = make_engine()
    people.Base.metadata.create_all(plain)
    people.rows(plain)
    with statements(plain) as before:
        list(scenario(plain))
    people.Base.metadata.drop_all(plain)
    people.Base.metadata.create_all(plain)
    people.rows(plain)
    watching = Privacy(world.POLICY, log=log, mode="observe", metadata=people.Base)
    engine = make_engine()
    watching.install(engine)
    try:
        with statements(engine) as sent:
            list(scenario(engine))
    finally:
        watching.close()
    assert sent[-len(before) :] == before


def outcome_of(engine: Engine, statement: object) -> str:
    with Session(engine) as session:
        try:
            result = session.execute(text(statement) if isinstance(statement, str) else statement)  # type: ignore[call-overload]
            if getattr(result, "returns_rows", True):
                result.all()
        except (AccessDenied, SealedColumn):
            return "refused"
        except SQLAlchemyError:
            return "failed"
        finally:
            session.rollback()
    return "ran"


def denials(found: list[Event]) -> list[tuple[str, ...]]:
    return [
        tuple(event.denials)
        for event in found
        if event.decision in ("denied", "would_deny") and event.kind != "outcome"
    ]


@pytest.mark.parametrize("access", [name for name in ACCESSES if not name.startswith("own rows")])
def test_what_would_be_denied_is_what_an_engine_that_enforces_denies(
    access: str,
    watched: Engine,
    watching: Privacy,
    enforcing: Privacy,
    make_engine: Callable[..., Engine],
    backend: str,
) -> None:
    strict = make_engine()
    enforcing.install(strict)
    assert enforcing.log is not None
    assert watching.log is not None
    outcomes: dict[str, tuple[str, str]] = {}
    for name in STATEMENTS:
        enforcing.log.append("note", b"")
        with ACCESSES[access](enforcing):
            enforced = outcome_of(strict, statement_for(name, backend))
        watching.log.append("note", b"")
        with ACCESSES[access](watching):
            outcomes[name] = enforced, outcome_of(watched, statement_for(name, backend))
    wrong: dict[str, object] = {}
    told = zip(events_between_notes(enforcing.log), events_between_notes(watching.log), strict=True)
    for (name, (enforced, observed)), events in zip(outcomes.items(), told, strict=True):
        one, other = map(denials, events)
        if observed == "refused":
            wrong[name] = (enforced, observed)
        elif one != other and not (enforced == "refused" and not one and other):
            wrong[name] = (one, other)
    assert wrong == {}


def test_an_entity_load_that_would_be_narrowed_is_no_denial_until_the_attribute_is_read(
    watched: Engine, watching: Privacy, log: AccessLog
) -> None:
    before = len(events_of(log))
    with Session(watched) as session, watching.access("shipping", role="warehouse"):
        found = session.scalars(world.EVERYONE).first()
        assert found is not None
        assert found.name == "Ann Arbor"
        assert denials(events_of(log, after=before)) == []
        assert found.email == "ann@example.com"
        assert denials(events_of(log, after=before)) == [("read customers.email",)]
        assert found.email == "ann@example.com"
        assert len(denials(events_of(log, after=before))) == 1
    intent = events_of(log, "intent", "outcome")[-2]
    assert "customers.email" in intent.reads


def test_an_attribute_read_without_an_access_would_be_denied(
    watched: Engine, watching: Privacy, log: AccessLog
) -> None:
    before = len(events_of(log))
    with Session(watched) as session:
        found = session.scalars(world.EVERYONE).first()
        assert found is not None
        assert (found.email, found.tier, found.place.town) == ("ann@example.com", "basic", "Oakham")
    assert {denial for denied in denials(events_of(log, after=before)) for denial in denied} >= {
        "read customers.email",
        "read customers.town",
    }


def test_what_an_access_wrote_it_may_read_back(watched: Engine, watching: Privacy, log: AccessLog) -> None:
    with Session(watched, expire_on_commit=False) as session, watching.access("signup", role="clerk"):
        made = Customer(name="New", email="new@example.com")
        session.add(made)
        session.commit()
        before = len(events_of(log))
        assert made.email == "new@example.com"
        assert denials(events_of(log, after=before)) == []


def test_rows_of_others_are_handed_over_and_noted(watched: Engine, watching: Privacy, log: AccessLog) -> None:
    with watched.connect() as connection, watching.access("account", role="customer", subject=1):
        assert len(connection.execute(select(Order.customer_id, Order.amount)).all()) == 3
        assert "rows of others" in events_of(log, "outcome")[-1].denials


def test_a_loaded_object_stays_whole_under_every_access(watched: Engine, watching: Privacy) -> None:
    with Session(watched) as session:
        with watching.access("everything", role="clerk"):
            found = session.scalars(world.EVERYONE).first()
            assert found is not None
        with watching.access("segmenting", role="marketing", withheld="none"):
            assert found.name == "Ann Arbor"
            assert "email" in found.__dict__
        assert found.phone == "090-1"


def test_what_cannot_be_read_at_all_still_runs(watched: Engine, watching: Privacy, log: AccessLog) -> None:
    with watched.connect() as connection:
        assert connection.execute(text("SELECT nullif(abs(-1), 2)")).all() == [(1,)]
        before = len(events_of(log))
        sql = "SELECT row_to_json(t) FROM (SELECT 1 AS a) t" if watched.dialect.name == "postgresql" else "VALUES (1)"
        connection.execute(text(sql)).all()
        assert [event for event in events_of(log, after=before) if event.decision == "denied"] == []


async def test_an_async_engine_is_observed_alike(
    async_engine: AsyncEngine, engine: Engine, watching: Privacy, log: AccessLog
) -> None:
    watching.install(engine)
    world.fill(watching, engine)
    watching.install(async_engine)
    before = len(events_of(log))
    async with AsyncSession(async_engine) as session:
        found = (await session.scalars(world.EVERYONE)).first()
        assert found is not None
        assert denials(events_of(log, after=before)) == []
        assert found.email == "ann@example.com"
        assert denials(events_of(log, after=before)) == [("read customers.email",)]
        assert (await session.execute(select(Customer.town).order_by(Customer.id))).scalars().first() == "Oakham"
        assert denials(events_of(log, after=before))[-1] == ("read customers.town",)


REFUSED: dict[str, tuple[Callable[[Privacy], AccessBlock], type[AccessDenied], bool]] = {
    "unknown purpose": (lambda p: p.access("shiping", role="warehouse"), UnknownPurpose, False),
    "unknown role": (lambda p: p.access("shipping", role="warehose"), UnknownRole, False),
    "role denied": (lambda p: p.access("campaigns", role="warehouse"), RoleDenied, False),
    "no role": (lambda p: p.access("shipping"), RoleDenied, False),
    "maintenance unmarked": (lambda p: p.access(maintenance=True, role="clerk"), RoleDenied, False),
    "maintenance, no role": (lambda p: p.access(maintenance=True), RoleDenied, False),
    "unknown system": (lambda p: p.system("purge"), UnknownRole, False),
    "one purpose of two": (lambda p: p.access(["shiping", "campaigns"], role="marketing"), UnknownPurpose, True),
    "one role of two": (lambda p: p.access("campaigns", role=["marketing", "x"]), UnknownRole, True),
    "not marked, but for a purpose": (
        lambda p: p.access("campaigns", maintenance=True, role="marketing"),
        RoleDenied,
        True,
    ),
    "maintenance for an unknown purpose": (
        lambda p: p.access("x", maintenance=True, role="engineer"),
        UnknownPurpose,
        True,
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_an_access_that_would_be_refused_is_entered_with_what_is_valid_of_it(
    name: str, watched: Engine, watching: Privacy, log: AccessLog
) -> None:
    declare, refusal, covers = REFUSED[name]
    before = len(events_of(log))
    with declare(watching), watched.connect() as connection:
        assert connection.scalars(select(Customer.email).order_by(Customer.id)).first() == "ann@example.com"
    entry, intent, *_ = events_of(log, after=before)
    assert (entry.decision, entry.denials) == ("would_deny", [f"enter {refusal.code}"])
    assert entry.site is not None
    assert entry.site.startswith("tests/gate/test_observe.py")
    if covers:
        assert (intent.decision, intent.denials) == ("allowed", [])
    else:
        assert (intent.decision, intent.denials) == ("would_deny", ["read customers.email"])


def test_an_access_without_a_valid_purpose_reaches_no_purpose_of_its_system_and_none_of_strangers() -> None:
    policy = Policy(
        policy={"id": "strangers", "version": "1"},
        categories={"email": {}},
        purposes={"sign_in": {"match": ["email"]}, "purge": {"use": ["email"]}, "news": {"use": ["email"]}},
        roles={"visitor": {"purposes": ["sign_in"], "anonymous": True}},
        systems={"nightly": {"purposes": ["purge"]}},
    )
    scopes = AccessScopes(policy, lenient=True)
    with scopes.system("nightly"), scopes.access("news") as scope:
        assert scope.access.grant.purposes == ()
    with scopes.access("sign_in", role="vistor") as scope:
        assert scope.access.grant.purposes == ()
    with scopes.system("nigthly"), scopes.access("sign_in") as scope:
        assert scope.access.grant.purposes == ()
    with scopes.access("sign_in") as scope:
        assert scope.access.grant.purposes == ("sign_in",)


def test_filling_a_request_in_with_what_is_refused_goes_on(watched: Engine, watching: Privacy, log: AccessLog) -> None:
    with watching.request("r1"), watched.connect() as connection:
        before = len(events_of(log))
        watching.current().bind(actor="staff:1", role="warehose", purpose="shipping")
        assert events_of(log, after=before)[0].denials == [f"enter {UnknownRole.code}"]
        watching.current().bind(role="warehouse")
        before = len(events_of(log))
        assert connection.scalars(select(Customer.name).order_by(Customer.id)).first() == "Ann Arbor"
        assert {event.decision for event in events_of(log, after=before)} == {"allowed"}


def test_an_access_inside_one_that_has_been_left_is_entered_by_itself(watching: Privacy, log: AccessLog) -> None:
    with watching.access("shipping", role="warehouse", actor="staff:1"):
        left = copy_context()
    before = len(events_of(log))

    def later() -> Access:
        with watching.access("campaigns", role="marketing") as scope:
            return scope.access

    access = left.run(later)
    assert (access.actor, access.grant.purposes) == (None, ("campaigns",))
    assert [(event.decision, event.denials) for event in events_of(log, after=before)] == [
        ("would_deny", [f"enter {AccessEnded.code}"])
    ]


def test_with_observed_tables_an_access_is_refused_on_entry_as_ever(log: AccessLog) -> None:
    privacy = Privacy(world.POLICY, keys=KEYS, log=log, observe=["orders"], metadata=world.Base)
    try:
        for block in (privacy.access("shiping", role="warehouse"), privacy.access("shipping")):
            with pytest.raises(PrivacyError), block:
                raise AssertionError("entered")
        with pytest.raises(UnknownRole):
            privacy.system("purge")
        assert [event.decision for event in events_of(log)] == ["denied", "denied"]
    finally:
        privacy.close()


def test_an_insert_that_would_be_refused_names_only_what_it_writes(
    watched: Engine, watching: Privacy, log: AccessLog
) -> None:
    before = len(events_of(log))
    with Session(watched) as session, watching.access("campaigns", role="marketing"):
        session.add(Customer(name="Di Dee", email="di@example.com", phone="090-4"))
        session.flush()
    assert denials(events_of(log, after=before)) == [("write customers.phone",)]
