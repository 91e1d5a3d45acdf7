"""The ways along which a case tries a path, and how each of them ended.

| end | what happened |
|---|---|
| `refused` | an error of the gate, and nothing came back |
| `left out` | it ran, and what the access does not cover was not in what came back |
| `sealed` | cells came back, or the keys were missing: nothing that could be read |
| `wall` | the gate did not see it; with a wall, the database refused |
| `nothing` | Python in the process that has the value already: nothing stands in its way |
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from types import ModuleType
from typing import Any, Final, Literal, get_args

from sa_privacy.errors import KeyUnavailable, PrivacyError
from tests.attack_cases.case import Case

__all__ = ["ENDS", "End", "Way", "end_of", "left_out", "listed", "nothing", "refused", "sealed", "wall", "ways_of"]

End = Literal["refused", "left out", "sealed", "wall", "nothing"]
ENDS: Final[tuple[End, ...]] = get_args(End)
Go = Callable[[Case], Any]


@dataclass(frozen=True, slots=True)
class Way:
    """One way along a path.

    :param path: the path, by its name in `paths.py`.
    :param ends: how it ends; several where it makes several attempts.
    :param attacks: what it does; each is tried alone.
    :param learns: it learns something without a value coming back, so that only a refusal will do.
    :param always: it is refused also where the purpose covers everything.
    """

    path: str
    ends: tuple[End, ...]
    attacks: tuple[Go, ...]
    learns: bool = False
    always: bool = False

    @property
    def is_async(self) -> bool:
        """Whether it needs an event loop."""
        return any(inspect.iscoroutinefunction(attack) for attack in self.attacks)


def refused(go: Go, *, learns: bool = False, always: bool = False) -> Way:
    """A way that the gate refuses."""
    return Way("", ("refused",), (go,), learns, always)


def left_out(go: Go) -> Way:
    """A way that brings back everything but what is not covered."""
    return Way("", ("left out",), (go,))


def sealed(go: Go) -> Way:
    """A way that brings back cells, or fails for want of keys."""
    return Way("", ("sealed",), (go,))


def wall(go: Go) -> Way:
    """A way past the gate that a wall stops."""
    return Way("", ("wall",), (go,))


def nothing(go: Go) -> Way:
    """A way that nothing stops."""
    return Way("", ("nothing",), (go,))


def ways_of(module: ModuleType) -> list[Way]:
    """The ways of a case: those it names in `paths`, or the only one there is."""
    if hasattr(module, "paths"):
        return [Way(name, way.ends, way.attacks, way.learns, way.always) for name, way in module.paths.items()]
    attacks = [module.attack] if hasattr(module, "attack") else []
    path, ends = getattr(module, "path", ""), listed(getattr(module, "ends", ()))
    return [Way(path, ends, (*attacks, *_of_sql(module)), getattr(module, "refused", False))]


def _of_sql(module: ModuleType) -> Iterator[Go]:
    """Each statement as a text, and again as driver SQL."""
    for sql in listed(getattr(module, "sql", ())):
        yield partial(Case.rows, sql=sql)
        yield partial(Case.driver_rows, sql=sql)


def listed(value: Any) -> tuple[Any, ...]:
    """`value` as a tuple: a case may say one thing or several."""
    return value if isinstance(value, tuple) else (value,)


def end_of(loot: Any, strings: Iterable[str], cells: Sequence[bytes]) -> End:
    """How an attempt ended, by what it brought back.

    :param strings: every string in `loot`.
    :param cells: the cells that stand in the database.
    """
    if isinstance(loot, KeyUnavailable):
        return "sealed"
    if isinstance(loot, PrivacyError):
        return "refused"
    heap = "\n".join(strings)
    return "sealed" if any(cell.hex() in heap for cell in cells) else "left out"
