"""What a loaded object carries: whose gate it passed, under which access, and which of its values were put away."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy.orm import InstanceState

from sa_privacy.access import Access, Scope
from sa_privacy.gate.sqlalchemy_private import InstanceKey

if TYPE_CHECKING:
    from sa_privacy.gate.objects.memory import Memory

__all__ = ["AWAY", "FORMER", "MARK", "OWNERS", "Mark", "Marks", "is_of_another_row", "marks", "owner_of", "put_away_in"]

#: Where a state keeps its mark.
MARK: Final = "sa_privacy_mark"
#: Where it keeps the access of each value, as long as they are several.
OWNERS: Final = "sa_privacy_owners"
#: Where it keeps what was put away, by attribute: the access it belongs to, and the value.
AWAY: Final = "sa_privacy_away"
#: Where it keeps the key of the row that its values are of, once it has left its session.
FORMER: Final = "sa_privacy_former_key"


class Mark:
    """On a loaded object: whose gate it passed, and under which access.

    :param access: None stands for no access at all.
    :param mixed: the object holds values of several accesses, which ``OWNERS`` tells apart; `access` is never in force.
    """

    __slots__ = ("access", "memory", "mixed", "scope")

    def __init__(self, memory: Memory, access: Access | None, *, mixed: bool = False) -> None:
        self.memory = memory
        self.access: Any = _NEVER if mixed else access
        self.mixed = mixed
        self.scope: Callable[[], Scope | None] = memory.gate.scopes.get


_NEVER: Final = object()


class Marks:
    """The marks of one gate: one for each access, one for none, one for objects of several."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory
        self.nobody = Mark(memory, None)
        self._mixed = Mark(memory, None, mixed=True)

    def of(self, access: Access | None) -> Mark:
        """The mark of what belongs to `access`."""
        if access is None:
            return self.nobody
        found: Mark | None = access.notes.get(self._memory)
        if found is None:
            found = access.notes[self._memory] = Mark(self._memory, access)
        return found

    def own(self, state: InstanceState[Any], keys: Iterable[str], access: Access | None) -> None:
        """The values of `keys` belong to `access`; the others to whom they belonged."""
        mark: Mark | None = state.__dict__.get(MARK)
        if mark is not None and mark.access is access:
            return
        rest = set(self._memory.attributes.loaded(state)) - set(keys) if mark is not None else ()
        if mark is None or not rest:
            self.wholly(state, self.of(access))
            return
        owners: dict[str, Access | None] = {key: owner_of(state, mark, key) for key in rest}
        owners.update(dict.fromkeys(keys, access))
        if all(owner is access for owner in owners.values()):
            self.wholly(state, self.of(access))
        else:
            state.__dict__[MARK] = self._mixed
            state.__dict__[OWNERS] = owners

    def wholly(self, state: InstanceState[Any], mark: Mark) -> None:
        """All of the object belongs to one access."""
        state.__dict__[MARK] = mark
        state.__dict__.pop(OWNERS, None)


def marks(instance: object) -> Mark | None:
    """The mark of an object, or None where it was not loaded through a protected engine."""
    state = instance.__dict__.get(InstanceKey)
    return getattr(state, MARK, None)


def owner_of(state: InstanceState[Any], mark: Mark, key: str) -> Access | None:
    """The access that one value of an object belongs to."""
    aside = state.__dict__.get(AWAY)
    if aside and key in aside and key not in state.dict:
        return aside[key][0]  # type: ignore[no-any-return]
    if mark.mixed:
        found: Access | None = state.__dict__.get(OWNERS, {}).get(key)
        return found
    return mark.access  # type: ignore[no-any-return]


def is_of_another_row(state: InstanceState[Any]) -> bool:
    """Whether an object was loaded, and then made to stand for another row, or for a new one: its values are not that row's."""
    former = state.__dict__.get(FORMER)
    return former is not None and former != state.key


def put_away_in(state: InstanceState[Any]) -> dict[str, tuple[Access | None, Any]]:
    """What of an object was put away. Made where there is none, to be written to."""
    found: dict[str, tuple[Access | None, Any]] = state.__dict__.setdefault(AWAY, {})
    return found
