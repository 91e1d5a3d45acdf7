"""What PostgreSQL would run of the database's own code under a name that looks like PostgreSQL's.

A function, operator or cast made by a user of the database is chosen over a built-in one wherever its types fit better,
or its schema comes first on ``search_path``. Names alone do not tell which it is, so the database is asked.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Final

from sa_privacy.footprint.lexer import Token, unreadable
from sa_privacy.footprint.relations import Foreign
from sa_privacy.footprint.work import Asked

__all__ = ["foreign", "refuse_foreign", "refuse_overloaded"]

# Words that compare, each by operators that it does not show.
_COMPARING: Final = frozenset(
    [
        "in",
        "any",
        "some",
        "all",
        "between",
        "case",
        "nullif",
        "distinct",
        "using",
        "natural",
        "overlaps",
        "symmetric",
        "union",
        "intersect",
        "except",
    ]
)
_COMPARISONS: Final = frozenset({"=", "<>", "<", ">", "<=", ">="})
_WORDS: Final = {"like": {"~~", "!~~"}, "ilike": {"~~*", "!~~*"}, "similar": {"~", "!~"}}


def refuse_overloaded(functions: Collection[str], asked: Asked) -> None:
    """Refuses calls that may reach a function of the database with the name of a built-in one.

    :raises UnreadableStatement: with a declaration as the way out.
    """
    if asked.dialect != "postgresql" or not functions:
        return
    for name in sorted(asked.relations.overloaded(functions)):
        raise unreadable(
            f"the database has a function {name} of its own, which may read anything",
            hint=f'call pg_catalog.{name}, or say what it touches: privacy.declare(function="{name}", touches=[...])',
        )


def refuse_foreign(tokens: Sequence[Token], asked: Asked) -> None:
    """Refuses statements whose operators or casts may run a function of the database."""
    if asked.dialect != "postgresql":
        return
    for found in foreign(asked):
        if _used(found, tokens):
            what = "cast to" if found.kind in {"cast", "implicit"} else found.kind
            raise unreadable(
                f"the {what} {found.name} runs {found.function}, which may read anything",
                hint=f'say what it touches: privacy.declare(function="{found.function}", touches=[...])',
            )


def foreign(asked: Asked) -> Iterator[Foreign]:
    """What the database has of them and the application has not declared harmless."""
    for found in asked.relations.foreign():
        if asked.declarations.functions.get(found.function.lower()) != frozenset():
            yield found


def _used(found: Foreign, tokens: Sequence[Token]) -> bool:
    words = {token.raw for token in tokens if token.kind == "w"}
    signs = {token.text for token in tokens if token.kind == "o"}
    if found.kind == "implicit":
        return True
    if found.kind == "operator":
        hidden = {sign for word in words for sign in _WORDS.get(word, ())}
        hidden |= _COMPARISONS if words & _COMPARING else set()
        hidden |= {"<>"} if "!=" in signs else set()
        return found.name in signs | hidden
    if found.kind == "cast" and ("::" in signs or "cast" in words):
        return True
    names = {token.text for token in tokens if token.kind in {"w", "q"}}
    return found.name in names
