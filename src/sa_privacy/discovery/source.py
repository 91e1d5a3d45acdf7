"""A Python file and small changes to it: text stays as it was, but for what is replaced."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

__all__ = ["Edit", "Source", "called"]

_LINES: Final = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")


@dataclass(frozen=True, slots=True)
class Edit:
    """What stands between two places becomes `text`."""

    start: int
    end: int
    text: str


class Source:
    """One file.

    :raises OSError, SyntaxError, UnicodeError: it cannot be read, is no Python, or could not be written back as it is.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        content = path.read_bytes()
        encoding, _ = tokenize.detect_encoding(io.BytesIO(content).readline)
        self._encoding = "utf-8" if encoding == "utf-8-sig" else encoding  # the mark stays
        self.text = content.decode(self._encoding)
        if self.text.encode(self._encoding) != content:  # as ISO-2022-JP may be
            raise UnicodeError(encoding)
        self.tree = ast.parse(self.text.removeprefix("\ufeff"))

    @cached_property
    def _starts(self) -> list[tuple[int, str]]:
        starts, place = [], 0
        for line in _LINES.findall(self.text):
            starts.append((place, line))
            place += len(line)
        return starts

    @property
    def newline(self) -> str:
        """How lines end here."""
        return "\r\n" if "\r\n" in self.text else "\n"

    def in_diff(self, text: str) -> str:
        """Text as a diff of this file holds it: its bytes, those that are no UTF-8 as surrogates.

        :raises UnicodeError: the encoding of the file has no such letters.
        """
        return text.encode(self._encoding).decode("utf-8", "surrogateescape")

    def start(self, node: ast.expr | ast.stmt) -> int:
        """Where a node begins."""
        return self._place(node.lineno, node.col_offset)

    def end(self, node: ast.expr | ast.stmt) -> int:
        """Where a node ends."""
        return self._place(node.end_lineno or node.lineno, node.end_col_offset or 0)

    def of(self, node: ast.expr | ast.stmt) -> str:
        """The text of a node."""
        return self.text[self.start(node) : self.end(node)]

    def line_start(self, node: ast.expr | ast.stmt) -> int:
        """Where the line of a node begins."""
        return self._starts[node.lineno - 1][0]

    def after_line(self, node: ast.stmt) -> int:
        """Where the line after a node begins."""
        place, line = self._starts[(node.end_lineno or node.lineno) - 1]
        return place + len(line)

    def indent(self, node: ast.expr | ast.stmt) -> str:
        """What stands in front of a node, in its line."""
        return self.text[self.line_start(node) : self.start(node)]

    def _place(self, line: int, column: int) -> int:
        place, text = self._starts[line - 1]
        if line == 1:
            place += text.startswith("\ufeff")
            text = text.removeprefix("\ufeff")
        return place + len(text.encode()[:column].decode())

    def class_named(self, qualified: str) -> ast.ClassDef | None:
        """A class by its ``__qualname__``; None for what is made within functions, and where several are called so."""
        body: list[ast.stmt] = self.tree.body
        found: ast.ClassDef | None = None
        for part in qualified.split("."):
            named = [one for one in _classes(body) if one.name == part]
            if len(named) != 1:
                return None
            found = named[0]
            body = found.body
        return found

    def import_place(self) -> tuple[int, bool]:
        """Where another import can stand: after the last of those at the top. And whether it needs an empty line."""
        last: ast.stmt | None = None
        imports = False
        for one in self.tree.body:
            if isinstance(one, (ast.Import, ast.ImportFrom)):
                last, imports = one, True
            elif not (isinstance(one, ast.Expr) and isinstance(one.value, ast.Constant) and last is None):
                break
            else:
                last = one
        return (0, False) if last is None else (self.after_line(last), not imports)

    def edited(self, edits: Iterable[Edit]) -> str:
        """The text with these changes, each once; what goes to the same place stands in the order in which it was given."""
        text = self.text
        for _, edit in sorted(
            enumerate(dict.fromkeys(edits)), key=lambda one: (one[1].start, one[1].end, one[0]), reverse=True
        ):
            text = text[: edit.start] + edit.text + text[edit.end :]
        return text


def _classes(body: Iterable[ast.AST]) -> Iterator[ast.ClassDef]:
    """The classes of a body, also those under ``if`` and ``try``."""
    for one in body:
        if isinstance(one, ast.ClassDef):
            yield one
        elif not isinstance(one, (ast.FunctionDef, ast.AsyncFunctionDef, ast.expr)):
            yield from _classes(ast.iter_child_nodes(one))


def called(node: ast.expr | None, *names: str) -> ast.Call | None:
    """The call of one of these within an expression: ``mapped_column(...)``, ``orm.mapped_column(...)``; None for several."""
    found = []
    for one in ast.walk(node) if node is not None else ():
        if isinstance(one, ast.Call):
            name = one.func.id if isinstance(one.func, ast.Name) else getattr(one.func, "attr", None)
            found += [one] if name in names else []
    return found[0] if len(found) == 1 else None
