"""What this face uses of Alembic without its promise, one small function each. A release that changes it fails in
``tests/integrations/test_alembic_private.py``.
"""

from __future__ import annotations

from typing import Any

from alembic.autogenerate import render
from alembic.autogenerate.api import AutogenContext
from alembic.operations import BatchOperations
from sqlalchemy.types import TypeEngine

__all__ = ["last_in_line", "new_names", "rendered_type"]


def last_in_line() -> dict[str, Any]:
    """What registers a comparator behind Alembic's own. Before 1.18 that is the order in which they are registered."""
    try:
        from alembic.util import DispatchPriority  # noqa: PLC0415 - it is not there in older releases
    except ImportError:
        return {}
    return {"priority": DispatchPriority.LAST}


def rendered_type(kind: TypeEngine[Any], context: AutogenContext) -> str:
    """A type as Alembic writes it into a migration file; adds what it has to import."""
    return str(render._repr_type(kind, context))


def new_names(batch: BatchOperations) -> dict[str, str]:
    """The columns that a batch is about to rename, and to what."""
    steps: list[Any] = batch.impl.batch
    return {
        str(args[1]): str(said["name"])
        for step, args, said in steps
        if step == "alter_column" and said.get("name") is not None
    }
