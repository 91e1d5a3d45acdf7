"""Finds an application's models by name: ``package.module:Base``."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from sqlalchemy import MetaData, Table
from sqlalchemy.schema import sort_tables_and_constraints

from sa_privacy.cli.telling import fail

__all__ = ["imported", "load_models", "load_object", "tables_of"]


def load_models(names: Sequence[str]) -> list[MetaData]:
    """The ``MetaData`` of each name: of a declarative base, of a model, or itself."""
    return [_metadata(name) for name in names]


def tables_of(*metadata: MetaData) -> list[Table]:
    """The tables, those that others refer to first. ``sorted_tables`` warns of tables that refer to each other."""
    found: list[Table] = []
    for one in metadata:
        for table, _ in sort_tables_and_constraints(one.tables.values()):  # type: ignore[no-untyped-call]
            if table is not None:  # the last entry: the foreign keys that close a circle
                found.append(table)
    return found


def _metadata(name: str) -> MetaData:
    found = load_object(name, "models", "name the declarative base, or the MetaData.")
    metadata = found if isinstance(found, MetaData) else getattr(found, "metadata", None)
    if not isinstance(metadata, MetaData):
        fail(f'"{name}" is neither a declarative base nor a MetaData.', "write --models package.module:Base.")
    return metadata


def load_object(name: str, what: str, hint: str) -> Any:
    """What ``package.module:name`` names.

    :param what: what it is, for errors, and `hint` how to name one.
    """
    module_name, colon, attribute = name.partition(":")
    if not (module_name and colon and attribute):
        fail(f'"{name}" names no {what}.', "write package.module:Base.")
    module = imported(module_name, f"run the command where {module_name} can be imported from.")
    found: Any = module
    for part in attribute.split("."):
        if not hasattr(found, part):
            fail(f'the module {module_name} has no "{attribute}".', hint)
        found = getattr(found, part)
    return found


def imported(name: str, hint: str) -> ModuleType:
    """The module of that name, also from the directory in which the command is run.

    What it raises is not repeated: an application may say there what no terminal or log is to hold.

    :param hint: what to do where there is no such module.
    """
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is not None and f"{name}.".startswith(f"{error.name}."):
            fail(f'there is no module "{error.name}".', hint)
        fail(f'the module {name} needs "{error.name}", which is not there.', "install what your application needs.")
    except Exception as error:  # noqa: BLE001 - whatever an application's module raises
        fail(
            f"the module {name} cannot be imported: {type(error).__name__}.",
            f'see where it stops: python -c "import {name}"',
        )
