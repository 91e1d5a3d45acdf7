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
    """Stands before a compiler: limits what UPDATE and DELETE reach, renders conditions, and looks at text on its way.

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
        self.sa_privacy_ruling = ruling
        return f"({text})"

    # Where SQLAlchemy renders what it then throws away: a condition in it limits nothing, and must not be counted.

    def visit_cte(self, cte: Any, *args: Any, **kwargs: Any) -> Any:
        """A WITH query. A recursive one replaces what it began with, if that stands in the statement by itself."""
        before = set(self.ctes or ())
        rendered = super().visit_cte(cte, *args, **kwargs)
        if self.sa_privacy_ruling is not None and not before.issubset(self.ctes or ()):
            self.sa_privacy_ruling.thrown_away = True
        return rendered

    # Where SQLAlchemy renders what the application wrote, as it is.

    def _watched(self, text: Any) -> Any:
        if self.sa_privacy_ruling is not None and text:
            self.sa_privacy_ruling.text(text, self.dialect)
        return text

    def visit_textclause(self, *args: Any, **kwargs: Any) -> Any:
        """``text()``, and what becomes one: prefixes, suffixes."""
        return self._watched(super().visit_textclause(*args, **kwargs))

    def visit_column(self, column: Any, *args: Any, **kwargs: Any) -> Any:
        """A column, or ``literal_column()``."""
        rendered = super().visit_column(column, *args, **kwargs)
        return self._watched(rendered) if column.is_literal else rendered

    def visit_custom_op_binary(self, element: Any, operator: Any, **kwargs: Any) -> Any:
        """``a.op("...")(b)``."""
        self._watched(operator.opstring)
        return super().visit_custom_op_binary(element, operator, **kwargs)

    def visit_custom_op_unary_operator(self, element: Any, operator: Any, **kwargs: Any) -> Any:
        """One before its operand."""
        self._watched(operator.opstring)
        return super().visit_custom_op_unary_operator(element, operator, **kwargs)

    def visit_custom_op_unary_modifier(self, element: Any, operator: Any, **kwargs: Any) -> Any:
        """One behind its operand."""
        self._watched(operator.opstring)
        return super().visit_custom_op_unary_modifier(element, operator, **kwargs)

    def visit_extract(self, extract: Any, **kwargs: Any) -> Any:
        """``extract("...", a)``."""
        self._watched(extract.field)
        return super().visit_extract(extract, **kwargs)

    def get_statement_hint_text(self, hint_texts: Any) -> Any:
        """Hints behind a statement."""
        return self._watched(super().get_statement_hint_text(hint_texts))

    def get_from_hint_text(self, table: Any, text: Any) -> Any:
        """Hints beside a table."""
        return self._watched(super().get_from_hint_text(table, text))


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
