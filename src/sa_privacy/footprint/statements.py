"""Tells statements apart by their words, and judges those that are neither queries nor data-modifying.

Definitions (DDL), transactions and settings are read from the tokens alone: their grammar is wide, and all that
matters is whether they read rows, or make something that does.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Final

from sa_privacy.footprint.functions import SETTINGS_REFUSED, known
from sa_privacy.footprint.judge import judge_tokens
from sa_privacy.footprint.lexer import Token, unreadable
from sa_privacy.footprint.model import NOTHING, Footprint
from sa_privacy.footprint.queries import Queries
from sa_privacy.footprint.work import Asked, Work
from sa_privacy.footprint.writer import Spelled

__all__ = ["judge", "split"]

_MAINTENANCE: Final = "run it as a migration: privacy.access(maintenance=True, actor=..., reason=...)"
_QUERIES: Final = frozenset(["select", "insert", "update", "delete", "merge", "with", "values", "table", "replace"])
_NOTHING: Final = frozenset(
    [
        "begin",
        "start",
        "commit",
        "end",
        "rollback",
        "abort",
        "savepoint",
        "release",
        "show",
        "analyze",
        "reindex",
        "checkpoint",
        "cluster",
        "comment",
        "grant",
        "revoke",
        "discard",
        "listen",
        "unlisten",
        "notify",
        "lock",
        "close",
        "deallocate",
        "refresh",
        "reassign",
        "detach",
        "drop",
        "security",
        "move",
    ]
)
_PRAGMAS: Final = frozenset(
    [
        "foreign_keys",
        "journal_mode",
        "synchronous",
        "table_info",
        "table_xinfo",
        "table_list",
        "index_list",
        "index_info",
        "index_xinfo",
        "foreign_key_list",
        "foreign_key_check",
        "integrity_check",
        "quick_check",
        "database_list",
        "collation_list",
        "compile_options",
        "function_list",
        "module_list",
        "pragma_list",
        "user_version",
        "application_id",
        "encoding",
        "page_size",
        "page_count",
        "freelist_count",
        "cache_size",
        "cache_spill",
        "temp_store",
        "mmap_size",
        "busy_timeout",
        "wal_checkpoint",
        "wal_autocheckpoint",
        "auto_vacuum",
        "incremental_vacuum",
        "optimize",
        "analysis_limit",
        "recursive_triggers",
        "defer_foreign_keys",
        "locking_mode",
        "read_uncommitted",
        "secure_delete",
        "query_only",
        "automatic_index",
        "legacy_alter_table",
        "journal_size_limit",
        "max_page_count",
        "threads",
        "schema_version",
        "data_version",
        "ignore_check_constraints",
        "case_sensitive_like",
        "trusted_schema",
        "cell_size_check",
        "checkpoint_fullfsync",
        "fullfsync",
        "hard_heap_limit",
        "soft_heap_limit",
    ]
)
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
_BODY_WORD: Final = re.compile(r"[A-Za-z_\x80-\U0010ffff][A-Za-z0-9_$\x80-\U0010ffff]*")


def split(tokens: Sequence[Token]) -> Iterator[list[Token]]:
    """The statements of a text. The body of a trigger or function keeps its semicolons."""
    part: list[Token] = []
    depth = 0
    for token in tokens:
        if token.kind == "o" and token.text == ";" and depth == 0:
            if part:
                yield part
            part = []
            continue
        if part and part[0].raw == "create" and _has_body(part):
            if token.raw == "begin" or (token.raw == "case" and depth):
                depth += 1
            elif token.raw == "end" and depth:
                depth -= 1
        part.append(token)
    if part:
        yield part


def _has_body(part: Sequence[Token]) -> bool:
    return any(token.raw in {"trigger", "function", "procedure"} for token in part[:8])


def judge(tokens: list[Token], asked: Asked) -> Footprint:
    """The footprint of one statement."""
    first = tokens[0].raw if tokens[0].kind == "w" else tokens[0].text
    if first in _QUERIES or first == "(":
        return judge_tokens(tokens, asked)[0]
    if first in _NOTHING:
        return NOTHING
    handler = _HANDLERS.get(first)
    if handler is None:
        raise unreadable(f"{first.upper()} is not read" if tokens[0].kind == "w" else "the statement cannot be read")
    return handler(tokens, asked)


def _words(tokens: Sequence[Token], at: int, *words: str) -> bool:
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


def _name(tokens: Sequence[Token], at: int) -> tuple[str | None, str, int]:
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


def _shows(schema: str | None, name: str, asked: Asked) -> bool:
    """Whether a relation shows personal data, itself or as a view."""
    judge_ = Queries(asked, Work(asked, Spelled()))
    return bool(judge_.relation(schema, name, name).personal)


def _explain(tokens: list[Token], asked: Asked) -> Footprint:
    at = 1
    if asked.dialect == "sqlite":
        at = 3 if _words(tokens, 1, "query", "plan") else 1
    elif len(tokens) > 1 and tokens[1].text == "(":
        at = next((i for i, token in enumerate(tokens) if token.text == ")"), len(tokens)) + 1
    else:
        while at < len(tokens) and tokens[at].raw in {"analyze", "analyse", "verbose"}:
            at += 1
    if at >= len(tokens):
        raise unreadable("EXPLAIN of nothing")
    footprint = judge(tokens[at:], asked)
    return footprint if footprint is NOTHING else replace(footprint, outputs=())


def _set(tokens: list[Token], asked: Asked) -> Footprint:
    at = 1
    while (
        at < len(tokens)
        and tokens[at].raw in {"local", "session"}
        and not _words(tokens, at, "session", "authorization")
    ):
        at += 1
    name = tokens[at].text.lower() if at < len(tokens) else ""
    if name in {"search_path", "schema"}:
        if asked.index.elsewhere:
            raise unreadable("SET search_path could make a name mean another table", hint="use schema_translate_map")
        return NOTHING
    name = "session authorization" if name == "session" else name
    if name in SETTINGS_REFUSED or name == "session authorization":
        raise unreadable(f"{tokens[0].raw.upper()} {name} changes who acts, or how statements are read")
    return NOTHING


def _in_brackets(tokens: list[Token], start: int) -> list[Token]:
    """What stands between an opening bracket and the one that closes it."""
    depth = 0
    for at in range(start, len(tokens)):
        if tokens[at].kind == "o":
            depth += {"(": 1, ")": -1}.get(tokens[at].text, 0)
        if depth == 0:
            return tokens[start + 1 : at]
    return []


def _copy(tokens: list[Token], asked: Asked) -> Footprint:
    if len(tokens) > 1 and tokens[1].text == "(":
        inner = _in_brackets(tokens, 1)
        if inner and judge(inner, asked) is NOTHING:
            return NOTHING
    else:
        schema, name, _ = _name(tokens, 1)
        if not _shows(schema, name, asked):
            return NOTHING
    raise unreadable("COPY of protected tables is not read", hint="use a query, or an INSERT")


def _declare(tokens: list[Token], asked: Asked) -> Footprint:
    start = next((i for i, token in enumerate(tokens) if token.raw == "for"), 0)
    if start and judge(tokens[start + 1 :], asked) is NOTHING:
        return NOTHING
    raise unreadable("a cursor over protected tables is not read", hint="use stream_results instead of DECLARE")


def _call(tokens: list[Token], asked: Asked) -> Footprint:
    select = tokens[0]._replace(text="select", raw="select")
    footprint = judge([select, *tokens[1:]], asked)
    return footprint if footprint is NOTHING else replace(footprint, outputs=())


def _prepare(tokens: list[Token], _asked: Asked) -> Footprint:
    if _words(tokens, 1, "transaction"):
        return NOTHING
    raise unreadable("PREPARE hides the statement from the one who runs it")


def _truncate(tokens: list[Token], asked: Asked) -> Footprint:
    at = 2 if _words(tokens, 1, "table") else 1
    tables: set[str] = set()
    mentions: list[tuple[str, tuple[()]]] = []
    while at < len(tokens):
        if tokens[at].raw == "only":
            at += 1
        schema, name, at = _name(tokens, at)
        found = asked.index.find(schema, name)
        tables |= {table.name for table in found if table.columns}
        mentions += [(table.name, ()) for table in found]
        if at < len(tokens) and tokens[at].text == "*":
            at += 1
        if at >= len(tokens) or tokens[at].text != ",":
            break
        at += 1
    if any(token.raw == "cascade" for token in tokens[at:]):
        tables |= {table.name for table in asked.catalogue if table.columns}
    return Footprint(deletes=frozenset(tables), mentions=tuple(mentions)) if tables or mentions else NOTHING


def _pragma(tokens: list[Token], asked: Asked) -> Footprint:
    names = [token for token in tokens[1:4] if token.kind in {"w", "q"}]
    place = 1 if len(tokens) > 2 and tokens[2].text == "." else 0
    name = names[place].text.lower() if len(names) > place else ""
    if asked.dialect != "sqlite" or name not in _PRAGMAS:
        raise unreadable(f"PRAGMA {name} is not known to be harmless")
    return NOTHING


def _attach(tokens: list[Token], asked: Asked) -> Footprint:
    at = 2 if _words(tokens, 1, "database") else 1
    if (
        asked.dialect == "sqlite"
        and len(tokens) > at + 1
        and tokens[at].kind in {"s", "p"}
        and tokens[at + 1].raw == "as"
    ):
        return NOTHING
    raise unreadable("ATTACH with an expression is not read")


def _vacuum(tokens: list[Token], _asked: Asked) -> Footprint:
    if any(token.raw == "into" for token in tokens):
        raise unreadable("VACUUM INTO copies the whole database")
    return NOTHING


def _alter(tokens: list[Token], asked: Asked) -> Footprint:
    if not (_words(tokens, 1, "table") or _words(tokens, 1, "foreign", "table")):
        if _words(tokens, 1, "publication") and (
            _mentions(tokens, asked) or any(t.raw in {"all", "tables"} for t in tokens)
        ):
            raise unreadable("ALTER PUBLICATION would carry protected tables away", hint=_MAINTENANCE)
        if _words(tokens, 1, "policy") and _mentions(tokens, asked):
            raise unreadable("ALTER POLICY over protected tables", hint=_MAINTENANCE)
        return NOTHING
    at = 3 if tokens[1].raw == "foreign" else 2
    at += 2 if _words(tokens, at, "if", "exists") else 0
    at += 1 if _words(tokens, at, "only") else 0
    schema, name, at = _name(tokens, at)
    rest = tokens[at:]
    raws = [token.raw for token in rest]
    if "attach" in raws and _mentions(rest, asked):
        raise unreadable("ATTACH PARTITION would show a protected table under another name", hint=_MAINTENANCE)
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


def _create(tokens: list[Token], asked: Asked) -> Footprint:
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
    if everything or _mentions(tokens, asked) or any(_shows(None, name, asked) for name in _read_in_body(tokens)):
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


def _refuse(what: str) -> Callable[[list[Token], Asked], Footprint]:
    def handle(_tokens: list[Token], _asked: Asked) -> Footprint:
        raise unreadable(what)

    return handle


_HANDLERS: Final[dict[str, Callable[[list[Token], Asked], Footprint]]] = {
    "explain": _explain,
    "set": _set,
    "reset": _set,
    "copy": _copy,
    "declare": _declare,
    "call": _call,
    "prepare": _prepare,
    "truncate": _truncate,
    "pragma": _pragma,
    "attach": _attach,
    "vacuum": _vacuum,
    "alter": _alter,
    "create": _create,
    "do": _refuse("DO runs code that the statement does not show"),
    "execute": _refuse("EXECUTE runs a statement that is not shown"),
    "fetch": _refuse("FETCH reads from a cursor whose query is not shown"),
    "load": _refuse("LOAD brings code into the database"),
    "import": _refuse("IMPORT brings in relations that are not shown"),
}
