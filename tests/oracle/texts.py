"""Draws SQL texts that a database takes: names that are there, types that fit, in the grammar both databases share.

Here stands what people write by hand and SQLAlchemy does not: bare names, NATURAL and USING, ``*``, whole rows, names
that shadow tables, SQLite's spellings. What SQLAlchemy renders is drawn in :mod:`tests.oracle.statements`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from tests.oracle.choices import Choices, part
from tests.oracle.world import PERSONAL, TABLES, VIEWS, Columns, Type

__all__ = ["Texts"]

_ROW_IDS: Final = ("rowid", "oid", "_ROWID_")


def _written(name: str) -> str:
    """A name as it has to be written."""
    return name if name.islower() else f'"{name}"'


def _short(table: str) -> str:
    return table.rpartition(".")[2]


@dataclass(frozen=True)
class _Source:
    alias: str
    columns: Columns
    stored: bool = False  # a table


@dataclass
class _Level:
    sources: list[_Source]
    outer: _Level | None = None
    ctes: dict[str, Columns] = field(default_factory=dict)


class Texts:
    """Draws texts.

    :param choices: where they are drawn from.
    :param views: whether views are among the sources.
    """

    def __init__(self, choices: Choices, dialect: str, *, views: bool = True) -> None:
        self.choices = choices
        self.below, self.chance, self.one, self.some = choices.below, choices.chance, choices.one, choices.some
        self.pg = dialect == "postgresql"
        self.relations = {**TABLES, **({name: columns for name, (_, columns) in VIEWS.items()} if views else {})}
        self.names = 0
        self.fresh: set[str] = set()  # WITH queries that nothing has used yet

    def new_name(self, stem: str = "s") -> str:
        self.names += 1
        # Names that shadow tables and columns are where judges go wrong.
        odd = self.one(["orders", "people", "email", "note", "products"])
        return f"{odd}{self.names}" if self.chance(80) else f'"{stem}{self.names}"'

    def statement(self) -> str:
        self.names = 0
        kind = self.below(12)
        if kind <= 6:
            return self.with_query(_Level([]))
        return [self.update, self.update, self.delete, self.insert, self.insert][kind - 7]()

    # queries

    @part
    def with_query(self, level: _Level, wanted: Sequence[Type] | None = None, depth: int = 3) -> str:
        if depth < 2 or not self.chance(25):
            return self.query(level, wanted, depth)[0]
        inner = _Level(level.sources, level.outer, dict(level.ctes))
        parts, recursive = [], False
        for _ in range(self.one([1, 1, 2])):
            name = self.one(["people", "x", "recent", "orders", "tags"]) + str(len(inner.ctes))
            if self.chance(15):
                name = self.one(["people", "products", "orders"])
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
                self.fresh.add(name)
                continue
            query, columns = self.query(inner, None, depth - 1)
            listed = ""
            if self.chance(30):
                columns = {f"c{i}": t for i, t in enumerate(columns.values())}
                listed = f" ({', '.join(columns)})"
            hint = self.one(["", "", " MATERIALIZED", " NOT MATERIALIZED"])
            parts.append(f"{name}{listed} AS{hint} ({query})")
            inner.ctes[name] = columns
            self.fresh.add(name)
        query, _ = self.query(inner, wanted, depth - 1)
        return f"WITH {'RECURSIVE ' if recursive else ''}{', '.join(parts)} {query}"

    def relation(self, needs: Sequence[str] = ()) -> str:
        return self.one([n for n, c in TABLES.items() if all(need in c for need in needs)])

    @part
    def query(
        self, outer: _Level, wanted: Sequence[Type] | None, depth: int, *, simple: bool = False
    ) -> tuple[str, Columns]:
        """A query and the columns it shows; of the wanted types where they are given."""
        if depth > 1 and not simple and self.chance(12):
            types = wanted or [self.one(["text", "int"]) for _ in range(self.one([1, 2]))]
            left, columns = self.select(outer, types, depth - 1, bare=True)
            right, _ = self.select(outer, types, depth - 1, bare=True)
            operator = self.one(["UNION", "UNION ALL", "EXCEPT", "INTERSECT"])
            order = " ORDER BY 1" if self.chance(30) else ""
            return f"{left} {operator} {right}{order}", columns
        return self.select(outer, wanted, depth, bare=simple)

    @part
    def select(self, outer: _Level, wanted: Sequence[Type] | None, depth: int, *, bare: bool) -> tuple[str, Columns]:
        level = _Level([], outer if outer.sources else outer.outer, outer.ctes)
        came_from = self.from_clause(level, depth)
        grouped = not bare and self.chance(18)
        columns: Columns = {}
        items: list[str] = []
        if wanted is None and not grouped and self.chance(15):
            source = self.one(level.sources)
            star = "*" if len(level.sources) == 1 and self.chance(50) else f"{source.alias}.*"
            return f"SELECT {star} FROM {came_from}{self.tail(level, depth)}", dict(source.columns)
        types = wanted or [self.one(["text", "int"]) for _ in range(self.one([1, 2, 2, 3]))]
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
                name = self.one(["email", "name", "title", "note", "id"]) + str(number)
            items.append(f"{item} AS {name}")
            columns[name] = kind
        distinct = "DISTINCT " if not grouped and self.chance(12) else ""
        sql = f"SELECT {distinct}{', '.join(items)} FROM {came_from}{self.tail(level, depth)}"
        if grouped:
            if keys[0][0] not in "'0123456789":
                sql += f" GROUP BY {self.one([keys[0], '1', f'{keys[0]}, 1'])}"
            if self.chance(40):
                sql += f" HAVING {self.aggregate(level, 'int', 0)} > 1"
        if not bare:
            sql += self.order(level, columns, keys if grouped else None, distinct=bool(distinct))
            if self.chance(20):
                sql += f" LIMIT {1 + self.below(8)}" + (" OFFSET 1" if self.chance(30) else "")
        return sql, columns

    def order(self, level: _Level, columns: Columns, keys: list[str] | None, *, distinct: bool) -> str:
        if not self.chance(25):
            return ""
        if keys is not None or distinct or self.chance(40):
            return f" ORDER BY {self.one(['1', next(iter(columns))])}"
        direction = self.one(["", " DESC", " NULLS LAST"])
        column = self.column(level, self.one(["text", "int"]))
        return f" ORDER BY {column}{direction}" if column else ""

    def tail(self, level: _Level, depth: int) -> str:
        return f" WHERE {self.condition(level, depth - 1)}" if self.chance(55) else ""

    @part
    def from_clause(self, level: _Level, depth: int) -> str:
        sql = self.source(level, depth)
        for _ in range(self.one([0, 0, 0, 1, 1, 2]) if depth > 0 else 0):
            kind = self.one(["JOIN", "LEFT JOIN", "FULL JOIN", "CROSS JOIN", ",", "USING", "NATURAL", "LATERAL"])
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
                sql += (
                    f" JOIN {right} USING ({', '.join(map(_written, self.some(shared, 1 + self.below(len(shared)))))})"
                )
            elif kind == "NATURAL" and len(before) == 1 and self.common_fit(before[0], new):
                sql += f" NATURAL JOIN {right}"
            else:
                word = kind if kind.endswith("JOIN") else "JOIN"
                condition = self.condition(_Level(level.sources, level.outer, level.ctes), 0)
                if kind == "FULL JOIN":  # PostgreSQL takes equalities only
                    ends = [self.column(_Level([one]), "int") for one in (before[-1], new)]
                    word, condition = (word, " = ".join(map(str, ends))) if all(ends) else ("JOIN", condition)
                sql += f" {word} {right} ON {condition}"
        return sql

    def shared(self, left: _Source, right: _Source) -> list[str]:
        return [name for name, kind in left.columns.items() if right.columns.get(name) == kind]

    def common_fit(self, left: _Source, right: _Source) -> bool:
        return all(right.columns.get(name, kind) == kind for name, kind in left.columns.items())

    @part
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
        name = self.one(["products", *self.relations, "people", "orders"])
        # A WITH query that nothing uses is not asked about by the databases, and is by us.
        fresh = [cte for cte in level.ctes if cte in self.fresh]
        if fresh and not self.chance(15):
            name = fresh[-1]
            self.fresh.remove(name)
        elif level.ctes and self.chance(30):
            name = self.one([*level.ctes])
        if again and self.chance(50):
            name = self.one(
                ["people", "orders", "crm.contacts", "v_people" if "v_people" in self.relations else "people"]
            )
        columns = level.ctes.get(name) or self.relations[name]
        used = {source.alias for source in level.sources}
        if _short(name) not in used and not self.chance(60):
            alias, sql = _short(name), name
        else:
            alias = self.new_name("t")
            sql = f"{name}{self.one([' ', ' AS '])}{alias}"
        level.sources.append(_Source(alias, columns, name in TABLES and name not in level.ctes))
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
        chosen = levels[0] if len(levels) == 1 or self.chance(80) else self.one(levels)
        found = [(s, name) for s in chosen.sources for name, t in s.columns.items() if t == kind]
        if not found:
            return None
        if not self.pg and kind == "int" and chosen.sources[0].stored and self.chance(2):
            return f"{chosen.sources[0].alias}.{self.one(_ROW_IDS)}"
        source, name = self.one(found)
        times = sum(name in s.columns for one in levels for s in one.sources)
        if times == 1 and self.chance(30):
            return self.spelled(name)
        same = sum(s.alias == source.alias for one in levels for s in one.sources)
        return f"{source.alias}.{self.spelled(name)}" if same == 1 or chosen is levels[0] else None

    def spelled(self, name: str) -> str:
        """A column's name in one of the spellings that mean it."""
        if not self.chance(25):
            return _written(name)
        if self.pg:
            return self.one([f'"{name}"', name.upper() if name.islower() else _written(name)])
        return self.one([f'"{name}"', f"[{name}]", f"`{name}`", f'"{name.upper()}"'])

    def literal(self, kind: Type) -> str:
        return str(self.below(9)) if kind == "int" else self.one(["'a'", "'email'", "''"])

    @part
    def expression(self, level: _Level, kind: Type, depth: int) -> str:
        if depth <= 0 or not self.chance(55):
            return (self.chance(88) and self.column(level, kind)) or self.literal(kind)

        def one(wanted: Type = kind) -> str:
            return self.expression(level, wanted, depth - 1)

        pick = self.below(9)
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
            source = self.one(level.sources)
            texts = [name for name, t in source.columns.items() if t == "text"]
            field_of = f"({source.alias}).{_written(self.one(texts))}" if texts else "''"
            rows = f"CAST(ROW({source.alias}.*) AS text)"
            return self.one([f"CAST({source.alias} AS text)", f"(to_jsonb({source.alias}) ->> 'a')", field_of, rows])
        return f"replace({one()}, 'a', {one()})" if kind == "text" else f"({one()} * -{self.literal('int')})"

    @part
    def scalar(self, level: _Level, kind: Type, depth: int) -> str:
        inner = _Level([], level, level.ctes)
        came_from = self.from_clause(inner, 0)
        return f"(SELECT {self.aggregate(inner, kind, depth)} FROM {came_from}{self.tail(inner, depth)})"

    @part
    def aggregate(self, level: _Level, kind: Type, depth: int) -> str:
        local = _Level(level.sources, None, level.ctes)
        argument = self.column(local, kind) or self.literal(kind)
        choices = ["max", "min"] if kind == "text" else ["max", "min", "count", "count(*)"]
        name = self.one(choices)
        call = name if name == "count(*)" else f"{name}({'DISTINCT ' if self.chance(15) else ''}{argument})"
        if self.chance(15):
            call += f" FILTER (WHERE {self.condition(local, 0)})"
        return call

    @part
    def window(self, level: _Level, kind: Type, depth: int) -> str:
        argument = self.expression(level, kind, depth - 2)
        part = self.column(level, "text")
        order = self.column(level, "int") or "1"
        call = self.one([f"max({argument})", f"lag({argument})", f"first_value({argument})"])
        frame = " ROWS BETWEEN 1 PRECEDING AND CURRENT ROW" if self.chance(30) else ""
        return f"{call} OVER ({f'PARTITION BY {part} ' if part and self.chance(50) else ''}ORDER BY {order}{frame})"

    @part
    def condition(self, level: _Level, depth: int) -> str:
        kind: Type = self.one(["text", "int"])

        def one() -> str:
            return self.expression(level, kind, depth - 1)

        pick = self.below(11 if depth > 0 else 5)
        if pick == 0:
            return f"{one()} {self.one(['IS NULL', 'IS NOT NULL', 'ISNULL', 'NOTNULL'])}"
        if pick == 1:
            return f"{self.expression(level, 'text', depth - 1)} LIKE 'a%'"
        if pick == 2:
            return f"{one()} IN ({self.literal(kind)}, {self.literal(kind)})"
        if pick <= 4:
            return f"{one()} {self.one(['=', '<>', '<', '>='])} {one()}"
        if pick == 5:
            return f"({self.condition(level, depth - 1)} {self.one(['AND', 'OR'])} {self.condition(level, depth - 1)})"
        if pick == 6:
            return f"NOT ({self.condition(level, depth - 1)})"
        if pick == 7:
            query, _ = self.select(level, [kind], depth - 1, bare=True)
            return f"{one()} {self.one(['', 'NOT '])}IN ({query})"
        if pick == 8:
            inner = _Level([], level, level.ctes)
            return f"EXISTS (SELECT 1 FROM {self.from_clause(inner, 0)}{self.tail(inner, depth - 1)})"
        if pick == 9:
            return f"{one()} BETWEEN {one()} AND {one()}"
        return f"({self.expression(level, 'text', 0)}, {self.expression(level, 'int', 0)}) = ('a', 1)"

    # changes

    def target(self) -> tuple[str, str, _Source]:
        name = self.one(
            ["products", "tags", "people", "orders", "people", "orders", "clerks", "crm.contacts", "crm.tags"]
        )
        if self.chance(35):
            return name, f"{name} AS t", _Source("t", TABLES[name])
        return name, name, _Source(_short(name), TABLES[name])

    def returning(self, source: _Source) -> str:
        if not self.chance(35):
            return ""
        if self.chance(15):
            return " RETURNING *"
        level = _Level([source])
        return f" RETURNING {self.expression(level, self.one(['text', 'int']), 1)} AS r"

    def assignments(self, name: str, level: _Level, depth: int) -> str:
        columns = [c for c in TABLES[name] if c != "id"]
        chosen = self.some(columns, self.one([1, 1, 2]))
        parts = []
        for column in chosen:
            kind = TABLES[name][column]
            own = f"{name}.{column}" in PERSONAL
            value = self.literal(kind) if self.chance(70) else "NULL"
            if own and self.chance(30):
                value = f"{level.sources[0].alias}.{_written(column)}"
            elif self.chance(4):
                value = self.expression(level, kind, depth)
            parts.append(f"{_written(column)} = {value}")
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
        name = self.one(["products", "tags", "people", "orders", "crm.contacts", "crm.tags"])
        columns = ["id", *self.some([c for c in TABLES[name] if c != "id"], self.one([1, 2]))]
        kinds = [TABLES[name][c] for c in columns]
        if self.chance(60):
            row = ", ".join(self.literal(kind) for kind in kinds)
            rows = f"VALUES ({row})" + (f", ({row})" if self.chance(20) else "")
        else:
            # From a personal table it mostly is a copy of what may not be copied.
            source = self.one(["products", "tags"]) if self.chance(85) else self.relation()
            level = _Level([_Source("o", TABLES[source])])
            items = ", ".join(self.expression(level, kind, 1) for kind in kinds)
            rows = f"SELECT {items} FROM {source} o WHERE {self.condition(level, 1)}"
        sql = f"INSERT INTO {name} ({', '.join(map(_written, columns))}) {rows}"
        if self.chance(35):
            target = _Source(_short(name), TABLES[name])
            keys = "(email)" if name == "people" and self.chance(30) else "(id)"
            if self.chance(30):
                sql += f" ON CONFLICT {keys} DO NOTHING"
            else:
                column = _written(columns[-1])
                value = self.one(
                    [f"excluded.{column}", self.literal(TABLES[name][columns[-1]]), f"{_short(name)}.{column}"]
                )
                where = f" WHERE {self.condition(_Level([target]), 0)}" if self.chance(30) else ""
                sql += f" ON CONFLICT {keys} DO UPDATE SET {column} = {value}{where}"
        return sql + self.returning(_Source(_short(name), TABLES[name]))
