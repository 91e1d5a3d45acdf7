"""Where an application says what its columns are: the classes and tables of its own files."""

from __future__ import annotations

import ast
import dataclasses
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from sqlalchemy import Table
from sqlalchemy.orm import Mapper

from sa_privacy.columns.sqlalchemy_private import all_mappers
from sa_privacy.discovery.source import Source, called

__all__ = ["Model", "Place", "Sources"]


@dataclass(frozen=True, slots=True)
class Place:
    """Where one column, or one table, is written.

    :param call: the ``mapped_column(...)``, ``Column(...)`` or ``Table(...)``; None for an annotation alone.
    :param statement: the statement, in a class.
    :param owner: the class that it stands in; not always one that is mapped.
    """

    source: Source
    module: ModuleType
    call: ast.Call | None
    statement: ast.stmt | None = None
    owner: type | None = None
    is_dataclass: bool = False


@dataclass(frozen=True, slots=True)
class Model:
    """A mapped class of the application's own."""

    mapper: Mapper[Any]
    source: Source
    module: ModuleType
    body: ast.ClassDef


class Sources:
    """The Python files under a directory that were imported.

    :param root: files elsewhere are somebody else's, and not to be edited.
    """

    def __init__(self, root: Path) -> None:
        self._root = root.resolve()
        self._modules = dict(self._own_modules())
        self._read: dict[str, Source | None] = {}

    def _own_modules(self) -> Iterator[tuple[str, ModuleType]]:
        elsewhere = [Path(place).resolve() for place in {sys.prefix, sys.base_prefix}]
        for name, module in list(sys.modules.items()):
            file = getattr(module, "__file__", None)
            if not file or not file.endswith(".py") or name.partition(".")[0] == "sa_privacy":
                continue
            path = Path(file).resolve()
            inside = path.is_relative_to(self._root)
            installed = any(path.is_relative_to(one) and not self._root.is_relative_to(one) for one in elsewhere)
            if inside and not installed and "site-packages" not in path.parts:
                yield name, module

    def _source(self, name: str) -> Source | None:
        if name not in self._read:
            try:
                self._read[name] = Source(Path(str(self._modules[name].__file__)).resolve())
            except (OSError, SyntaxError, UnicodeError):
                self._read[name] = None
        return self._read[name]

    def models(self, tables: Iterable[Table]) -> list[Model]:
        """The mapped classes over these tables whose source is here."""
        wanted = set(tables)
        found = []
        for mapper in all_mappers():
            module = self._modules.get(mapper.class_.__module__)
            source = None if module is None else self._source(mapper.class_.__module__)
            body = None if source is None else source.class_named(mapper.class_.__qualname__)
            if module is not None and source is not None and body is not None and wanted & set(mapper.tables):
                found.append(Model(mapper, source, module, body))
        return found

    def attribute(self, cls: type, name: str) -> Place | None:
        """Where an attribute of a mapped class is written: in the class itself, or in one that it inherits from."""
        for owner in cls.__mro__:
            module = self._modules.get(owner.__module__)
            source = None if module is None else self._source(owner.__module__)
            body = None if source is None else source.class_named(owner.__qualname__)
            if module is None or source is None or body is None:
                continue
            written = [one for one in body.body if _gives(one, name)]
            if not written:
                continue
            statement = written[0]
            if len(written) > 1 or not isinstance(statement, (ast.Assign, ast.AnnAssign)):
                return None
            if isinstance(statement, ast.Assign) and len(statement.targets) > 1:
                return None
            call = called(statement.value, "mapped_column", "Column")
            if call is None and statement.value is not None:
                return None  # Field(...), and what others have
            return Place(source, module, call, statement, owner, dataclasses.is_dataclass(cls))
        return None

    def table(self, table: Table) -> tuple[Place, dict[str, Place]] | None:
        """Where a ``Table(...)`` is written, and its columns by name; None where several could be meant."""
        found: dict[tuple[Path, int], tuple[Place, dict[str, Place]]] = {}
        for name, module in self._modules.items():
            source = self._source(name)
            if source is None or "Table(" not in source.text:
                continue
            for node in ast.walk(source.tree):
                if not isinstance(node, ast.Call) or called(node, "Table") is not node or not node.args:
                    continue
                if not (isinstance(node.args[0], ast.Constant) and node.args[0].value == table.name):
                    continue
                if _schema(node, table.metadata.schema) != table.schema:
                    continue
                columns = {}
                for argument in node.args[1:]:
                    call = called(argument, "Column")
                    if call is not None and call is argument and call.args and isinstance(call.args[0], ast.Constant):
                        columns[str(call.args[0].value)] = Place(source, module, call)
                found[source.path, node.lineno] = Place(source, module, node), columns
        return next(iter(found.values())) if len(found) == 1 else None


def _gives(statement: ast.stmt, name: str) -> bool:
    """Whether a statement of a class gives the attribute a value, or a type."""
    if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        return statement.name == name
    targets = statement.targets if isinstance(statement, ast.Assign) else [getattr(statement, "target", None)]
    return any(isinstance(one, ast.Name) and one.id == name for one in targets)


def _schema(call: ast.Call, default: str | None) -> object:
    """The schema that a ``Table(...)`` says, or that of its metadata; the call where it says it in another way."""
    said = next((one.value for one in call.keywords if one.arg == "schema"), None)
    if said is None:
        return default
    return said.value if isinstance(said, ast.Constant) else call
