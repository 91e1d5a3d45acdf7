"""Loading what is covered of an object, where attributes cannot load themselves (asyncio)."""

from __future__ import annotations

from typing import Any

from sqlalchemy import inspect
from sqlalchemy.orm import object_session

from sa_privacy.errors import PrivacyError
from sa_privacy.gate.memory import Memory
from sa_privacy.gate.refusal import refusal_of_columns

__all__ = ["load_covered"]


async def load_covered(memory: Memory, instance: Any, names: list[str]) -> None:
    """Loads the covered personal attributes of `instance` that are not in memory, in one SELECT.

    :param names: the attributes wanted; empty for all that are covered.
    :raises AccessDenied: a named attribute is not covered.
    :raises PrivacyError: the object belongs to no session.
    """
    state = inspect(instance)
    grant = memory.gate.grant()
    for name in names:
        uncovered = [
            c for c in memory.attributes.behind_key(state, name) if c.name in memory.gate.view(grant).uncovered
        ]
        if uncovered:
            raise refusal_of_columns(grant, uncovered)
    wanted = [key for key in memory.attributes.covered_unloaded(state, grant) if not names or key in names]
    if not wanted:
        return
    from sqlalchemy.ext.asyncio import async_object_session  # noqa: PLC0415 - needs greenlet, so only where asyncio is used

    session, plain = async_object_session(instance), object_session(instance)
    if session is not None:
        with session.no_autoflush:
            await session.refresh(instance, wanted)
    elif plain is not None:
        with plain.no_autoflush:
            plain.refresh(instance, wanted)
    else:
        raise PrivacyError(
            f"this {type(instance).__name__} belongs to no session, so nothing can be loaded.",
            hint="add it to a session, or load it again.",
        )
