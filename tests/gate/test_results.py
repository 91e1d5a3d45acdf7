"""Rows on their way out: written down before the statement runs, and again before they are handed over, on every path."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from contextvars import copy_context
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine, bindparam, create_engine, delete, func, insert, or_, select, text, update
from sqlalchemy.exc import DBAPIError, ResourceClosedError
from sqlalchemy.orm import Session, aliased, joinedload, selectinload

from sa_privacy import AccessEnded, AccessLog, Keyring, Privacy, PurposeDenied, RowsDenied
from tests.gate import world
from tests.gate.trail import CLERK, Trail, Whose, at_the_driver
from tests.gate.world import Customer, Order
from tests.support.databases import Database

MANY = 23
"""Customers in the table: three of the shop's and twenty more."""

ROWS = select(Customer.id, Customer.name, Customer.email).order_by(Customer.id)
SQL = "SELECT id, name, email FROM customers ORDER BY id"
Handed = Iterator[list[int]]
Way = Callable[[Session], Handed]


@pytest.fixture
def keys() -> Keyring:
    return world.KEYS


@pytest.fixture
def whose(keys: Keyring) -> Whose:
    return Whose(keys)


@pytest.fixture
def privacy(log: AccessLog, keys: Keyring) -> Iterator[Privacy]:
    made = Privacy(world.POLICY, keys=keys, log=log, metadata=world.Base)
    yield made
    made.close()


@pytest.fixture
def shop(database: Database, engine: Engine, privacy: Privacy) -> Engine:
    world.filled(database, more=MANY - 3)
    privacy.install(engine)
    return engine


@pytest.fixture
def trail(session: Session, log: AccessLog) -> Trail:
    """The log from the moment the rows are there."""
    return Trail(log)


def ids(rows: Iterable[Any]) -> list[int]:
    return [row.id if hasattr(row, "id") else row["id"] if isinstance(row, dict) else row[0] for row in rows]


def one_by_one(take: Callable[[], Any]) -> Handed:
    while (row := take()) is not None:
        yield ids([row])


def in_parts(take: Callable[[], Any]) -> Handed:
    while rows := take():
        yield ids(rows)


# -- the ways rows are read ----------------------------------------------------------------------------------------------


def _core(**options: Any) -> Callable[[Session], Any]:
    return lambda session: session.connection().execute(ROWS, execution_options=options)


def _fetchone(session: Session) -> Handed:
    return one_by_one(_core()(session).fetchone)


def _fetchmany(session: Session) -> Handed:
    result = _core()(session)
    return in_parts(lambda: result.fetchmany(4))


def _mixed(session: Session) -> Handed:
    result = _core()(session)
    yield ids([result.fetchone()])
    yield ids([result.fetchone()])
    part = ids(result.fetchmany(9))
    assert len(part) == 9, "fewer rows than asked for mean the end"
    yield part
    yield ids([next(iter(result))])
    yield ids(result.fetchall())


def _frozen(session: Session) -> Handed:
    frozen = _core()(session).freeze()
    yield ids(frozen().all())
    assert len(frozen().all()) == MANY


def _merged(session: Session) -> Handed:
    first, second = (session.connection().execute(ROWS.where(part)) for part in (Customer.id <= 9, Customer.id > 9))
    yield ids(first.merge(second).all())


def _several_open_at_once(session: Session) -> Handed:
    parts = [session.connection().execute(ROWS.where(Customer.id % 3 == rest)) for rest in (1, 2, 0)]
    for number in range(MANY):
        yield ids([parts[number % 3].fetchone()])


def _related(session: Session) -> Handed:
    found = session.scalars(select(Customer).options(selectinload(Customer.orders)).where(Customer.id <= 3))
    yield ids(found)
    yield ids(session.scalars(select(Customer).options(joinedload(Customer.orders)).where(Customer.id > 3)).unique())


def _gets(session: Session) -> Handed:
    for key in range(1, MANY + 1):
        yield ids([session.get(Customer, key)])


