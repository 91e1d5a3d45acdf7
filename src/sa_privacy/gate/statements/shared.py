"""Compiled statements that serve several grants.

A statement that was compiled for one grant is the same for every other under which the same of its columns are left out:
whether they differ in other columns does not matter to it. So what is kept grows with what statements really look like,
and not with the number of grants; most statements look the same to everybody.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sa_privacy.gate.statements.recent import Recent

if TYPE_CHECKING:
    from sa_privacy.columns.catalogue import Catalogue
    from sa_privacy.gate.statements.view import View

__all__ = ["Shared"]

_VARIANTS: Final = 256


class _Variant(NamedTuple):
    """One statement as it was compiled.

    :ivar catalogue: of then.
    :ivar structure: of the row rules in it.
    :ivar shown: the personal columns that it asked about and did not leave out.
    :ivar hidden: those that it did.
    """

    compiled: Any
    catalogue: Catalogue
    structure: Hashable
    shown: frozenset[str]
    hidden: frozenset[str]

    def serves(self, view: View, structure: Hashable) -> bool:
        """Whether compiling it for another view would give the same."""
        return (
            self.catalogue is view.catalogue
            and self.structure == structure
            and self.hidden <= view.uncovered
            and self.shown.isdisjoint(view.uncovered)
        )


class Shared:
    """Statements by their cache keys, and what was made of them for different views.

    :param size: statements kept.
    """

    def __init__(self, size: int) -> None:
        self._variants: Recent[tuple[_Variant, ...]] = Recent(size)

    def find(self, key: Any, view: View, structure: Hashable) -> Any | None:
        """The statement as it would be compiled for the view; None where it has to be."""
        known = self._variants.get(key) or ()
        return next((one.compiled for one in known if one.serves(view, structure)), None)

    def keep(self, key: Any, compiled: Any, view: View, structure: Hashable) -> None:
        """Keeps what was compiled for the view."""
        known = self._variants.get(key) or ()
        current = [one for one in known if one.catalogue is view.catalogue][-_VARIANTS:]
        shown, hidden = compiled.sa_privacy_shown, compiled.sa_privacy_hidden
        self._variants[key] = (*current, _Variant(compiled, view.catalogue, structure, shown, hidden))

    def __len__(self) -> int:
        return sum(len(variants) for variants, _ in list(self._variants.entries.values()))

    def clear(self) -> None:
        """Keeps nothing."""
        self._variants.clear()
