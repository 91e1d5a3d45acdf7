"""What the footprint needs of SQLAlchemy and SQLAlchemy does not promise: one small function each.

``tests/footprint/test_sqlalchemy_private.py`` says of each what it must do, so that a new version that changes one
fails there, and not in an application.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy.sql import FromClause, Select
from sqlalchemy.sql.annotation import Annotated
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.elements import ClauseElement

__all__ = [
    "adds_text",
    "bind_names_in_text",
    "core_select",
    "count_of_results",
    "custom_compilation",
    "decorated",
    "final_froms",
    "kind_of",
    "name_of_alias",
    "name_of_bind",
    "select_parts",
    "type_changes_sql",
]


def core_select(compiled: SQLCompiler) -> Any:
    """The SELECT that is rendered; for an ORM statement, the one that the ORM made of it."""
    state = compiled.compile_state
    return None if state is None else state.statement


def final_froms(select: Select[Any], compiled: SQLCompiler) -> Sequence[FromClause]:
    """``select.get_final_froms()`` of a SELECT that `compiled` renders; that compiles it once more to find out."""
    return select._compile_state_factory(select, compiled)._get_display_froms()


def count_of_results(compiled: SQLCompiler) -> int:
    """How many columns the result of a compiled statement has."""
    return len(compiled._result_columns)


def select_parts(select: Select[Any]) -> dict[str, Any]:
    """The parts of a SELECT by what they are."""
    return {
        "columns": select._raw_columns,
        "where": select._where_criteria,
        "group": select._group_by_clauses,
        "having": select._having_criteria,
        "order": select._order_by_clauses,
        "limits": [part for part in (select._limit_clause, select._offset_clause) if part is not None],
        "distinct": select._distinct,
        "distinct_on": select._distinct_on,
    }


def adds_text(select: Any) -> bool:
    """Whether a SELECT renders text of its own: prefixes, hints, extension clauses and the like."""
    return bool(
        select._prefixes
        or select._suffixes
        or select._hints
        or select._statement_hints
        or select._independent_ctes
        or select._fetch_clause is not None
        or getattr(select, "dialect_kwargs", None)
        or any(getattr(select, name, None) is not None for name in _EXTENSIONS)
    )


_EXTENSIONS = ("_post_select_clause", "_pre_columns_clause", "_post_criteria_clause", "_post_body_clause")  # 2.1


def kind_of(element: Any) -> type[Any]:
    """The class of an element, seen through the ORM's annotations."""
    kind: type[Any] = type(element)
    if issubclass(kind, Annotated):
        return next(base for base in kind.__bases__ if not issubclass(base, Annotated))
    return kind


def custom_compilation(kind: type[ClauseElement]) -> bool:
    """Whether an application has said with ``@compiles`` how the class, or a base of it, is rendered."""
    return hasattr(kind, "_compiler_dispatcher")


def type_changes_sql(type_: Any) -> bool:
    """Whether a type puts SQL of its own around columns or parameters."""
    return bool(type_._has_bind_expression or type_._has_column_expression)


def name_of_alias(compiled: SQLCompiler, alias: Any) -> str:
    """The name that an alias has in the text; one without a name is given its own while it is compiled."""
    return str(compiled.truncated_names.get(("alias", alias.name), alias.name))


def name_of_bind(compiled: SQLCompiler, bind: Any) -> str | None:
    """The name of a parameter among ``compiled_parameters`` of the execution."""
    return compiled.bind_names.get(bind)


def bind_names_in_text(compiled: SQLCompiler) -> Mapping[str | int, str]:
    """The names of parameters by what stands for them in the text: their position from 0, or their escaped name.

    Lists and literals that are filled in later take a place among question marks, but no number among ``$1, $2``.
    """
    later = {compiled.bind_names[bind] for bind in compiled.post_compile_params | compiled.literal_execute_params}
    names: dict[str | int, str] = {written: name for name, written in compiled.escaped_bind_names.items()}
    order = compiled.positiontup or ()
    if compiled._numeric_binds:
        order = [name for name in order if name not in later]
    names.update(enumerate(order))
    return names


def decorated(compiled: SQLCompiler) -> bool:
    """Whether the compiled text holds more than its elements: WITH queries, schemas filled in later."""
    return bool(compiled.ctes or compiled.schema_translate_map)