FULL = "SELECT * FROM customers"
ROWS_BELOW = select(Customer).where(Customer.id < 1000).subquery()
READS: dict[str, Way] = {
    "all": lambda s: iter([ids(_core()(s).all())]),
    "fetchall": lambda s: iter([ids(_core()(s).fetchall())]),
    "fetchone": _fetchone,
    "fetchmany": _fetchmany,
    "one way after the other": _mixed,
    "iteration": lambda s: (ids([row]) for row in _core()(s)),
    "scalars": lambda s: iter([list(_core()(s).scalars().all())]),
    "scalars one by one": lambda s: ([key] for key in _core()(s).scalars()),
    "mappings": lambda s: iter([[row["id"] for row in _core()(s).mappings().all()]]),
    "columns": lambda s: iter([ids(_core()(s).columns("id", "email").all())]),
    "unique": lambda s: iter([ids(_core()(s).unique().all())]),
    "partitions": lambda s: (ids(part) for part in _core()(s).partitions(7)),
    "unique partitions": lambda s: (ids(part) for part in _core()(s).unique().partitions(7)),
    "yield_per": lambda s: (ids([row]) for row in _core()(s).yield_per(5)),
    "yield_per partitions": lambda s: (ids(part) for part in _core()(s).yield_per(5).partitions()),
    "yield_per as an option": lambda s: (ids(part) for part in _core(yield_per=5)(s).partitions()),
    "stream_results": lambda s: (ids([row]) for row in _core(stream_results=True)(s)),
    "stream_results, fetchmany": lambda s: in_parts(partial(_core(stream_results=True)(s).fetchmany, 6)),
    "stream_results, all": lambda s: iter([ids(_core(stream_results=True, max_row_buffer=4)(s).all())]),
    "frozen": _frozen,
    "merged": _merged,
    "several open at once": _several_open_at_once,
    "text": lambda s: iter([ids(s.execute(text(SQL)).all())]),
    "text with columns": lambda s: iter([ids(s.execute(text(SQL).columns(Customer.id, Customer.name)).all())]),
    "text, streamed": lambda s: (ids([r]) for r in s.execute(text(SQL), execution_options={"stream_results": True})),
    "driver SQL": lambda s: (ids([row]) for row in s.connection().exec_driver_sql(SQL)),
    "session, columns": lambda s: iter([ids(s.execute(ROWS).all())]),
    "session, entities": lambda s: iter([ids(s.scalars(select(Customer)).all())]),
    "session, entities of a text": lambda s: iter([ids(s.scalars(select(Customer).from_statement(text(FULL))).all())]),
    "session, entities in parts": lambda s: (ids(p) for p in s.scalars(select(Customer)).yield_per(5).partitions()),
    "session, eager": _related,
    "session, get": _gets,
    "Query.all": lambda s: iter([ids(s.query(Customer).all())]),
    "Query, iterated": lambda s: (ids([found]) for found in s.query(Customer)),
    "Query.yield_per": lambda s: (ids([found]) for found in s.query(Customer.id, Customer.name).yield_per(4)),
    "an alias, in a subquery": lambda s: iter([ids(s.scalars(select(aliased(Customer, ROWS_BELOW))).all())]),
}


@pytest.mark.parametrize("name", READS)
def test_rows_that_are_read_are_in_the_log_before_they_are_handed_over(
    name: str, session: Session, privacy: Privacy, trail: Trail, whose: Whose
) -> None:
    handed: list[int] = []
    with privacy.access(**CLERK), at_the_driver(session.get_bind(), trail) as decisions:  # type: ignore[arg-type]
        for part in READS[name](session):
            handed += part
            assert trail.rows >= len(handed)
            assert whose(handed) <= (trail.subjects or set())
    assert sorted(handed) == list(range(1, MANY + 1))
    assert decisions == ["allowed"] * len(trail.intents) != []
    assert whose(handed) == trail.subjects
    orders = 3 if name == "session, eager" else 0
    assert trail.rows == MANY + orders
    assert {line["intent"] for line in trail.outcomes} <= {line["seq"] for line in trail.intents}
    for line in trail.outcomes:
        assert (line["actor"], line["purpose"], line["decision"]) == ("staff:1", ["everything"], "allowed")
        assert "customers.name" in line.get("reads", ()) or "orders.amount" in line.get("reads", ())


