"""The desk: the library itself at work for the access in force, with the library's own tables open to it.

Nothing else of the access changes: who acts, in which role and why, stands in every event. What the access covers of the
application's data does not count here; the desk says what it reads.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from sa_privacy.access.access import ENDED, Access
from sa_privacy.access.declared import Declared
from sa_privacy.access.scope import Scope

if TYPE_CHECKING:
    from sa_privacy.access.scopes import AccessScopes

__all__ = ["UNASKED", "at_desk"]

#: Noted in an access of the desk whose work does not depend on what the actor stands in.
UNASKED: Final = "unasked"


class _DeskScope(Scope):
    """A scope whose access was made for it, whatever is declared around it."""

    __slots__ = ("_made",)

    def __init__(self, scopes: AccessScopes, parent: Scope, made: Access) -> None:
        self._made = made
        super().__init__(scopes, Declared(), parent)

    def _resolve(self, declared: Declared | None = None, outer: Access | None = None) -> Access:
        return self._made


@contextmanager
def at_desk(
    scopes: AccessScopes,
    *,
    reads: Collection[str] = (),
    writes: Collection[str] = (),
    subjects: Collection[tuple[str, object]] = (),
    deletes: Collection[str] = (),
    asked: bool = True,
    everything: bool = False,
    reading: bool = False,
) -> Iterator[Access]:
    """The library works for the access in force.

    No values are put away, and none may be loaded into objects: the desk works with rows, not with entities.

    :param reads: categories of the application's data that it reads.
    :param writes: categories that it writes.
    :param subjects: whose data it is about, as ``(kind, key)``: they stand in every event.
    :param deletes: tables that it removes rows from.
    :param asked: whether the actor has to stand in the roles of the access, as for any statement.
    :param everything: it reaches every row and column, whatever the rules about rows say.
    :param reading: it writes nothing of its own.
    :returns: the access of the desk.
    :raises NoAccess: there is none to work for.
    :raises AccessEnded: it has been left.
    """
    parent = scopes.require()
    held = parent.access
    grant = scopes.policy.desk_grant(
        held.grant,
        frozenset(reads),
        frozenset(writes),
        frozenset(deletes),
        own=not reading,
        everything=everything,
    )
    notes: dict[object, Any] = {} if asked else {UNASKED: True}
    made = replace(held, grant=grant, subject=None, maintenance=False, subjects=tuple(subjects), notes=notes)
    scope = _DeskScope(scopes, parent, made)
    token = scopes.variable.set(scope)
    try:
        scopes.desk_changed(held, made)
        yield made
    finally:
        scope.close()
        made.notes[ENDED] = True
        scopes.variable.reset(token)
        scopes.desk_changed(made, held)
