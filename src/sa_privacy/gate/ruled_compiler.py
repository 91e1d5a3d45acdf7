"""What a compiler does under row rules. :mod:`sa_privacy.gate.compiling` mixes it into the compiler of a protected engine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sa_privacy.gate.limits import InForce
from sa_privacy.gate.sqlalchemy_private import seen_alone

if TYPE_CHECKING:
    from sa_privacy.gate.ruling import RowCondition, Ruling

__all__ = ["RuledCompiler", "RuledStatement"]


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

    def construct_params(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """The values of one execution, by parameter."""
        made: dict[str, Any] = super().construct_params(*args, **kwargs)
        for bind, name in self.bind_names.items():
            if type(bind.callable) is InForce:
                made[name] = bind.callable()
        return made