def test_a_cell_counts_as_opened_where_it_is_sealed_and_not_null(
    session: Session, privacy: Privacy, trail: Trail
) -> None:
    with privacy.access(**CLERK):
        session.execute(select(Customer.id, Customer.phone).where(Customer.id <= 3)).all()  # Bo has none
        assert (trail.rows, trail.cells) == (3, 2)
        session.execute(select(Customer.segment)).all()  # not sealed
        assert "cells" not in trail.outcomes[-1]
        session.execute(ROWS).all()
        assert trail.outcomes[-1]["cells"] == {"customers.name": MANY, "customers.email": MANY}
        session.execute(
            select(Customer.name, OTHER.name, OTHER.phone).where(Customer.id == OTHER.id, OTHER.id < 4)
        ).all()
        assert trail.outcomes[-1]["cells"] == {"customers.name": 6, "customers.phone": 2}, "one column, twice in a row"


FIRSTS: dict[str, Callable[[Any], Any]] = {
    "first": lambda result: result.first(),
    "scalar": lambda result: result.scalar(),
    "scalars().first": lambda result: result.scalars().first(),
    "mappings().first": lambda result: result.mappings().first(),
    "fetchone, then closed": lambda result: (result.fetchone(), result.close()),
}


@pytest.mark.parametrize("name", FIRSTS)
def test_asking_for_one_row_writes_of_one_row(
    name: str, session: Session, privacy: Privacy, trail: Trail, whose: Whose
) -> None:
    with privacy.access(**CLERK):
        FIRSTS[name](session.connection().execute(ROWS))
    assert (trail.rows, trail.subjects) == (1, whose([1]))


@pytest.mark.parametrize("stream", [False, True])
def test_a_half_read_result_that_is_closed_gives_no_more_and_writes_of_no_more(
    session: Session, privacy: Privacy, trail: Trail, whose: Whose, *, stream: bool
) -> None:
    with privacy.access(**CLERK):
        result = _core(stream_results=stream)(session)
        taken = [result.fetchone(), result.fetchone(), result.fetchone()]
        written = trail.rows
        assert len(taken) <= written < MANY
        result.close()
        with pytest.raises(ResourceClosedError):
            result.fetchone()
        assert trail.rows == written
        assert trail.subjects == whose(range(1, written + 1))
        assert len(session.execute(ROWS).all()) == MANY, "the connection is free again"


def test_rows_that_wait_to_be_handed_over_show_in_no_traceback(session: Session, privacy: Privacy) -> None:
    with privacy.access(**CLERK):
        result = session.connection().execute(ROWS)
        assert result.fetchone() is not None
        assert result.fetchone() is not None
        waiting = result.cursor_strategy
        assert repr(waiting) == object.__repr__(waiting)


def test_a_result_nobody_reads_has_no_outcome(session: Session, privacy: Privacy, trail: Trail) -> None:
    with privacy.access(**CLERK):
        _core()(session).close()
    assert (len(trail.intents), trail.outcomes) == (1, [])


EMPTY: dict[str, Callable[[Any], Any]] = {
    "all": lambda result: result.all(),
    "fetchone": lambda result: result.fetchone(),
    "fetchmany": lambda result: result.fetchmany(3),
    "first": lambda result: result.first(),
    "one_or_none": lambda result: result.one_or_none(),
    "iteration": list,
    "partitions": lambda result: list(result.partitions(3)),
    "yield_per": lambda result: list(result.yield_per(3)),
}


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("name", EMPTY)
def test_an_empty_result_has_one_outcome_of_no_rows_and_nobody(
    name: str, session: Session, privacy: Privacy, trail: Trail, *, stream: bool
) -> None:
    with privacy.access(**CLERK):
        result = session.connection().execute(ROWS.where(Customer.id < 0), execution_options={"stream_results": stream})
        assert not EMPTY[name](result)
    [outcome] = trail.outcomes
    assert (outcome["rows"], sum(outcome["cells"].values()), outcome["subjects"]) == (0, 0, [])


