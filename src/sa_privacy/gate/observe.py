"""What would have been, had the gate enforced: for ``mode="observe"``, and for ``explain`` in it.

An engine that observes compiles entity loads whole. One that enforces would have left uncovered columns out and let the
statement run, so judging what was really sent would report loads that nobody would have refused.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from sqlalchemy.engine import Dialect
from sqlalchemy.sql.compiler import SQLCompiler

from sa_privacy.footprint import binds_by_name, footprint_of_text, footprint_of_tree
from sa_privacy.gate.relations import LiveRelations
from sa_privacy.gate.rows.row_law import bound_by_rules
from sa_privacy.gate.rows.ruling import RULING, Ruling
from sa_privacy.gate.statements.compiling import as_enforced
from sa_privacy.gate.statements.plan import Plan
from sa_privacy.gate.statements.view import View

if TYPE_CHECKING:
    from sa_privacy.columns.catalogue import Catalogue
    from sa_privacy.gate.judge import Judge
    from sa_privacy.policy import Grant

__all__ = ["compile_as_enforced", "plan_as_enforced"]


def compile_as_enforced(
    catalogue: Catalogue, statement: Any, dialect: Dialect, grant: Grant | None, *, column_keys: Any = None
) -> Any:
    """`statement`, as an engine that enforces would send it under `grant`.

    :raises AccessDenied: it would be refused before it is sent.
    """
    with as_enforced(View(catalogue, grant)):
        return statement.compile(dialect=dialect, column_keys=column_keys)


def plan_as_enforced(judge: Judge, plan: Plan, context: Any, grant: Grant | None) -> Plan:
    """The plan that the statement of `plan` would have had; `plan` itself where it would have been the same.

    :raises AccessDenied: it would have been refused before it was sent.
    """
    compiled = context.compiled
    statement = context.invoked_statement  # of an ORM statement, the compiled one keeps only what it became
    if not isinstance(compiled, SQLCompiler) or statement is None or plan.refusal is not None:
        return plan
    again = compile_as_enforced(judge.catalogue(), statement, context.dialect, grant, column_keys=compiled.column_keys)
    if again.string == compiled.string:
        return plan
    dialect: Literal["postgresql", "sqlite"] = "postgresql" if context.dialect.name == "postgresql" else "sqlite"
    known: dict[str, Any] = {
        "catalogue": plan.catalogue,
        "declarations": judge.declarations(),
        "relations": LiveRelations(context.root_connection, dialect),
    }
    ruling: Ruling | None = vars(again).get(RULING)
    marked = ruling.marked(again) if ruling is not None else None
    found = footprint_of_tree(again, **known) if marked is None else None
    if found is None:
        marks = ruling.marks if ruling is not None and marked is not None else None
        style = context.dialect.paramstyle
        found = footprint_of_text(marked or again.string, dialect=dialect, paramstyle=style, marks=marks, **known)
        found = bound_by_rules(binds_by_name(found, again), again, plan.catalogue)
    made = Plan(found, plan.catalogue, plan.fingerprint, binds=again.binds)
    made.ruling = ruling
    return made
