"""Which purposes of a policy open what is needed."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

from sa_privacy.policy import Policy, Purpose, Touch

__all__ = ["Known", "Need", "NeedVerb", "covering", "missing", "opens", "size", "touch"]

NeedVerb = Literal["read", "match", "write", "delete"]
_TOLD = 3


class Need(NamedTuple):
    """One thing that is done to personal data.

    :param name: the column; for ``"delete"`` the table.
    """

    verb: NeedVerb
    name: str

    def __str__(self) -> str:
        return f"{self.verb} {self.name}"


@dataclass(frozen=True, slots=True)
class Known:
    """What a column holds.

    :param only: the purposes that the column itself is narrowed to; None narrows nothing.
    """

    category: str
    only: frozenset[str] | None = None


def touch(need: Need, known: Mapping[str, Known]) -> Touch | None:
    """A need as the judge takes it; None where nobody knows what the column holds."""
    column = known.get(need.name)
    return None if column is None else Touch(need.name, column.category, column.only)


def opens(purpose: Purpose, need: Need, known: Mapping[str, Known]) -> bool:
    """Whether a purpose covers a need."""
    if need.verb == "delete":
        return need.name in purpose.delete
    column = known.get(need.name)
    return column is not None and purpose.opens(need.verb, column.category, column.only)


def missing(purposes: Iterable[Purpose], needs: Collection[Need], known: Mapping[str, Known]) -> list[Need]:
    """What the purposes together do not cover, in order."""
    declared = list(purposes)
    return sorted(need for need in needs if not any(opens(one, need, known) for one in declared))


def size(purpose: Purpose) -> int:
    """How much a purpose opens: the fewer the better."""
    return len(purpose.read) + len(purpose.match) + len(purpose.write) + len(purpose.delete)


def covering(
    policy: Policy, needs: Collection[Need], known: Mapping[str, Known], among: Collection[str] | None = None
) -> tuple[tuple[str, ...], ...]:
    """The smallest purposes that cover all of `needs`: up to three that do so alone, or else one set of several.

    Purposes that reach only one person's own rows are left out: the log does not tell whose rows were meant.

    :param among: the purposes to choose from; None for all.
    :returns: empty where nothing is needed, or no purposes would do.
    """
    if not needs:
        return ()
    choice = [
        purpose
        for purpose in policy.purposes.values()
        if purpose.rows == "all" and (among is None or purpose.name in among)
    ]
    alone = [purpose for purpose in choice if not missing([purpose], needs, known)]
    if alone:
        alone.sort(key=lambda purpose: (size(purpose), purpose.name))
        return tuple((purpose.name,) for purpose in alone[:_TOLD])
    taken: list[Purpose] = []
    left = missing([], needs, known)
    while left:
        best = min(choice, key=lambda one: (len(missing([one], left, known)), size(one), one.name), default=None)
        after = left if best is None else missing([best], left, known)
        if best is None or len(after) == len(left):
            return ()
        taken.append(best)
        left = after
    return (tuple(sorted(purpose.name for purpose in taken)),)
