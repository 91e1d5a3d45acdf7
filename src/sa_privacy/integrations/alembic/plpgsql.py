"""Statements that look before they act, in the database: the same online and in a script made by ``--sql``."""

from __future__ import annotations

from sqlalchemy import TextClause, text

__all__ = ["block", "guarded", "raising"]


def block(*statements: str, declare: str = "") -> TextClause:
    """PL/pgSQL, to be run at once."""
    body = "".join(f"{statement}\n" for statement in statements)
    return text(f"DO $sa_privacy${declare}\nBEGIN\n{body}END $sa_privacy$".replace(":", "\\:"))


def guarded(select: str, said: str, out: str) -> str:
    """What ends in an error where a SELECT finds a row.

    :param said: the error, and `out` its hint.
    """
    return f"IF EXISTS ({select}) THEN {raising(said, out)} END IF;"


def raising(said: str, out: str) -> str:
    """What ends in an error.

    :param said: the error, and `out` its hint.
    """
    said, out = (f"'{words.replace(chr(39), chr(39) * 2)}'" for words in (said, out))
    return f"RAISE EXCEPTION USING MESSAGE = {said}, HINT = {out};"
