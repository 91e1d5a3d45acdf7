"""Sealed columns with a lookup are searched by equality, in every way that SQLAlchemy has of saying so."""

from __future__ import annotations

import operator
from collections.abc import Callable
from datetime import date
from typing import Any, cast

import pytest
from sqlalchemy import (
    Engine,
    Select,
    String,
    and_,
    bindparam,
    column,
    delete,
    exists,
    func,
    insert,
    literal,
    or_,
    select,
    table,
    text,
    tuple_,
    update,
)
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from sqlalchemy.orm import Session, aliased, joinedload, selectinload

from sa_privacy import (
    AccessLog,
    KeyUnavailable,
    NoAccess,
    Privacy,
    PrivacyError,
    PurposeDenied,
    SealedColumn,
    lookup_key,
)
from sa_privacy.columns.sealed import SealFailed
from tests.lookup.world import Base, Letter, Person

ANNA = "ANNA@example.org"
PEOPLE = Person.__table__
OTHER: Any = aliased(Person)
INSIDE = select(Person).subquery()
NAMED = select(Person.id, Person.email).cte("named")

FOUND: dict[str, tuple[Select[Any], set[Any]]] = {
    "equal": (select(Person.id).where(Person.email == ANNA), {1}),
    "the other way round": (select(Person.id).where(operator.eq(cast("Any", ANNA), Person.email)), {1}),
    "not equal": (select(Person.id).where(Person.email != ANNA), {2}),
    "none": (select(Person.id).where(Person.email == None), {3}),  # noqa: E711 - SQLAlchemy's way of saying it
    "is none": (select(Person.id).where(Person.email.is_(None)), {3}),
    "distinct": (select(Person.id).where(Person.email.is_distinct_from(ANNA)), {2, 3}),
    "not distinct": (select(Person.id).where(Person.email.is_not_distinct_from(ANNA)), {1}),
    "in": (select(Person.id).where(Person.email.in_([ANNA, "Bob@example.ORG"])), {1, 2}),
    "in a set": (select(Person.id).where(Person.email.in_({ANNA})), {1}),
    "in nothing": (select(Person.id).where(Person.email.in_([])), set()),
    "not in nothing": (select(Person.id).where(Person.email.not_in([])), {1, 2, 3}),
    "in an empty list parameter": (
        select(Person.id).where(Person.email.in_(bindparam("wanted", [], expanding=True))),
        set(),
    ),
    "not in an empty list parameter": (
        select(Person.id).where(Person.email.not_in(bindparam("wanted", [], expanding=True))),
        {1, 2},  # SQLAlchemy's own would say 3 too, who has no address
    ),
    "not in": (select(Person.id).where(Person.email.not_in([ANNA])), {2}),
    "not in, negated": (select(Person.id).where(~Person.email.in_([ANNA])), {2}),
    "in expressions": (select(Person.id).where(Person.email.in_([literal(ANNA), "x"])), {1}),
    "in a query": (select(Person.id).where(Person.email.in_(select(Letter.email))), {1}),
    "equal to a query": (
        select(Person.id).where(Person.email == select(Letter.email).where(Letter.id == 1).scalar_subquery()),
        {1},
    ),
    "filter_by": (select(Person.id).filter_by(email=ANNA), {1}),
    "a parameter": (select(Person.id).where(Person.email == bindparam("wanted", ANNA)), {1}),
    "a list parameter": (select(Person.id).where(Person.email.in_(bindparam("wanted", [ANNA], expanding=True))), {1}),
    "lower": (select(Person.id).where(func.lower(Person.email) == ANNA.lower()), {1}),
    "lower of both": (select(Person.id).where(func.lower(Person.email) == func.lower(ANNA)), {1}),
    "lower in": (select(Person.id).where(func.lower(Person.email).in_(["anna@example.org"])), {1}),
    "LOWER": (select(Person.id).where(func.LOWER(Person.email) == ANNA), {1}),
    "an alias": (select(OTHER.id).where(OTHER.email == ANNA), {1}),
    "a subquery": (select(INSIDE.c.id).where(INSIDE.c.email == ANNA), {1}),
    "a common table expression": (select(NAMED.c.id).where(NAMED.c.email == ANNA), {1}),
    "Core": (select(PEOPLE.c.id).where(PEOPLE.c.email == ANNA), {1}),
    "a Core alias": (select((a := PEOPLE.alias("p")).c.id).where(a.c.email == ANNA), {1}),
    "a join on a shared lookup": (select(Letter.id).join(Person, Letter.email == Person.email), {1}),
    "an outer join": (select(Letter.id).outerjoin(Person, Letter.email == Person.email).where(Person.id == None), {2}),  # noqa: E711
    "a relationship": (select(Letter.id).join(Letter.person), {1}),
    "has": (select(Letter.id).where(Letter.person.has()), {1}),
    "exists": (select(Person.id).where(exists().where(Letter.email == Person.email)), {1}),
    "and, or": (select(Person.id).where(or_(and_(Person.email == ANNA, Person.id == 1), Person.id == 3)), {1, 3}),
    "a callable normaliser": (select(Person.id).where(Person.phone == "(090) 12 34"), {1}),
    "a date": (select(Person.id).where(Person.born == date(2000, 1, 31)), {1}),
    "the expression itself": (
        select(Person.id).where(lookup_key(Person.email).in_(select(lookup_key(Letter.email)))),
        {1},
    ),
    "groups": (select(func.count()).select_from(Letter).group_by(lookup_key(Letter.email)), {1}),
    "distinct values": (select(func.count(lookup_key(Letter.email).distinct())), {2}),
}


