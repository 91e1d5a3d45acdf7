"""One protected engine: what the gate is shown of each statement, and the plans it keeps for them."""

from __future__ import annotations

from time import monotonic
from typing import Any, Literal

from sqlalchemy.engine import Dialect, ExceptionContext
from sqlalchemy.exc import OperationalError, ProgrammingError
from sqlalchemy.sql.compiler import SQLCompiler

from sa_privacy.columns.catalogue import Catalogue
from sa_privacy.columns.lookup_key import BOTH_FORMS
from sa_privacy.columns.own_tables import OWN_TABLES
from sa_privacy.errors import UnreadableStatement
from sa_privacy.footprint import (
    NOTHING,
    Footprint,
    binds_by_name,
    fingerprint,
    footprint_of_text,
    footprint_of_tree,
)
from sa_privacy.gate.answers import Answers
from sa_privacy.gate.engine import Gate
from sa_privacy.gate.people.key_types import Told, told_keys
from sa_privacy.gate.refusal import refusal_of_columns
from sa_privacy.gate.relations import LiveRelations
from sa_privacy.gate.rows.own_missing import own_missing
from sa_privacy.gate.rows.row_law import bound_by_rules
from sa_privacy.gate.rows.ruling import RULING, Ruling
from sa_privacy.gate.scrub import scrub_error
from sa_privacy.gate.sqlalchemy_private import info_of_connection, is_moved, is_multivalues_batch, listeners_of
from sa_privacy.gate.statements.plan import KEPT, Plan
from sa_privacy.gate.statements.recent import Recent
from sa_privacy.gate.statements.results import WitnessedFetch
from sa_privacy.gate.statements.site import call_site
from sa_privacy.gate.statements.statement import (
    is_as_compiled,
    is_ddl,
    is_plain_ddl,
    keeps_names,
    reported_key,
    text_to_judge,
)
from sa_privacy.gate.under_hold import Kept, kept_by_hold

__all__ = ["Door"]

DialectName = Literal["sqlite", "postgresql"]


