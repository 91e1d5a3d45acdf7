"""What a compiler does under row rules. :mod:`sa_privacy.gate.statements.compiling` mixes it into the compiler of a protected engine."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from sa_privacy.gate.rows.limits import InForce
from sa_privacy.gate.sqlalchemy_private import seen_alone

if TYPE_CHECKING:
    from sa_privacy.gate.rows.limits import LimitsInForce
    from sa_privacy.gate.rows.ruling import RowCondition, Ruling

__all__ = ["RuledCompiler", "RuledStatement"]

#: Where a value goes, the table, and which of the parameters of its rule it is.
Asking = tuple[str, str, int]


_Compiler: Any = object  # whichever it is mixed into


class RuledCompiler(_Compiler):  # type: ignore[misc]
    """Stands before a compiler: limits what UPDATE and DELETE reach, and renders conditions.

    SELECT is limited by :func:`~sa_privacy.gate.sqlalchemy_private.limit_selects`.
    """

    #: The rules of this compilation; None where none hold, and while a condition of theirs is rendered.
    sa_privacy_ruling: Ruling | None

    def visit_update(self, update_stmt: Any, *args: Any, **kwargs: Any) -> Any:
        """An UPDATE."""
        ruling = self.sa_privacy_ruling
        return super().visit_update(update_stmt if ruling is None else ruling.target(update_stmt), *args, **kwargs)

    def visit_delete(self, delete_stmt: Any, *args: Any, **kwargs: Any) -> Any:
        """A DELETE."""
        ruling = self.sa_privacy_ruling
        return super().visit_delete(delete_stmt if ruling is None else ruling.target(delete_stmt), *args, **kwargs)

    def visit_sa_privacy_row_condition(self, element: RowCondition, **kwargs: Any) -> str:
        """The condition of a rule."""
        kwargs.pop("from_linter", None)
        ruling, self.sa_privacy_ruling = self.sa_privacy_ruling, None
        with seen_alone(self, element.mention):
            text = self.process(element.condition, **kwargs)
            named = self.process(element.column)
        self.sa_privacy_ruling = ruling
        return element.marks.around(f"({text})", named)


class RuledStatement(_Compiler):  # type: ignore[misc]
    """Stands before the class of what was compiled with rules in it: their values are those of the access in force.

    SQLAlchemy takes the value of any parameter from what is executed with the statement, if its name is there.
    """

    #: What puts values in, and for each of the rules' parameters its key, the table, and which of the table's it is; then the
    #: same with its name.
    _sa_privacy_asking: tuple[LimitsInForce | None, list[Asking], list[Asking]] | None = None

    def construct_params(self, params: Mapping[str, Any] | None = None, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """The values of one execution, by parameter."""
        asking = self._sa_privacy_asking
        if asking is None:
            asking = self._sa_privacy_asking = self._sa_privacy_found()
        limits, by_key, by_name = asking
        if limits is None:
            made: dict[str, Any] = super().construct_params(params, *args, **kwargs)
            return made
        said = {**params} if params else {}
        limits.fill(by_key, said)  # so that SQLAlchemy does not ask for each of them
        made = super().construct_params(said, *args, **kwargs)
        for key, name in zip(by_key, by_name, strict=True):
            made[name[0]] = said[key[0]]
        return made

    def _sa_privacy_found(self) -> tuple[LimitsInForce | None, list[Asking], list[Asking]]:
        found: list[tuple[str, str, InForce]] = [
            (bind.key, name, bind.callable) for bind, name in self.bind_names.items() if type(bind.callable) is InForce
        ]
        by_key = [(key, asks.table, asks.at) for key, _, asks in found]
        limits = found[0][2].limits if found else None  # a rule may take no parameters
        return limits, by_key, [(name, asks.table, asks.at) for _, name, asks in found]
