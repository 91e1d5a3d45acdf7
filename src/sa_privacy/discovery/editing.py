"""Changes of one file of an application: arguments put into a call, a type in front, the imports that they need.

Nothing is written: a file's changes are kept beside its text, and are applied to all of it at once.
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any, Final

import sqlalchemy
from sqlalchemy import orm

from sa_privacy import columns
from sa_privacy.discovery.source import Edit, Source

__all__ = ["File", "append_keywords", "finished", "has", "import_name", "insert_type", "is_whole", "target", "type_of"]

_BEHIND: Final = re.compile(r"#[^\r\n]*|[),]")
"""What can stand between the last argument of a call and its end."""
_NO_TYPES: Final = frozenset(
    "ForeignKey Sequence Identity Computed CheckConstraint UniqueConstraint FetchedValue DefaultClause".split()
)


@dataclass
class File:
    """A file, what is to be changed in it, and by module the names that it has to import."""

    source: Source
    module: ModuleType
    edits: list[Edit] = field(default_factory=list)
    imports: dict[str, set[str]] = field(default_factory=dict)


def finished(file: File) -> str:
    """The text with all changes, and the imports that they need."""
    source, edits = file.source, list(file.edits)
    place, apart = source.import_place()
    lines = [
        f"from {module} import {', '.join(sorted(names, key=str.lower))}"
        for module, names in sorted(file.imports.items())
        if names
    ]
    if lines:
        ending = source.newline
        start = "" if place == 0 or source.text[:place].endswith(("\n", "\r")) else ending
        edits.append(Edit(place, place, (ending if apart else start) + "".join(line + ending for line in lines)))
    text = source.edited(edits)
    ast.parse(text.removeprefix("\ufeff"))  # a patch that breaks a file is none
    return text


def import_name(file: File, module: str, name: str) -> str:
    """The name, and an import of it where the file has none; another name where the file means something else by it."""
    there: Any = {"sa_privacy": columns, "sqlalchemy": sqlalchemy, "sqlalchemy.orm": orm}[module]
    wanted = getattr(there, name)
    if getattr(file.module, name, wanted) is not wanted:  # the name is taken
        taken = f"{module.replace('.', '_')}_{name}"
        file.imports.setdefault(module, set()).add(f"{name} as {taken}")
        return taken
    if not hasattr(file.module, name):
        file.imports.setdefault(module, set()).add(name)
    return name


def type_of(call: ast.Call) -> ast.expr | None:
    """The type among the arguments of a column."""
    for keyword in call.keywords:
        if keyword.arg == "type_":
            return keyword.value
    for argument in call.args[:2]:
        if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
            continue
        function = argument.func if isinstance(argument, ast.Call) else argument
        name = function.id if isinstance(function, ast.Name) else getattr(function, "attr", "")
        return None if name in _NO_TYPES or isinstance(argument, ast.Starred) else argument
    return None


def is_whole(call: ast.Call) -> bool:
    """Whether all arguments stand there, and none come from elsewhere (``*args``, ``**options``)."""
    return not has(call, None) and not any(isinstance(one, ast.Starred) for one in call.args)


def has(call: ast.Call | None, name: str | None) -> bool:
    """Whether a call has this keyword; None: any that comes from elsewhere (``**options``)."""
    return call is not None and any(keyword.arg == name for keyword in call.keywords)


def target(statement: ast.stmt) -> str:
    """What a statement gives a value to."""
    targets = statement.targets if isinstance(statement, ast.Assign) else [getattr(statement, "target", None)]
    return next((one.id for one in targets if isinstance(one, ast.Name)), "")


def insert_type(file: File, call: ast.Call, text: str) -> None:
    """Puts a type where it stands: behind the name, in front of all else."""
    source = file.source
    named = call.args[:1] and isinstance(call.args[0], ast.Constant) and isinstance(call.args[0].value, str)
    if named:
        place = source.end(call.args[0])
        file.edits.append(Edit(place, place, f", {text}"))
        return
    place = _inside(source, call)
    more = bool(call.args or call.keywords)
    file.edits.append(Edit(place, place, f"{text}, " if more else text))


def append_keywords(file: File, call: ast.Call, text: str, *, counting: bool = False) -> None:
    """Puts keyword arguments behind all others.

    :param counting: an argument is put in by another edit.
    """
    source = file.source
    last = [*call.args, *(keyword.value for keyword in call.keywords)]
    if last:
        place = max(source.end(one) for one in last)
        comma = 0
        for found in _BEHIND.finditer(source.text, place, source.end(call) - 1):
            if found[0] == ")":  # a value in brackets
                place = found.end()
            elif found[0] == ",":
                comma = found.end()
        if "\n" not in source.text[place : source.end(call) - 1]:
            file.edits.append(Edit(place, place, f", {text}"))
            return
        if not comma:
            file.edits.append(Edit(place, place, ","))
        line = source.text.rindex("\n", 0, place) + 1  # a line of its own, as deep as the one before
        deep = source.text[line : len(source.text) - len(source.text[line:].lstrip(" \t"))]
        below = source.text.find("\n", max(place, comma), source.end(call)) + 1
        if not below:  # the comma stands beside the end
            file.edits.append(Edit(comma, comma, f" {text}"))
            return
        file.edits.append(Edit(below, below, f"{deep}{text},{source.newline}"))
        return
    place = _inside(source, call)
    file.edits.append(Edit(place, place, f", {text}" if counting else text))


def _inside(source: Source, call: ast.Call) -> int:
    return source.text.index("(", source.end(call.func)) + 1
