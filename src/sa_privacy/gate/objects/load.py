"""Loading what is covered of an object, where attributes cannot load themselves (asyncio)."""

from __future__ import annotations

from typing import Any

from sqlalchemy import inspect
from sqlalchemy.orm import object_session

from sa_privacy.errors import PrivacyError
from sa_privacy.gate.objects.mark import AWAY
from sa_privacy.gate.objects.memory import Memory
from sa_privacy.gate.refusal import decide_columns

__all__ = ["load_covered"]


async def load_covered(memory: Memory, instance: Any, names: list[str]) -> None:
    """Loads the covered personal attributes of `instance` that are not in memory, in one SELECT.

    :param names: the attributes wanted; empty for all that are covered.
    :raises AccessDenied: a named attribute is not covered, or the object is not the subject's.
    :raises PrivacyError: the object belongs to no session.
    """
    state = inspect(instance)
    access, policy = memory.access(), memory.gate.policy
    grant = access.grant if access is not None else None
    for name in names:
        columns = memory.reading.enforced(memory.attributes.behind_key(state, name))
        if any(column.name in memory.gate.view(grant).uncovered for column in columns):
            raise memory.reading.refused(access, columns, decide_columns(grant, columns, policy))
    wanted = [key for key in memory.attributes.covered_unloaded(state, grant) if not names or key in names]
    if object_session(instance) is None:
        for key in [key for key in wanted if key in state.__dict__.get(AWAY, ())]:
            getattr(instance, key)  # it waits aside, and nothing else can load it
            wanted.remove(key)
    if not wanted:
        return
    loading = tuple(column for key in wanted for column in memory.attributes.behind_key(state, key))
    columns = memory.reading.enforced(loading)
    from sqlalchemy.ext.asyncio import async_object_session  # noqa: PLC0415 - needs greenlet, so only where asyncio is used

    session, plain = async_object_session(instance), object_session(instance)
    if plain is None:
        raise PrivacyError(
            f"this {type(instance).__name__} belongs to no session, so nothing can be loaded.",
            hint="add it to a session, or load it again.",
        )
    with plain.no_autoflush, memory.reading.loading(access, state, columns, decide_columns(grant, columns, policy)):
        if session is not None:
            await session.refresh(instance, wanted)
        else:
            plain.refresh(instance, wanted)
