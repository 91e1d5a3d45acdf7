"""The one decision point: every statement that an engine is about to hand to its driver passes here.

``do_execute``, ``do_executemany`` and ``do_execute_no_params`` are the last events before the driver. They see what the
ORM, a flush, Core, text and driver SQL really send, after every other listener had its say. What they refuse does not
run. What they let through is written down before it runs, and again before its rows are handed over.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NoReturn

from sqlalchemy.util import LRUCache

from sa_privacy.access import Access, AccessScopes, Declared, Scope, ended
from sa_privacy.accesslog import AccessLog, members
from sa_privacy.columns.catalogue import PersonalColumn
from sa_privacy.columns.live import LiveCatalogue
from sa_privacy.crypto import Keyring
from sa_privacy.errors import AccessDenied, LogUnavailable, PrivacyError, RowsDenied, SealedColumn, UnreadableStatement
from sa_privacy.footprint import Declarations
from sa_privacy.gate import own_rows
from sa_privacy.gate.mode import Observed, enforced_part
from sa_privacy.gate.observe import plan_as_enforced
from sa_privacy.gate.own_conditions import ask_for_own_keys
from sa_privacy.gate.plan import (
    Plan,
    Verdict,
    access_members,
    outcome_members,
    subject_members,
    subjects_of_predicates,
    subjects_of_rows,
)
from sa_privacy.gate.refusal import refusal_of_columns, touches
from sa_privacy.gate.results import WitnessedFetch
from sa_privacy.gate.site import call_site
from sa_privacy.gate.statement import bound_values
from sa_privacy.gate.view import View
from sa_privacy.policy import Decision, Grant, Request, decide, denied

__all__ = ["Gate"]

_ROWS_IN_EVENT = 10_000
_logger = logging.getLogger("sa_privacy")


class Gate:
    """Decides by one policy, for all engines it is installed on.

    :param scopes: the accesses in force.
    :param live: the catalogue of the moment.
    :param log: where events go; None writes none.
    :param recheck: seconds after which the database is asked again what a name stands for.
    :param observed: the tables of which everything runs, and what would have been denied is logged.
    """

    def __init__(
        self,
        scopes: AccessScopes,
        live: LiveCatalogue,
        *,
        keys: Keyring | None,
        log: AccessLog | None,
        observed: Observed,
        declarations: Callable[[], Declarations],
        recheck: float = 5.0,
    ) -> None:
        self.scopes = scopes
        self.policy = scopes.policy
        self.live = live
        self.catalogue = live.current
        self.log = log
        self.observed = observed
        #: Whether any table is only observed.
        self.observes = bool(observed)
        self.declarations = declarations
        self.recheck = recheck
        self._pseudonyms = keys.pseudonym_key().of_kind if keys is not None else None
        self._views: LRUCache[Any, View] = LRUCache(256)
        self._enforced: LRUCache[Any, tuple[Plan, Plan, Verdict]] = LRUCache(1000)
        #: Makes one event durable, as the policy's ``[log]`` asks, and returns its sequence number.
        self.write = _writer(log, goes_on=self.policy.log.on_failure == "continue")

    # -- what the caller of the moment may see --------------------------------------------------------------------

    def grant(self) -> Grant | None:
        """The grant in force, or None where no access is alive."""
        scope = self.scopes.get()
        return scope.access.grant if scope is not None and scope.alive else None

    def view(self, grant: Grant | None) -> View:
        """What a grant may see of the catalogue of the moment."""
        catalogue = self.catalogue()
        found: View | None = self._views.get(grant)
        if found is None or found.catalogue is not catalogue:
            found = self._views[grant] = View(catalogue, grant, self.observed)
        return found

    def current_view(self) -> View:
        """What the grant in force may see."""
        return self.view(self.grant())

    # -- before the statement -------------------------------------------------------------------------------------

    def admit(self, plan: Plan, parameters: Any, context: Any) -> None:
        """Lets a statement that touches personal data through, having written it down, or raises.

        :raises AccessDenied: the access in force does not cover it.
        :raises SealedColumn: it would compute with sealed values.
        :raises LogUnavailable: the event could not be written.
        """
        scope = self.scopes.get()
        access = scope.access if scope is not None and scope.alive else None
        lasting = scope if access is not None and (not self.observes or self.law(plan).concerns) else None
        earlier = context.cursor_fetch_strategy
        if type(earlier) is WitnessedFetch and earlier.admitted(plan, lasting):
            return
        grant = access.grant if access is not None else None
        verdict = plan.verdicts.get(grant)
        if verdict is None:
            verdict = plan.verdicts[grant] = self._verdict(plan, grant)
        if not verdict.passes:
            verdict = self._look_closer(plan, verdict, access, parameters, context)
        event = access_members(access) + verdict.members
        if self.observes and self.law(plan) is not plan:
            event += self._whereabouts(plan.touched())
        subjects: tuple[str, ...] = ()
        if plan.predicates and self._pseudonyms is not None:
            subjects = subjects_of_predicates(plan, bound_values(context, parameters), self._pseudonyms)
        intent = self.write("intent", event + subject_members(subjects) if subjects else event)
        context.cursor_fetch_strategy = WitnessedFetch(self, plan, lasting, context, event, intent, subjects)

    def admit_move(self, plan: Plan, parameters: Any, context: Any) -> None:
        """Lets a statement through that touches no personal data, but may change whose a row is, or raises.

        :raises RowsDenied: the access reaches only one person's rows, and a row would change hands.
        """
        scope = self.scopes.get()
        if scope is None or not scope.alive or not own_rows.has_own_purpose(scope.access):
            return
        access = scope.access
        law = self.law(plan)
        for judged, word in ((law, "denied"), (plan, "would_deny")):
            try:
                own_rows.require_kept(judged, access, bound_values(context, parameters), self._ask(context, access))
            except RowsDenied:
                encoded = plan.encode(word, ["rows of others"], self.policy.hash)
                self.write("intent", access_members(access) + encoded + self._whereabouts(plan.touched()))
                if judged is law:
                    raise
            if law is plan:
                return

    def _ask(self, context: Any, access: Access) -> own_rows.Ask:
        return ask_for_own_keys(context, self.catalogue(), self.live.metadata, access)

    def law(self, plan: Plan) -> Plan:
        """What of a plan is enforced: the plan itself, or the part of it that touches no observed table."""
        if not self.observes:
            return plan
        if plan.law is None:
            plan.law = enforced_part(plan, self.observed)
        return plan.law

    def _whereabouts(self, columns: Sequence[PersonalColumn]) -> bytes:
        """The call site, and what the columns hold, as further members: for reports."""
        said: dict[str, Any] = {"categories": {column.name: column.category for column in columns}}
        narrowed = {column.name: sorted(column.purposes) for column in columns if column.purposes is not None}
        if narrowed:
            said["narrowed"] = narrowed
        return b"," + members(site=call_site(), **said)

    def decide(self, plan: Plan, grant: Grant | None, *, unwritten: frozenset[str] = frozenset()) -> Decision:
        """What the policy says of a plan under a grant."""
        footprint = plan.footprint
        return decide(
            Request(
                grant=grant,
                policy=self.policy,
                reads=touches(plan.columns(footprint.reads)),
                matches=touches(plan.columns(footprint.matches)),
                writes=touches(plan.columns(footprint.writes - unwritten)),
                deletes=tuple(sorted(footprint.deletes)),
            )
        )

    def _verdict(self, plan: Plan, grant: Grant | None, *, unwritten: frozenset[str] = frozenset()) -> Verdict:
        decision = self.decide(plan, grant, unwritten=unwritten)
        passes = decision.allowed and not decision.own and plan.refusal is None and not plan.sealed_inside
        passes = passes and not plan.unsealed
        denials = ["unreadable"] if plan.refusal is not None else []
        return Verdict(decision, plan.encode("allowed", denials, self.policy.hash), passes=passes)

    def _look_closer(
        self, plan: Plan, verdict: Verdict, access: Access | None, parameters: Any, context: Any
    ) -> Verdict:
        """The verdict that stands after all; or an error, written down.

        What is enforced is judged first. What is only observed can then be refused no more, but it is judged too.
        """
        law = self.law(plan)
        enforced = verdict if law is plan else self._verdict(law, access.grant if access is not None else None)
        if not enforced.allowed:
            enforced = self._written(law, enforced, access, parameters, context)
        try:
            standing = self._standing(law, enforced, access, parameters, context)
        except PrivacyError as error:
            encoded = plan.encode("denied", denials_of(error, enforced.decision), self.policy.hash)
            self.write("intent", access_members(access) + encoded + self._whereabouts(plan.touched()))
            raise
        if law is plan:
            return standing
        try:
            judged, verdict = self._as_enforced(plan, verdict, access, context)
            verdict = self._written(judged, verdict, access, parameters, context)
            return self._standing(judged, verdict, access, parameters, context)
        except PrivacyError as error:
            encoded = plan.encode("would_deny", denials_of(error, verdict.decision), self.policy.hash)
            return Verdict(verdict.decision, encoded, passes=True)

    def _standing(self, plan: Plan, verdict: Verdict, access: Access | None, parameters: Any, context: Any) -> Verdict:
        """The verdict of a plan, with the values it comes with; or an error."""
        if not verdict.allowed or plan.refusal is not None:
            verdict = self._reconsider(plan, verdict, access, context)
        if plan.sealed_inside or plan.unsealed:
            raise sealed_column(plan, access.grant if access is not None else None)
        if verdict.own and access is not None:
            own_rows.require(plan, access, bound_values(context, parameters), self._ask(context, access))
        elif plan.moves and access is not None and own_rows.has_own_purpose(access):
            own_rows.require_kept(plan, access, bound_values(context, parameters), self._ask(context, access))
        return verdict

    def _as_enforced(self, plan: Plan, verdict: Verdict, access: Access | None, context: Any) -> tuple[Plan, Verdict]:
        """What would be judged if uncovered attributes left themselves out. The event still tells what was sent."""
        grant = access.grant if access is not None else None
        key = (id(plan), grant)
        kept = self._enforced.get(key)
        if kept is None or kept[0] is not plan:
            narrowed = plan_as_enforced(self, plan, context, grant)
            found = (narrowed, verdict)
            if narrowed is not plan:
                decision = self.decide(narrowed, grant)
                found = (narrowed, Verdict(decision, plan.encode("allowed", [], self.policy.hash), passes=False))
            kept = self._enforced[key] = (plan, *found)
        return kept[1], kept[2]

    def _written(self, plan: Plan, verdict: Verdict, access: Access | None, parameters: Any, context: Any) -> Verdict:
        """The verdict of what is really written: an ORM INSERT names every column, and a NULL that nobody gave is no
        personal data.
        """
        if verdict.allowed or plan.refusal is not None:
            return verdict
        empty = plan.footprint.left_null(bound_values(context, parameters))
        return self._verdict(plan, access.grant if access is not None else None, unwritten=empty) if empty else verdict

    def _reconsider(self, plan: Plan, verdict: Verdict, access: Access | None, context: Any) -> Verdict:
        """The verdict of a statement that may run after all, or the error."""
        grant = access.grant if access is not None else None
        if plan.refusal is not None:
            if grant is not None and grant.everything:
                return verdict
            # A column that an entity inside a subquery left out reads like something unknown outside it.
            left_out = getattr(context.compiled, "sa_privacy_left_out", ())
            raise refusal_of_columns(grant, left_out) if left_out else again(plan.refusal)
        scope = self.scopes.get()
        if grant is None and scope is not None:
            raise ended(scope.access)
        raise denied(verdict.decision, grant)

    # -- after the statement --------------------------------------------------------------------------------------

    def outcome(self, passage: WitnessedFetch, rows: Sequence[Any]) -> None:
        """Rows are about to be handed over: notes how many, whose, and how many sealed cells.

        :raises LogUnavailable: the event could not be written; the rows are not handed over.
        """
        count = len(rows)
        if count > _ROWS_IN_EVENT:  # one event names so many people at most
            for start in range(0, count, _ROWS_IN_EVENT):
                self.outcome(passage, rows[start : start + _ROWS_IN_EVENT])
            return
        plan = passage.plan
        cells = None
        if plan.cells:
            cells = 0
            for cell in plan.cells:  # most often none is NULL
                cells += count if all(map(cell, rows)) else count - list(map(cell, rows)).count(None)
        subjects = passage.subjects or None
        if plan.keys and self._pseudonyms is not None:
            subjects = subjects_of_rows(plan, rows, self._pseudonyms)
        self.write("outcome", passage.event + outcome_members(passage.intent, count, cells, subjects))

    def refuse_late(self, plan: Plan, scope: Scope, intent: int) -> NoReturn:
        """Rows are asked for after the scope under which their statement ran was left.

        :raises AccessEnded: always.
        """
        encoded = plan.encode("denied", ["access ended"], self.policy.hash)
        ending = outcome_members(intent, 0, None, None)
        self.write("outcome", access_members(scope.access) + encoded + ending)
        raise ended(scope.access)

    def outcome_without_rows(self, passage: WitnessedFetch, count: int) -> None:
        """A statement that gives no rows ran and touched `count` of them; less than 0: the driver cannot tell."""
        ending = outcome_members(passage.intent, count, None, passage.subjects or None)
        self.write("outcome", passage.event + ending)

    def write_refused(self, declared: Declared, error: AccessDenied) -> None:
        """Writes down an access that was refused on entry, or would have been."""
        said = members(
            actor=declared.actor if isinstance(declared.actor, str) else None,
            roles=list(error.roles),
            purpose=list(error.purpose),
            decision="would_deny" if self.observed.everything else "denied",
            denials=[f"enter {error.code}"],
            policy=self.policy.hash,
            site=call_site(),
        )
        self.write("intent", said)

    # -- values in memory -----------------------------------------------------------------------------------------

    def write_use(
        self,
        access: Access | None,
        names: Sequence[str],
        decision: str,
        denials: Sequence[str],
        subject: Mapping[str, Any],
    ) -> None:
        """Writes down that values already in memory were used, or refused, under another access."""
        subjects = None
        if self._pseudonyms is not None and subject:
            subjects = [self._pseudonyms(kind)(key) for kind, key in subject.items()]
        event = members(
            reads=sorted(names),
            decision=decision,
            denials=list(denials),
            policy=self.policy.hash,
            subjects=subjects,
        )
        known = self.catalogue().columns
        where = b"" if decision == "allowed" else self._whereabouts([known[name] for name in names if name in known])
        self.write("use", access_members(access) + b"," + event + where)


def _writer(log: AccessLog | None, *, goes_on: bool) -> Callable[[str, bytes], int]:
    if log is not None and not goes_on:
        return log.append

    def append_or_go_on(kind: str, event: bytes) -> int:
        try:
            return 0 if log is None else log.append(kind, event)
        except LogUnavailable as error:
            _logger.error("access log unavailable, going on as the policy says: %s", error.message)  # noqa: TRY400 - said
            return 0

    return append_or_go_on


def denials_of(error: PrivacyError, decision: Decision) -> list[str]:
    """What stood against a statement, in words for the log."""
    if isinstance(error, UnreadableStatement):
        return ["unreadable"]
    if isinstance(error, SealedColumn):
        return [f"sealed {name}" for name in error.columns]
    if isinstance(error, RowsDenied):
        return ["rows of others"]
    return [f"{denial.verb} {denial.column}" for denial in decision.denials] or [f"read {n}" for n in error.columns]


def again(error: PrivacyError) -> PrivacyError:
    """A fresh copy of a kept error, without the tracebacks of earlier times."""
    return type(error)(error.message, hint=error.hint, columns=error.columns, purpose=error.purpose, roles=error.roles)


def sealed_column(plan: Plan, grant: Grant | None) -> SealedColumn:
    """The error for sealed columns that stand where the database would compute with them, or make their values."""
    names = plan.sealed_inside or plan.unsealed
    are = f"{', '.join(names)} {'are' if len(names) > 1 else 'is'} sealed"
    if plan.sealed_inside:
        said = f"{are}: the database sees bytes that differ for equal values, so it cannot compare, order, group or "
        said += "compute with them."
        if all(plan.catalogue.columns[name].searchable for name in names):
            hint = "a lookup answers ==, !=, in_() and is_distinct_from(), with the column on the left, and joins of columns "
            hint += "that share one. For anything else read the column and work in Python, or annotate it with encrypt=False."
        else:
            hint = 'give it lookup="exact" or lookup="casefold" to find rows by equality; for anything else read the column '
            hint += "and work with it in Python, or annotate it with encrypt=False."
    else:
        said = f"{are}, and the statement puts something else there than a value sealed by the column's own type."
        hint = (
            "give the plain value as a parameter, through the mapped class or its table; SQL text may put NULL there."
        )
    return SealedColumn(
        said,
        hint=hint,
        columns=names,
        purpose=grant.purposes if grant else (),
        roles=grant.roles if grant else (),
    )
