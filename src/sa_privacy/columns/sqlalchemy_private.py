"""Private SQLAlchemy touches of this room, one function each; ``tests/test_sqlalchemy_private.py`` watches them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy.orm import Mapper
from sqlalchemy.orm.mapper import _all_registries  # type: ignore[attr-defined]

__all__ = ["all_mappers"]


def all_mappers() -> Iterator[Mapper[Any]]:
    """Every mapper of the process, also of models that were mapped before this library was imported.

    ``registry.mappers`` is public, the list of registries is not.
    """
    for registry in _all_registries():
        yield from registry.mappers
