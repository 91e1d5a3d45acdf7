"""What one judgement of a statement gathers, and what it may ask."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from sqlglot import exp

from sa_privacy.columns.catalogue import Catalogue, PersonalTable
from sa_privacy.columns.lookup_key import LONGEST, SLOT_BYTES, SLOTS
from sa_privacy.footprint.declarations import Declarations
from sa_privacy.footprint.keys import Bind, Pins
from sa_privacy.footprint.lexer import Dialect, unreadable
from sa_privacy.footprint.model import Footprint
from sa_privacy.footprint.names import Index, index_of
from sa_privacy.footprint.owners import Owners
from sa_privacy.footprint.persons import Persons
from sa_privacy.footprint.relations import Relations
from sa_privacy.footprint.scope import EMPTY, Node, Out, Rows, Scope, Source
from sa_privacy.footprint.writer import Binds, Spelled

__all__ = ["Asked", "Use", "Work", "function_name", "name_of", "only"]

Use = Literal["read", "match", "assign", "none"]
"""What a value is for: the output, the choice of rows, an assignment, or nothing that counts."""


#: What ``substr`` may take out of cells that can be searched: a slot, and how the cell begins; and in what the library
#: itself renders while a column is being sealed, the whole of a plain value.
_SLOTS = frozenset({*((str(start), str(SLOT_BYTES)) for start in SLOTS), ("1", "2")})
_WHOLE = ("1", str(LONGEST))


@dataclass(slots=True)
class Asked:
    """The surroundings of a judgement."""

    dialect: Dialect
    catalogue: Catalogue
    relations: Relations
    declarations: Declarations
    both_forms: bool = False
    """The library itself rendered plain values of columns that are being sealed."""
    depth: int = 0
    view: Callable[[str, int], tuple[Footprint, Rows]] | None = None
    marks: Mapping[str, str] = field(default_factory=dict)
    """The tables that marks of the gate limit, by the names of their columns."""

    @property
    def index(self) -> Index:
        return index_of(self.catalogue)


@dataclass(slots=True)
class Work:
    """The growing footprint of one statement."""

    asked: Asked
    spelled: Spelled
    reads: set[str] = field(default_factory=set)
    matches: set[str] = field(default_factory=set)
    writes: set[str] = field(default_factory=set)
    assigned: set[str] = field(default_factory=set)
    deletes: set[str] = field(default_factory=set)
    inside: set[str] = field(default_factory=set)
    mentions: list[Source] = field(default_factory=list)
    inherited: list[tuple[str, tuple[object, ...]]] = field(default_factory=list)
    inserts: list[tuple[str, tuple[tuple[str, str | int], ...]]] = field(default_factory=list)
    loose: list[tuple[str, Use]] = field(default_factory=list)
    moves: list[tuple[str, str, str | int | None]] = field(default_factory=list)
    stored: set[tuple[str, str | int | None]] = field(default_factory=set)
    calls: set[str] = field(default_factory=set)
    limited: set[tuple[int, str]] = field(default_factory=set)
    """Sources with the tables of theirs that a mark limits."""
    withs: set[str] = field(default_factory=set)
    targets: list[Source] = field(default_factory=list)
    """What is inserted into."""
    unseen: bool = False
    kept: dict[int, frozenset[Node]] = field(default_factory=dict)
    """Of sources whose rows are put together, the columns that stay as they are."""
    in_withs: set[int] = field(default_factory=set)
    """The sources of WITH queries."""
    apart: set[int] = field(default_factory=set)
    """Sources whose rows need not stand in the result rows, though they are changed."""
    repeated: bool = False
    """Rows of a WITH query may stand in one result row more than once."""
    unnamed: bool = False
    """It cannot be told at all which rows a result row is made of."""
    assigning: frozenset[str] = EMPTY
    pins: Pins = field(init=False)

    def __post_init__(self) -> None:
        self.pins = Pins(self.bind_of)

    def use(self, lineage: frozenset[str], use: Use) -> None:
        """Notes what columns are used for."""
        if not lineage or use == "none":
            return
        if use == "match":
            self.matches |= lineage
        elif use == "assign":
            # A column computed from its old self is matched, not read: its value goes nowhere else.
            self.matches |= lineage & self.assigning
            self.reads |= lineage - self.assigning
        else:
            self.reads |= lineage

    def take(self, out: Out) -> None:
        """An expression takes a value: what stood bare in it stands inside from now on.

        This is the one place that says where a sealed column may stand; an expression that may hold one, such as a
        column's own lookup, does not call it.
        """
        self.inside |= out.pending

    def slot_of(self, out: Out, start: object, length: object) -> Out | None:
        """What ``substr(value, start, length)`` takes, where that is a lookup slot of cells; else None.

        Digests are not values: they may be compared and computed with. They count as the column all the same.
        """
        columns = [self.asked.catalogue.columns[name] for name in out.pending]
        taken = (start, length)
        known = taken in _SLOTS or (taken == _WHOLE and self.asked.both_forms)
        if known and out.pending == out.lineage and all(column.searchable for column in columns):
            return Out(lineage=out.lineage) if columns else None
        return None

    def match(self, out: Out) -> None:
        """A value decides about rows, their order or their groups."""
        self.matches |= out.lineage
        self.take(out)

    def bind_of(self, node: exp.Expr) -> Bind | None:
        """The bind behind a placeholder; a cast that could change the value hides it."""
        binds = self.binds_of(node)
        return (binds.rows[0], binds.many) if binds is not None and len(binds.rows) == 1 else None

    def binds_of(self, node: exp.Expr) -> Binds | None:
        """As :meth:`bind_of`, for a placeholder that stands for one in each row of VALUES."""
        through = self.asked.dialect != "sqlite"  # which casts '7 or so' to 7
        while isinstance(node, exp.Paren) or (through and isinstance(node, exp.Cast) and node.to.is_type("bigint")):
            node = node.this
        if not isinstance(node, exp.Placeholder):
            return None
        number = str(node.this or "")[1:]
        if not number.isdigit():
            raise unreadable("a parameter of the statement cannot be read")
        return self.spelled.binds[int(number)]

    def reach(self, tables: Iterable[str]) -> None:
        """Notes tables of which rows are reached that no condition of the statement binds."""
        self.inherited += [(table, ()) for table in sorted(set(tables))]

    def move(self, tables: Sequence[PersonalTable], column: str, bind: Bind | None) -> None:
        """Notes an assignment to a column that leads to a row's person."""
        for table in tables:
            if self.asked.index.leads(table, column):
                name = self.asked.index.spelling(table, column) or column
                self.moves.append((table.name, name, None if bind is None or bind[1] else bind[0]))

    def put_together(self, scope: Scope, columns: frozenset[Node]) -> None:
        """Notes that a row of this level is made of several; `columns` are the same in all of them."""
        for source in scope.sources:
            self.kept[source.key] = frozenset() if scope.mixes else columns

    def snapshot(self) -> Callable[[], None]:
        """Remembers the state; the function returned goes back to it."""
        sets: list[set[Any]] = [
            *(self.reads, self.matches, self.writes, self.assigned, self.deletes, self.inside, self.stored)
        ]
        lists: list[list[Any]] = [self.mentions, self.inherited, self.inserts, self.loose, self.moves]
        kept_sets, kept_lists = [set(s) for s in sets], [list(x) for x in lists]
        values = {k: set(v) for k, v in self.pins.values.items()}
        implies = {k: set(v) for k, v in self.pins.implies.items()}

        def restore() -> None:
            for one, kept in zip(sets, kept_sets, strict=True):
                one.clear()
                one.update(kept)
            for x, kept_list in zip(lists, kept_lists, strict=True):
                x[:] = kept_list
            self.pins.values, self.pins.implies = dict(values), dict(implies)

        return restore

    def footprint(self, rows: Rows | None) -> Footprint:
        """The finished footprint."""
        self._settle_loose()
        self.pins.settle()
        owners = Owners(self.pins, self.mentions, self.asked.catalogue)
        mentions = [
            (table.name, owners.predicates(source, at))
            for source in self.mentions
            for at, table in enumerate(source.tables)
        ]
        outputs: tuple[str | None, ...] = ()
        named: list[tuple[int, ...]] = []
        returned: list[tuple[str, tuple[int, ...]]] = []
        perhaps: frozenset[tuple[int, int]] = frozenset()
        if rows is not None and rows.exact:
            outputs = tuple(out.bare for out in rows.outs)
            persons = Persons(self, owners, rows.outs)
            named = [persons.of(source, at) for source in self.mentions for at in range(len(source.tables))]
            returned = [
                (table.name, persons.of(source, at))
                for source in self.targets
                for at, table in enumerate(source.tables)
            ]
            perhaps = persons.perhaps
        return Footprint(
            reads=frozenset(self.reads),
            matches=frozenset(self.matches),
            writes=frozenset(self.writes),
            deletes=frozenset(self.deletes),
            inside=frozenset(self.inside),
            outputs=outputs,
            mentions=(*mentions, *self.inherited),  # type: ignore[arg-type]
            limited=self._limited(),
            withs=frozenset(self.withs),
            named=tuple(named),
            returned=tuple(returned),
            perhaps=perhaps,
            aside=bool(self.apart),
            unseen=self.unseen,
            inserts=tuple(self.inserts),
            assigned=frozenset(self.assigned),
            moves=tuple(self.moves),
            stored=frozenset(self.stored),
        )

    def _limited(self) -> frozenset[str]:
        """The tables of which every mention is limited."""
        mentions = [(source.key, table.name) for source in self.mentions for table in source.tables]
        others = {table for table, _ in self.inherited}
        others |= {table for key, table in mentions if (key, table) not in self.limited}
        return frozenset(table for _, table in mentions if table not in others)

    def _settle_loose(self) -> None:
        # A name that no source is known to have counts for every table of the statement that could have it.
        for name, use in self.loose:
            for source in self.mentions:
                for table in source.tables:
                    column = self.asked.index.personal(table, name)
                    if column is not None:
                        self.use(frozenset({column.name}), use)
                        self.inside.add(column.name)


def only(node: exp.Expr, *allowed: str) -> None:
    """Refuses a node that carries anything else than the judge looks at."""
    for key, value in node.args.items():
        if value and key not in allowed:
            raise unreadable(f"{type(node).__name__.upper()} with {key.strip('_').upper()} is not read")


def name_of(node: object, spelled: Spelled) -> str:
    """The name an identifier stands for, undoing the stand-ins of :mod:`~sa_privacy.footprint.respell`."""
    if isinstance(node, exp.Literal) and node.is_string:
        text = str(node.this)
    elif isinstance(node, exp.Identifier):
        text = str(node.this)
        if not node.args.get("quoted"):
            return function_name(text, spelled)
    else:
        raise unreadable("a name of the statement cannot be read")
    if text.startswith("zqs") and text[3:].isdigit():
        return spelled.strings[int(text[3:])].lower()
    return text


def function_name(text: str, spelled: Spelled) -> str:
    """The name behind ``zqf3``."""
    lower = text.lower()
    if not (lower.startswith("zqf") and lower[3:].isdigit()):
        raise unreadable(f"the construct {text.upper()} is not read")
    return spelled.functions[int(lower[3:])]
