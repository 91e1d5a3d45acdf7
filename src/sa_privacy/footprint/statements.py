"""Tells statements apart by their words, and judges those that are neither queries nor data-modifying.

Transactions, settings and definitions (:mod:`~sa_privacy.footprint.definitions`) are read from the tokens alone: their
grammar is wide, and all that matters is whether they read rows, or make something that does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Final

from sa_privacy.footprint.definitions import alter, create, name_at, shows, words_at
from sa_privacy.footprint.functions import SETTINGS_REFUSED
from sa_privacy.footprint.judge import judge_tokens
from sa_privacy.footprint.lexer import Token, unreadable
from sa_privacy.footprint.model import NOTHING, Footprint
from sa_privacy.footprint.triggers import touched_by_code
from sa_privacy.footprint.work import Asked

__all__ = ["judge", "split"]

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


def _explain(tokens: list[Token], asked: Asked) -> Footprint:
    at = 1
    if asked.dialect == "sqlite":
        at = 3 if words_at(tokens, 1, "query", "plan") else 1
    elif len(tokens) > 1 and tokens[1].text == "(":
        at = next((i for i, token in enumerate(tokens) if token.text == ")"), len(tokens)) + 1
    else:
        while at < len(tokens) and tokens[at].raw in {"analyze", "analyse", "verbose"}:
            at += 1
    if at >= len(tokens):
        raise unreadable("EXPLAIN of nothing")
    footprint = judge(tokens[at:], asked)
    return footprint if footprint is NOTHING else replace(footprint, outputs=(), named=(), returned=())


def _set(tokens: list[Token], asked: Asked) -> Footprint:
    at = 1
    while (
        at < len(tokens)
        and tokens[at].raw in {"local", "session"}
        and not words_at(tokens, at, "session", "authorization")
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
    if name.partition(".")[0] == "sa_privacy":
        raise unreadable(f"{tokens[0].raw.upper()} of sa_privacy's settings changes what a wall is told of the access")
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
        schema, name, _ = name_at(tokens, 1)
        if not shows(schema, name, asked):
            copied = asked.index.find(schema, name)
            touched = frozenset() if copied else touched_by_code(asked.relations.lookup(schema, name).code, asked)
            return Footprint(reads=touched) if touched else NOTHING
    raise unreadable("COPY of protected tables is not read", hint="use a query, or an INSERT")


def _declare(tokens: list[Token], asked: Asked) -> Footprint:
    start = next((i for i, token in enumerate(tokens) if token.raw == "for"), 0)
    if start and judge(tokens[start + 1 :], asked) is NOTHING:
        return NOTHING
    raise unreadable("a cursor over protected tables is not read", hint="use stream_results instead of DECLARE")


def _call(tokens: list[Token], asked: Asked) -> Footprint:
    select = tokens[0]._replace(text="select", raw="select")
    footprint = judge([select, *tokens[1:]], asked)
    return footprint if footprint is NOTHING else replace(footprint, outputs=(), named=(), returned=())


def _prepare(tokens: list[Token], _asked: Asked) -> Footprint:
    if words_at(tokens, 1, "transaction"):
        return NOTHING
    raise unreadable("PREPARE hides the statement from the one who runs it")


def _truncate(tokens: list[Token], asked: Asked) -> Footprint:
    at = 2 if words_at(tokens, 1, "table") else 1
    tables: set[str] = set()
    mentions: list[tuple[str, tuple[()]]] = []
    while at < len(tokens):
        if tokens[at].raw == "only":
            at += 1
        schema, name, at = name_at(tokens, at)
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
    at = 2 if words_at(tokens, 1, "database") else 1
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
    "alter": alter,
    "create": create,
    "do": _refuse("DO runs code that the statement does not show"),
    "execute": _refuse("EXECUTE runs a statement that is not shown"),
    "fetch": _refuse("FETCH reads from a cursor whose query is not shown"),
    "load": _refuse("LOAD brings code into the database"),
    "import": _refuse("IMPORT brings in relations that are not shown"),
}
