"""Whatever the statement: the event names everybody whose rows were really returned or changed, or says that it cannot tell.

Statements are made at random; the people are found by running the same FROM and WHERE for the keys alone, past the gate.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, and_, create_engine, delete, func, insert, literal, or_, select, union, union_all, update

from sa_privacy import AccessLog, Privacy
from tests.gate import owned
from tests.gate.owned import Customer, Item, Order
from tests.gate.trail import Trail, Whose
from tests.support.databases import Database
from tests.support.draws import draws

TABLES: dict[str, Any] = {"customers": Customer.__table__, "orders": Order.__table__, "items": Item.__table__}
PERSONAL = {"customers": "name", "orders": "amount", "items": "product"}
EVERYTHING: dict[str, Any] = {"maintenance": True, "role": "engineer", "actor": "staff:1", "reason": "whose"}


@dataclass
class World:
    """A protected engine, and the same database past the gate."""

    privacy: Privacy
    engine: Engine
    plain: Engine
    trail: Trail
    whose: Whose
    bounded: int = 0
    unbounded: int = 0


@dataclass
class Part:
    """FROM and WHERE of a query: what both it and the search for its people are made of.

    :param read: the sources of which personal columns are read.
    """

    sources: list[tuple[str, Any]]
    source: Any
    conditions: list[Any] = field(default_factory=list)
    read: list[tuple[str, Any]] = field(default_factory=list)

    def people(self) -> list[Any]:
        """SELECTs of the keys of everybody whose row is read."""
        return [
            select(owner(name, table)).select_from(self.source).where(*self.conditions) for name, table in self.read
        ]


def owner(name: str, table: Any) -> Any:
    if name == "customers":
        return table.c.id
    if name == "orders":
        return table.c.customer_id
    order = Order.__table__.alias()
    return select(order.c.customer_id).where(order.c.id == table.c.order_id).scalar_subquery()


class Maker:
    """Makes statements out of random choices."""

    def __init__(self, choose: random.Random) -> None:
        self.choose = choose

    def one(self, *of: Any) -> Any:
        return self.choose.choice(of)

    def maybe(self, chance: float = 0.5) -> bool:
        return self.choose.random() < chance

    def table(self) -> tuple[str, Any]:
        name = self.one(*TABLES)
        return name, TABLES[name].alias() if self.maybe(0.7) else TABLES[name]

    def part(self) -> Part:
        sources = [self.table()]
        joined: Any = sources[0][1]
        for _ in range(self.one(0, 0, 1, 1, 2)):
            name, table = self.table()
            if any(table is other for _, other in sources):
                table = table.alias()
            on = self.on(sources, name, table)
            joined = joined.join(table, on, isouter=self.maybe(0.3), full=False)
            sources.append((name, table))
        part = Part(sources, joined)
        part.conditions = [self.condition(sources) for _ in range(self.one(0, 1, 1, 2))]
        return part

    def on(self, sources: list[tuple[str, Any]], name: str, table: Any) -> Any:
        other_name, other = self.one(*sources)
        pair = {name, other_name}
        natural: Any = literal(True) == literal(True)
        if pair == {"customers", "orders"}:
            customer, order = (table, other) if name == "customers" else (other, table)
            natural = order.c.customer_id == customer.c.id
        elif pair == {"orders", "items"}:
            order, item = (table, other) if name == "orders" else (other, table)
            natural = item.c.order_id == order.c.id
        elif name == other_name:
            natural = table.c.id == other.c.id if self.maybe() else table.c.id < other.c.id
        return and_(natural, self.condition([*sources, (name, table)])) if self.maybe(0.2) else natural

    def condition(self, sources: list[tuple[str, Any]]) -> Any:
        name, table = self.one(*sources)
        key = table.c.customer_id if name == "orders" and self.maybe(0.7) else table.c.id
        made = self.one(
            lambda: key == self.one(1, 2, 3),
            lambda: key == self.one(1, 2, 3),
            lambda: key.in_(self.one([1], [1, 2], [2, 3, 99], [])),
            lambda: key != 1,
            lambda: table.c.id < self.one(2, 3),
            lambda: table.c[PERSONAL[name]] != "nothing" if name != "orders" else table.c.amount > 0,
            lambda: or_(key == 1, self.condition(sources)),
            lambda: self.related(name, table),
        )()
        return ~made if self.maybe(0.1) else made

    def related(self, name: str, table: Any) -> Any:
        """IN (SELECT ...) and EXISTS."""
        order, customer = Order.__table__.alias(), Customer.__table__.alias()
        wanted = self.one(order.c.customer_id == self.one(1, 2), order.c.amount > 0, order.c.id > 0)
        if name == "items":
            inner = select(order.c.id).where(wanted)
            return self.one(table.c.order_id.in_(inner), inner.where(order.c.id == table.c.order_id).exists())
        if name == "orders":
            people = select(customer.c.id).where(self.one(customer.c.id == 1, customer.c.name != "x"))
            return self.one(
                table.c.customer_id.in_(people), people.where(customer.c.id == table.c.customer_id).exists()
            )
        inner = select(order.c.customer_id).where(wanted)
        return self.one(table.c.id.in_(inner), inner.where(order.c.customer_id == table.c.id).exists())

    def columns(self, part: Part) -> list[Any]:
        """Some columns, at least one of them personal; the sources they are of are those that are read."""
        found: list[Any] = []
        for name, table in part.sources:
            if self.maybe(0.7):
                found.append(table.c[PERSONAL[name]])
                part.read.append((name, table))
            if self.maybe(0.6):
                found.append(table.c.id)
            if name == "orders" and self.maybe(0.6):
                found.append(table.c.customer_id)
            if name == "items" and self.maybe(0.3):
                found.append(table.c.order_id)
        if not part.read:
            name, table = part.sources[0]
            found.append(table.c[PERSONAL[name]])
            part.read.append((name, table))
        self.choose.shuffle(found)
        return found

    def select(self) -> tuple[Any, list[Any]]:
        part = self.part()
        columns = self.columns(part)
        made = select(*columns).select_from(part.source).where(*part.conditions)
        kind = self.one(
            "plain",
            "plain",
            "plain",
            "distinct",
            "aggregate",
            "grouped",
            "having",
            "derived",
            "twice",
            "union",
            "window",
            "scalar",
        )
        if kind == "distinct":
            made = made.distinct()
        elif kind == "aggregate":
            made = select(*map(func.max, columns)).select_from(part.source).where(*part.conditions)
        elif kind in {"grouped", "having"}:
            keys = [c for c in columns if c.name in {"id", "customer_id", "order_id"}][:2] or columns[:1]
            shown = [*keys, *(func.count(c) for c in columns if c not in keys)]
            made = select(*shown).select_from(part.source).where(*part.conditions).group_by(*keys)
            if kind == "having":
                made = made.having(func.count() > 0)
        elif kind == "derived":
            inner = select(*(c.label(f"c{at}") for at, c in enumerate(columns))).select_from(part.source)
            inner_part = inner.where(*part.conditions).subquery()
            made = select(*self.choose.sample(list(inner_part.c), len(inner_part.c)))
        elif kind == "twice":
            inner = select(*(c.label(f"c{at}") for at, c in enumerate(columns))).select_from(part.source)
            with_query = inner.where(*part.conditions).cte("w")
            other = with_query.alias("v")
            made = select(*self.choose.sample([*with_query.c, *other.c], max(1, len(with_query.c))))
            made = made.select_from(with_query.join(other, literal(1) == literal(1)))
        elif kind == "union":
            second = self.part()
            name, table = second.sources[0]
            second.read.append((name, table))
            one = select(part.read[0][1].c.id, part.read[0][1].c[PERSONAL[part.read[0][0]]])
            one = one.select_from(part.source).where(*part.conditions)
            two = select(table.c.id, table.c[PERSONAL[name]]).select_from(second.source).where(*second.conditions)
            part.read = part.read[:1]
            if ("orders" in {name, part.read[0][0]}) and name != part.read[0][0]:
                two, second = one, part  # PostgreSQL wants columns of one type
            return self.one(union, union_all)(one, two), [*part.people(), *second.people()]
        elif kind == "window":
            made = select(*columns, func.max(columns[0]).over()).select_from(part.source).where(*part.conditions)
        elif kind == "scalar":
            order = Order.__table__.alias()
            name, table = part.sources[0]
            key = {"customers": "id", "orders": "customer_id", "items": "order_id"}[name]
            counted = select(func.sum(order.c.amount)).where(order.c.customer_id == table.c[key]).scalar_subquery()
            made = select(*columns, counted).select_from(part.source).where(*part.conditions)
            if name == "items":
                order_key = select(table.c.order_id).select_from(part.source).where(*part.conditions)
                return made, [*part.people(), order_key]  # whoever has that number
        if kind == "plain" and self.maybe(0.2):
            made = made.limit(self.one(0, 1, 2))  # the people are then a superset
            return made, []
        return made, part.people()

    def change(self) -> tuple[Any, list[Any]]:
        name = self.one(*TABLES)
        table = TABLES[name]
        conditions = [self.condition([(name, table)]) for _ in range(self.one(0, 1, 1, 2))]
        part = Part([(name, table)], table, conditions, [(name, table)])
        people = part.people()
        if self.maybe(0.4) and name == "items":
            made: Any = delete(table).where(*conditions)
        else:
            values: dict[str, Any] = {PERSONAL[name]: 7 if name == "orders" else "new"}
            if name == "orders" and self.maybe(0.3):
                values["customer_id"] = 3
                people.append(select(Customer.__table__.c.id).where(Customer.__table__.c.id == 3))
            made = update(table).where(*conditions).values(values)
        if self.maybe(0.4):
            made = made.returning(*self.choose.sample(list(table.c), 2))
        return made, people


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    directory = tmp_path_factory.mktemp("whose")
    engine, plain = (create_engine(f"sqlite:///{directory / 'whose.db'}") for _ in range(2))
    made = _made(engine, plain, directory)
    yield made
    made.privacy.close()
    for one in (engine, plain):
        one.dispose()


def _made(engine: Engine, plain: Engine, directory: Any) -> World:
    owned.Base.metadata.create_all(plain)
    with plain.begin() as connection:
        connection.execute(insert(Customer), [{"id": i, "name": f"n{i}", "tier": "t"} for i in (1, 2, 3)])
        orders = [(1, 1), (2, 1), (3, 2), (4, 3), (5, None)]
        connection.execute(
            insert(TABLES["orders"]),
            [{"id": i, "kind": "order", "customer_id": c, "amount": i, "status": "open"} for i, c in orders],
        )
        items = [(1, 1), (2, 2), (3, 3), (4, 4), (5, 5)]
        connection.execute(insert(Item), [{"id": i, "order_id": o, "product": f"p{i}"} for i, o in items])
    log = AccessLog.open(directory / "log")
    privacy = Privacy(owned.POLICY, keys=owned.KEYS, log=log, metadata=owned.Base)
    privacy.install(engine)
    return World(privacy, engine, plain, Trail(log), Whose(owned.KEYS))


def check(world: World, make: Callable[[Maker], tuple[Any, list[Any]]], choose: random.Random) -> None:
    statement, searches = make(Maker(choose))
    with world.plain.connect() as connection:
        people = {key for search in searches for key in connection.scalars(search) if key is not None}
    world.trail.forget()
    with world.privacy.access(**EVERYTHING), world.engine.connect() as connection:
        result = connection.execute(statement)
        if result.returns_rows:
            result.all()
        connection.rollback()
    [intent], outcomes = world.trail.intents, world.trail.outcomes
    named: set[str] = set()
    for line in outcomes:
        assert ("subjects" in line) is not line.get("unbounded", False)
        named |= set(line.get("subjects", ()))
    if any("unbounded" in line for line in outcomes):
        world.unbounded += 1
    else:
        world.bounded += 1
        assert world.whose(people) <= named, f"{statement}"
    if "subjects" in intent and not statement.is_select:
        assert world.whose(people) <= set(intent["subjects"])
    elif not statement.is_select:
        assert intent.get("unbounded"), "killed before its outcome, it could have changed anybody's"


@given(st.randoms(use_true_random=False))
@settings(max_examples=draws(150), deadline=None, suppress_health_check=list(HealthCheck))
@example(random.Random(1))
def test_on_sqlite(world: World, choose: random.Random) -> None:
    check(world, Maker.select if choose.random() < 0.75 else Maker.change, choose)


def test_rows_that_come_back_name_who_has_them_now_and_not_who_had_them(world: World) -> None:
    given_away = update(TABLES["orders"]).values(customer_id=3, amount=7).returning(TABLES["orders"].c.customer_id)
    check(world, lambda _: (given_away, [select(TABLES["orders"].c.customer_id)]), random.Random(0))


def test_some_of_them_were_told_and_some_were_not(world: World) -> None:
    for seed in range(100):
        check(world, Maker.select, random.Random(seed))
    assert world.bounded > 40
    assert world.unbounded > 15


@pytest.mark.backends("postgresql")
def test_on_postgresql(database: Database, engine: Engine, tmp_path: Any, make_engine: Callable[..., Engine]) -> None:
    world = _made(engine, make_engine(), tmp_path)
    for seed in range(120):
        choose = random.Random(seed)
        check(world, Maker.select if seed % 4 else Maker.change, choose)
    world.privacy.close()