class Door:
    """Shows the gate every statement of one engine.

    :param dialect: ``"sqlite"`` or ``"postgresql"``.
    :param types: SQLAlchemy's dialect of the engine.
    """

    def __init__(self, gate: Gate, dialect: DialectName, types: Dialect) -> None:
        self.gate = gate
        self.dialect = dialect
        self.paramstyle = types.paramstyle
        self._types = types
        self._told: tuple[Catalogue | None, Told] = (None, {})
        self._live = gate.live
        self._texts: Recent[Plan] = Recent(2000)
        self._epoch = 0

    def do_execute(self, cursor: Any, statement: str, parameters: Any, context: Any) -> bool | None:
        """The last point before the driver; what raises here does not run.

        :returns: whether the statement ran here: where cells had to be finished first.
        """
        plan: Plan | None
        compiled = context.compiled
        if compiled is not None and (statement is context.statement or is_as_compiled(context, statement)):
            try:
                plan = compiled.sa_privacy_plan
            except AttributeError:  # it is new
                plan = None
        else:
            compiled = plan = None
            if isinstance(statement, str):
                plan = self._texts.get(statement)
        if plan is None or plan.catalogue is not self._live.now or (plan.facts and not self._holds(plan, context)):
            plan = self._plan(compiled, statement, context)
        if plan.concerns:
            self.gate.admit(plan, parameters, context)
        elif plan.rows:
            self.gate.admit_rows(plan, parameters, context)
        return None if plan.keyed is None else self._run_finished(plan, cursor, statement, parameters, context)

    def do_executemany(self, cursor: Any, statement: str, parameters: Any, context: Any) -> bool | None:
        """The same, for statements that the driver repeats for several sets of parameters."""
        return self.do_execute(cursor, statement, parameters, context)

    def do_execute_no_params(self, cursor: Any, statement: str, context: Any) -> None:
        """The same, for statements sent without parameters."""
        self.do_execute(cursor, statement, (), context)

    def _run_finished(self, plan: Plan, cursor: Any, statement: str, parameters: Any, context: Any) -> bool | None:
        """Runs a statement with its cells finished, as SQLAlchemy would: whoever listens after the gate is asked first."""
        given, new = self.gate.finishing.finish(plan, parameters, context)
        if given is parameters:
            return None
        many = context.executemany and not is_multivalues_batch(context)
        dialect, name = context.dialect, "do_executemany" if many else "do_execute"
        listeners = listeners_of(dialect, name)
        own = self.do_executemany if many else self.do_execute
        if not any(one(cursor, statement, given, context) for one in listeners[listeners.index(own) + 1 :]):
            run = dialect.do_executemany if many else dialect.do_execute
            run(cursor, statement, given, context)
        fetch = context.cursor_fetch_strategy
        if new and type(fetch) is WitnessedFetch:
            fetch.newcomers = lambda keys: self.gate.finishing.keys.link(context.root_connection, new[0], keys)
        return True

    def handle_error(self, context: ExceptionContext) -> None:
        """The database refused a statement: takes values out of the error, and says so where narrowing is the cause.

        :raises AccessDenied: the statement names, outside a subquery, a column that an entity inside left out.
        :raises LedgerUnavailable: the database has not all tables of the library's own.
        :raises UnderHold: a hold keeps its rows.
        """
        missing, kept = own_missing(context), kept_by_hold(context, self._live.current(), self.gate.scopes)
        scrub_error(context)
        if missing is not None:
            raise missing
        if kept is not None:
            self._write_kept(kept, context)
            raise kept.error()
        compiled = getattr(context.execution_context, "compiled", None)
        left_out = getattr(compiled, "sa_privacy_left_out", ())
        if left_out and isinstance(context.sqlalchemy_exception, (OperationalError, ProgrammingError)):
            raise refusal_of_columns(self.gate.grant(), left_out)

    def _write_kept(self, kept: Kept, context: ExceptionContext) -> None:
        """Writes down what a hold refused: it had been let through, until the database said so."""
        executed: Any = context.execution_context
        compiled = getattr(executed, "compiled", None)
        plan: Plan | None = (
            compiled.__dict__.get(KEPT) if compiled is not None else self._texts.get(context.statement or "")
        )
        self.gate.write_kept(plan, kept.denials, context.parameters, executed)

    def _told_keys(self, catalogue: Catalogue) -> Told:
        known, told = self._told
        if known is not catalogue:
            told = told_keys(catalogue, self._types)
            self._told = (catalogue, told)
        return told

    def _answers(self, connection: Any) -> Answers:
        """What the database said through this DBAPI connection."""
        try:
            info: dict[Any, Answers] = connection.info
        except NotImplementedError:  # the first connection of an engine, while its dialect gets to know the server
            return Answers()
        known = info.get(self)
        if known is None or known.epoch != self._epoch:
            known = info[self] = Answers(self.gate.recheck, self._epoch)
        return known

    def _holds(self, plan: Plan, context: Any) -> bool:
        """Whether the database still says what it said when the plan was made."""
        try:
            answers: Answers | None = info_of_connection(context).get(self)
        except NotImplementedError:
            answers = None
        if answers is not None and answers.epoch == self._epoch and monotonic() < answers.until.get(plan, 0.0):
            return True
        connection = context.root_connection
        answers = self._answers(connection)
        answers.settle(connection)
        if not LiveRelations(connection, self.dialect, answers).still(plan.facts):
            return False
        answers.confirm(plan)
        return True

    def _names_change(self, connection: Any, *, for_everyone: bool) -> None:
        """A statement runs that may change what names mean: on this connection, or for everyone."""
        self._texts.clear()
        if for_everyone:
            self._epoch += 1
        self._answers(connection).unsettle(connection)

    def _plan(self, compiled: Any, statement: Any, context: Any) -> Plan:
        """A new plan, kept for the next time where it may be.

        :param compiled: None where `statement` is not what SQLAlchemy made of it.
        """
        if compiled is not None:
            plan = self._plan_compiled(context)
        elif isinstance(statement, str):
            plan = self._plan_text(statement, context)
        else:
            plan = self._plan_of_no_text(context)
        plan.rows = plan.rows or (not plan.concerns and self._is_ruled(plan.footprint))
        if plan.concerns or plan.rows:
            plan.origin = call_site()  # where in the application it was first run: there will be events of it
        if plan.lasting and compiled is not None:
            compiled.__dict__[KEPT] = plan
        elif plan.lasting and isinstance(statement, str):
            self._texts[statement] = plan
        return plan

    def _plan_compiled(self, context: Any) -> Plan:
        catalogue, compiled = self._live.current(), context.compiled
        ruling: Ruling | None = vars(compiled).get(RULING)
        marked = ruling.marked(compiled) if ruling is not None else None
        relations = self._relations(context.root_connection)
        if context.isddl:
            self._names_change(context.root_connection, for_everyone=True)
            if is_plain_ddl(compiled):
                return Plan(NOTHING, catalogue, "")
        elif marked is None:
            found = footprint_of_tree(
                compiled, catalogue=catalogue, declarations=self.gate.declarations(), relations=relations
            )
            if found is not None:
                plan = Plan(
                    found,
                    catalogue,
                    self._fingerprint(compiled.string, found),
                    binds=compiled.binds,
                    generated=reported_key(compiled),
                    told=self._told_keys(catalogue),
                )
                self._look_for_stand_ins(plan, ruling, relations, context)
                return plan
        text = text_to_judge(context, marked)
        plan = self.plan_of_text(text, relations, catalogue, None if context.isddl else compiled)
        self._look_for_stand_ins(plan, ruling, relations, context)
        self._look_for_names(plan, text, context.root_connection)
        return plan

    def _plan_text(self, statement: str, context: Any) -> Plan:
        connection = context.root_connection
        plan = self.plan_of_text(statement, self._relations(connection), self._live.current())
        self._look_for_names(plan, statement, connection)
        return plan

    def _plan_of_no_text(self, context: Any) -> Plan:
        """The plan of what a driver may take in place of a text: bytes, or an object that it makes one of."""
        self._names_change(context.root_connection, for_everyone=True)
        error = UnreadableStatement(
            "the statement is no text.", hint="give a str: psycopg's sql.SQL(...) has .as_string(connection)."
        )
        return Plan(NOTHING, self._live.current(), "", error)

    def _fingerprint(self, sql: str, found: Footprint) -> str:
        """What events tell of a text; empty where there will be none of it."""
        return fingerprint(sql, self.dialect) if found.personal or found.moves or self._is_ruled(found) else ""

    def _is_ruled(self, found: Footprint) -> bool:
        return self.gate.rules.may_concern(table for table, _ in found.mentions)

    def _look_for_stand_ins(self, plan: Plan, ruling: Ruling | None, relations: LiveRelations, context: Any) -> None:
        """What a rule asks, and the library itself, are the tables that were meant: whoever may make a temporary one of that
        name, or one in a schema that is searched first, would answer in their place.
        """
        footprint = plan.footprint
        own = {table for table, _ in (*footprint.mentions, *footprint.inserts) if table in OWN_TABLES.tables}
        asked = set(own)
        if ruling is not None:
            plan.ruling = ruling
            asked |= ruling.asks
            own |= ruling.asks.intersection(OWN_TABLES.tables)
        found = relations.temporary(asked) or relations.twice(asked - own)
        elsewhere = relations.elsewhere(own)  # they may stand in the schema of each tenant, if connections begin there
        plan.facts = relations.facts
        if elsewhere and not found:
            plan.refuse(
                UnreadableStatement(
                    f"the search path makes {', '.join(elsewhere)} another schema's, and this table decides who reaches what.",
                    hint="SET search_path only to what leaves the library's own tables where the connection found them.",
                )
            )
        if found:
            plan.refuse(
                UnreadableStatement(
                    f"a table or view that is temporary, or whose schema is searched first, stands in for {', '.join(found)}, "
                    "which decides who reaches what.",
                    hint="drop it, or give it another name.",
                )
            )
        if ruling is not None and any(is_moved(context, schema) for schema in ruling.beside):
            plan.lasting = False  # the next execution may move nothing
            plan.refuse(
                UnreadableStatement(
                    "schema_translate_map moves a table that a row rule asks, and not the one that it limits.",
                    hint="give the rule's tables one schema, so that they move together.",
                )
            )
        elif ruling is not None and ruling.beside and context.compiled.schema_translate_map:
            plan.lasting = False

    def _look_for_names(self, plan: Plan, statement: str, connection: Any) -> None:
        if not keeps_names(statement):
            plan.lasting = False
            self._names_change(connection, for_everyone=is_ddl(statement))

    def _relations(self, connection: Any) -> LiveRelations:
        answers = self._answers(connection)
        answers.settle(connection)
        return LiveRelations(connection, self.dialect, answers)

    def plan_of_text(
        self, sql: str, relations: LiveRelations, catalogue: Catalogue, compiled: SQLCompiler | None = None
    ) -> Plan:
        """The plan of a SQL string, or of a compiled statement's text, which may have marks of row rules in it."""
        ruling: Ruling | None = vars(compiled).get(RULING) if compiled is not None else None
        marks = ruling.marks if ruling is not None and ruling.marks.tables else None
        try:
            found = footprint_of_text(
                sql,
                dialect=self.dialect,
                paramstyle=self.paramstyle,
                catalogue=catalogue,
                relations=relations,
                declarations=self.gate.declarations(),
                both_forms=compiled is not None and BOTH_FORMS in compiled.__dict__,
                marks=marks,
            )
        except UnreadableStatement as error:
            plan = Plan(NOTHING, catalogue, fingerprint(sql, self.dialect), error)
            plan.law = self._law_of_text(sql, relations, catalogue, compiled)
        else:
            name = self._fingerprint(sql, found)
            if compiled is None:
                plan = Plan(found, catalogue, name, told=self._told_keys(catalogue))
            else:
                found = bound_by_rules(binds_by_name(found, compiled), compiled, catalogue)
                plan = Plan(
                    found,
                    catalogue,
                    name,
                    binds=compiled.binds,
                    generated=reported_key(compiled),
                    told=self._told_keys(catalogue),
                )
        plan.facts = relations.facts
        return plan

    def _law_of_text(
        self, sql: str, relations: LiveRelations, catalogue: Catalogue, compiled: SQLCompiler | None
    ) -> Plan | None:
        """What is enforced of a text that cannot be judged: it may be that only observed tables stand against it."""
        observed = self.gate.observed
        enforced = catalogue.without(observed.tables) if observed.tables else catalogue
        if len(enforced.tables) == len(catalogue.tables):
            return None
        return self.plan_of_text(sql, relations, enforced, compiled)
