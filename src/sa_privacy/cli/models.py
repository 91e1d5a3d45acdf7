"""Finds an application's models by name: ``package.module:Base``."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from pathlib import Path

from sqlalchemy import MetaData

from sa_privacy.cli.telling import fail

__all__ = ["load_models"]


def load_models(names: Sequence[str]) -> list[MetaData]:
    """The ``MetaData`` of each name: of a declarative base, of a model, or itself."""
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    return [_load(name) for name in names]


def _load(name: str) -> MetaData:
    module_name, colon, attribute = name.partition(":")
    if not (module_name and colon and attribute):
        fail(f'"{name}" names no models.', "write --models package.module:Base.")
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        fail(f'there is no module "{error.name}".', f"run the command where {module_name} can be imported from.")
    found = module
    for part in attribute.split("."):
        if not hasattr(found, part):
            fail(f'the module {module_name} has no "{attribute}".', "name the declarative base, or the MetaData.")
        found = getattr(found, part)
    metadata = found if isinstance(found, MetaData) else getattr(found, "metadata", None)
    if not isinstance(metadata, MetaData):
        fail(f'"{name}" is neither a declarative base nor a MetaData.', "write --models package.module:Base.")
    return metadata
