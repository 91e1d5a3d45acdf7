"""Where in a TOML text each key stands.

``tomllib`` says what a document means, and not where. This scanner walks over a text that ``tomllib`` has already
accepted and notes the line of every table, key and list item, so that a fault can be shown in its place.
"""

from __future__ import annotations

import contextlib
import re
import tomllib
from bisect import bisect_right
from collections.abc import Mapping

__all__ = ["Path", "line_of", "lines_of", "shown"]

Path = tuple[str | int, ...]
"""The way to a value: keys, and positions in lists (from 0)."""

_BLANK = re.compile(r"(?:[ \t\r\n]+|#[^\n]*)*")
_SPACE = re.compile(r"[ \t]*")
_BARE = re.compile(r"[A-Za-z0-9_-]+")
_SCALAR = re.compile(r"[^,\]}#\n]+")
_STRINGS = (
    re.compile(r'"""(?:[^"\\]|\\.|"{1,2}(?!"))*"{3,5}', re.DOTALL),
    re.compile(r"'''(?:[^']|'{1,2}(?!'))*'{3,5}", re.DOTALL),
    re.compile(r'"(?:[^"\\\n]|\\.)*"'),
    re.compile(r"'[^'\n]*'"),
)


class _Lost(Exception):
    """The scanner met what it does not know; what it noted so far still stands."""


class _Scanner:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.lines: dict[Path, int] = {}
        self.items: dict[Path, int] = {}  # how many [[tables]] stand under a path so far
        self.breaks = [i for i, character in enumerate(text) if character == "\n"]

    def run(self) -> None:
        table: Path = ()
        while True:
            self.skip(_BLANK)
            if self.at >= len(self.text):
                return
            if self.text.startswith("[", self.at):
                table = self.header()
            else:
                self.assignment(table)

    def header(self) -> Path:
        start = self.at
        double = self.text.startswith("[[", self.at)
        self.at += 2 if double else 1
        path: Path = ()
        keys = self.key()
        for position, key in enumerate(keys, start=1):
            path += (key,)
            self.note(path, start)
            if double and position == len(keys):
                self.items[path] = self.items.get(path, 0) + 1
            if path in self.items:
                path += (self.items[path] - 1,)
                self.note(path, start)
        self.lines[path] = self.line(start)  # a table's own header is better than the first mention of it
        self.expect("]]" if double else "]")
        return path

    def assignment(self, table: Path) -> None:
        start = self.at
        path = table
        for key in self.key():
            path += (key,)
            self.note(path, start)
        self.expect("=")
        self.value(path)

    def key(self) -> list[str]:
        keys = []
        while True:
            self.skip(_SPACE)
            if self.text.startswith(("'", '"'), self.at):
                quoted = self.string()
                keys.append(str(tomllib.loads(f"key = {quoted}")["key"]))
            else:
                keys.append(self.take(_BARE))
            self.skip(_SPACE)
            if not self.text.startswith(".", self.at):
                return keys
            self.at += 1

    def value(self, path: Path) -> None:
        self.skip(_SPACE)
        if self.text.startswith("[", self.at):
            self.members(path, "]", list_items=True)
        elif self.text.startswith("{", self.at):
            self.members(path, "}", list_items=False)
        elif self.text.startswith(("'", '"'), self.at):
            self.string()
        else:
            self.take(_SCALAR)

    def members(self, path: Path, end: str, *, list_items: bool) -> None:
        self.at += 1
        position = 0
        while True:
            self.skip(_BLANK)
            if self.text.startswith(end, self.at):
                self.at += 1
                return
            if list_items:
                self.note((*path, position), self.at)
                self.value((*path, position))
                position += 1
            else:
                self.assignment(path)
            self.skip(_BLANK)
            if self.text.startswith(",", self.at):
                self.at += 1

    def string(self) -> str:
        for pattern in _STRINGS:
            if pattern.match(self.text, self.at):
                return self.take(pattern)
        raise _Lost

    def take(self, pattern: re.Pattern[str]) -> str:
        found = pattern.match(self.text, self.at)
        if found is None or not found.group():
            raise _Lost
        self.at = found.end()
        return found.group()

    def skip(self, pattern: re.Pattern[str]) -> None:
        found = pattern.match(self.text, self.at)
        self.at = found.end() if found else self.at

    def expect(self, sign: str) -> None:
        self.skip(_SPACE)
        if not self.text.startswith(sign, self.at):
            raise _Lost
        self.at += len(sign)

    def note(self, path: Path, at: int) -> None:
        self.lines.setdefault(path, self.line(at))

    def line(self, at: int) -> int:
        return bisect_right(self.breaks, at - 1) + 1


def lines_of(text: str) -> dict[Path, int]:
    """The line (from 1) of every table, key and list item of a TOML text that ``tomllib`` accepts.

    Where the scanner loses its way, what it has noted until then is returned.
    """
    scanner = _Scanner(text)
    with contextlib.suppress(_Lost):
        scanner.run()
    return scanner.lines


def line_of(path: Path, lines: Mapping[Path, int]) -> int | None:
    """The line of the path, or of the nearest thing around it; None where nothing is known."""
    for length in range(len(path), 0, -1):
        line = lines.get(path[:length])
        if line is not None:
            return line
    return None


def shown(path: Path) -> str:
    """The path for people, e.g. ``purposes.shipping.use[2]``; keys that TOML would quote are quoted."""
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
            continue
        key = step if _BARE.fullmatch(step) else f'"{step}"'
        text += f".{key}" if text else key
    return text
