"""The words of SQL that mean more than a name in some places: what each is written as, and where.

A handler is given the word just read; it returns whether it has written it.
"""

from __future__ import annotations

from typing import Final

from sa_privacy.footprint.lexer import Token, fold, unreadable
from sa_privacy.footprint.writer import FIELDS, Binds, Handler, Writer

__all__ = ["HANDLERS"]


def _as(writer: Writer, _token: Token) -> bool:
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


def _cast(writer: Writer, _token: Token) -> bool:
    if writer.peek().text != "(":
        return False
    writer.at += 1
    writer.stack.append("cast")
    writer.put("CAST (", closed=False, last="(")
    return True


def _special(writer: Writer, token: Token) -> bool:
    if writer.peek().text != "(" or writer.dialect == "sqlite":
        return False
    writer.at += 1
    writer.function(token.text)
    writer.stack.append(token.raw)
    writer.put("(", closed=False, last="(")
    return True


def _extract(writer: Writer, token: Token) -> bool:
    if writer.dialect == "sqlite" or writer.peek().text != "(" or not writer.raws("from", ahead=2):
        return False
    writer.at += 3
    writer.function(token.text)
    writer.stack.append("")
    writer.put("(", closed=False, last="(")
    return True


def _interval(writer: Writer, _token: Token) -> bool:
    if writer.dialect == "sqlite" or writer.peek().kind != "s":
        return False
    writer.typed_literal()
    while writer.peek().raw in FIELDS:
        writer.at += 1
        if writer.peek().text == "(":
            writer.skip_brackets()
    return True


def _timestamp(writer: Writer, _token: Token) -> bool:
    zoned = writer.peek().raw in {"with", "without"} and writer.raws("time", "zone", ahead=1)
    if writer.dialect == "sqlite" or not zoned or writer.peek(3).kind != "s":
        return False
    writer.at += 3
    writer.typed_literal()
    return True


def _for(writer: Writer, _token: Token) -> bool:
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


def _tablesample(writer: Writer, _token: Token) -> bool:
    if writer.dialect == "sqlite" or writer.peek().kind != "w" or writer.peek(1).text != "(":
        return False
    writer.at += 1
    writer.skip_brackets()
    if writer.raws("repeatable"):
        writer.at += 1
        writer.skip_brackets()
    return True


def _fetch(writer: Writer, _token: Token) -> bool:
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


def _indexed(writer: Writer, token: Token) -> bool:
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


def _null_test(writer: Writer, token: Token) -> bool:
    if not writer.closed:
        return False
    writer.keyword(*(("is", "null") if token.raw == "isnull" else ("is", "not", "null")))
    return True


def _or_conflict(writer: Writer, _token: Token) -> bool:
    if writer.dialect != "sqlite" or writer.last not in {"insert", "update"}:
        return False
    if writer.peek().raw not in {"replace", "rollback", "abort", "fail", "ignore"}:
        return False
    writer.spelled.replaces = writer.peek().raw == "replace"
    writer.at += 1
    return True


def _operator(writer: Writer, _token: Token) -> bool:
    if writer.dialect == "sqlite" or not (writer.peek().text == "(" and writer.peek(2).text == "."):
        return False
    if writer.peek(1).raw != "pg_catalog" or writer.peek(3).kind != "o" or writer.peek(4).text != ")":
        raise unreadable("OPERATOR() is read for operators of pg_catalog only")
    writer.sign(writer.peek(3).text)
    writer.at += 5
    return True


def _grouping(writer: Writer, _token: Token) -> bool:
    if not writer.raws("sets") or writer.peek(1).text != "(":
        return False
    writer.at += 1
    writer.function("grouping sets", spoken=False)
    return True


def _frame(writer: Writer, token: Token) -> bool:
    after = writer.peek()
    if not (writer.stack and writer.stack[-1] == "over"):
        return False
    if not (
        after.raw in {"between", "unbounded", "current"} or after.kind in {"n", "p", "s"} or after.raw == "interval"
    ):
        return False
    writer.stack[-1] = "frame"
    writer.keyword(token.raw)
    return True


def _soft(*follows: str, after: tuple[str, ...] = ()) -> Handler:
    """A word that is a keyword only after or before certain others."""

    def handle(writer: Writer, token: Token) -> bool:
        sign = writer.peek().text if writer.peek().kind == "o" else writer.peek().raw
        if (follows and sign in follows) or (after and writer.last in after):
            writer.keyword(token.raw)
            return True
        return False

    return handle


def _over(writer: Writer, _token: Token) -> bool:
    if writer.last != ")" or not (writer.peek().text == "(" or writer.peek().kind in {"w", "q"}):
        return False
    writer.keyword("over")
    return True


def _filter(writer: Writer, _token: Token) -> bool:
    if writer.last != ")" or writer.peek().text != "(":
        return False
    writer.keyword("filter")
    return True


def _window(writer: Writer, _token: Token) -> bool:
    if not (writer.peek().kind in {"w", "q"} and writer.raws("as", ahead=1) and writer.peek(2).text == "("):
        return False
    writer.keyword("window")
    return True


def _at(writer: Writer, _token: Token) -> bool:
    if not writer.closed or not writer.raws("time", "zone"):
        return False
    writer.at += 2
    writer.keyword("at", "time", "zone")
    return True


def _skip_between(writer: Writer, _token: Token) -> bool:
    return writer.last == "between"


def _escape(writer: Writer, _token: Token) -> bool:
    if not writer.closed or writer.peek().kind not in {"s", "p"}:
        return False
    writer.keyword("escape")
    return True


def _overriding(writer: Writer, _token: Token) -> bool:
    if writer.peek().raw not in {"system", "user"} or not writer.raws("value", ahead=1):
        return False
    writer.at += 2
    return True


def _values(writer: Writer, _token: Token) -> bool:
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


def _simple_row(writer: Writer, at: int) -> tuple[list[Token], int]:
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


def _rows(writer: Writer, token: Token) -> bool:
    offset = len(writer.out) > 1 and writer.out[-2] == "OFFSET" and writer.closed
    return offset or (token.raw == "rows" and _frame(writer, token))


HANDLERS: Final[dict[str, Handler]] = {
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