def test_rows_fetched_under_another_access_belong_to_the_one_that_asked(
    session: Session, privacy: Privacy, trail: Trail, whose: Whose
) -> None:
    with privacy.access(**CLERK):
        result = _core()(session)
        first = result.fetchone()
        assert trail.rows == 1
        with privacy.access("shipping", role="warehouse", actor="staff:2"):
            rest = ids(result.fetchall())
    assert [*ids([first]), *rest] == list(range(1, MANY + 1))
    assert (trail.rows, trail.subjects) == (MANY, whose(range(1, MANY + 1)))
    assert {(line["actor"], *line["purpose"]) for line in trail.outcomes} == {("staff:1", "everything")}


@pytest.mark.parametrize("rest", ["fetchone", "fetchmany", "fetchall", "mappings"])
def test_no_rows_are_handed_over_after_the_scope_was_left(
    rest: str, session: Session, privacy: Privacy, trail: Trail, log: AccessLog
) -> None:
    with privacy.access(**CLERK):
        result = _core()(session)
        result.fetchone()
        result.fetchone()  # more rows are fetched already, and written down, than were handed over

    with pytest.raises(AccessEnded, match="has since been left"):
        result.mappings().all() if rest == "mappings" else getattr(result, rest)()
    assert trail.outcomes[-1]["decision"] == "denied"
    assert trail.outcomes[-1]["denials"] == ["access ended"]
    with privacy.access(**CLERK), pytest.raises(ResourceClosedError):
        result.fetchone()
    assert log.verify().ok


@pytest.mark.parametrize("rest", ["fetchone", "fetchmany", "fetchall", "mappings"])
def test_nor_to_a_task_that_outlives_it(rest: str, session: Session, privacy: Privacy, trail: Trail) -> None:
    with privacy.access(**CLERK):
        task = copy_context()
        result = task.run(_core(), session)
        task.run(result.fetchone)
    with pytest.raises(AccessEnded, match="has since been left"):
        task.run(result.mappings().all if rest == "mappings" else getattr(result, rest))
    assert trail.outcomes[-1]["denials"] == ["access ended"]


def collect(handed: list[int], parts: Iterable[Any]) -> None:
    for part in parts:
        handed += ids(part)


@pytest.mark.backends("postgresql")
def test_an_error_in_the_middle_of_a_fetch_leaves_the_rows_before_it_in_the_log(
    session: Session, privacy: Privacy, trail: Trail, log: AccessLog
) -> None:
    failing = ROWS.add_columns(100 / (Customer.id - 20))
    handed: list[int] = []
    with privacy.access(**CLERK):
        result = session.connection().execute(failing, execution_options={"yield_per": 4})
        take = partial(collect, handed, result.partitions())
        with pytest.raises(DBAPIError, match="DivisionByZero"):
            take()
        assert handed == list(range(1, 17))
        assert trail.rows == len(handed)
        session.rollback()
        assert len(session.execute(ROWS).all()) == MANY
    assert log.verify().ok


# -- rows that are written -----------------------------------------------------------------------------------------------


def _new(count: int) -> list[dict[str, Any]]:
    return [{"name": f"new{i}", "email": f"new{i}@example.com"} for i in range(count)]


NEW = insert(Customer).returning(Customer.id, Customer.name)
FIVE = list(range(MANY + 1, MANY + 6))


def _flushed(session: Session) -> list[Any]:
    made = [Customer(**one) for one in _new(5)]
    session.add_all(made)
    session.flush()
    return made


def _unit_of_work(session: Session) -> None:
    session.add_all([Order(customer_id=2, amount=i) for i in range(4)])
    session.flush()


