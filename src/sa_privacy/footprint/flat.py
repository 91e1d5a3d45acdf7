"""Data-modifying statements as SQLAlchemy's unit of work writes them, recognised by their tokens without parsing.

``INSERT INTO t (..) VALUES (..)``, ``UPDATE t SET a = ? WHERE t.id = ?`` and ``DELETE FROM t WHERE t.id = ?``, with
plain columns in RETURNING. Anything more is left to the judge of texts.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sa_privacy.footprint.lexer import Dialect, Token
from sa_privacy.footprint.model import NOTHING, Footprint, KeyPredicate
from sa_privacy.footprint.names import Index
from sa_privacy.footprint.relations import Relations, system_relation
from sa_privacy.footprint.scope import EMPTY, Out, Source
from sa_privacy.footprint.writer import PLAIN_TYPES

__all__ = ["footprint_of_flat"]


_STORED_TYPES: Final = PLAIN_TYPES | {"date"}  # what drivers say of a value that goes into a column of this type


class _NotFlat(Exception):
    pass


def footprint_of_flat(
    tokens: Sequence[Token], *, dialect: Dialect, index: Index, relations: Relations | None
) -> Footprint | None:
    """The footprint of a flat statement, or None where it is not one."""
    if not tokens or tokens[0].raw not in {"insert", "update", "delete"}:
        return None
    try:
        return _Flat(tokens, dialect, index, relations).footprint()
    except (_NotFlat, IndexError):
        return None


class _Flat:
    def __init__(self, tokens: Sequence[Token], dialect: Dialect, index: Index, relations: Relations | None) -> None:
        self.tokens, self.dialect, self.index, self.relations = tokens, dialect, index, relations
        self.at = 1
        self.matches: set[str] = set()
        self.writes: set[str] = set()
        self.assigned: set[str] = set()
        self.inside: set[str] = set()
        self.pins: set[KeyPredicate] = set()
        self.inserts: list[tuple[str, tuple[tuple[str, str | int], ...]]] = []
        self.moves: list[tuple[str, str, str | int | None]] = []
        self.stored: set[tuple[str, str | int | None]] = set()
        self.schema: str | None = None
        self.table_name = ""

    # tokens

    def word(self, *words: str) -> bool:
        found = [token.raw for token in self.tokens[self.at : self.at + len(words)]] == list(words)
        if found:
            self.at += len(words)
        return found

    def sign(self, sign: str) -> bool:
        found = self.at < len(self.tokens) and self.tokens[self.at].kind == "o" and self.tokens[self.at].text == sign
        self.at += found
        return found

    def need(self, found: object) -> None:
        if not found:
            raise _NotFlat

    def name(self) -> str:
        token = self.tokens[self.at]
        self.need(token.kind in {"w", "q"})
        self.at += 1
        return token.text

    # names

    def table(self) -> None:
        first = self.name()
        if self.sign("."):
            self.schema, self.table_name = first, self.name()
        else:
            self.table_name = first
        tables = self.index.find(self.schema, self.table_name)
        self.need(len(tables) <= 1)
        if not tables:
            self.need(self.relations and system_relation(self.schema, self.table_name, self.dialect) is None)
        if self.relations is not None:
            relation = self.relations.lookup(self.schema, self.table_name)
            self.need(not relation.code and not self.index.carried(relation))
            self.need(tables or relation.kind in {"table", "missing"})
        self.source = Source(self.index, self.dialect, self.table_name, tables)

    def column(self, *, qualified: bool) -> Out:
        """A column of the table; with ``qualified`` it carries the table's name, as SQLAlchemy writes it."""
        name = self.name()
        if qualified:
            parts = [name]
            while self.sign("."):
                parts.append(self.name())
            own = [self.table_name] if len(parts) == 2 else [self.schema, self.table_name]
            self.need(len(parts) > 1 and parts[:-1] == own)
            name = parts[-1]
        if not self.source.tables:
            return Out(name)
        hit = self.source.column(name)
        if hit is None or not hit.sure or hit.out.bare is None:
            raise _NotFlat
        return hit.out

    def value(self, kinds: frozenset[str] = PLAIN_TYPES) -> tuple[bool, str | int | None]:
        """A parameter or constant: whether it is a parameter, and its bind if it is cast to none but these `kinds`."""
        token = self.tokens[self.at]
        self.at += 1
        self.need(token.kind in {"p", "n", "s"} or token.raw in {"null", "true", "false", "default"})
        kept = True
        while self.sign("::"):
            kind = self.tokens[self.at]
            self.need(kind.kind == "w")
            self.at += 1
            kept = kept and kind.raw in kinds
            if self.at < len(self.tokens):
                after = self.tokens[self.at]
                self.need(after.text in {",", ")", "::"} or after.raw in {"where", "and", "returning"})
        return token.kind == "p", token.bind if token.kind == "p" and kept else None

    # clauses

    def footprint(self) -> Footprint:
        verb = self.tokens[0].raw
        deletes: frozenset[str] = frozenset()
        if verb == "insert":
            self.need(self.word("into"))
            self.table()
            self.insert()
        elif verb == "update":
            self.table()
            self.need(self.word("set"))
            self.assign()
            self.where()
        else:
            self.need(self.word("from"))
            self.table()
            self.where()
            deletes = frozenset(table.name for table in self.source.tables if table.columns)
        reads, outputs = self.returning()
        self.need(self.at == len(self.tokens))
        if not self.source.tables:
            return NOTHING
        table = self.source.tables[0]
        key = f"{table.name}.{table.subject.key}" if table.subject is not None and table.subject.key else None
        shown = tuple(at for at, name in enumerate(outputs) if name is not None and name == key)
        mention = (table.name, tuple(sorted(self.pins, key=lambda p: (p.column, str(p.bind), p.many))))
        return Footprint(
            reads=frozenset(reads),
            matches=frozenset(self.matches),
            writes=frozenset(self.writes),
            deletes=deletes,
            inside=frozenset(self.inside),
            outputs=outputs,
            mentions=() if verb == "insert" else (mention,),
            named=(shown,) if outputs and verb != "insert" else (),
            returned=((table.name, shown),) if outputs and verb == "insert" else (),
            inserts=tuple(self.inserts),
            assigned=frozenset(self.assigned),
            moves=tuple(self.moves),
            stored=frozenset(self.stored),
        )

    def insert(self) -> None:
        table = self.source.tables[0] if self.source.tables else None
        if self.word("default", "values"):
            if table:
                self.inserts.append((table.name, ()))
            return
        self.need(self.sign("("))
        columns = [self.column(qualified=False)]
        while self.sign(","):
            columns.append(self.column(qualified=False))
        self.need(self.sign(")") and self.word("values"))
        rows = [self.row(columns)]
        while self.sign(","):
            rows.append(self.row(columns))
        for out in columns:
            self.writes |= out.lineage
        if table is None:
            return
        whole = [at for at in range(len(columns)) if all(row[at] is not None for row in rows)]
        for at, out in enumerate(columns):
            if at not in whole:
                self.assigned |= out.lineage
        for row in rows if whole else rows[:1]:
            binds = tuple((_short(columns[at]), bind) for at in whole if (bind := row[at]) is not None)
            self.inserts.append((table.name, binds))

    def row(self, columns: Sequence[Out]) -> list[str | int | None]:
        self.need(self.sign("("))
        binds: list[str | int | None] = []
        for at, out in enumerate(columns):
            self.need(at == 0 or self.sign(","))
            binds.append(self.stored_value(out, _STORED_TYPES))
        self.need(self.sign(")"))
        return binds

    def stored_value(self, out: Out, kinds: frozenset[str] = PLAIN_TYPES) -> str | int | None:
        """The bind of a value that goes into a column, as :meth:`value` tells it."""
        empty = self.tokens[self.at].raw in {"null", "default"}
        bind = self.value(kinds)[1]
        if not empty and out.lineage:
            self.stored |= {(column.name, bind) for column in self.source.sealed if column.name in out.lineage}
        return bind

    def assign(self) -> None:
        while True:
            out = self.column(qualified=False)
            self.need(self.sign("="))
            bind = self.stored_value(out)
            for table in self.source.tables:
                if out.name is not None and self.index.leads(table, out.name):
                    self.moves.append((table.name, _short(out), bind))
            self.writes |= out.lineage
            self.assigned |= out.lineage
            if not self.sign(","):
                break

    def where(self) -> None:
        if not self.word("where"):
            return
        while True:
            out = self.column(qualified=True)
            self.matches |= out.lineage
            if self.word("is", "null") or self.word("is", "not", "null"):
                pass
            else:
                self.inside |= out.lineage
                self.compare(out)
            if not self.word("and"):
                break

    def compare(self, out: Out) -> None:
        many = False
        if self.word("in"):
            self.need(self.sign("(") and self.tokens[self.at].kind == "l")
            bind: str | int | None = self.tokens[self.at].bind
            self.at += 1
            self.need(self.sign(")"))
            many = True
        else:
            self.need(self.sign("="))
            bind = self.value()[1]
        if bind is not None and out.bare is not None:
            self.pins.add(KeyPredicate(out.bare, bind, many))

    def returning(self) -> tuple[frozenset[str], tuple[str | None, ...]]:
        if not self.word("returning"):
            return EMPTY, ()
        reads, outputs = EMPTY, []
        while True:
            bare_name = self.at + 1 >= len(self.tokens) or self.tokens[self.at + 1].text != "."
            out = self.column(qualified=not bare_name)
            if self.word("as"):
                self.name()
            reads |= out.lineage
            outputs.append(out.bare)
            if not self.sign(","):
                return reads, tuple(outputs)


def _short(out: Out) -> str:
    return (out.bare or "").rpartition(".")[2]
