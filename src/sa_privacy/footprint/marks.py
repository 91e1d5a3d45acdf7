"""Marks: where conditions stand in a statement that limit the rows of a mention, and were not its author's.

Who puts such a condition in writes a mark around it, with a word that nobody can guess: begin, the mention's own name for a
column that is named like the mark, and end. The judge reads the marked text, and finds by the rules of names which mention a
mark is of. So it is the finished statement that says which mentions are limited: what was rendered and thrown away, or stands
where it does not hold for every row, counts for nothing.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence

from sa_privacy.errors import UnreadableStatement
from sa_privacy.footprint.lexer import Token, unreadable

__all__ = ["Marks"]

#: What may follow a condition in WHERE or ON without being part of it.
_AFTER = frozenset(
    [
        *("where", "group", "having", "window", "order", "limit", "offset", "fetch", "for", "returning", "on"),
        *("union", "intersect", "except", "join", "left", "right", "full", "inner", "cross", "natural", ")", ",", ";"),
    ]
)


class Marks:
    """The marks of one statement.

    :ivar tables: what each limits, by the name of its column: a table as the catalogue spells it.
    """

    __slots__ = ("_begin", "_end", "_middle", "_word", "tables")

    def __init__(self) -> None:
        self._word = "m" + secrets.token_hex(8)
        self._begin, self._middle, self._end = (f"{self._word}_{part}" for part in ("begin", "middle", "end"))
        self.tables: dict[str, str] = {}

    def new(self, table: str) -> str:
        """The column of one more mark."""
        name = f"{self._word}_{len(self.tables)}"
        self.tables[name] = table
        return name

    def around(self, condition: str, column: str) -> str:
        """A condition with a mark around it; with none, where its mention's name would end the comment that the mark is:
        some marks are sent to the database.

        :param column: the mark's column, as the statement names one of that mention.
        """
        if "*/" in column or "/*" in column:
            return condition
        return f"/*{self._begin} {column} {self._middle}*/{condition}/*{self._end}*/"

    def without(self, text: str) -> str:
        """A text without its marks, the conditions left in."""
        begin, middle, end = (f"/*{self._begin} ", f" {self._middle}*/", f"/*{self._end}*/")
        first, *others = text.replace(end, "").split(begin)
        return first + "".join(other.partition(middle)[2] for other in others)

    def opened(self, text: str) -> str:
        """A text with its marks as words, which :meth:`read` finds."""
        for written, word in (
            (f"/*{self._begin} ", f" {self._begin} "),
            (f" {self._middle}*/", f" {self._middle} "),
            (f"/*{self._end}*/", f" {self._end} "),
        ):
            text = text.replace(written, word)
        return text

    def read(self, tokens: Sequence[Token]) -> list[Token]:
        """The tokens with each condition replaced by its mark's column; by NULL, where it may be part of more than an AND
        of all that a WHERE or ON asks, so that it need not hold.

        :raises UnreadableStatement: a part of a mark is not there, or holds something else.
        """
        found: list[Token] = []
        ends = {-1}  # where in `found` a condition that holds ends
        words = [token.text if token.kind == "o" else token.raw for token in tokens]
        at = 0
        while at < len(tokens):
            if words[at] != self._begin:
                found.append(tokens[at])
                at += 1
                continue
            middle, end = (_place(word, words, at) for word in (self._middle, self._end))
            if not self._is_column(tokens[at + 1 : middle]):
                raise _torn()
            holds = _follows(found, ends) and self._is_last(words, end + 1)
            found += tokens[at + 1 : middle] if holds else [Token("w", "null", "null")]
            if holds:
                ends.add(len(found) - 1)
            at = end + 1
        return found

    def _is_column(self, tokens: Sequence[Token]) -> bool:
        """Whether they are what stands in a mark: names with dots between, the last one the mark's own."""
        names, dots = tokens[::2], tokens[1::2]
        if any(one.kind not in {"w", "q"} for one in names) or any(one.text != "." for one in dots):
            return False
        return len(names) > len(dots) and names[-1].text in self.tables

    def _is_last(self, words: Sequence[str], at: int) -> bool:
        """Whether nothing behind it goes on with the condition that ends here, but one of the same kind."""
        if at == len(words) or words[at] in _AFTER:
            return True
        return words[at] == "and" and words[at + 1 : at + 2] == [self._begin]


def _place(word: str, words: Sequence[str], at: int) -> int:
    """Where the next such word stands."""
    try:
        return words.index(word, at)
    except ValueError:  # text has made a comment or a string of it
        raise _torn() from None


def _torn() -> UnreadableStatement:
    return unreadable("SQL text in the statement takes in what stands around it")


def _follows(found: Sequence[Token], ends: set[int]) -> bool:
    """Whether a condition stands here as all that a WHERE or ON asks, or with AND behind brackets that hold the rest of it."""
    last = len(found) - 1
    if last >= 0 and found[last].raw == "and":
        last -= 1
        if last in ends:
            return True
        last = _before_brackets(found, last)
    return last >= 0 and found[last].kind == "w" and found[last].raw in {"where", "on"}


def _before_brackets(found: Sequence[Token], last: int) -> int:
    """What stands in front of the brackets that end at `last`; -1 where none do."""
    depth = 0
    for at in range(last, -1, -1):
        if found[at].kind == "o" and found[at].text in {"(", ")"}:
            depth += 1 if found[at].text == ")" else -1
        if depth <= 0:
            return at - 1 if depth == 0 and at < last else -1
    return -1
