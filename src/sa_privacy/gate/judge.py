"""What becomes of one statement: what the policy says of its plan, and what else has to hold before it may run.

The verdict on a plan under a grant is worked out once. Most often it settles everything; else the values of this execution
count too: whose rows they bind it to, which of them are written at all, and who acts.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import partial
from typing import Any

from sqlalchemy.util import LRUCache

from sa_privacy.access import Access, AccessScopes, ended
from sa_privacy.columns.live import LiveCatalogue
from sa_privacy.errors import PrivacyError, RowsDenied
from sa_privacy.footprint import Declarations
from sa_privacy.gate.mode import Observed, enforced_part
from sa_privacy.gate.observe import plan_as_enforced
from sa_privacy.gate.refusal import again, denials_of, refusal_of_columns, sealed_column, touches
from sa_privacy.gate.rows import own_rows, row_law
from sa_privacy.gate.rows.limits import Limits, LimitsInForce
from sa_privacy.gate.rows.own_conditions import ask_for_own_keys
from sa_privacy.gate.rows.rules import RowRules
from sa_privacy.gate.standing import Standings
from sa_privacy.gate.statements.evidence import Evidence
from sa_privacy.gate.statements.plan import Plan, Verdict
from sa_privacy.gate.statements.statement import are_as_bound, bound_values
from sa_privacy.policy import Decision, Grant, Request, decide, denied

__all__ = ["Judge"]


class Judge:
    """Judges by one policy what a statement asks for.

    :param scopes: the accesses in force.
    :param live: the catalogue of the moment.
    :param limits: the row conditions for the access in force.
    :param evidence: writes down what is refused.
    :param observed: the tables of which everything runs, and what would have been denied is logged.
    """

    def __init__(
        self,
        scopes: AccessScopes,
        live: LiveCatalogue,
        rules: RowRules,
        limits: LimitsInForce,
        evidence: Evidence,
        *,
        observed: Observed,
        declarations: Callable[[], Declarations],
    ) -> None:
        self.policy = scopes.policy
        self.catalogue = live.current
        self.declarations = declarations
        self._scopes = scopes
        self._live = live
        self._rules = rules
        self._limits = limits
        self._evidence = evidence
        self._observed = observed
        self._enforced: LRUCache[Any, tuple[Plan, Plan, Verdict]] = LRUCache(1000)

    def verdict(self, plan: Plan, access: Access | None, parameters: Any, context: Any) -> Verdict:
        """The verdict that stands for this execution.

        :raises AccessDenied: the access does not cover it. It is written down.
        :raises SealedColumn: it would compute with sealed values.
        """
        grant = access.grant if access is not None else None
        found = plan.verdicts.get(grant)
        if found is None:
            found = plan.verdicts[grant] = self._verdict(plan, grant)
        return found if found.passes else self._look_closer(plan, found, access, parameters, context)

    def law(self, plan: Plan) -> Plan:
        """What of a plan is enforced: the plan itself, or the part of it that touches no observed table."""
        if not self._observed:
            return plan
        if plan.law is None:
            plan.law = enforced_part(plan, self._observed)
        return plan.law

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

    def must_stand(
        self, standings: Standings, plan: Plan, verdict: Verdict, access: Access, parameters: Any, context: Any
    ) -> Verdict:
        """The verdict where who acts stands in a role that covers the access; or an error, written down."""
        if not verdict.allowed:  # it runs because its tables are only observed, and is written down as that
            return verdict
        error = standings.refusal(access, context.root_connection)
        if error is None:
            return verdict
        denials = denials_of(error, verdict.decision)
        if self.law(plan).concerns:
            self._evidence.refused(plan, access, "denied", denials, parameters, context)
            raise error
        return self._said(plan, verdict.decision, "would_deny", denials, passes=True)

    def must_stand_for_rows(
        self, standings: Standings, plan: Plan, access: Access, parameters: Any, context: Any
    ) -> None:
        """Which rows an access reaches depends on its roles: who acts stands in those that count."""
        error = standings.refusal(access, context.root_connection)
        if error is not None:
            self._evidence.refused(plan, access, "denied", denials_of(error), parameters, context)
            raise error

    def require_bound(self, access: Access, limits: Limits | None, parameters: Any, context: Any) -> None:
        """Makes sure that the values are sent that were judged, where they decide which rows are reached.

        :raises RowsDenied: a listener has put others in their place.
        """
        limited = limits is not None or own_rows.has_own_purpose(access)
        if limited and not are_as_bound(context, parameters):
            raise RowsDenied(
                "a listener has changed the parameters of the statement, and these decide which rows it reaches.",
                hint='change them where they are judged: in "before_execute" or "do_orm_execute".',
                purpose=access.purposes,
                roles=access.roles,
            )

    def ask(self, context: Any, access: Access, table: str, key: str, wanted: Collection[Any]) -> Collection[Any]:
        """Which of the keys, of a column of a table, stand in rows that are the subject's."""
        return ask_for_own_keys(context, self.catalogue(), self._live.metadata, access)(table, key, wanted)

    def left(self) -> Access | None:
        """The access that was in force here until it ended: who asks after that is who had it."""
        scope = self._scopes.get()
        return scope.access if scope is not None else None

    def _verdict(self, plan: Plan, grant: Grant | None, *, unwritten: frozenset[str] = frozenset()) -> Verdict:
        decision = self.decide(plan, grant, unwritten=unwritten)
        passes = decision.allowed and not decision.own and plan.refusal is None and not plan.sealed_inside
        passes = (
            passes and not plan.unsealed and self._rules.of(grant).keys().isdisjoint(row_law.reached(plan.footprint))
        )
        denials = ["unreadable"] if plan.refusal is not None else []
        return self._said(plan, decision, "allowed", denials, passes=passes)

    def _said(self, plan: Plan, decision: Decision, word: str, denials: list[str], *, passes: bool) -> Verdict:
        unbounded = not plan.people.known or self._evidence.pseudonyms is None
        return Verdict(decision, plan.encode(word, denials, self.policy.hash), unbounded=unbounded, passes=passes)

    def _look_closer(
        self, plan: Plan, verdict: Verdict, access: Access | None, parameters: Any, context: Any
    ) -> Verdict:
        """The verdict that stands after all; or an error, written down.

        What is enforced is judged first. What is only observed can then be refused no more, but it is judged too.
        """
        law = self.law(plan) if self._observed else plan
        enforced = verdict if law is plan else self._verdict(law, access.grant if access is not None else None)
        if not enforced.allowed:
            enforced = self._written(law, enforced, access, parameters, context)
        try:
            standing = self._standing(law, enforced, access, parameters, context)
        except PrivacyError as error:
            denials = denials_of(error, enforced.decision)
            self._evidence.refused(plan, access or self.left(), "denied", denials, parameters, context)
            raise
        if law is plan:
            return standing
        try:
            judged, verdict = self._as_enforced(plan, verdict, access, context)
            verdict = self._written(judged, verdict, access, parameters, context)
            return self._standing(judged, verdict, access, parameters, context)
        except PrivacyError as error:
            denials = denials_of(error, verdict.decision)
            return self._said(plan, verdict.decision, "would_deny", denials, passes=True)

    def _standing(self, plan: Plan, verdict: Verdict, access: Access | None, parameters: Any, context: Any) -> Verdict:
        """The verdict of a plan, with the values it comes with; or an error."""
        if not verdict.allowed or plan.refusal is not None:
            verdict = self._reconsider(plan, verdict, access, context)
        if plan.sealed_inside or plan.unsealed:
            raise sealed_column(plan, access.grant if access is not None else None)
        if access is not None:
            limits = self._limits()
            row_law.require(plan, limits, access)
            self.require_bound(access, limits, parameters, context)
        if verdict.own and access is not None:
            own_rows.require(plan, access, bound_values(context, parameters), partial(self.ask, context, access))
        elif plan.rows and access is not None and own_rows.has_own_purpose(access):
            own_rows.require_kept(plan, access, bound_values(context, parameters), partial(self.ask, context, access))
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
                found = (narrowed, self._said(plan, decision, "allowed", [], passes=False))
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
        scope = self._scopes.get()
        if grant is None and scope is not None:
            raise ended(scope.access)
        raise denied(verdict.decision, grant)
