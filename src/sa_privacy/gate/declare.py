"""What applications declare of SQL that the library cannot see through."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from sa_privacy.errors import PolicyError
from sa_privacy.footprint import Declarations, Footprint, fingerprint

__all__ = ["adding"]


def adding(
    before: Declarations,
    *,
    function: str | None = None,
    view: str | None = None,
    sql: str | None = None,
    touches: Iterable[str] = (),
    reads: Iterable[str] = (),
    matches: Iterable[str] = (),
    writes: Iterable[str] = (),
    dialect: str = "postgresql",
) -> Declarations:
    """`before`, with one declaration more.

    :raises PolicyError: not exactly one of `function`, `view` and `sql` is given.
    """
    if sum(thing is not None for thing in (function, view, sql)) != 1:
        raise PolicyError(
            "declare one thing at a time.", hint='declare(function="app.score", touches=[...]), or view=, or sql=.'
        )
    version = before.version + 1
    seen = frozenset(reads) | frozenset(touches)
    if function is not None:
        return replace(before, version=version, functions={**before.functions, function.lower(): seen})
    if view is not None:
        return replace(before, version=version, views={**before.views, view.lower(): seen})
    touched = (seen, frozenset(matches), frozenset(writes))
    tables = {name.rpartition(".")[0] for names in touched for name in names}
    # Which of their rows it reaches is not said, so it is not one person's rows only.
    footprint = Footprint(*touched, mentions=tuple((table, ()) for table in sorted(tables)))
    prints: Any = {fingerprint(str(sql), dialect): footprint}
    return replace(before, version=version, statements={**before.statements, **prints})
