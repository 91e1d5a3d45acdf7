"""What the database runs by itself when rows are written: triggers, rules, functions in defaults and checks.

Their texts are not judged as statements are. Those that could keep a personal value elsewhere are refused until the
application declares what they touch; the common ones, which keep plain columns of their own row up to date, run.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from typing import Final

from sa_privacy.columns.catalogue import PersonalTable
from sa_privacy.columns.own_tables import is_guard
from sa_privacy.footprint.lexer import unreadable
from sa_privacy.footprint.relations import Code
from sa_privacy.footprint.work import Asked

__all__ = ["touched_by_code"]

# What a trigger that only keeps its own row's plain columns up to date is written with, beside their names.
_KEEPING: Final = frozenset(
    [
        "create",
        "or",
        "replace",
        "function",
        "returns",
        "trigger",
        "language",
        "plpgsql",
        "as",
        "begin",
        "end",
        "return",
        "new",
        "old",
        "temp",
        "if",
        "not",
        "exists",
        "after",
        "before",
        "update",
        "insert",
        "delete",
        "of",
        "on",
        "for",
        "each",
        "row",
        "when",
        "set",
        "where",
        "and",
        "is",
        "null",
        "then",
        "else",
        "elsif",
        "distinct",
        "from",
        "now",
        "datetime",
        "strftime",
        "date",
        "time",
        "julianday",
        "utc",
        "localtime",
        "current_timestamp",
        "localtimestamp",
        "clock_timestamp",
        "statement_timestamp",
        "transaction_timestamp",
        "coalesce",
        "public",
        "main",
    ]
)
# Words of PostgreSQL's languages that run a string as SQL.
_RUN_STRINGS: Final = frozenset({"execute", "spi_exec", "spi_exec_query", "spi_query"})
_WHOLE_ROW: Final = re.compile(r"(?<!return )\b(new|old)\b(?!\s*\.)")
_OF_COLUMNS: Final = re.compile(r"\bupdate of [\w\", ]+ on\b")
_WORD: Final = re.compile(r"[A-Za-z_\x80-\U0010ffff][A-Za-z0-9_$\x80-\U0010ffff]*")


def touched_by_code(code: Sequence[Code], asked: Asked) -> frozenset[str]:
    """What the triggers, rules, defaults and checks of a table read, as far as it is declared.

    :raises UnreadableStatement: where one that is not declared names a protected table, calls a function of the
        database, runs a string, or is a trigger or rule of a table with personal columns that may keep them elsewhere.
    """
    protected = {table.table.lower() for table in asked.catalogue if table.columns}
    touched: frozenset[str] = frozenset()
    for one in code:
        if is_guard(one.name, one.table):  # it raises an error, or does nothing
            continue
        declared = asked.declarations.functions.get(one.name.lower())
        if declared is not None:
            touched |= declared
            continue
        guarded = [table for table in asked.index.find(one.schema, one.table) if table.columns]
        words = {word.lower() for word in _WORD.findall(one.text)}
        if guarded and _reacts(one.text):
            why = "" if _keeps_its_row(one.name, one.text.lower(), guarded) else "may keep its values elsewhere"
        else:
            why = "names protected tables" if words & protected else ""
        if words & _RUN_STRINGS:
            why = why or "runs strings that cannot be read"
        calls = asked.relations.overloaded(words - {one.name.lower().rpartition(".")[2]})
        for call in sorted(calls):
            meant = [
                names for function, names in asked.declarations.functions.items() if function.rpartition(".")[2] == call
            ]
            touched = touched.union(*meant)
            why = why or ("" if meant else f"calls {call} of the database")
        if why:
            raise unreadable(
                f"writing to the table runs {one.name} of the database, which {why}",
                hint=f'say what it reads: privacy.declare(function="{one.name.lower()}", touches=[...])',
            )
    return touched


def _reacts(text: str) -> bool:
    """Whether it is a trigger or rule, which is given whole rows, and not a function in a default or check."""
    return not text.lstrip().upper().startswith("CREATE OR REPLACE FUNCTION") or "RETURNS trigger" in text


def _keeps_its_row(name: str, text: str, tables: Collection[PersonalTable]) -> bool:
    """Whether a trigger is written with nothing but the plain columns of its table and a few harmless words."""
    words = _KEEPING | {*_WORD.findall(name.lower())}
    for table in tables:
        plain = {column.lower() for column in table.all_columns} - set(table.columns)
        words |= {table.table.lower(), (table.schema or "").lower()} | plain
    personal = {column for table in tables for column in table.columns}
    text = _OF_COLUMNS.sub("update on", " ".join(text.replace("$function$", " ").split()))
    return set(_WORD.findall(text)) <= words - personal and "*" not in text and not _WHOLE_ROW.search(text)