RETURNING: dict[str, tuple[Callable[[Session], Iterable[Any]], list[int], int]] = {
    "INSERT one": (lambda s: s.execute(NEW.values(_new(1)[0])), FIVE[:1], 1),
    "INSERT many": (lambda s: s.execute(NEW, _new(5)), FIVE, 5),
    "INSERT many, on a connection": (lambda s: s.connection().execute(NEW, _new(5)), FIVE, 5),
    "INSERT many, in batches": (
        lambda s: s.connection().execute(NEW, _new(5), execution_options={"insertmanyvalues_page_size": 2}),
        FIVE,
        5,
    ),
    "INSERT many, sorted": (
        lambda s: s.execute(
            insert(Customer).returning(Customer.id, Customer.name, sort_by_parameter_order=True), _new(5)
        ),
        FIVE,
        5,
    ),
    "INSERT with many VALUES": (lambda s: s.connection().execute(NEW.values(_new(5))), FIVE, 5),
    "INSERT entities": (lambda s: s.scalars(insert(Customer).returning(Customer), _new(5)), FIVE, 5 * 2),
    "flush": (_flushed, FIVE, 0),
    "UPDATE": (
        lambda s: s.execute(
            update(Customer).values(tier="x").where(Customer.id > 18).returning(Customer.id, Customer.name)
        ),
        FIVE,
        5,
    ),
    "DELETE": (
        lambda s: s.execute(delete(Customer).where(Customer.id > 18).returning(Customer.id, Customer.name)),
        FIVE,
        5,
    ),
}


@pytest.mark.parametrize("name", RETURNING)
def test_rows_that_a_write_returns_are_in_the_log_with_whose_they_are(
    name: str, session: Session, privacy: Privacy, trail: Trail, whose: Whose
) -> None:
    way, expected, cells = RETURNING[name]
    if name in {"UPDATE", "DELETE"}:
        expected = [one - 5 for one in expected]
    with privacy.access(**CLERK), at_the_driver(session.get_bind(), trail) as decisions:  # type: ignore[arg-type]
        handed = ids(way(session))
    assert sorted(handed) == expected
    assert decisions == ["allowed"]
    assert (trail.rows, trail.cells, trail.subjects) == (len(expected), cells, whose(expected))
    assert {line["intent"] for line in trail.outcomes} == {trail.intents[0]["seq"]}


ORDERS = update(Order.__table__).values(amount=1)  # type: ignore[arg-type]
WRITES: dict[str, tuple[Callable[[Session], Any], int, list[int] | None]] = {
    "UPDATE of one's rows": (lambda s: s.execute(update(Order).values(amount=1).where(Order.customer_id == 1)), 2, [1]),
    "UPDATE of all": (lambda s: s.execute(update(Order).values(amount=1)), 3, None),
    "UPDATE of none": (lambda s: s.execute(update(Order).values(amount=1).where(Order.customer_id == 99)), 0, [99]),
    "UPDATE text": (lambda s: s.execute(text("UPDATE orders SET amount = 1 WHERE customer_id = :c"), {"c": 1}), 2, [1]),
    "DELETE of two people's": (lambda s: s.execute(delete(Order).where(Order.customer_id.in_([1, 2]))), 3, [1, 2]),
    "INSERT without RETURNING": (
        lambda s: s.execute(insert(Order), [{"customer_id": 1 + i % 3, "amount": i} for i in range(9)]),
        9,
        [1, 2, 3],
    ),
    "INSERT, one": (lambda s: s.connection().execute(insert(Order).values(customer_id=2, amount=1).inline()), 1, [2]),
    "INSERT of the unit of work": (_unit_of_work, 4, [2]),
    "INSERT text, many": (
        lambda s: s.execute(
            text("INSERT INTO orders (customer_id, amount, status) VALUES (:c, 1, 'new')"), [{"c": 1}, {"c": 3}]
        ),
        2,
        [1, 3],
    ),
}


@pytest.mark.parametrize("name", WRITES)
def test_a_write_without_rows_has_one_intent_and_one_outcome_with_its_count(
    name: str, session: Session, privacy: Privacy, trail: Trail, whose: Whose
) -> None:
    way, count, people = WRITES[name]
    with privacy.access(**CLERK), at_the_driver(session.get_bind(), trail) as decisions:  # type: ignore[arg-type]
        way(session)
    assert decisions == ["allowed"]
    [intent], [outcome] = trail.intents, trail.outcomes
    assert (outcome["intent"], outcome["rows"], outcome.get("cells")) == (intent["seq"], count, None)
    for line in (intent, outcome):
        assert (line.get("subjects") and set(line["subjects"])) == (None if people is None else whose(people))
        assert line.get("unbounded", False) is (people is None)


