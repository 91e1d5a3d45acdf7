"""A short name for the shape of a statement, for events: the same whatever the values in it."""

from __future__ import annotations

import hashlib
import re
from functools import lru_cache
from typing import Final

__all__ = ["fingerprint", "without_literals"]

_PIECES: Final = re.compile(
    r"""
    (?P<space>\s+|--[^\n]*|/\*.*?(?:\*/|\Z))
    |(?P<value>__\[POSTCOMPILE_[^\s\]~]+(?:~~.*?~~)?\]
        |[eE]'(?:[^'\\]|\\.|'')*'|(?:[bBxXnN]|[uU]&)?'[^']*(?:''[^']*)*'
        |\$(?P<tag>[A-Za-z_][A-Za-z0-9_]*|)\$.*?\$(?P=tag)\$
        |%\([^()]*\)[sbt]|%[sbt]|\?\d*|\$\d+|(?<![:\w]):\w+|@\w+
        |(?<![\w$.])(?:0[xX][0-9A-Fa-f_]+|\d[\d_]*(?:\.\d*)?(?:[eE][-+]?\d+)?|\.\d+(?:[eE][-+]?\d+)?))
    |(?P<name>"[^"]*(?:""[^"]*)*"|`[^`]*`)
    |(?P<word>[^\W\d][\w$]*)
    |(?P<sign>::|.)
    """,
    re.VERBOSE | re.DOTALL,
)
_LITERAL: Final = re.compile(r"[\d.]|(?:[eEbBxXnN]|[uU]&)?'|\$(?!\d)")
_LIST: Final = re.compile(r"(?<=\( )\?(?: , \?)+(?= \))")
_ROWS: Final = re.compile(r"(values \( [^()]*? \))(?: , \( [^()]*? \))+")
_CAST: Final = re.compile(
    r"\? :: [\w\"]+(?: precision| varying)?(?: \( \?(?: , \?)? \))?(?: with(?:out)? time zone)?(?: \[ \??\s*\])*"
)


def fingerprint(sql: str, dialect: str) -> str:
    """``"sha256:<16 hex digits>"`` over the text without comments, literals, parameters and list lengths.

    :param sql: the statement, as given to the driver or as SQLAlchemy compiled it.
    :param dialect: SQLAlchemy's name of the dialect; the same text has another print on another dialect.
    """
    return _cached(sql, dialect) if len(sql) <= _CACHED else _print(sql, dialect)


def _print(sql: str, dialect: str) -> str:
    pieces: list[str] = []
    for match in _PIECES.finditer(sql):
        kind = match.lastgroup
        if kind in {"value", "tag"}:
            pieces.append("?")
        elif kind == "word":
            pieces.append(match.group().lower())
        elif kind != "space":
            pieces.append(match.group())
    text = " ".join(pieces)
    text = _CAST.sub("?", text)
    text = _LIST.sub("?", text)
    text = _ROWS.sub(r"\1", text)
    digest = hashlib.sha256(f"{dialect}\n{text}".encode(errors="replace")).hexdigest()
    return f"sha256:{digest[:16]}"


def without_literals(sql: str) -> str:
    """`sql` with ``?`` for every literal and no comments, for errors and logs; parameters, names and layout stay."""
    pieces: list[str] = []
    for match in _PIECES.finditer(sql):
        text, kind = match.group(), match.lastgroup
        if kind == "space":
            pieces.append(" " if text.startswith(("--", "/*")) else text)
        elif kind in {"value", "tag"} and _LITERAL.match(text):
            pieces.append("?")
        elif text == "'":  # a literal that never ends
            pieces.append("?")
            break
        else:
            pieces.append(text)
    return "".join(pieces)


_CACHED: Final = 8192  # longer texts are batches, and seldom the same twice
_cached = lru_cache(maxsize=1024)(_print)