@pytest.mark.parametrize("name", FOUND)
def test_a_lookup_finds_what_is_equal(session: Session, name: str) -> None:
    statement, expected = FOUND[name]

    assert set(session.scalars(statement)) == expected


def test_whole_objects_are_found(session: Session) -> None:
    found = session.scalars(select(Person).where(Person.email == ANNA)).one()

    assert (found.name, found.email) == ("Anna", "Anna@Example.org")
    assert session.query(Person).filter_by(email=ANNA).count() == 1


@pytest.mark.parametrize("load", [selectinload, joinedload, None])
def test_a_relationship_over_a_shared_lookup_loads(session: Session, load: Callable[[Any], Any] | None) -> None:
    statement = select(Letter).order_by(Letter.id)
    letters = session.scalars(statement.options(load(Letter.person)) if load else statement).unique().all()

    assert [letter.person and letter.person.id for letter in letters] == [1, None]


REFUSED: dict[str, Select[Any]] = {
    "like": select(Person.id).where(Person.email.like("a%")),
    "less than": select(Person.id).where(Person.email < "b"),
    "between": select(Person.id).where(Person.email.between("a", "b")),
    "upper": select(Person.id).where(func.upper(Person.email) == "X"),
    "lower where case counts": select(Person.id).where(func.lower(Person.phone) == "1"),
    "no lookup": select(Person.id).where(Person.name == "Anna"),
    "a bound value in front": select(Person.id).where(literal(ANNA) == Person.email),
    "another column": select(Person.id).where(Person.email == Person.name),
    "a lookup that is not shared": select(Person.id).where(Person.email == Person.phone),
    "lower, and a pattern": select(Person.id).where(func.lower(Person.email).like("a%")),
    "lower, and a prefix": select(Person.id).where(func.lower(Person.email).startswith("a")),
    "lower, and an order": select(Person.id).where(func.lower(Person.email) > "a"),
    "a tuple": select(Person.id).where(tuple_(Person.email, Person.id).in_([("a", 1)])),
    "coalesce": select(Person.id).where(func.coalesce(Person.email, "x") == "x"),
    "an aggregate": select(func.max(Person.email)),
    "order": select(Person.id).order_by(Person.email),
    "group": select(func.count()).select_from(Person).group_by(Person.email),
    "lower in the output": select(func.lower(Person.email)),
    "another part of the cell": select(func.substr(PEOPLE.c.email, 7, 21)),
    "the rest of the cell": select(func.substr(PEOPLE.c.email, 47)),
    "a part of a cell without slots": select(func.substr(PEOPLE.c.name, 7, 20)),
    "text": select(text("id")).select_from(table("people", column("email"))).where(text("email = 'x'")),
}


@pytest.mark.parametrize("name", REFUSED)
def test_everything_else_is_refused_with_the_way_out(session: Session, name: str) -> None:
    with pytest.raises(SealedColumn, match=r"lookup|encrypt=False"):
        session.execute(REFUSED[name]).all()


def test_text_may_compare_a_slot_as_the_library_does(session: Session, office: Engine) -> None:
    compiled = str(select(Person.id).where(lookup_key(Person.email) == lookup_key(Person.email)).compile(office))

    assert set(session.scalars(text(compiled))) == {1, 2}


def test_a_purpose_that_may_match_finds_and_does_not_read(office: Engine, privacy: Privacy) -> None:
    with privacy.access("sign_in", role="clerk", actor="staff:1"), Session(office) as session:
        anna = session.scalars(select(Person).where(func.lower(Person.email) == "anna@example.org")).one()

        assert anna.id == 1
        with pytest.raises(PurposeDenied):
            _ = anna.email
        with pytest.raises(PurposeDenied):
            session.execute(select(lookup_key(Person.email)))


def test_a_purpose_that_may_not_match_does_not_find(office: Engine, privacy: Privacy) -> None:
    wanted = select(Person.id).where(Person.email == ANNA)
    with privacy.access("post", role="clerk", actor="staff:1"), Session(office) as session:
        with pytest.raises(PurposeDenied, match=r"people\.email"):
            session.execute(wanted)
        with pytest.raises(PurposeDenied, match=r"people\.email"):
            session.execute(select(Letter.id).join(Letter.person))
    with Session(office) as session, pytest.raises(NoAccess):
        session.execute(wanted)


