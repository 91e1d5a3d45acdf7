"""The one decision point: every statement that an engine is about to hand to its driver passes here.

``do_execute``, ``do_executemany`` and ``do_execute_no_params`` are the last events before the driver. They see what the
ORM, a flush, Core, text and driver SQL really send, after every other listener had its say. What they refuse does not
run. What they let through is written down before it runs, and again before its rows are handed over.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

from sqlalchemy.util import LRUCache

from sa_privacy.access import Access, AccessScopes, ended
from sa_privacy.accesslog import AccessLog, members
from sa_privacy.columns.catalogue import Catalogue
from sa_privacy.crypto import Keyring
from sa_privacy.errors import AccessDenied, LogUnavailable, PrivacyError, SealedColumn, UnreadableStatement
from sa_privacy.footprint import (
    NOTHING,
    Declarations,
    Footprint,
    fingerprint,
    footprint_of_text,
    footprint_of_tree,
)
from sa_privacy.gate import own_rows
from sa_privacy.gate.plan import Passage, Plan, Verdict, access_members
from sa_privacy.gate.refusal import touches
from sa_privacy.gate.relations import LiveRelations, RelationCache
from sa_privacy.gate.results import WitnessedFetch
from sa_privacy.gate.statement import bound_values, is_as_compiled, is_plain_ddl, text_to_judge
from sa_privacy.gate.view import View
from sa_privacy.policy import Decision, Grant, Request, decide, denied

__all__ = ["Door", "Gate", "Mode"]

Mode = Literal["enforce", "observe"]

_PLAN = "_sa_privacy_plan"
_PASSAGE = "_sa_privacy_passage"
_logger = logging.getLogger("sa_privacy")


class Door:
    """What the gate keeps for one engine.

    :param dialect: ``"sqlite"`` or ``"postgresql"``.
    """

    def __init__(self, dialect: str, paramstyle: str) -> None:
        self.dialect = dialect
        self.paramstyle = paramstyle
        self.relations = RelationCache()
        self.texts: LRUCache[str, Plan] = LRUCache(2000)

    def forget(self) -> None:
        """DDL ran: what names mean may have changed."""
        self.relations.clear()
        self.texts.clear()


class Gate:
    """Enforces one policy.

    :param scopes: the accesses in force.
    :param catalogue: gives the current catalogue; a new object whenever it changed.
    :param log: where events go; None writes none.
    :param mode: ``"observe"`` lets everything run and logs what would have been denied.
    """

    def __init__(
        self,
        scopes: AccessScopes,
        catalogue: Callable[[], Catalogue],
        *,
        keys: Keyring | None,
        log: AccessLog | None,
        mode: Mode,
        declarations: Callable[[], Declarations],
    ) -> None:
        self.scopes = scopes
        self.policy = scopes.policy
        self.catalogue = catalogue
        self.log = log
        self.mode = mode
        self.declarations = declarations
        self._scope = scopes.get
        self._pseudonym = keys.pseudonym_key().of if keys is not None else None
        self._views: LRUCache[Any, View] = LRUCache(256)
        self._continue_unlogged = self.policy.log.on_failure == "continue"

    # -- what the caller of the moment may see --------------------------------------------------------------------

    def grant(self) -> Grant | None:
        """The grant in force, or None where no access is alive."""
        scope = self._scope()
        return scope.access.grant if scope is not None and scope.alive else None

    def view(self, grant: Grant | None | Literal["current"] = "current") -> View:
        """What a grant (the one in force, where none is given) may see of the catalogue of the moment."""
        if grant == "current":
            scope = self._scope()
            grant = scope.access.grant if scope is not None and scope.alive else None
        found: View | None = self._views.get(grant)
        catalogue = self.catalogue()
        if found is None or found.catalogue is not catalogue:
            found = self._views[grant] = View(catalogue, grant, narrows=self.mode == "enforce")
        return found

    # -- before the statement -------------------------------------------------------------------------------------

    def judge(self, door: Door, statement: str, parameters: Any, context: Any) -> None:
        """Lets the statement through, having written it down, or raises.

        :raises AccessDenied: the access in force does not cover it.
        :raises SealedColumn: it would compute with sealed values.
        :raises LogUnavailable: the event could not be written.
        """
        plan: Plan | None = None
        compiled = context.compiled
        if compiled is not None and is_as_compiled(context, statement):
            plan = compiled.__dict__.get(_PLAN)
            if plan is None or plan.catalogue is not self.catalogue():
                plan = self._plan_compiled(door, context)
                compiled.__dict__[_PLAN] = plan
        else:
            plan = self._plan_text(door, statement, context)
        if plan.touches_nothing:
            return
        scope = self._scope()
        access = scope.access if scope is not None and scope.alive else None
        grant = access.grant if access is not None else None
        verdict = plan.verdicts.get(grant)
        if verdict is None:
            verdict = plan.verdicts[grant] = self._verdict(plan, grant)
        if not verdict.allowed or plan.refusal is not None:
            verdict = self._refuse(plan, verdict, access, parameters, context)
        if self._inside_sealed(plan):
            raise self._sealed(plan, grant)
        head = access_members(access)
        subjects = self._subjects_of(plan, parameters, context) if plan.predicates else ()
        own = None
        if verdict.own and access is not None and self.mode == "enforce":
            own = own_rows.require(plan, access, bound_values(context, parameters))
        event = head + b"," + verdict.members
        if subjects:
            event += b"," + members(subjects=list(subjects))
        seq = self.write("intent", event)
        setattr(context, _PASSAGE, Passage(plan, access, head + b"," + verdict.members, seq, subjects, own))

    def _plan_compiled(self, door: Door, context: Any) -> Plan:
        catalogue = self.catalogue()
        if context.isddl:
            door.forget()
            if is_plain_ddl(context.compiled):
                return Plan(NOTHING, catalogue, "")
        else:
            found = footprint_of_tree(context.compiled, catalogue=catalogue, declarations=self.declarations())
            if found is not None:
                return self._plan(found, catalogue, context.compiled.string, door)
        return self._plan_sql(door, text_to_judge(context), context, catalogue)

    def _plan_text(self, door: Door, statement: str, context: Any) -> Plan:
        catalogue = self.catalogue()
        plan: Plan | None = door.texts.get(statement)
        if plan is None or plan.catalogue is not catalogue:
            plan = self._plan_sql(door, statement, context, catalogue)
            if _is_ddl(statement):
                door.forget()
            else:
                door.texts[statement] = plan
        return plan

    def _plan_sql(self, door: Door, sql: str, context: Any, catalogue: Catalogue) -> Plan:
        relations = LiveRelations(door.relations, context.root_connection, door.dialect)
        return self.plan_of_text(door, sql, relations, catalogue)

    def plan_of_text(self, door: Door, sql: str, relations: LiveRelations, catalogue: Catalogue) -> Plan:
        """The plan of a SQL string."""
        try:
            found = footprint_of_text(
                sql,
                dialect=door.dialect,
                paramstyle=door.paramstyle,
                catalogue=catalogue,
                relations=relations,
                declarations=self.declarations(),
            )
        except UnreadableStatement as error:
            return Plan(NOTHING, catalogue, fingerprint(sql, door.dialect), error)
        return self._plan(found, catalogue, sql, door)

    def _plan(self, found: Footprint, catalogue: Catalogue, sql: str, door: Door) -> Plan:
        return Plan(found, catalogue, fingerprint(sql, door.dialect) if found.personal else "")

    def decide(self, plan: Plan, grant: Grant | None, *, unwritten: frozenset[str] = frozenset()) -> Decision:
        """What the policy says of a plan under a grant."""
        footprint = plan.footprint
        return decide(
            Request(
                grant=grant,
                reads=touches(plan.columns(footprint.reads)),
                matches=touches(plan.columns(footprint.matches)),
                writes=touches(plan.columns(footprint.writes - unwritten)),
                deletes=tuple(sorted(footprint.deletes)),
            )
        )

    def _verdict(self, plan: Plan, grant: Grant | None, *, unwritten: frozenset[str] = frozenset()) -> Verdict:
        decision = self.decide(plan, grant, unwritten=unwritten)
        word = "allowed" if decision.allowed else ("would_deny" if self.mode == "observe" else "denied")
        names = [f"{denial.verb} {denial.column}" for denial in decision.denials]
        if plan.refusal is not None:
            unread = grant is None or not grant.everything
            word = ("would_deny" if self.mode == "observe" else "denied") if unread else "allowed"
            names = ["unreadable"]
        return Verdict(decision, plan.encode(word, names, self.policy.hash))

    def _refuse(self, plan: Plan, verdict: Verdict, access: Access | None, parameters: Any, context: Any) -> Verdict:
        """Raises, having written the denial down; returns a verdict where the statement may run after all."""
        grant = access.grant if access is not None else None
        if plan.refusal is not None:
            if grant is not None and grant.everything:
                return verdict
            error: PrivacyError = again(plan.refusal)
        else:
            upsert = "ON CONFLICT" in context.statement.upper()
            empty = own_rows.columns_left_null(plan, bound_values(context, parameters))
            if empty and not upsert:
                # An ORM INSERT names every column; a NULL that nobody gave is no personal data.
                without = self._verdict(plan, grant, unwritten=empty)
                if without.allowed:
                    return without
            scope = self._scope()
            if grant is None and scope is not None:
                error = ended(scope.access)
            else:
                error = denied(verdict.decision, grant)
        if self.mode == "observe":
            return verdict
        self.write("intent", access_members(access) + b"," + verdict.members)
        raise error

    @staticmethod
    def _inside_sealed(plan: Plan) -> bool:
        inside = plan.footprint.inside
        return bool(inside) and any(plan.catalogue.columns[name].sealed for name in inside)

    @staticmethod
    def _sealed(plan: Plan, grant: Grant | None) -> SealedColumn:
        names = sorted(name for name in plan.footprint.inside if plan.catalogue.columns[name].sealed)
        return SealedColumn(
            f"{', '.join(names)} {'are' if len(names) > 1 else 'is'} sealed: the database sees bytes that differ for "
            "equal values, so it cannot compare, order, group or compute with them.",
            hint="read the column and work with it in Python, or annotate it with encrypt=False.",
            columns=names,
            purpose=grant.purposes if grant else (),
            roles=grant.roles if grant else (),
        )

    # -- after the statement --------------------------------------------------------------------------------------

    def executed(self, cursor: Any, context: Any) -> None:
        """The statement ran: wraps its rows, or writes the outcome of one that gives none."""
        passage: Passage | None = context.__dict__.pop(_PASSAGE, None)
        if passage is None:
            return
        if context.execute_style.name == "INSERTMANYVALUES" or cursor.description is None:
            self._write_outcome(passage, max(cursor.rowcount, 0), None, passage.subjects)
        else:
            context.cursor_fetch_strategy = WitnessedFetch(context.cursor_fetch_strategy, self, passage)

    def outcome(self, passage: Passage, rows: Sequence[Any]) -> None:
        """Rows are about to be handed over: notes how many, whose, and how many sealed cells.

        :raises RowsDenied: the purpose reaches only one person's rows, and these are not theirs.
        :raises LogUnavailable: the event could not be written; the rows are not handed over.
        """
        plan = passage.plan
        if passage.own is not None:
            own_rows.check(passage.own, rows, plan, passage.access)
        cells = None
        if plan.cells:
            cells = 0
            for index in plan.cells:
                cells += len(rows) - [row[index] for row in rows].count(None)
        subjects: tuple[str, ...] | None = passage.subjects or None
        if plan.keys and self._pseudonym is not None:
            pseudonym = self._pseudonym
            found: dict[str, None] = {}
            for index, kind in plan.keys:
                for row in rows:
                    key = row[index]
                    if key is not None:
                        found[pseudonym(kind, key)] = None
            subjects = tuple(found)
        self._write_outcome(passage, len(rows), cells, subjects)

    def _write_outcome(self, passage: Passage, rows: int, cells: int | None, subjects: Sequence[str] | None) -> None:
        ending = members(intent=passage.intent, rows=rows, cells=cells, subjects=None if subjects is None else list(subjects))
        self.write("outcome", passage.head + b"," + ending)

    def write(self, kind: str, event: bytes) -> int:
        """Makes one event durable, as the policy's ``[log]`` asks. Returns its sequence number."""
        if self.log is None:
            return 0
        try:
            return self.log.append(kind, event)
        except LogUnavailable as error:
            if not self._continue_unlogged:
                raise
            _logger.error("access log unavailable, going on as the policy says: %s", error.message)
            return 0

    def _subjects_of(self, plan: Plan, parameters: Any, context: Any) -> tuple[str, ...]:
        if self._pseudonym is None:
            return ()
        found: dict[str, None] = {}
        for values in bound_values(context, parameters):
            for kind, bind, many in plan.predicates:
                value = values.get(bind)
                for key in value if many and isinstance(value, (list, tuple, set, frozenset)) else (value,):
                    if key is not None:
                        found[self._pseudonym(kind, key)] = None
        return tuple(found)

    # -- values in memory -----------------------------------------------------------------------------------------

    def write_use(
        self, access: Access | None, names: Sequence[str], decision: str, denials: Sequence[str], subject: Mapping[str, Any]
    ) -> None:
        """Writes down that values already in memory were used, or refused, under another access."""
        subjects = None
        if self._pseudonym is not None and subject:
            subjects = [self._pseudonym(kind, key) for kind, key in subject.items()]
        event = members(
            reads=sorted(names),
            decision=decision,
            denials=list(denials),
            policy=self.policy.hash,
            subjects=subjects,
        )
        self.write("use", access_members(access) + b"," + event)


def again(error: PrivacyError) -> PrivacyError:
    """A fresh copy of a kept error, without the tracebacks of earlier times."""
    return type(error)(
        error.message, hint=error.hint, columns=error.columns, purpose=error.purpose, roles=error.roles
    )


def _is_ddl(statement: str) -> bool:
    return statement.lstrip(" \t\r\n(").upper().startswith(("CREATE", "DROP", "ALTER", "ATTACH", "DETACH", "COMMENT"))


