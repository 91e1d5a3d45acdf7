"""Judges one query or data-modifying statement: respells it, has sqlglot parse it, and walks the tree."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from sa_privacy.footprint.changes import Changes
from sa_privacy.footprint.foreign import refuse_foreign, refuse_overloaded
from sa_privacy.footprint.frames import tokens_of
from sa_privacy.footprint.lexer import Dialect, Token, unreadable
from sa_privacy.footprint.model import NOTHING, Footprint
from sa_privacy.footprint.respell import respell
from sa_privacy.footprint.scope import Rows, Scope
from sa_privacy.footprint.work import Asked, Work
from sa_privacy.footprint.writer import Spelled

__all__ = ["judge_tokens", "view_of"]

_VIEW_DEPTH: Final = 20
_SQLGLOT: Final = {"sqlite": "sqlite", "postgresql": "postgres"}


def judge_tokens(tokens: Sequence[Token], asked: Asked) -> tuple[Footprint, Rows]:
    """The footprint of one query or data-modifying statement, and what its rows are made of."""
    refuse_foreign(tokens, asked)
    spelled = respell(tokens, asked.dialect, asked.index.interesting)
    tree = _parse(spelled, asked.dialect)
    _all_there(tree, spelled)
    work = Work(asked, spelled)
    rows = Changes(asked, work).query(tree, Scope(asked.dialect), "read")
    refuse_overloaded(work.calls, asked)
    footprint = work.footprint(rows)
    harmless = not (footprint.personal or footprint.mentions or footprint.inserts)
    return (NOTHING if harmless else footprint), rows


def _parse(spelled: Spelled, dialect: Dialect) -> exp.Expr:
    try:
        trees = sqlglot.parse(spelled.text, dialect=_SQLGLOT[dialect])
    except (SqlglotError, ValueError, TypeError, KeyError, IndexError, AttributeError):
        # sqlglot raises more than its own errors on odd input; its messages quote the statement.
        raise unreadable("the statement cannot be parsed") from None
    if len(trees) != 1 or trees[0] is None:
        raise unreadable("the statement cannot be parsed")
    return trees[0]


def _all_there(tree: exp.Expr, spelled: Spelled) -> None:
    """Refuses a tree in which sqlglot has lost a name that matters."""
    if not spelled.named:
        return
    there: Counter[str] = Counter()
    for node in tree.walk():
        if isinstance(node, (exp.Identifier, exp.Anonymous)) and isinstance(node.this, str):
            name = node.this.lower()
            if name.startswith("zqf") and name[3:].isdigit():
                name = spelled.functions[int(name[3:])].lower()
            there[name] += 1
    for name, times in spelled.named.items():
        if there[name] < times:
            raise unreadable(f'the place of "{name}" in the statement cannot be read')


def view_of(definition: str, depth: int, asked: Asked) -> tuple[Footprint, Rows]:
    """The footprint of a view's definition, with the rows that it shows."""
    if depth > _VIEW_DEPTH:
        raise unreadable("views of views are nested too deeply to be read")
    tokens = tokens_of(definition, asked.dialect, "none")
    while tokens and tokens[-1].text == ";":
        tokens.pop()
    columns: list[str] = []
    if tokens and tokens[0].raw == "create":
        start = next((i for i, token in enumerate(tokens) if token.raw == "as"), len(tokens))
        heading, tokens = tokens[:start], tokens[start + 1 :]
        opened = next((i for i, token in enumerate(heading) if token.text == "("), len(heading))
        columns = [token.text for token in heading[opened:] if token.kind in {"w", "q"}]
    inner = replace(asked, depth=depth)
    inner.view = lambda text, deeper: view_of(text, deeper, inner)
    footprint, rows = judge_tokens(tokens, inner)
    rows = replace(rows, outs=tuple(replace(out, node=None) for out in rows.outs))
    return footprint, rows.renamed(columns)
