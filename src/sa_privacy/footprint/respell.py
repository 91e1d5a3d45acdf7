"""Writes a statement again, in a spelling that sqlglot can read in one way only.

sqlglot knows thirty dialects and is lenient. Every name is therefore handed to it quoted and folded, every function
under a number, every string and parameter as a stand-in; types, sampling and locking clauses, which name no data, are
taken out. A keyword of another dialect cannot change the meaning, and no literal of the statement reaches sqlglot.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from sa_privacy.footprint.lexer import Dialect, Token, fold, unreadable

__all__ = ["PLAIN_TYPES", "Binds", "Spelled", "respell"]

_COMMON: Final = frozenset(
    """select from where group having order limit offset union except intersect all distinct on using join inner left
    right full outer cross natural as and or not in is null like between case when then else end exists with insert
    into update set delete returning default true false asc desc by collate cast merge isnull notnull""".split()
)
_KEYWORDS: Final[dict[str, frozenset[str]]] = {
    "postgresql": _COMMON | set("ilike similar to any some array lateral only overlaps variadic table".split()),
    "sqlite": _COMMON | set("glob regexp match".split()),
}
_VALUES: Final = {  # words that stand for a value of the session or the clock
    "postgresql": frozenset(
        """current_date current_time current_timestamp localtime localtimestamp current_user session_user user
        current_role current_catalog current_schema""".split()
    ),
    "sqlite": frozenset({"current_date", "current_time", "current_timestamp"}),
}
_OPERATOR_OR_FUNCTION: Final = frozenset({"like", "glob", "regexp", "match", "left", "right"})
_CLOSING: Final = frozenset({"end", "null", "true", "false"})
_SEPARATORS: Final[dict[str, frozenset[str]]] = {
    "substring": frozenset({"from", "for", "similar", "escape"}),
    "trim": frozenset({"from", "both", "leading", "trailing"}),
    "position": frozenset({"in"}),
    "overlay": frozenset({"placing", "from", "for"}),
}
PLAIN_TYPES: Final = frozenset(  # a cast to these keeps the value of a parameter as it is
    {"integer", "int", "int2", "int4", "int8", "bigint", "smallint", "text", "uuid", "varchar"}
)
_TYPE_WORDS: Final = frozenset(
    "precision varying character char with without time zone year month day hour minute second to".split()
)
_LONG_TYPES: Final = frozenset("double character national bit timestamp time interval".split())
_FIELDS: Final = frozenset("year month day hour minute second to".split())
_FRAME: Final = frozenset(
    "rows range groups between and unbounded preceding following current row exclude ties no others".split()
)
_RESERVED_NAME: Final = re.compile(r"zq[sf]\d")


class Binds(NamedTuple):
    """The parameter at one place.

    :param rows: its bind; one for each row, where the place stands for a column of rows of VALUES; none where not
        every row has a parameter there.
    :param many: it is a list parameter.
    """

    rows: tuple[str | int, ...]
    many: bool = False


@dataclass(slots=True)
class Spelled:
    """A statement in the spelling for sqlglot, and what its stand-ins mean.

    :param text: names are quoted and folded; ``'zqs3'`` is ``strings[3]``, ``zqf3(...)`` calls ``functions[3]``,
        ``:p3`` is ``binds[3]``.
    :param rows: how many rows the first VALUES of the statement has; rows of nothing but parameters and constants are
        written once only.
    :param named: how often each of the interesting words stands in the text as a name.
    :param replaces: the statement is INSERT OR REPLACE or UPDATE OR REPLACE.
    """

    text: str = ""
    strings: list[str] = field(default_factory=list)
    functions: list[str] = field(default_factory=list)
    binds: list[Binds] = field(default_factory=list)
    rows: int = 1
    named: Counter[str] = field(default_factory=Counter)
    replaces: bool = False


def respell(tokens: Sequence[Token], dialect: Dialect, interesting: Collection[str]) -> Spelled:
    """The tokens of one statement in the spelling for sqlglot.

    :param interesting: names (lower case) to be counted in :attr:`Spelled.named`.
    :raises UnreadableStatement: for constructs it does not know.
    """
    return _Writer(tokens, dialect, interesting).write()


_END: Final = Token("", "", "")


_Handler = Callable[["_Writer", Token], bool]


class _Writer:
    def __init__(self, tokens: Sequence[Token], dialect: Dialect, interesting: Collection[str]) -> None:
        self.tokens, self.dialect, self.interesting = tokens, dialect, interesting
        self.keywords, self.values = _KEYWORDS[dialect], _VALUES[dialect]
        self.at = 0
        self.out: list[str] = []
        self.spelled = Spelled()
        self.stack: list[str] = []  # what each open bracket belongs to
        self.closed = False  # whether the last piece can end an expression
        self.last = ""  # the last keyword or sign, "" after a name

    def peek(self, ahead: int = 0) -> Token:
        at = self.at + ahead
        return self.tokens[at] if at < len(self.tokens) else _END

    def raws(self, *words: str, ahead: int = 0) -> bool:
        return all(self.peek(ahead + i).raw == word for i, word in enumerate(words))

    def put(self, text: str, *, closed: bool, last: str = "") -> None:
        self.out.append(text)
        self.closed, self.last = closed, last

    def keyword(self, *words: str) -> None:
        self.put(" ".join(words).upper(), closed=words[-1] in _CLOSING, last=words[-1])

    def name(self, name: str) -> None:
        if _RESERVED_NAME.match(name):
            raise unreadable("a name of the statement is one that the library needs for itself")
        self.count(name)
        self.put('"' + name.replace('"', '""') + '"', closed=True)

    def count(self, name: str) -> None:
        lower = name.lower()
        if lower in self.interesting:
            self.spelled.named[lower] += 1

    def string(self, content: str) -> None:
        self.spelled.strings.append(content)
        self.put(f"'zqs{len(self.spelled.strings) - 1}'", closed=True)

    def function(self, name: str, *, spoken: bool = True) -> None:
        if spoken:
            self.count(name)
        self.spelled.functions.append(name)
        self.put(f"zqf{len(self.spelled.functions) - 1}", closed=True)

    def write(self) -> Spelled:
        if self.raws("replace", "into"):
            self.spelled.replaces = True
            self.keyword("insert")
            self.at = 1
        while self.at < len(self.tokens):
            token = self.tokens[self.at]
            self.at += 1
            if token.kind == "w":
                self.word(token)
            elif token.kind == "q":
                self.quoted(token)
            elif token.kind == "s":
                self.text(token)
            elif token.kind == "n":
                self.put(token.text, closed=True)
            elif token.kind in "pl":
                self.spelled.binds.append(Binds((token.bind,), token.kind == "l"))
                self.put(f":p{len(self.spelled.binds) - 1}", closed=True)
            else:
                self.sign(token.text)
        self.spelled.text = " ".join(self.out)
        return self.spelled

    def merge_rows(self, rows: list[list[Token]]) -> None:
        """Writes many rows of parameters and constants as one."""
        self.spelled.rows = len(rows)
        self.put("(", closed=False, last="(")
        for at, items in enumerate(zip(*rows, strict=True)):
            if at:
                self.put(",", closed=False, last=",")
            binds = tuple(item.bind for item in items if item.kind == "p")
            if not binds and all(item.kind != "c" for item in items):
                self.put("DEFAULT" if all(item.raw == "default" for item in items) else "NULL", closed=True)
                continue
            self.spelled.binds.append(Binds(binds if len(binds) == len(items) else ()))
            self.put(f":p{len(self.spelled.binds) - 1}", closed=True)
        self.put(")", closed=True, last=")")

    def sign(self, sign: str) -> None:
        if sign == "(":
            self.stack.append(self.opening())
        elif sign == "[":
            self.stack.append("")
        elif sign in (")", "]"):
            if self.stack:
                self.stack.pop()
        elif sign == "::":
            kind = self.type()
            self.put(":: " + kind, closed=True)
            return
        self.put(sign, closed=sign in (")", "]"), last=sign)

    def opening(self) -> str:
        return "over" if self.last in {"over", "as"} else ""  # as: WINDOW w AS (

    def quoted(self, token: Token) -> None:
        after = self.peek()
        if after.text == "(" and after.kind == "o":
            self.function(token.text)
        elif after.kind == "s" and self.dialect == "postgresql" and self.last != ".":
            self.typed_literal()
        else:
            self.name(token.text)

    def text(self, token: Token) -> None:
        after = self.peek()
        # SQLite takes a string for a name where only a name can stand.
        is_name = self.dialect == "sqlite" and (
            self.closed or self.last in {".", "from", "join", "into", "update"} or (after.kind == "o" and after.text == ".")
        )
        if is_name:
            self.name(fold(token.text, "sqlite", quoted=True))
        else:
            self.string(token.text)

    def typed_literal(self) -> None:
        token = self.peek()
        self.at += 1
        self.string(token.text)

    def word(self, token: Token) -> None:
        raw, after = token.raw, self.peek()
        if self.last == ".":
            self.called(token)
            return
        if self.stack and self.stack[-1] == "frame" and raw in _FRAME:
            self.keyword(raw)
            return
        special = self.stack[-1] if self.stack else ""
        if special in _SEPARATORS and raw in _SEPARATORS[special]:
            if self.last not in {"(", ","}:
                self.put(",", closed=False, last=",")
            return
        handler = _HANDLERS.get(raw)
        if handler is not None and handler(self, token):
            return
        if raw in self.values and not (after.kind == "o" and after.text in {".", "("}):
            self.string("")
        elif raw in self.keywords and not self.calls(raw, after):
            self.keyword(raw)
        elif after.kind == "s" and self.dialect == "postgresql":
            self.typed_literal()
        else:
            self.called(token)

    def calls(self, raw: str, after: Token) -> bool:
        if raw not in _OPERATOR_OR_FUNCTION or after.kind != "o" or after.text != "(":
            return False
        return raw in {"left", "right"} or not self.closed

    def called(self, token: Token) -> None:
        after = self.peek()
        if after.kind == "o" and after.text == "(":
            self.function(token.text)
        else:
            self.name(token.text)

    def type(self) -> str:
        """Skips the name of a type; tells whether a cast to it keeps a parameter as it is."""
        first = self.peek()
        if first.kind not in {"w", "q"}:
            raise unreadable("a cast of the statement cannot be read")
        self.at += 1
        plain = first.kind == "w" and first.raw in PLAIN_TYPES
        while self.peek().text == "." and self.peek().kind == "o" and self.peek(1).kind in {"w", "q"}:
            self.at += 2
            plain = False
        if first.raw in _LONG_TYPES:
            while self.peek().raw in _TYPE_WORDS:
                if self.peek().raw in {"with", "without"} and self.peek(1).raw != "time":
                    break
                self.at += 1
        while self.peek().kind == "o" and self.peek().text in {"(", "["}:
            plain = False
            self.skip_brackets()
            while first.raw in _LONG_TYPES and self.peek().raw in _TYPE_WORDS:
                self.at += 1
        return "BIGINT" if plain else "TEXT"

    def skip_brackets(self) -> None:
        """Skips ``(10, 2)``, ``[]`` and the like; anything but numbers and words in there is refused."""
        close = {"(": ")", "[": "]"}[self.peek().text]
        self.at += 1
        while self.peek().text != close:
            if self.peek().kind not in {"n", "w", "p", "q"} and self.peek().text not in {",", "-"}:
                raise unreadable("the parameters of a type or of TABLESAMPLE cannot be read")
            self.at += 1
        self.at += 1


def _as(writer: _Writer, token: Token) -> bool:
    if writer.stack and writer.stack[-1] == "cast":
        writer.put("AS " + writer.type(), closed=True)
        return True
    writer.keyword("as")
    if writer.raws("not", "materialized"):
        writer.at += 2
    elif writer.raws("materialized") and writer.peek(1).text == "(":
        writer.at += 1
    after = writer.peek()
    if after.kind in {"w", "q"} or (after.kind == "s" and writer.dialect == "sqlite"):
        writer.at += 1
        writer.name(after.text if after.kind != "s" else fold(after.text, "sqlite", quoted=True))
    return True


def _cast(writer: _Writer, token: Token) -> bool:
    if writer.peek().text != "(":
        return False
    writer.at += 1
    writer.stack.append("cast")
    writer.put("CAST (", closed=False, last="(")
    return True


def _special(writer: _Writer, token: Token) -> bool:
    if writer.peek().text != "(" or writer.dialect == "sqlite":
        return False
    writer.at += 1
    writer.function(token.text)
    writer.stack.append(token.raw)
    writer.put("(", closed=False, last="(")
    return True


def _extract(writer: _Writer, token: Token) -> bool:
    if writer.dialect == "sqlite" or writer.peek().text != "(" or not writer.raws("from", ahead=2):
        return False
    writer.at += 3
    writer.function(token.text)
    writer.stack.append("")
    writer.put("(", closed=False, last="(")
    return True


def _interval(writer: _Writer, token: Token) -> bool:
    if writer.dialect == "sqlite" or writer.peek().kind != "s":
        return False
    writer.typed_literal()
    while writer.peek().raw in _FIELDS:
        writer.at += 1
        if writer.peek().text == "(":
            writer.skip_brackets()
    return True


def _timestamp(writer: _Writer, token: Token) -> bool:
    zoned = writer.peek().raw in {"with", "without"} and writer.raws("time", "zone", ahead=1)
    if writer.dialect == "sqlite" or not zoned or writer.peek(3).kind != "s":
        return False
    writer.at += 3
    writer.typed_literal()
    return True


def _for(writer: _Writer, token: Token) -> bool:
    for words in (("update",), ("share",), ("no", "key", "update"), ("key", "share")):
        if writer.raws(*words):
            writer.at += len(words)
            break
    else:
        return False
    if writer.raws("of"):
        writer.at += 1
        while writer.peek().kind in {"w", "q"}:
            writer.at += 1
            if writer.peek().text not in {",", "."}:
                break
            writer.at += 1
    if writer.raws("nowait"):
        writer.at += 1
    elif writer.raws("skip", "locked"):
        writer.at += 2
    return True


def _tablesample(writer: _Writer, token: Token) -> bool:
    if writer.dialect == "sqlite" or writer.peek().kind != "w" or writer.peek(1).text != "(":
        return False
    writer.at += 1
    writer.skip_brackets()
    if writer.raws("repeatable"):
        writer.at += 1
        writer.skip_brackets()
    return True


def _fetch(writer: _Writer, token: Token) -> bool:
    if writer.peek().raw not in {"first", "next"}:
        return False
    writer.at += 1
    writer.keyword("limit")
    count = writer.peek()
    if count.raw in {"row", "rows"}:
        writer.put("1", closed=True)
    elif count.kind in {"n", "p"}:
        writer.at += 1
        if count.kind == "n":
            writer.put(count.text, closed=True)
        else:
            writer.spelled.binds.append(Binds((count.bind,)))
            writer.put(f":p{len(writer.spelled.binds) - 1}", closed=True)
    else:
        raise unreadable("FETCH FIRST with an expression is not read")
    if writer.peek().raw in {"row", "rows"}:
        writer.at += 1
    writer.at += 2 if writer.raws("with", "ties") else 1 if writer.raws("only") else 0
    return True


def _indexed(writer: _Writer, token: Token) -> bool:
    if writer.dialect == "sqlite" and writer.closed and token.raw == "not" and writer.raws("indexed"):
        writer.at += 1
        return True
    if writer.dialect == "sqlite" and writer.closed and token.raw == "indexed" and writer.raws("by"):
        writer.at += 2
        return True
    if token.raw == "not" and writer.closed and writer.raws("null"):
        writer.at += 1
        writer.keyword("is", "not", "null")
        return True
    return False


def _null_test(writer: _Writer, token: Token) -> bool:
    if not writer.closed:
        return False
    writer.keyword(*(("is", "null") if token.raw == "isnull" else ("is", "not", "null")))
    return True


def _or_conflict(writer: _Writer, token: Token) -> bool:
    if writer.dialect != "sqlite" or writer.last not in {"insert", "update"}:
        return False
    if writer.peek().raw not in {"replace", "rollback", "abort", "fail", "ignore"}:
        return False
    writer.spelled.replaces = writer.peek().raw == "replace"
    writer.at += 1
    return True


def _operator(writer: _Writer, token: Token) -> bool:
    if writer.dialect == "sqlite" or not (writer.peek().text == "(" and writer.peek(2).text == "."):
        return False
    if writer.peek(1).raw != "pg_catalog" or writer.peek(3).kind != "o" or writer.peek(4).text != ")":
        raise unreadable("OPERATOR() is read for operators of pg_catalog only")
    writer.sign(writer.peek(3).text)
    writer.at += 5
    return True


def _grouping(writer: _Writer, token: Token) -> bool:
    if not writer.raws("sets") or writer.peek(1).text != "(":
        return False
    writer.at += 1
    writer.function("grouping sets", spoken=False)
    return True


def _frame(writer: _Writer, token: Token) -> bool:
    after = writer.peek()
    if not (writer.stack and writer.stack[-1] == "over"):
        return False
    if not (after.raw in {"between", "unbounded", "current"} or after.kind in {"n", "p", "s"} or after.raw == "interval"):
        return False
    writer.stack[-1] = "frame"
    writer.keyword(token.raw)
    return True


def _soft(*follows: str, after: tuple[str, ...] = ()) -> _Handler:
    """A word that is a keyword only after or before certain others."""

    def handle(writer: _Writer, token: Token) -> bool:
        sign = writer.peek().text if writer.peek().kind == "o" else writer.peek().raw
        if (follows and sign in follows) or (after and writer.last in after):
            writer.keyword(token.raw)
            return True
        return False

    return handle


def _over(writer: _Writer, token: Token) -> bool:
    if writer.last != ")" or not (writer.peek().text == "(" or writer.peek().kind in {"w", "q"}):
        return False
    writer.keyword("over")
    return True


def _filter(writer: _Writer, token: Token) -> bool:
    if writer.last != ")" or writer.peek().text != "(":
        return False
    writer.keyword("filter")
    return True


def _window(writer: _Writer, token: Token) -> bool:
    if not (writer.peek().kind in {"w", "q"} and writer.raws("as", ahead=1) and writer.peek(2).text == "("):
        return False
    writer.keyword("window")
    return True


def _at(writer: _Writer, token: Token) -> bool:
    if not writer.closed or not writer.raws("time", "zone"):
        return False
    writer.at += 2
    writer.keyword("at", "time", "zone")
    return True


def _skip_between(writer: _Writer, token: Token) -> bool:
    return writer.last == "between"


def _escape(writer: _Writer, token: Token) -> bool:
    if not writer.closed or writer.peek().kind not in {"s", "p"}:
        return False
    writer.keyword("escape")
    return True


def _overriding(writer: _Writer, token: Token) -> bool:
    if writer.peek().raw not in {"system", "user"} or not writer.raws("value", ahead=1):
        return False
    writer.at += 2
    return True


def _values(writer: _Writer, token: Token) -> bool:
    if writer.last == "default":
        writer.keyword("values")
        return True
    if writer.peek().text != "(":
        return False
    writer.keyword("values")
    first, at = _simple_row(writer, writer.at)
    rows = [first]
    end = at
    while first and at < len(writer.tokens) and writer.tokens[at].text == "," and writer.tokens[at].kind == "o":
        row, at = _simple_row(writer, at + 1)
        if not row or len(row) != len(first):
            return True
        rows.append(row)
        end = at
    if len(rows) > 1:
        writer.merge_rows(rows)
        writer.at = end
    return True


def _simple_row(writer: _Writer, at: int) -> tuple[list[Token], int]:
    """The items of a row of nothing but parameters and constants, and the place after it; no items for another row."""
    tokens = writer.tokens
    items: list[Token] = []
    if at >= len(tokens) or tokens[at].text != "(":
        return [], at
    at += 1
    while at < len(tokens):
        token = tokens[at]
        simple = token.kind in {"p", "n"} or (token.kind == "s" and tokens[at + 1].kind == "o")
        if not (simple or token.raw in {"null", "default", "true", "false"}) or at + 1 >= len(tokens):
            return [], at
        items.append(token)
        kept, writer.at = writer.at, at + 1
        while writer.peek().text == "::" and writer.peek().kind == "o":
            writer.at += 1
            if writer.type() != "BIGINT":
                items[-1] = _CHANGED
        at, writer.at = writer.at, kept
        if at >= len(tokens) or tokens[at].kind != "o" or tokens[at].text not in {",", ")"}:
            return [], at
        if tokens[at].text == ")":
            return items, at + 1
        at += 1
    return [], at


_CHANGED: Final = Token("c", "")  # a parameter whose cast may change the value, or a constant


def _rows(writer: _Writer, token: Token) -> bool:
    offset = len(writer.out) > 1 and writer.out[-2] == "OFFSET" and writer.closed
    return offset or (token.raw == "rows" and _frame(writer, token))


_HANDLERS: Final[dict[str, _Handler]] = {
    "as": _as,
    "cast": _cast,
    "substring": _special,
    "trim": _special,
    "position": _special,
    "overlay": _special,
    "extract": _extract,
    "interval": _interval,
    "timestamp": _timestamp,
    "time": _timestamp,
    "for": _for,
    "tablesample": _tablesample,
    "fetch": _fetch,
    "not": _indexed,
    "indexed": _indexed,
    "isnull": _null_test,
    "notnull": _null_test,
    "or": _or_conflict,
    "operator": _operator,
    "grouping": _grouping,
    "rows": _rows,
    "row": _rows,
    "range": _frame,
    "groups": _frame,
    "over": _over,
    "filter": _filter,
    "window": _window,
    "at": _at,
    "symmetric": _skip_between,
    "asymmetric": _skip_between,
    "escape": _escape,
    "partition": _soft("by"),
    "within": _soft("group"),
    "recursive": _soft(after=("with",)),
    "do": _soft("nothing", "update"),
    "nothing": _soft(after=("do",)),
    "conflict": _soft(after=("on",)),
    "constraint": _soft(after=("on",)),
    "overriding": _overriding,
    "ordinality": _soft(after=("with",)),
    "nulls": _soft("first", "last"),
    "first": _soft(after=("nulls",)),
    "last": _soft(after=("nulls",)),
    "values": _values,
    "matched": _soft(after=("when", "not")),
    "unknown": _soft(after=("is", "not")),
}
