"""Frames in SQL: a column sealed under people's keys, with the key in front of it, counts as that column alone.

The text is the library's own and always the same, so it is recognised token by token before anything is parsed, and the
column is put in its place. Whoever writes it by hand reads the column, and a key that only the keyring opens. What differs
in one token is no frame: it names the key table, which nobody may read. And where anything else has the table's name, as a
WITH query may, nothing is one.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from sa_privacy.columns.subject_frame import KEY_ALIAS, KEY_TABLE, frame_sql
from sa_privacy.footprint.lexer import Dialect, Token, cut

__all__ = ["tokens_of"]

_COLUMN: Final = "sa_privacy_column"


def tokens_of(sql: str, dialect: Dialect, paramstyle: str) -> list[Token]:
    """The tokens of a text as :func:`~sa_privacy.footprint.lexer.cut` gives them, with columns in place of their frames.

    :raises UnreadableStatement: for what the database may cut differently.
    """
    tokens = cut(sql, dialect, paramstyle)
    return _without_frames(tokens, dialect) if KEY_TABLE in sql else tokens


@lru_cache
def _frame(dialect: Dialect) -> tuple[tuple[Token, ...], int]:
    """The tokens of a frame, and where the key table stands among them."""
    tokens = tuple(cut(frame_sql(_COLUMN, postgresql=dialect == "postgresql"), dialect, "none"))
    return tokens, next(at for at, token in enumerate(tokens) if token.text == KEY_TABLE)


def _without_frames(tokens: list[Token], dialect: Dialect) -> list[Token]:
    table = _frame(dialect)[1]
    kept: list[Token] = []
    at = 0
    for place in [place for place, token in enumerate(tokens) if token.kind in {"w", "q"} and token.text == KEY_TABLE]:
        start = place - table
        found = _framed(tokens, start, dialect) if start >= at else None
        if found is None:
            return tokens
        column, end = found
        kept += [*tokens[at:start], *column]
        at = end
    return kept + tokens[at:]


def _framed(tokens: Sequence[Token], start: int, dialect: Dialect) -> tuple[list[Token], int] | None:
    """The column of the frame that begins at a token, and where the frame ends; None where there is none."""
    at, column = start, None
    for wanted in _frame(dialect)[0]:
        if wanted.text == _COLUMN:
            here = _column_at(tokens, at)
            if not here or (column is not None and here != column):
                return None
            column = here
            at += len(here)
        elif at < len(tokens) and tokens[at] == wanted:
            at += 1
        else:
            return None
    return None if column is None else (column, at)


def _column_at(tokens: Sequence[Token], at: int) -> list[Token]:
    """The name of a column, with that of its table; nothing where there is none."""
    end = at
    while end < len(tokens) and tokens[end].kind in {"w", "q"}:
        end += 1
        if end + 1 >= len(tokens) or tokens[end].kind != "o" or tokens[end].text != ".":
            break
        end += 1
    name = list(tokens[at:end])
    inside = bool(name) and name[0].text in {KEY_ALIAS, KEY_TABLE}  # it would be the key table's own
    return name if len(name) > 1 and name[-1].kind in {"w", "q"} and not inside else []