def test_executemany_has_one_intent_and_one_outcome_for_all_its_rows(
    session: Session, privacy: Privacy, trail: Trail, whose: Whose
) -> None:
    statement = ORDERS.where(Order.customer_id == bindparam("c"))
    with privacy.access(**CLERK), at_the_driver(session.get_bind(), trail) as decisions:  # type: ignore[arg-type]
        session.connection().execute(statement, [{"c": 1}, {"c": 2}, {"c": 99}])
    assert decisions == ["allowed"]
    assert (trail.rows, trail.subjects) == (3, whose([1, 2, 99]))


def test_a_thousand_rows_in_batches_have_one_intent(
    session: Session, privacy: Privacy, trail: Trail, whose: Whose
) -> None:
    """Not one a batch: each would name all the people again, and SQLite sends batches of one row."""
    rows = [{"customer_id": 1 + i % MANY, "amount": i} for i in range(1000)]
    with privacy.access(**CLERK), at_the_driver(session.get_bind(), trail) as decisions:  # type: ignore[arg-type]
        session.add_all([Order(**row) for row in rows])
        session.flush()
    assert decisions == ["allowed"]
    assert (trail.rows, trail.subjects) == (1000, whose(range(1, MANY + 1)))


def test_a_purpose_for_ones_own_rows_may_add_several_of_them_at_once(
    session: Session, privacy: Privacy, trail: Trail, whose: Whose
) -> None:
    with privacy.access("account", role="customer", subject=1):
        session.add_all([Order(customer_id=1, amount=i) for i in range(3)])
        session.flush()
        assert (trail.rows, trail.subjects) == (3, whose([1]))
        session.add_all([Order(customer_id=1 + i, amount=i) for i in range(2)])
        with pytest.raises(RowsDenied):
            session.flush()
        session.rollback()


def test_rows_that_a_batch_leaves_out_are_not_counted(session: Session, privacy: Privacy, trail: Trail) -> None:
    from sqlalchemy.dialects import postgresql, sqlite

    dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    statement = dialect.insert(Order).on_conflict_do_nothing().returning(Order.id, Order.customer_id, Order.amount)
    rows = [{"id": i, "customer_id": 1, "amount": i} for i in range(1, 7)]  # 1 to 3 are there
    with privacy.access(**CLERK):
        assert len(session.execute(statement, rows).all()) == 3
    assert trail.rows == 3


# -- whose rows ----------------------------------------------------------------------------------------------------------

OTHER = aliased(Customer)
NAME = select(Customer.name)
SUBJECTS: dict[str, tuple[Any, list[int] | None, list[int] | None]] = {
    # statement, whose by its predicates (in the intent), whose in the end
    "the key in the rows": (select(Customer.id, Customer.name).where(Customer.tier == "basic"), None, list(range(1, 24))),
    "a key in the rows, as text": (text("SELECT name, id FROM customers WHERE id < 3"), None, [1, 2]),
    "a key predicate": (NAME.where(Customer.id == 2), [2], [2]),
    "a list of keys": (NAME.where(Customer.id.in_([1, 3])), [1, 3], [1, 3]),
    "a key predicate and more": (NAME.where(Customer.id == 2, Customer.tier == "x"), [2], [2]),
    "a key of another table": (select(Order.amount).where(Order.customer_id == 1), [1], [1]),
    "a key behind a join": (select(Order.amount).join(Customer).where(Customer.id == 1), [1], [1]),
    "keys asked for that are not there": (select(Customer.id, Customer.name).where(Customer.id.in_([1, 99])), [1, 99], [1]),
    "no key at all": (NAME, None, None),
    "or": (NAME.where(or_(Customer.id == 1, Customer.tier == "basic")), None, None),
    "not equal": (NAME.where(Customer.id != 1), None, None),
    "less than": (NAME.where(Customer.id < 2), None, None),
    "an aggregate": (select(func.max(Customer.segment)), None, None),
    "another's rows beside the key": (select(Customer.id, OTHER.name).where(Customer.id < OTHER.id), None, None),
    "another's rows beside a predicate": (select(OTHER.name).join(Customer, Customer.id < OTHER.id).where(Customer.id == 1), None, None),
    "both keys of a self-join": (
        select(Customer.id, OTHER.id, OTHER.name).where(Customer.id < OTHER.id, OTHER.id < 4),
        None,
        [1, 2, 3],
    ),
    "two tables, one key": (select(Customer.id, Order.amount).where(Customer.id == Order.id + 20), None, None),
}  # fmt: skip


