"""Writes a statement again, in a spelling that sqlglot can read in one way only.

sqlglot knows thirty dialects and is lenient. Every name is therefore handed to it quoted and folded, every function
under a number, every string and parameter as a stand-in; types, sampling and locking clauses, which name no data, are
taken out. A keyword of another dialect cannot change the meaning, and no literal of the statement reaches sqlglot.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from sa_privacy.footprint.lexer import Dialect, Token
from sa_privacy.footprint.words import HANDLERS
from sa_privacy.footprint.writer import Spelled, Writer

__all__ = ["respell"]


def respell(tokens: Sequence[Token], dialect: Dialect, interesting: Collection[str]) -> Spelled:
    """The tokens of one statement in the spelling for sqlglot.

    :param interesting: names (lower case) to be counted in :attr:`Spelled.named`.
    :raises UnreadableStatement: for constructs it does not know.
    """
    return Writer(tokens, dialect, interesting, HANDLERS).write()
