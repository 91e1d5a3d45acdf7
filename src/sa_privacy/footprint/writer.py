"""The writer behind :mod:`~sa_privacy.footprint.respell`: puts tokens down, quoted, folded and numbered."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from sa_privacy.footprint.lexer import Dialect, Token, fold, unreadable

__all__ = ["FIELDS", "FRAME", "PLAIN_TYPES", "Binds", "Handler", "Spelled", "Writer"]

_COMMON: Final = frozenset(
    [
        "select",
        "from",
        "where",
        "group",
        "having",
        "order",
        "limit",
        "offset",
        "union",
        "except",
        "intersect",
        "all",
        "distinct",
        "on",
        "using",
        "join",
        "inner",
        "left",
        "right",
        "full",
        "outer",
        "cross",
        "natural",
        "as",
        "and",
        "or",
        "not",
        "in",
        "is",
        "null",
        "like",
        "between",
        "case",
        "when",
        "then",
        "else",
        "end",
        "exists",
        "with",
        "insert",
        "into",
        "update",
        "set",
        "delete",
        "returning",
        "default",
        "true",
        "false",
        "asc",
        "desc",
        "by",
        "collate",
        "cast",
        "merge",
        "isnull",
        "notnull",
    ]
)
_KEYWORDS: Final[dict[str, frozenset[str]]] = {
    "postgresql": _COMMON
    | {"ilike", "similar", "to", "any", "some", "array", "lateral", "only", "overlaps", "variadic", "table"},
    "sqlite": _COMMON | {"glob", "regexp", "match"},
}
_VALUES: Final = {  # words that stand for a value of the session or the clock
    "postgresql": frozenset(
        [
            "current_date",
            "current_time",
            "current_timestamp",
            "localtime",
            "localtimestamp",
            "current_user",
            "session_user",
            "user",
            "current_role",
            "current_catalog",
            "current_schema",
        ]
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
    | {"bytea", "json", "jsonb"}
)
_TYPE_WORDS: Final = frozenset(
    [
        "precision",
        "varying",
        "character",
        "char",
        "with",
        "without",
        "time",
        "zone",
        "year",
        "month",
        "day",
        "hour",
        "minute",
        "second",
        "to",
    ]
)
_LONG_TYPES: Final = frozenset(["double", "character", "national", "bit", "timestamp", "time", "interval"])
FIELDS: Final = frozenset(["year", "month", "day", "hour", "minute", "second", "to"])
FRAME: Final = frozenset(
    [
        "rows",
        "range",
        "groups",
        "between",
        "and",
        "unbounded",
        "preceding",
        "following",
        "current",
        "row",
        "exclude",
        "ties",
        "no",
        "others",
    ]
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


_END: Final = Token("", "", "")


Handler = Callable[["Writer", Token], bool]


class Writer:
    """Writes tokens one by one; words that mean something are left to the handlers.

    :param interesting: names (lower case) to be counted in :attr:`Spelled.named`.
    """

    def __init__(
        self,
        tokens: Sequence[Token],
        dialect: Dialect,
        interesting: Collection[str],
        handlers: Mapping[str, Handler],
    ) -> None:
        self.tokens, self.dialect, self.interesting, self.handlers = tokens, dialect, interesting, handlers
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
                words = {item.raw if item.kind == "w" else "" for item in items}
                empty = "DEFAULT" if words == {"default"} else "NULL"
                self.put(empty if words <= {"null", "default"} else "0", closed=True)
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
            self.closed
            or self.last in {".", "from", "join", "into", "update"}
            or (after.kind == "o" and after.text == ".")
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
        if self.stack and self.stack[-1] == "frame" and raw in FRAME:
            self.keyword(raw)
            return
        special = self.stack[-1] if self.stack else ""
        if special in _SEPARATORS and raw in _SEPARATORS[special]:
            if self.last not in {"(", ","}:
                self.put(",", closed=False, last=",")
            return
        handler = self.handlers.get(raw)
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