@pytest.mark.parametrize("name", SUBJECTS)
def test_the_log_says_whose_rows_they_are_or_that_it_cannot_tell(
    name: str, session: Session, privacy: Privacy, trail: Trail, whose: Whose
) -> None:
    statement, asked, found = SUBJECTS[name]
    with privacy.access(**CLERK):
        session.execute(statement).all()
    [intent] = trail.intents
    assert (intent.get("subjects") and set(intent["subjects"])) == (None if asked is None else whose(asked))
    assert intent.get("unbounded", False) is (found is None)
    assert trail.subjects == (None if found is None else whose(found))


def test_a_person_has_one_pseudonym_however_their_key_is_written(
    session: Session, privacy: Privacy, trail: Trail, whose: Whose
) -> None:
    with privacy.access(**CLERK):
        session.execute(text("SELECT name FROM customers WHERE id = 7")).all()  # a literal is no parameter
        assert trail.subjects is None
        trail.forget()
        session.execute(text("SELECT name FROM customers WHERE id = :id"), {"id": 7}).all()
        session.get(Customer, 7)
        session.execute(select(Customer.id, Customer.name).where(Customer.id > 6).limit(1)).all()
    assert [line["subjects"] for line in trail.outcomes] == [list(whose([7]))] * 3


# -- chunks --------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def numbered(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Privacy, Engine, AccessLog, Whose]]:
    """A table to read in all sizes of chunks; made once, for Hypothesis."""
    directory = tmp_path_factory.mktemp("chunks")
    keys, log = Keyring.generate(), AccessLog.open(directory / "log")
    privacy = Privacy(world.POLICY, keys=keys, log=log, metadata=world.Base)
    engine = create_engine(f"sqlite:///{directory / 'chunks.db'}")
    privacy.install(engine)
    world.Base.metadata.create_all(engine)
    with privacy.access(**CLERK), engine.begin() as connection:
        rows = [{"id": i, "name": "n", "email": "e", "tier": "t"} for i in range(1, 701)]
        connection.execute(insert(Customer), rows)
    yield privacy, engine, log, Whose(keys)
    privacy.close()
    engine.dispose()


TAKES = st.one_of(st.just("one"), st.just("all"), st.just("next"), st.integers(1, 300))


@given(
    count=st.one_of(st.integers(0, 12), st.integers(0, 700)),
    takes=st.lists(TAKES, max_size=8),
    stream=st.booleans(),
    per=st.one_of(st.none(), st.integers(1, 40)),
)
def test_however_rows_are_taken_none_is_lost_and_the_counts_add_up(
    numbered: tuple[Privacy, Engine, AccessLog, Whose],
    count: int,
    takes: list[Any],
    *,
    stream: bool,
    per: int | None,
) -> None:
    privacy, engine, log, whose = numbered
    trail, handed = Trail(log), list[int]()
    with privacy.access(**CLERK), engine.connect() as connection:
        options = {"stream_results": stream}
        result = connection.execute(ROWS.where(Customer.id <= count), execution_options=options)
        if per is not None:
            result = result.yield_per(per)
        for take in [*takes, "all"]:
            if take == "all":
                part = ids(result.fetchall())
                assert len(part) == count - len(handed)
            elif take == "one":
                part = ids([row] if (row := result.fetchone()) is not None else [])
            elif take == "next":
                part = ids([row for row in [next(iter(result), None)] if row is not None])
            else:
                part = ids(result.fetchmany(take))
                assert len(part) == min(take, count - len(handed)), "fewer rows than asked for mean the end"
            handed += part
            assert trail.rows >= len(handed)
            if per is not None:
                assert all(
                    line["rows"] <= max([per, *(t for t in takes if isinstance(t, int))])
                    for line in trail.outcomes[:-1]
                )
    assert handed == list(range(1, count + 1))
    assert (trail.rows, trail.cells, trail.subjects) == (count, 2 * count, whose(handed))


