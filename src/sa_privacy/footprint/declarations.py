"""What the application has said of SQL that the library cannot see through (``privacy.declare``)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sa_privacy.footprint.model import Footprint

__all__ = ["Declarations"]


@dataclass(frozen=True, slots=True, eq=False)
class Declarations:
    """An immutable set of declarations.

    :param functions: lower-case ``"name"`` or ``"schema.name"``, as the function is called, to the personal columns
        it reads.
    :param views: lower-case ``"name"`` or ``"schema.name"`` to the personal columns the view shows.
    :param statements: fingerprint to the footprint of the whole statement.
    :param version: changes with every declaration, for caches.
    """

    functions: Mapping[str, frozenset[str]] = field(default_factory=dict)
    views: Mapping[str, frozenset[str]] = field(default_factory=dict)
    statements: Mapping[str, Footprint] = field(default_factory=dict)
    version: int = 0
