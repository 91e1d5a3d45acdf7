"""Schemas and rows that are drawn: tables that hold on to people in all the ways there are, and whose each row is."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, Final

from hypothesis import strategies as st
from sqlalchemy import Column, Connection, Date, ForeignKeyConstraint, Integer, String, Table, UniqueConstraint
from sqlalchemy.orm import DeclarativeBase

from sa_privacy import DataSubject, Policy, pii_column

__all__ = ["Drawn", "Made", "Shape", "drawn", "make", "policy_of"]

PEOPLE: Final = "people"
REST: Final = "rest"
_FIRST: Final = date(2026, 1, 1)


@dataclass(frozen=True)
class Link:
    """Columns of a table that name a row of another."""

    to: str
    optional: bool


@dataclass(frozen=True)
class Shape:
    """A table.

    :param double: its primary key has two columns.
    :param owner: the number of the link by which its rows are somebody's; None: they are nobody's.
    :param kept: a reason keeps its rows, and with ``"secret"`` that column, too.
    """

    name: str
    links: tuple[Link, ...]
    owner: int | None
    double: bool
    required: bool
    unique: bool
    kept: str | None = None

    def columns_of(self, number: int, shapes: dict[str, Shape]) -> list[str]:
        """The columns of a link."""
        to = shapes.get(self.links[number].to)
        return [f"l{number}_a", f"l{number}_b"] if to is not None and to.double else [f"l{number}_a"]


@dataclass(frozen=True)
class Drawn:
    """A schema with rows.

    :param shells: whether a row of a person can be made up.
    :param rest: some people have a row of a table that theirs goes on in; they are of a class that inherits from the others'.
    :param rows: by table: the rows that each link leads to, by number; None: to none.
    :param pairs: of an association table: between people, or between a person and a row of the first table.
    """

    shells: bool
    rest: bool
    referred: tuple[int | None, ...]
    shapes: tuple[Shape, ...]
    rows: dict[str, tuple[tuple[int | None, ...], ...]]
    pairs: frozenset[tuple[int, int]]

    @property
    def people(self) -> int:
        """How many there are."""
        return len(self.referred)

    def owner(self, table: str, row: int) -> int | None:
        """Whose a row is."""
        seen = set()
        shapes = {one.name: one for one in self.shapes}
        while table not in (PEOPLE, REST):
            shape = shapes[table]
            if shape.owner is None or (table, row) in seen:
                return None
            seen.add((table, row))
            to = self.rows[table][row][shape.owner]
            if to is None:
                return None
            table, row = shape.links[shape.owner].to, to
        return row


@st.composite
def drawn(draw: st.DrawFn) -> Drawn:
    """Any of them."""
    number, rest = draw(st.integers(1, 5)), draw(st.booleans())
    own = [PEOPLE, PEOPLE, *([REST] if rest else [])]
    names = [f"t{at}" for at in range(number)]
    shapes: list[Shape] = []
    for at, name in enumerate(names):
        owners = [one.name for one in shapes if one.owner is not None]
        links = []
        owner = None
        if draw(st.integers(0, 4)):
            links.append(Link(draw(st.sampled_from([*own, *owners])), draw(st.booleans())))
            owner = 0
        for _ in range(draw(st.integers(0, 2))):
            target = draw(st.sampled_from([*own, *names]))
            later = target in names[at:]  # rows are made in this order, so that such a link is added afterwards
            links.append(Link(target, later or draw(st.booleans())))
        kept = draw(st.sampled_from([None, None, None, "secret", "nothing"])) if owner is not None else None
        double, required, unique = (draw(st.booleans()) for _ in range(3))
        shapes.append(Shape(name, tuple(links), owner, double, required, unique, kept))
    people = draw(st.integers(2, 3))
    referred = tuple(draw(st.sampled_from([None, *range(at)])) for at in range(people))
    known = {PEOPLE: people, REST: people}
    sizes = {name: draw(st.integers(0, 4)) for name in names}
    rows: dict[str, tuple[tuple[int | None, ...], ...]] = {}
    for shape in shapes:
        made: list[tuple[int | None, ...]] = []
        for _ in range(sizes[shape.name]):
            to: list[int | None] = []
            for link in shape.links:
                there = known.get(link.to, sizes.get(link.to, 0))
                choices = [*range(0, there, 2 if link.to == REST else 1), *([None] if link.optional else [])]
                if not choices:
                    break
                to.append(draw(st.sampled_from(choices)))
            else:
                made.append(tuple(to))
        rows[shape.name] = tuple(made)
        known[shape.name] = sizes[shape.name] = len(made)
    trimmed = {
        shape.name: tuple(
            tuple(
                to if to is None or link.to in own or to < len(rows[link.to]) else None
                for to, link in zip(row, shape.links, strict=True)
            )
            for row in rows[shape.name]
        )
        for shape in shapes
    }
    first = len(rows[names[0]])
    pairs = frozenset(
        draw(st.sets(st.tuples(st.integers(0, people - 1), st.integers(0, first - 1)), max_size=3)) if first else ()
    )
    return Drawn(draw(st.booleans()), rest, referred, tuple(shapes), trimmed, pairs)


@dataclass
class Made:
    """The tables of a schema, and what stands in them."""

    base: type[DeclarativeBase]
    classes: list[type]  # nobody else keeps them
    tables: dict[str, Table]
    shapes: dict[str, Shape]
    canaries: dict[tuple[str, int], str] = field(default_factory=dict)

    def fill(self, connection: Connection, said: Drawn) -> None:
        """Puts the rows there, those of whom nobody can do without first."""
        people = self.tables[PEOPLE]
        for at, by in enumerate(said.referred):
            self.canaries[PEOPLE, at] = f"canary-p{at}"
            values: dict[str, Any] = {"id": at + 1, "secret": f"canary-p{at}", "handle": f"canary-p{at}-handle"}
            values["kind"] = REST if said.rest and at % 2 == 0 else "people"
            more = {} if said.shells else {"joined": _FIRST + timedelta(days=at)}
            connection.execute(people.insert().values(referrer=None if by is None else by + 1, **values, **more))
            if said.rest and at % 2 == 0:
                connection.execute(self.tables["rest"].insert().values(id=at + 1, more=f"canary-p{at}-rest"))
        for late in (False, True):
            for shape in said.shapes:
                for at, to in enumerate(said.rows[shape.name]):
                    self._row(connection, said, shape, at, to, late=late)
        for person, row in sorted(said.pairs):
            key = self._key(said.shapes[0], row)
            names = ["r_a", "r_b"][: len(key)]
            connection.execute(self.tables["pairs"].insert().values(p=person + 1, **dict(zip(names, key, strict=True))))
        if connection.dialect.name == "postgresql":  # whose next number is after these
            connection.exec_driver_sql("SELECT setval('people_id_seq', 100)")

    def _key(self, shape: Shape | None, at: int) -> tuple[int, ...]:
        return (at + 1,) if shape is None or not shape.double else (at + 1, (at + 1) * 10)

    def _row(
        self, connection: Connection, said: Drawn, shape: Shape, at: int, to: tuple[int | None, ...], *, late: bool
    ) -> None:
        """A row; links to rows that are made later, once those are there."""
        table, values = self.tables[shape.name], dict[str, int]()
        for number, (link, row) in enumerate(zip(shape.links, to, strict=True)):
            columns = shape.columns_of(number, self.shapes)
            is_late = link.to in [one.name for one in said.shapes[said.shapes.index(shape) :]]
            if row is not None and is_late == late:
                values.update(zip(columns, self._key(self.shapes.get(link.to), row), strict=True))
        key = dict(zip(["a", "b"], self._key(shape, at), strict=False))
        if late:
            if values:
                found = [table.c[name] == value for name, value in key.items()]
                connection.execute(table.update().where(*found).values(**values))
            return
        owner = said.owner(shape.name, at)
        self.canaries[shape.name, at] = canary = f"canary-{'n' if owner is None else f'p{owner}'}-{shape.name}-{at}"
        connection.execute(table.insert().values(**key, secret=canary, at=_FIRST, **values))


def make(said: Drawn) -> Made:
    """The tables and classes of a schema."""

    class Base(DeclarativeBase):
        pass

    shapes = {one.name: one for one in said.shapes}
    own: dict[str, Any] = {
        "__tablename__": PEOPLE,
        "__data_subject__": DataSubject("person", key="id"),
        "id": Column(Integer, primary_key=True),
        "secret": pii_column(String(60), category="secret", encrypt=False, nullable=False),
        "handle": pii_column(String(60), category="secret", encrypt=False, nullable=False, unique=True),
        "referrer": Column(Integer, nullable=True),
        "kind": Column(String(10), nullable=False),
        "__mapper_args__": {"polymorphic_on": "kind", "polymorphic_identity": "people"},
        "__table_args__": (ForeignKeyConstraint(["referrer"], ["people.id"]),),
    }
    if not said.shells:  # nobody can make up a value that is unique and fits
        own["joined"] = Column(Date, nullable=False, unique=True)
    classes = [type("People", (Base,), own)]
    if said.rest:
        rest = {
            "__tablename__": "rest",
            "__mapper_args__": {"polymorphic_identity": REST},
            "id": Column(Integer, primary_key=True),
            "more": pii_column(String(60), category="secret", encrypt=False, nullable=True),
            "__table_args__": (ForeignKeyConstraint(["id"], ["people.id"]),),
        }
        classes.append(type("Rest", (classes[0],), rest))
    classes += [_class(Base, shape, shapes) for shape in said.shapes]
    first = said.shapes[0]
    width = ["r_a", "r_b"] if first.double else ["r_a"]
    Table(
        "pairs",
        Base.metadata,
        Column("p", Integer, nullable=False),
        *(Column(name, Integer, nullable=False) for name in width),
        ForeignKeyConstraint(["p"], ["people.id"]),
        ForeignKeyConstraint(width, [f"{first.name}.{name[-1]}" for name in width]),
        UniqueConstraint("p", *width),
    )
    return Made(Base, classes, {table.name: table for table in Base.metadata.tables.values()}, shapes)


def _class(base: type[DeclarativeBase], shape: Shape, shapes: dict[str, Shape]) -> type:
    made: dict[str, Any] = {"__tablename__": shape.name, "a": Column(Integer, primary_key=True, autoincrement=False)}
    if shape.double:
        made["b"] = Column(Integer, primary_key=True, autoincrement=False)
    made["secret"] = pii_column(
        String(60), category="secret", encrypt=False, nullable=not shape.required, unique=shape.unique
    )
    made["at"] = Column(Date, nullable=False)
    constraints = []
    for number, link in enumerate(shape.links):
        columns = shape.columns_of(number, shapes)
        made |= {name: Column(Integer, nullable=link.optional) for name in columns}
        targets = [f"{link.to}.id"] if link.to in (PEOPLE, REST) else [f"{link.to}.{name[-1]}" for name in columns]
        constraints.append(ForeignKeyConstraint(columns, targets, use_alter=True, name=f"fk_{shape.name}_{number}"))
    made["__table_args__"] = tuple(constraints)
    if shape.owner is not None:
        made["__data_subject__"] = DataSubject("person", via=shape.columns_of(shape.owner, shapes)[0])
    return type(shape.name.upper(), (base,), made)


def policy_of(said: Drawn) -> Policy:
    """A policy that keeps what the shapes say."""
    kept = {
        one.name: {
            "table": one.name,
            "clock": "at",
            "period": "P1Y",
            "action": "delete",
            "reasons": {
                "tax": {"law": "Books", "period": "P7Y"} | ({"keeps": ["secret"]} if one.kept == "secret" else {})
            },
        }
        for one in said.shapes
        if one.kept is not None
    }
    return Policy(
        policy={"id": "drawn", "version": "1"},
        categories={"secret": {}},
        purposes={"own": {"use": ["secret"], "rows": "own"}},
        roles={"officer": {}, "person": {"purposes": ["own"]}},
        requests={"identity": ["signed_in"], "roles": ["officer"]},
        erasure={"roles": ["officer"]},
        **({"retention": kept} if kept else {}),
    )
