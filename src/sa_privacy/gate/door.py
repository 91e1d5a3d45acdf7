"""One protected engine: what the gate is shown of each statement, and the plans it keeps for them."""

from __future__ import annotations

from typing import Any, Literal

from sqlalchemy.engine import ExceptionContext
from sqlalchemy.exc import OperationalError, ProgrammingError
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.util import LRUCache

from sa_privacy.columns.catalogue import Catalogue
from sa_privacy.errors import UnreadableStatement
from sa_privacy.footprint import NOTHING, Foreign, binds_by_name, fingerprint, footprint_of_text, footprint_of_tree
from sa_privacy.gate.engine import Gate
from sa_privacy.gate.plan import KEPT, Plan
from sa_privacy.gate.refusal import refusal_of_columns
from sa_privacy.gate.relations import LiveRelations
from sa_privacy.gate.scrub import scrub_error
from sa_privacy.gate.statement import is_as_compiled, is_ddl, is_plain_ddl, text_to_judge

__all__ = ["Door"]

DialectName = Literal["sqlite", "postgresql"]


class Door:
    """Shows the gate every statement of one engine.

    :param dialect: ``"sqlite"`` or ``"postgresql"``.
    :param paramstyle: the driver's.
    """

    def __init__(self, gate: Gate, dialect: DialectName, paramstyle: str) -> None:
        self.gate = gate
        self.dialect = dialect
        self.paramstyle = paramstyle
        self._live = gate.live
        self._texts: LRUCache[str, Plan] = LRUCache(2000)
        self._foreign: list[tuple[Foreign, ...]] = []  # filled by LiveRelations

    def do_execute(self, cursor: Any, statement: str, parameters: Any, context: Any) -> None:
        """The last point before the driver; what raises here does not run."""
        compiled = context.compiled
        if compiled is not None and (statement is context.statement or is_as_compiled(context, statement)):
            plan: Plan | None = compiled.__dict__.get(KEPT)
            if plan is None or plan.catalogue is not self._live.now:
                plan = self._plan_compiled(context)
                if plan.lasting:
                    compiled.__dict__[KEPT] = plan
        else:
            plan = self._texts.get(statement)
            if plan is None or plan.catalogue is not self._live.now:
                plan = self._plan_text(statement, context)
        if plan.concerns:
            self.gate.admit(plan, parameters, context)
        elif plan.moves:
            self.gate.admit_move(plan, parameters, context)

    def do_execute_no_params(self, cursor: Any, statement: str, context: Any) -> None:
        """The same, for statements sent without parameters."""
        self.do_execute(cursor, statement, (), context)

    def handle_error(self, context: ExceptionContext) -> None:
        """The database refused a statement: takes values out of the error, and says so where narrowing is the cause.

        :raises AccessDenied: the statement names, outside a subquery, a column that an entity inside left out.
        """
        scrub_error(context)
        compiled = getattr(context.execution_context, "compiled", None)
        left_out = getattr(compiled, "sa_privacy_left_out", ())
        if left_out and isinstance(context.sqlalchemy_exception, (OperationalError, ProgrammingError)):
            raise refusal_of_columns(self.gate.grant(), left_out)

    def forget(self) -> None:
        """DDL ran: what names mean may have changed."""
        self._texts.clear()
        self._foreign.clear()

    def _plan_compiled(self, context: Any) -> Plan:
        catalogue, compiled = self._live.current(), context.compiled
        relations = LiveRelations(context.root_connection, self.dialect, self._foreign)
        if context.isddl:
            self.forget()
            if is_plain_ddl(compiled):
                return Plan(NOTHING, catalogue, "")
        else:
            found = footprint_of_tree(
                compiled, catalogue=catalogue, declarations=self.gate.declarations(), relations=relations
            )
            if found is not None:
                plan = Plan(
                    found,
                    catalogue,
                    fingerprint(compiled.string, self.dialect) if found.personal or found.moves else "",
                )
                plan.lasting = not relations.asked
                return plan
        text, as_compiled = text_to_judge(context)
        # A text with its schemas filled in has its lists expanded too: positions in it say nothing of the binds.
        return self.plan_of_text(text, relations, catalogue, compiled if as_compiled else None)

    def _plan_text(self, statement: str, context: Any) -> Plan:
        relations = LiveRelations(context.root_connection, self.dialect, self._foreign)
        plan = self.plan_of_text(statement, relations, self._live.current())
        if is_ddl(statement):
            self.forget()
        elif plan.lasting:
            self._texts[statement] = plan
        return plan

    def plan_of_text(
        self, sql: str, relations: LiveRelations, catalogue: Catalogue, compiled: SQLCompiler | None = None
    ) -> Plan:
        """The plan of a SQL string, or of a compiled statement's text."""
        try:
            found = footprint_of_text(
                sql,
                dialect=self.dialect,
                paramstyle=self.paramstyle,
                catalogue=catalogue,
                relations=relations,
                declarations=self.gate.declarations(),
            )
        except UnreadableStatement as error:
            plan = Plan(NOTHING, catalogue, fingerprint(sql, self.dialect), error)
        else:
            named = found if compiled is None else binds_by_name(found, compiled)
            plan = Plan(named, catalogue, fingerprint(sql, self.dialect) if found.personal or found.moves else "")
        plan.lasting = not relations.asked
        return plan