def test_more_rows_than_one_event_names_are_several_events(
    numbered: tuple[Privacy, Engine, AccessLog, Whose], monkeypatch: pytest.MonkeyPatch
) -> None:
    privacy, engine, log, whose = numbered
    monkeypatch.setattr("sa_privacy.gate.statements.evidence._ROWS_IN_EVENT", 100)
    trail = Trail(log)
    with privacy.access(**CLERK), engine.connect() as connection:
        assert len(connection.execute(ROWS.where(Customer.id <= 250)).all()) == 250
    assert sorted(line["rows"] for line in trail.outcomes) == [50, 100, 100]
    assert trail.subjects == whose(range(1, 251))


def test_results_of_many_threads_are_each_written_for_their_own_access(
    shop: Engine, privacy: Privacy, log: AccessLog
) -> None:
    trail, failures = Trail(log), list[BaseException]()
    purposes = [("everything", "clerk"), ("shipping", "warehouse"), ("campaigns", "marketing"), ("billing", "clerk")]

    def work(number: int) -> None:
        purpose, role = purposes[number % 4]
        try:
            with shop.connect() as connection, privacy.access(purpose, role=role, actor=f"thread:{number}"):
                for _ in range(5):
                    rows = connection.execute(select(Customer.id, Customer.name).order_by(Customer.id)).all()
                    assert rows[0] == (1, "Ann Arbor")
        except BaseException as error:  # noqa: BLE001 - shown in the main thread
            failures.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    seqs = {line["seq"]: line for line in trail.intents}
    assert len(trail.outcomes) == len(seqs) == 16 * 5
    for line in trail.outcomes:
        assert (line["actor"], line["purpose"]) == (seqs[line["intent"]]["actor"], seqs[line["intent"]]["purpose"])
        assert line["purpose"] == [purposes[int(line["actor"].partition(":")[2]) % 4][0]]
    assert log.verify().ok


def test_events_of_a_maintenance_access_say_so_and_no_others(session: Session, privacy: Privacy, trail: Trail) -> None:
    with privacy.access(maintenance=True, role="engineer", actor="tests", reason="rows"):
        session.execute(ROWS).all()
        with privacy.access(reason="the same"):
            session.execute(ROWS).all()
        with privacy.access("billing", role="clerk"):
            session.execute(select(Customer.name)).all()
    with privacy.access(**CLERK):
        session.execute(ROWS).all()
    assert [line.get("maintenance") for line in trail.of("intent", "outcome")] == [True] * 4 + [None] * 4


def test_a_refused_insert_names_only_what_it_writes(session: Session, privacy: Privacy, trail: Trail) -> None:
    """The ORM names every column; a NULL that nobody gave stands against nothing."""
    session.add(Customer(name="Di Dee", email="di@example.com", phone="090-4"))
    with privacy.access("campaigns", role="marketing"), pytest.raises(PurposeDenied) as refused:
        session.flush()
    assert refused.value.columns == ("customers.phone",)
    assert "birthday" not in str(refused.value)
    assert "or leave the column unset" in str(refused.value) or "Leave the column unset" in str(refused.value)
    assert [line["denials"] for line in trail.intents] == [["write customers.phone"]]


def test_what_is_null_in_one_row_only_is_written(session: Session, privacy: Privacy) -> None:
    rows = [{"name": "A", "email": "a@example.com", "phone": phone, "birthday": None} for phone in ("1", None)]
    with privacy.access("campaigns", role="marketing"), pytest.raises(PurposeDenied) as refused:
        session.execute(insert(Customer), rows)
    assert refused.value.columns == ("customers.phone",)


def test_an_outcome_names_no_intent_of_another_writer(
    engine: Engine, privacy: Privacy, log: AccessLog, trail: Trail
) -> None:
    with privacy.access(**CLERK), engine.connect() as connection:
        result = connection.execute(ROWS)
        assert result.fetchmany(1)
        assert trail.outcomes[-1]["intent"] == trail.intents[-1]["seq"]
        before = log.writer
        assert log._segment is not None
        log._leave(log._segment)  # as where its file was lost
        assert result.fetchmany(1)
    assert trail.outcomes[-1]["writer"] == log.writer != before
    assert trail.outcomes[-1]["intent"] is None