def test_update_and_delete_by_lookup(session: Session) -> None:
    session.execute(update(Person).where(Person.email == ANNA).values(name="Anne"))
    assert session.scalars(select(Person.name).where(Person.email == ANNA)).one() == "Anne"
    session.execute(delete(Letter).where(Letter.email.in_([ANNA])))
    assert set(session.scalars(select(Letter.id))) == {2}


@pytest.mark.parametrize("value", [1, b"anna", object()], ids=["int", "bytes", "object"])
def test_a_value_of_another_type_is_refused_without_being_shown(session: Session, value: Any) -> None:
    with pytest.raises(SealFailed, match=r"people\.email") as refused:
        session.execute(select(Person.id).where(Person.email == value))

    assert "anna" not in repr(refused.value)


def test_digests_are_never_written_into_the_text(office: Engine) -> None:
    with pytest.raises(PrivacyError):
        select(Person.id).where(Person.email == ANNA).compile(office, compile_kwargs={"literal_binds": True})


def test_the_event_says_what_was_matched_and_no_value(session: Session, log: AccessLog) -> None:
    session.execute(select(Person.id).where(Person.email == ANNA)).all()

    event = [event for event in log.events() if event.kind == "intent"][-1]
    assert event.matches == ["people.email"]
    assert not event.reads
    assert b"nna" not in b"".join(path.read_bytes() for path in log.path.iterdir())


def test_an_engine_without_keys_finds_nothing(make_engine: Callable[..., Engine], office: Engine) -> None:
    with Session(make_engine()) as session, pytest.raises(KeyUnavailable, match="looked up"):
        session.execute(select(Person.id).where(Person.email == ANNA))


@pytest.mark.parametrize("statement", [select(Person.id).where(Person.email == ANNA)], ids=["equal"])
async def test_async(async_engine: AsyncEngine, office: Engine, privacy: Privacy, statement: Select[Any]) -> None:
    privacy.install(async_engine)
    with privacy.access("service", role="clerk", actor="staff:1"):
        async with AsyncSession(async_engine) as session:
            assert (await session.scalars(statement)).all() == [1]
            found = await session.scalars(select(Person.id).where(Person.email.in_([ANNA, "bob@example.org"])))
            assert set(found) == {1, 2}
    privacy.uninstall(async_engine)


def test_lower_of_other_things_is_what_it_was() -> None:
    plain = func.lower(column("x", String))

    assert type(plain).__module__ == "sqlalchemy.sql.functions"
    assert str(plain == "a") == "lower(x) = :lower_1"
    assert str(select(func.lower("A"))) == "SELECT lower(:lower_2) AS lower_1"


def test_statements_are_kept_compiled(session: Session, office: Engine) -> None:
    session.execute(select(Person.id).where(Person.email == ANNA))
    with office.connect() as connection:
        before = len(connection.get_execution_options().get("compiled_cache") or office._compiled_cache)  # type: ignore[arg-type]
    for number in range(3):
        session.execute(select(Person.id).where(Person.email == f"{number}@example.org"))

    assert len(office._compiled_cache) == before  # type: ignore[arg-type]


def test_inserting_a_row_of_a_query_does_not_copy_slots(session: Session) -> None:
    with pytest.raises(PrivacyError):
        session.execute(insert(Letter).from_select(["id", "email"], select(Person.id + 10, lookup_key(Person.email))))
    assert Base.metadata.tables.keys() >= {"people", "letters"}


@pytest.mark.parametrize(
    "statement",
    [
        select(Person.id).where(or_(Person.email == bindparam("z"), Person.phone == bindparam("z"))),
        select(Person.id).where(or_(Person.email == bindparam("z"), Person.name.is_(bindparam("z", type_=String)))),
        select(Person.id, bindparam("z", type_=String)).where(Person.email == bindparam("z")),
    ],
    ids=["two lookups", "another column", "the output"],
)
def test_one_parameter_for_a_lookup_and_something_else_is_refused(session: Session, statement: Select[Any]) -> None:
    """SQLAlchemy has one way of sending it, whatever it is compared with."""
    with pytest.raises(SealedColumn, match="use two parameters"):
        session.execute(statement, {"z": "bob@example.org"})


def test_one_parameter_for_one_lookup_twice(session: Session) -> None:
    statement = select(Person.id).where(
        or_(Person.email == bindparam("z"), Person.email.is_distinct_from(bindparam("z")))
    )

    assert set(session.scalars(statement, {"z": ANNA})) == {1, 2, 3}


def test_a_relationship_of_somebody_without_the_value(session: Session) -> None:
    session.execute(update(Letter).where(Letter.id == 2).values(email=None))
    session.expire_all()

    assert session.get_one(Letter, 2).person is None
    assert session.scalars(select(Letter.id).where(Letter.person == None)).all() in ([], [2])  # noqa: E711
