"""Judges definitions (DDL) from their tokens: whether they read rows, or make something that does."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence
from typing import Final

from sa_privacy.footprint.functions import known
from sa_privacy.footprint.judge import judge_tokens
from sa_privacy.footprint.lexer import Token, unreadable
from sa_privacy.footprint.model import NOTHING, Footprint
from sa_privacy.footprint.queries import Queries
from sa_privacy.footprint.work import Asked, Work
from sa_privacy.footprint.writer import Spelled

__all__ = ["alter", "create", "name_at", "shows", "words_at"]

_MAINTENANCE: Final = "run it as a migration: privacy.access(maintenance=True, actor=..., reason=...)"
_MAKERS: Final = frozenset(
    [
        "function",
        "procedure",
        "trigger",
        "rule",
        "aggregate",
        "policy",
        "publication",
        "subscription",
        "operator",
        "cast",
        "event",
        "language",
        "server",
        "foreign",
        "virtual",
        "statistics",
        "transform",
        "conversion",
        "access",
    ]
)
_KINDS: Final = _MAKERS | frozenset(
    [
        "table",
        "view",
        "index",
        "sequence",
        "type",
        "domain",
        "schema",
        "extension",
        "role",
        "user",
        "group",
        "database",
        "tablespace",
        "collation",
        "text",
    ]
)
#: What ALTER may call a relation by. PostgreSQL renames a table as an index, and its columns as those of a view.
_RELATIONS: Final = frozenset({"table", "foreign", "view", "materialized", "index", "sequence"})
_BODY_WORD: Final = re.compile(r"[A-Za-z_\x80-\U0010ffff][A-Za-z0-9_$\x80-\U0010ffff]*")


def words_at(tokens: Sequence[Token], at: int, *words: str) -> bool:
    """Whether these words stand at a place."""
    return [token.raw for token in tokens[at : at + len(words)]] == list(words)


def _protected(asked: Asked) -> frozenset[str]:
    return frozenset(table.table.lower() for table in asked.catalogue if table.columns)


def _mentions(tokens: Sequence[Token], asked: Asked) -> bool:
    """Whether a protected table is named anywhere, in strings too."""
    protected = _protected(asked)
    for token in tokens:
        if token.kind in {"w", "q"} and token.text.lower() in protected:
            return True
        if token.kind == "s" and any(word.lower() in protected for word in _BODY_WORD.findall(token.text)):
            return True
    return False


def name_at(tokens: Sequence[Token], at: int) -> tuple[str | None, str, int]:
    """Schema, name and the place after them."""
    parts: list[str] = []
    while at < len(tokens) and tokens[at].kind in {"w", "q", "s"}:
        parts.append(tokens[at].text)
        at += 1
        if at < len(tokens) and tokens[at].text == ".":
            at += 1
        else:
            break
    if not parts:
        raise unreadable("the name of a table cannot be read")
    return (parts[-2] if len(parts) > 1 else None), parts[-1], at


def shows(schema: str | None, name: str, asked: Asked) -> bool:
    """Whether a relation shows personal data, itself or as a view."""
    judge_ = Queries(asked, Work(asked, Spelled()))
    return bool(judge_.relation(schema, name, name).personal)


def alter(tokens: list[Token], asked: Asked) -> Footprint:
    """ALTER: nothing, unless it would show or copy personal data elsewhere."""
    at = 1
    while at < len(tokens) and tokens[at].raw in _RELATIONS:
        at += 1
    if at == 1:
        if words_at(tokens, 1, "publication") and (
            _mentions(tokens, asked) or any(t.raw in {"all", "tables"} for t in tokens)
        ):
            raise unreadable("ALTER PUBLICATION would carry protected tables away", hint=_MAINTENANCE)
        if words_at(tokens, 1, "policy") and _mentions(tokens, asked):
            raise unreadable("ALTER POLICY over protected tables", hint=_MAINTENANCE)
        return NOTHING
    at += 2 if words_at(tokens, at, "if", "exists") else 0
    at += 1 if words_at(tokens, at, "only") else 0
    schema, name, at = name_at(tokens, at)
    rest = tokens[at + 1 :] if at < len(tokens) and tokens[at].text == "*" else tokens[at:]
    raws = [token.raw for token in rest]
    if "attach" in raws and _mentions(rest, asked):
        raise unreadable("ATTACH PARTITION would show a protected table under another name", hint=_MAINTENANCE)
    if _leaves_its_parent(rest) and shows(schema, name, asked):
        raise unreadable(
            "DETACH PARTITION or NO INHERIT would show a protected table's rows elsewhere", hint=_MAINTENANCE
        )
    tables = [table for table in asked.index.find(schema, name) if table.columns]
    if not tables:
        return NOTHING
    personal = {column.column.lower() for table in tables for column in table.columns.values()}
    if "rename" in raws:
        after = rest[raws.index("rename") + 1 :]
        renamed = [t.text.lower() for t in after if t.raw != "column"][:1]
        if renamed == ["to"] or (renamed and renamed[0] in personal):
            raise unreadable("ALTER TABLE would show personal data under another name", hint=_MAINTENANCE)
    if raws[:2] == ["set", "schema"]:
        raise unreadable("SET SCHEMA would show a protected table under another name", hint=_MAINTENANCE)
    if "inherit" in raws and "no" not in raws:
        raise unreadable("INHERIT would show a protected table under another name", hint=_MAINTENANCE)
    for word in ("using", "as"):
        if word in raws:
            place = raws.index(word)
            before = {token.text.lower() for token in rest[:place]}
            copied = {token.text.lower() for token in rest[place:]} & personal
            if copied - (before if word == "using" else set()):
                raise unreadable("ALTER TABLE would copy personal data into another column", hint=_MAINTENANCE)
    return NOTHING


def _leaves_its_parent(tokens: Sequence[Token]) -> bool:
    """Whether ALTER TABLE makes a table of its own of what was part of another, or of a part of this one."""
    return words_at(tokens, 0, "detach") or any(
        words_at(tokens, at, "no", "inherit") and (at == 0 or tokens[at - 1].text == ",") for at in range(len(tokens))
    )


def create(tokens: list[Token], asked: Asked) -> Footprint:
    """CREATE: nothing, unless what it makes reads protected tables."""
    kind = next((token.raw for token in tokens[1:8] if token.raw in _KINDS), "")
    if kind in _MAKERS:
        return _maker(tokens, asked, kind)
    if kind in {"table", "view"}:
        return _create_rows(tokens, asked, kind)
    if kind == "index":
        return _create_index(tokens, asked)
    return NOTHING


def _maker(tokens: list[Token], asked: Asked, kind: str) -> Footprint:
    everything = kind == "event" or (kind == "publication" and any(token.raw in {"all", "tables"} for token in tokens))
    if everything or _mentions(tokens, asked) or any(shows(None, name, asked) for name in _read_in_body(tokens)):
        what = " ".join(token.raw.upper() for token in tokens[1:3]) if kind == "event" else kind.upper()
        raise unreadable(f"CREATE {what} over protected tables", hint=_MAINTENANCE)
    return NOTHING


def _read_in_body(tokens: Sequence[Token]) -> Iterator[str]:
    """Names that the body of a function or trigger reads from, in its tokens or its string."""
    words = [token.text if token.kind in {"w", "q"} else "" for token in tokens]
    for token in tokens:
        if token.kind == "s":
            words += ["", *_BODY_WORD.findall(token.text)]
    for before, word in itertools.pairwise(words):
        if before.lower() in {"from", "join"} and word and word.lower() not in {"select", "lateral", "only"}:
            yield word


def _create_rows(tokens: list[Token], asked: Asked, kind: str) -> Footprint:
    depth = 0
    for at, token in enumerate(tokens):
        depth += {"(": 1, ")": -1}.get(token.text, 0) if token.kind == "o" else 0
        if depth == 0 and token.raw == "as" and at + 1 < len(tokens):
            query = tokens[at + 1 :]
            break
    else:
        return NOTHING
    for at, token in enumerate(query):
        if (
            token.raw == "with"
            and at + 1 < len(query)
            and query[at + 1].raw in {"no", "data", "check", "local", "cascaded"}
        ):
            query = query[:at]
            break
    footprint, rows = judge_tokens(query, asked)
    if footprint.personal or rows.all.lineage:
        raise unreadable(f"CREATE {kind.upper()} over protected tables", hint=_MAINTENANCE)
    return NOTHING


def _create_index(tokens: list[Token], asked: Asked) -> Footprint:
    """An index over protected columns may call known functions only."""
    if not _mentions(tokens, asked):
        return NOTHING
    start = next((i for i, token in enumerate(tokens) if token.text == "("), len(tokens))
    for token, after in zip(tokens[start:], tokens[start + 1 :], strict=False):
        if token.kind not in {"w", "q"} or after.text != "(" or token.raw in _INDEX_WORDS:
            continue
        if not known(token.text, asked.dialect) and token.text not in asked.declarations.functions:
            raise unreadable(f"the function {token.text} in an index may read anything", hint=_MAINTENANCE)
    return NOTHING


_INDEX_WORDS: Final = frozenset(
    ["include", "with", "where", "and", "or", "in", "not", "on", "using", "nulls", "distinct", "like", "between", "is"]
) | {
    "varchar",
    "numeric",
    "char",
    "cast",
}
