"""Makes statements that a database takes: names that are there, types that fit, in the grammar both databases share.

A statement is drawn from a seeded generator, so that a number is enough to see it again. Two of the tables hold
personal columns, two do not; views stand over one of each kind.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Final, Literal

from sa_privacy.columns.catalogue import Catalogue, SubjectPath
from tests.footprint.shop import table

__all__ = ["CATALOGUE", "PERSONAL", "SCHEMA", "TABLES", "Maker"]

Type = Literal["text", "int"]
Columns = dict[str, Type]

TABLES: Final[dict[str, Columns]] = {
    "people": {"id": "int", "name": "text", "email": "text", "city": "text", "boss_id": "int"},
    "orders": {"id": "int", "person_id": "int", "total": "int", "note": "text", "status": "text"},
    "products": {"id": "int", "title": "text", "price": "int"},
    "tags": {"id": "int", "product_id": "int", "label": "text"},
}
VIEWS: Final[dict[str, tuple[str, Columns]]] = {
    "v_people": (
        "SELECT id, email AS mail, city FROM people WHERE boss_id IS NOT NULL",
        {"id": "int", "mail": "text", "city": "text"},
    ),
    "v_deep": ("SELECT v.id, v.mail AS address FROM v_people v", {"id": "int", "address": "text"}),
    "v_plain": (
        "SELECT p.id, p.title, t.label FROM products p JOIN tags t ON t.product_id = p.id",
        {"id": "int", "title": "text", "label": "text"},
    ),
}
CATALOGUE: Final = Catalogue(
    (
        table("people", "id name email city boss_id", {"name": False, "email": False}, SubjectPath("person", "id")),
        table("orders", "id person_id total note status", {"total": False, "note": False}, None),
    ),
    frozenset({(None, "products"), (None, "tags")}),
)
PERSONAL: Final = {column.name for personal in CATALOGUE for column in personal.columns.values()}
_SQL_TYPES: Final = {"text": "text", "int": "integer"}
SCHEMA: Final = (
    *(
        f"CREATE TABLE {name} ({', '.join(f'{c} {_SQL_TYPES[t]}' for c, t in columns.items())}, PRIMARY KEY (id))"
        for name, columns in TABLES.items()
    ),
    "CREATE UNIQUE INDEX by_email ON people (email)",
    *(f"CREATE VIEW {name} AS {query}" for name, (query, _) in VIEWS.items()),
)


@dataclass(frozen=True)
class _Source:
    alias: str
    columns: Columns


@dataclass
class _Level:
    sources: list[_Source]
    outer: _Level | None = None
    ctes: dict[str, Columns] = field(default_factory=dict)


class Maker:
    """Draws statements.

    :param seed: the same seed draws the same statements.
    :param views: whether views are among the sources.
    """

    def __init__(self, seed: int, dialect: str, *, views: bool = True) -> None:
        self.random = Random(seed)
        self.pg = dialect == "postgresql"
        self.relations = {**TABLES, **({name: columns for name, (_, columns) in VIEWS.items()} if views else {})}
        self.names = 0

    def chance(self, percent: int) -> bool:
        return self.random.randrange(100) < percent

    def new_name(self, stem: str = "s") -> str:
        self.names += 1
        # Names that shadow tables and columns are where judges go wrong.
        odd = self.random.choice(["orders", "people", "email", "note", "products"])
        return f"{odd}{self.names}" if self.chance(80) else f'"{stem}{self.names}"'

    def statement(self) -> str:
        self.names = 0
        kind = self.random.randrange(12)
        if kind <= 6:
            return self.with_query(_Level([]))
        return [self.update, self.update, self.delete, self.insert, self.insert][kind - 7]()

    # queries

    def with_query(self, level: _Level, wanted: Sequence[Type] | None = None, depth: int = 3) -> str:
        if depth < 2 or not self.chance(25):
            return self.query(level, wanted, depth)[0]
        inner = _Level(level.sources, level.outer, dict(level.ctes))
        parts, recursive = [], False
        for _ in range(self.random.choice([1, 1, 2])):
            name = self.random.choice(["people", "x", "recent", "orders", "tags"]) + str(len(inner.ctes))
            if self.chance(15):
                name = self.random.choice(["people", "products", "orders"])
            if name in inner.ctes:
                continue
            if self.chance(20):
                recursive = True
                start, columns = self.query(inner, ["int", "text"], 1, simple=True)
                step = self.relation(["id"])
                text = next(c for c, t in self.relations[step].items() if t == "text")
                parts.append(
                    f"{name} (a, b) AS ({start} UNION ALL SELECT r.id, r.{text} FROM {step} r JOIN {name} q ON q.a > r.id)"
                )
                inner.ctes[name] = {"a": "int", "b": "text"}
                continue
            query, columns = self.query(inner, None, depth - 1)
            listed = ""
            if self.chance(30):
                columns = {f"c{i}": t for i, t in enumerate(columns.values())}
                listed = f" ({', '.join(columns)})"
            hint = self.random.choice(["", "", " MATERIALIZED", " NOT MATERIALIZED"])
            parts.append(f"{name}{listed} AS{hint} ({query})")
            inner.ctes[name] = columns
        query, _ = self.query(inner, wanted, depth - 1)
        return f"WITH {'RECURSIVE ' if recursive else ''}{', '.join(parts)} {query}"

    def relation(self, needs: Sequence[str] = ()) -> str:
        return self.random.choice([n for n, c in TABLES.items() if all(need in c for need in needs)])

    def query(
        self, outer: _Level, wanted: Sequence[Type] | None, depth: int, *, simple: bool = False
    ) -> tuple[str, Columns]:
        """A query and the columns it shows; of the wanted types where they are given."""
        if depth > 1 and not simple and self.chance(12):
            types = wanted or [self.random.choice(["text", "int"]) for _ in range(self.random.choice([1, 2]))]
            left, columns = self.select(outer, types, depth - 1, bare=True)
            right, _ = self.select(outer, types, depth - 1, bare=True)
            operator = self.random.choice(["UNION", "UNION ALL", "EXCEPT", "INTERSECT"])
            order = " ORDER BY 1" if self.chance(30) else ""
            return f"{left} {operator} {right}{order}", columns
        return self.select(outer, wanted, depth, bare=simple)

    def select(self, outer: _Level, wanted: Sequence[Type] | None, depth: int, *, bare: bool) -> tuple[str, Columns]:
        level = _Level([], outer if outer.sources else outer.outer, outer.ctes)
        came_from = self.from_clause(level, depth)
        grouped = not bare and self.chance(18)
        columns: Columns = {}
        items: list[str] = []
        if wanted is None and not grouped and self.chance(15):
            source = self.random.choice(level.sources)
            star = "*" if len(level.sources) == 1 and self.chance(50) else f"{source.alias}.*"
            return f"SELECT {star} FROM {came_from}{self.tail(level, depth)}", dict(source.columns)
        types = wanted or [self.random.choice(["text", "int"]) for _ in range(self.random.choice([1, 2, 2, 3]))]
        keys: list[str] = []
        for number, kind in enumerate(types):
            if grouped:
                if number == 0:
                    item = self.column(level, kind) or self.literal(kind)
                    keys.append(item)
                else:
                    item = self.aggregate(level, kind, depth - 1)
            else:
                window = not bare and self.chance(8)
                item = self.window(level, kind, depth) if window else self.expression(level, kind, depth - 1)
            name = f"k{number}"
            if self.chance(25) and not bare:
                name = self.random.choice(["email", "name", "title", "note", "id"]) + str(number)
            items.append(f"{item} AS {name}")
            columns[name] = kind
        distinct = "DISTINCT " if not grouped and self.chance(12) else ""
        sql = f"SELECT {distinct}{', '.join(items)} FROM {came_from}{self.tail(level, depth)}"
        if grouped:
            if keys[0][0] not in "'0123456789":
                sql += f" GROUP BY {self.random.choice([keys[0], '1', f'{keys[0]}, 1'])}"
            if self.chance(40):
                sql += f" HAVING {self.aggregate(level, 'int', 0)} > 1"
        if not bare:
            sql += self.order(level, columns, keys if grouped else None, distinct=bool(distinct))
            if self.chance(20):
                sql += f" LIMIT {self.random.randrange(1, 9)}" + (" OFFSET 1" if self.chance(30) else "")
        return sql, columns

    def order(self, level: _Level, columns: Columns, keys: list[str] | None, *, distinct: bool) -> str:
        if not self.chance(25):
            return ""
        if keys is not None or distinct or self.chance(40):
            return f" ORDER BY {self.random.choice(['1', next(iter(columns))])}"
        direction = self.random.choice(["", " DESC", " NULLS LAST"])
        column = self.column(level, self.random.choice(["text", "int"]))
        return f" ORDER BY {column}{direction}" if column else ""

    def tail(self, level: _Level, depth: int) -> str:
        return f" WHERE {self.condition(level, depth - 1)}" if self.chance(55) else ""

    def from_clause(self, level: _Level, depth: int) -> str:
        sql = self.source(level, depth)
        for _ in range(self.random.choice([0, 0, 0, 1, 1, 2]) if depth > 0 else 0):
            kind = self.random.choice(["JOIN", "LEFT JOIN", "CROSS JOIN", ",", "USING", "NATURAL", "LATERAL"])
            if kind == "LATERAL" and self.pg:
                query, columns = self.select(_Level(level.sources, level.outer, level.ctes), None, 1, bare=True)
                alias = self.new_name("l")
                level.sources.append(_Source(alias, columns))
                sql += f" CROSS JOIN LATERAL ({query}) AS {alias}"
                continue
            before = list(level.sources)
            right = self.source(level, depth - 1, again=kind in {"USING", "NATURAL"})
            new = level.sources[-1]
            if kind in {"CROSS JOIN", ","}:
                sql += f"{'' if kind == ',' else ' '}{kind} {right}"
            elif kind == "USING" and len(before) == 1 and (shared := self.shared(before[0], new)):
                sql += f" JOIN {right} USING ({', '.join(self.random.sample(shared, self.random.randint(1, len(shared))))})"
            elif kind == "NATURAL" and len(before) == 1 and self.common_fit(before[0], new):
                sql += f" NATURAL JOIN {right}"
            else:
                word = kind if kind.endswith("JOIN") else "JOIN"
                sql += f" {word} {right} ON {self.condition(_Level(level.sources, level.outer, level.ctes), 0)}"
        return sql

    def shared(self, left: _Source, right: _Source) -> list[str]:
        return [name for name, kind in left.columns.items() if right.columns.get(name) == kind]

    def common_fit(self, left: _Source, right: _Source) -> bool:
        return all(right.columns.get(name, kind) == kind for name, kind in left.columns.items())

    def source(self, level: _Level, depth: int, *, again: bool = False) -> str:
        """One more entry of FROM; ``again``: rather a protected table, so that names meet their like."""
        if depth > 1 and self.chance(18):
            outer = _Level([], level.outer, level.ctes)
            query, columns = self.query(outer, None, depth - 1)
            alias = self.new_name("d")
            if self.pg and self.chance(25):
                columns = {f"z{i}": kind for i, kind in enumerate(columns.values())}
                level.sources.append(_Source(alias, columns))
                return f"({query}) AS {alias} ({', '.join(columns)})"
            level.sources.append(_Source(alias, columns))
            return f"({query}) AS {alias}"
        if self.chance(4) and self.pg:
            alias = self.new_name("v")
            level.sources.append(_Source(alias, {"a": "int", "b": "text"}))
            return f"(VALUES (1, 'a'), (2, 'b')) AS {alias} (a, b)"
        name = self.random.choice([*self.relations, "people", "orders", *level.ctes, *level.ctes])
        if again and self.chance(50):
            name = self.random.choice(["people", "orders", "v_people" if "v_people" in self.relations else "people"])
        columns = level.ctes.get(name) or self.relations[name]
        used = {source.alias for source in level.sources}
        if name not in used and self.chance(40):
            alias, sql = name, name
        else:
            alias = self.new_name("t")
            sql = f"{name}{self.random.choice([' ', ' AS '])}{alias}"
        level.sources.append(_Source(alias, columns))
        return sql

    # expressions

    def column(self, level: _Level | None, kind: Type) -> str | None:
        """A column of this level, or now and then of one around it."""
        levels = []
        while level is not None:
            levels.append(level)
            level = level.outer
        if not levels:
            return None
        chosen = levels[0] if len(levels) == 1 or self.chance(80) else self.random.choice(levels)
        found = [(s, name) for s in chosen.sources for name, t in s.columns.items() if t == kind]
        if not found:
            return None
        source, name = self.random.choice(found)
        times = sum(name in s.columns for one in levels for s in one.sources)
        if times == 1 and self.chance(30):
            return name if self.chance(80) else f'"{name}"'
        same = sum(s.alias == source.alias for one in levels for s in one.sources)
        return f"{source.alias}.{name}" if same == 1 or chosen is levels[0] else None

    def literal(self, kind: Type) -> str:
        return str(self.random.randrange(9)) if kind == "int" else self.random.choice(["'a'", "'email'", "''"])

    def expression(self, level: _Level, kind: Type, depth: int) -> str:
        if depth <= 0 or self.chance(45):
            return (self.chance(88) and self.column(level, kind)) or self.literal(kind)

        def one(wanted: Type = kind) -> str:
            return self.expression(level, wanted, depth - 1)

        pick = self.random.randrange(9)
        if pick == 0:
            return f"({one()} || {one()})" if kind == "text" else f"({one()} + {one()})"
        if pick == 1:
            return f"lower({one()})" if kind == "text" else f"length({one('text')})"
        if pick == 2:
            return f"coalesce({one()}, {one()})"
        if pick == 3:
            return f"CASE WHEN {self.condition(level, depth - 1)} THEN {one()} ELSE {one()} END"
        if pick == 4:
            return (
                f"(SELECT max(q.m) FROM ({self.select(level, [kind], depth - 1, bare=True)[0]}) AS q (m))"
                if (self.pg and self.chance(20))
                else self.scalar(level, kind, depth - 1)
            )
        if pick == 5:
            return f"CAST({one()} AS text)" if kind == "text" else f"abs({one()})"
        if pick == 6:
            return f"nullif({one()}, {one()})"
        if pick == 7 and self.pg and kind == "text" and level.sources:
            source = self.random.choice(level.sources)
            texts = [name for name, t in source.columns.items() if t == "text"]
            field_of = f"({source.alias}).{self.random.choice(texts)}" if texts else "''"
            rows = f"CAST(ROW({source.alias}.*) AS text)"
            return self.random.choice(
                [f"CAST({source.alias} AS text)", f"(to_jsonb({source.alias}) ->> 'a')", field_of, rows]
            )
        return f"replace({one()}, 'a', {one()})" if kind == "text" else f"({one()} * -{self.literal('int')})"

    def scalar(self, level: _Level, kind: Type, depth: int) -> str:
        inner = _Level([], level, level.ctes)
        came_from = self.from_clause(inner, 0)
        return f"(SELECT {self.aggregate(inner, kind, depth)} FROM {came_from}{self.tail(inner, depth)})"

    def aggregate(self, level: _Level, kind: Type, depth: int) -> str:
        local = _Level(level.sources, None, level.ctes)
        argument = self.column(local, kind) or self.literal(kind)
        choices = ["max", "min"] if kind == "text" else ["max", "min", "count", "count(*)"]
        name = self.random.choice(choices)
        call = name if name == "count(*)" else f"{name}({'DISTINCT ' if self.chance(15) else ''}{argument})"
        if self.chance(15):
            call += f" FILTER (WHERE {self.condition(local, 0)})"
        return call

    def window(self, level: _Level, kind: Type, depth: int) -> str:
        argument = self.expression(level, kind, depth - 2)
        part = self.column(level, "text")
        order = self.column(level, "int") or "1"
        call = self.random.choice([f"max({argument})", f"lag({argument})", f"first_value({argument})"])
        frame = " ROWS BETWEEN 1 PRECEDING AND CURRENT ROW" if self.chance(30) else ""
        return f"{call} OVER ({f'PARTITION BY {part} ' if part and self.chance(50) else ''}ORDER BY {order}{frame})"

    def condition(self, level: _Level, depth: int) -> str:
        kind: Type = self.random.choice(["text", "int"])

        def one() -> str:
            return self.expression(level, kind, depth - 1)

        pick = self.random.randrange(11 if depth > 0 else 5)
        if pick == 0:
            return f"{one()} IS {self.random.choice(['', 'NOT '])}NULL"
        if pick == 1:
            return f"{self.expression(level, 'text', depth - 1)} LIKE 'a%'"
        if pick == 2:
            return f"{one()} IN ({self.literal(kind)}, {self.literal(kind)})"
        if pick <= 4:
            return f"{one()} {self.random.choice(['=', '<>', '<', '>='])} {one()}"
        if pick == 5:
            return f"({self.condition(level, depth - 1)} {self.random.choice(['AND', 'OR'])} {self.condition(level, depth - 1)})"
        if pick == 6:
            return f"NOT ({self.condition(level, depth - 1)})"
        if pick == 7:
            query, _ = self.select(level, [kind], depth - 1, bare=True)
            return f"{one()} {self.random.choice(['', 'NOT '])}IN ({query})"
        if pick == 8:
            inner = _Level([], level, level.ctes)
            return f"EXISTS (SELECT 1 FROM {self.from_clause(inner, 0)}{self.tail(inner, depth - 1)})"
        if pick == 9:
            return f"{one()} BETWEEN {one()} AND {one()}"
        return f"({self.expression(level, 'text', 0)}, {self.expression(level, 'int', 0)}) = ('a', 1)"

    # changes

    def target(self) -> tuple[str, str, _Source]:
        name = self.random.choice(["people", "orders", "people", "orders", "products", "tags"])
        if self.chance(35):
            return name, f"{name} AS t", _Source("t", TABLES[name])
        return name, name, _Source(name, TABLES[name])

    def returning(self, source: _Source) -> str:
        if not self.chance(35):
            return ""
        if self.chance(15):
            return " RETURNING *"
        level = _Level([source])
        return f" RETURNING {self.expression(level, self.random.choice(['text', 'int']), 1)} AS r"

    def assignments(self, name: str, level: _Level, depth: int) -> str:
        columns = [c for c in TABLES[name] if c != "id"]
        chosen = self.random.sample(columns, self.random.choice([1, 1, 2]))
        parts = []
        for column in chosen:
            kind = TABLES[name][column]
            own = f"{name}.{column}" in PERSONAL
            value = self.literal(kind) if self.chance(70) else "NULL"
            if own and self.chance(30):
                value = f"{level.sources[0].alias}.{column}"
            elif self.chance(20):
                value = self.expression(level, kind, depth)
            parts.append(f"{column} = {value}")
        return ", ".join(parts)

    def update(self) -> str:
        name, written, source = self.target()
        level = _Level([source])
        came_from = ""
        if self.chance(30):
            came_from = f" FROM {self.source(level, 1)}"
        sql = f"UPDATE {written} SET {self.assignments(name, level, 1)}{came_from}{self.tail(level, 2)}"
        return sql + self.returning(source if not came_from or not self.pg else level.sources[0])

    def delete(self) -> str:
        _, written, source = self.target()
        level = _Level([source])
        using = f" USING {self.source(level, 1)}" if self.pg and self.chance(30) else ""
        return f"DELETE FROM {written}{using}{self.tail(level, 2)}{self.returning(source)}"

    def insert(self) -> str:
        name = self.random.choice(["people", "orders", "products", "tags"])
        columns = ["id", *self.random.sample([c for c in TABLES[name] if c != "id"], self.random.choice([1, 2]))]
        kinds = [TABLES[name][c] for c in columns]
        if self.chance(60):
            row = ", ".join(self.literal(kind) for kind in kinds)
            rows = f"VALUES ({row})" + (f", ({row})" if self.chance(20) else "")
        else:
            source = self.random.choice(["products", "tags"]) if self.chance(60) else self.relation()
            level = _Level([_Source("o", TABLES[source])])
            items = ", ".join(self.expression(level, kind, 1) for kind in kinds)
            rows = f"SELECT {items} FROM {source} o WHERE {self.condition(level, 1)}"
        sql = f"INSERT INTO {name} ({', '.join(columns)}) {rows}"
        if self.chance(35):
            target = _Source(name, TABLES[name])
            keys = "(email)" if name == "people" and self.chance(30) else "(id)"
            if self.chance(30):
                sql += f" ON CONFLICT {keys} DO NOTHING"
            else:
                column = columns[-1]
                value = self.random.choice(
                    [f"excluded.{column}", self.literal(TABLES[name][column]), f"{name}.{column}"]
                )
                where = f" WHERE {self.condition(_Level([target]), 0)}" if self.chance(30) else ""
                sql += f" ON CONFLICT {keys} DO UPDATE SET {column} = {value}{where}"
        return sql + self.returning(_Source(name, TABLES[name]))
