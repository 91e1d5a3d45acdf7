"""The one decision point: every statement that an engine is about to hand to its driver passes here.

``do_execute``, ``do_executemany`` and ``do_execute_no_params`` are the last events before the driver. They see what the
ORM, a flush, Core, text and driver SQL really send, after every other listener had its say. What they refuse does not
run. What they let through is written down before it runs, and again before its rows are handed over.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import partial
from typing import Any, Final

from sqlalchemy.util import LRUCache

from sa_privacy.access import Access, AccessScopes, ended
from sa_privacy.accesslog import EventLog
from sa_privacy.columns.live import LiveCatalogue
from sa_privacy.crypto import Keyring
from sa_privacy.errors import AccessDenied, PrivacyError, RowsDenied
from sa_privacy.footprint import Declarations
from sa_privacy.gate import own_rows, row_law
from sa_privacy.gate.evidence import Evidence, access_members, subject_members, together
from sa_privacy.gate.finishing import Finishing
from sa_privacy.gate.limits import Limits, LimitsInForce
from sa_privacy.gate.missing import CountedFetch, Missing
from sa_privacy.gate.mode import Observed, enforced_part
from sa_privacy.gate.observe import plan_as_enforced
from sa_privacy.gate.own_conditions import ask_for_own_keys
from sa_privacy.gate.people import subjects_of_statement
from sa_privacy.gate.plan import UNBOUNDED, Plan, Verdict
from sa_privacy.gate.refusal import again, denials_of, refusal_of_columns, sealed_column, touches
from sa_privacy.gate.results import WitnessedFetch
from sa_privacy.gate.rules import RowRules
from sa_privacy.gate.ruling import Ruling
from sa_privacy.gate.standing import Standings
from sa_privacy.gate.statement import are_as_bound, bound_values
from sa_privacy.gate.view import View
from sa_privacy.policy import ConsentPort, Decision, Grant, Request, decide, denied

__all__ = ["Gate"]

_NOTHING_DENIED: Final = Decision(True)


class Gate:
    """Decides by one policy, for all engines it is installed on.

    :param scopes: the accesses in force.
    :param live: the catalogue of the moment.
    :param log: where events go; None writes none.
    :param recheck: seconds after which the database is asked again what a name stands for.
    :param consents: who has agreed to purposes that ask for it.
    :param observed: the tables of which everything runs, and what would have been denied is logged.
    """

    def __init__(
        self,
        scopes: AccessScopes,
        live: LiveCatalogue,
        *,
        keys: Keyring | None,
        log: EventLog | None,
        observed: Observed,
        declarations: Callable[[], Declarations],
        recheck: float = 5.0,
        consents: ConsentPort | None = None,
    ) -> None:
        self.scopes = scopes
        self.policy = scopes.policy
        self.live = live
        self.catalogue = live.current
        self.observed = observed
        #: Whether any table is only observed.
        self.observes = bool(observed)
        self.declarations = declarations
        self.recheck = recheck
        self.rules = RowRules(self.policy, live, consents, observed=observed)
        #: The row conditions for the access in force; None where it has none.
        self.limits = LimitsInForce(self.rules, scopes)
        #: Seals what is written under people's keys.
        self.finishing = Finishing(scopes, live)
        self._views: LRUCache[Any, View] = LRUCache(256)
        self._enforced: LRUCache[Any, tuple[Plan, Plan, Verdict]] = LRUCache(1000)
        self.evidence = Evidence(self.policy, log, keys, live.current, lenient=observed.everything)
        self._pseudonyms = self.evidence.pseudonyms
        #: Asks who stands in their role; None where no role of the policy takes that.
        self.standings: Standings | None = None
        #: Makes one event durable, as the policy's ``[log]`` asks, and returns its sequence number.
        self.write = self.evidence.write

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

    def ruling(self) -> Ruling | None:
        """The rules of a statement that is about to be compiled."""
        return Ruling.now(self.limits(), self.limits.value)

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
        if self.standings is not None and access is not None:
            verdict = self._must_stand(self.standings, plan, verdict, access, parameters, context)
        event = access_members(scope.access if scope is not None else None)  # who had it, where it ended
        if self.observes and self.law(plan) is not plan:
            event += self.evidence.whereabouts(plan.touched())
        people, write = plan.people, self.write
        declared: tuple[str, ...] = ()
        if access is not None and (access.subjects or access.break_glass is not None):
            write, declared = self.evidence.writer(access), self.evidence.declared(access)
        event += verdict.bounded if declared else verdict.members
        subjects: tuple[str, ...] | None = None
        if people.binds and self._pseudonyms is not None:
            subjects = subjects_of_statement(people, parameters, context, self._pseudonyms)
        if declared:
            said = event + subject_members(together(declared, subjects or ()))
        elif subjects is not None and people.asked:
            said = event + subject_members(subjects)
        elif self._pseudonyms is not None and (people.asked or plan.late):
            said = event + UNBOUNDED
        else:
            said = event
        log = self.evidence.log
        writer = log.writer if log is not None else None
        intent = write("intent", said)
        if writer is None and log is not None:
            writer = log.writer
        context.cursor_fetch_strategy = fetch = WitnessedFetch(
            self, plan, lasting, context, event, intent, writer, subjects, declared, write
        )
        if plan.ruling is not None and access is not None and (context.isupdate or context.isdelete):
            fetch.missing = Missing.of(plan, self.limits, access, context, self.evidence)

    def require_same_rows(self, passage: WitnessedFetch, asked: Access, now: Access) -> None:
        """Rows are about to be fetched under another access than they were asked for under.

        :raises AccessDenied: it may not reach them. It is written down.
        """
        if self.observed.everything:
            return
        law = self.law(passage.plan) if self.observes else passage.plan
        error: AccessDenied | None = None
        if self.rules:
            mine, theirs = self.limits.for_access(now), self.limits.for_access(asked)
            error = row_law.refusal_of_fetch(law, theirs, mine, now)
        if error is None and self.standings is not None:
            error = self.standings.refusal_in_memory(now, asked, lambda: None)
        if error is not None:
            self.evidence.refuse_fetch(passage, now, error)

    def _must_stand(
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
            self.evidence.refused(plan, access, "denied", denials, parameters, context)
            raise error
        return self._said(plan, verdict.decision, "would_deny", denials, passes=True)

    def _must_stand_for_rows(
        self, standings: Standings, plan: Plan, access: Access, parameters: Any, context: Any
    ) -> None:
        """Which rows an access reaches depends on its roles: who acts stands in those that count."""
        error = standings.refusal(access, context.root_connection)
        if error is not None:
            self.evidence.refused(plan, access, "denied", denials_of(error, _NOTHING_DENIED), parameters, context)
            raise error

    def admit_rows(self, plan: Plan, parameters: Any, context: Any) -> None:
        """Lets a statement through that touches no personal data, but reaches rows or may change whose they are, or raises.

        :raises RowsDenied: the access does not reach all of these rows, or a row would change hands.
        """
        scope = self.scopes.get()
        if scope is None or not scope.alive:
            return
        access = scope.access
        law = self.law(plan)
        if self.standings is not None and self.rules.beyond_own:
            self._must_stand_for_rows(self.standings, plan, access, parameters, context)
        try:
            limits = self.limits()
            row_law.require(law, limits, access)
            self._require_bound(access, limits, parameters, context)
        except RowsDenied as error:
            self.evidence.refused(plan, access, "denied", denials_of(error, _NOTHING_DENIED), parameters, context)
            raise
        missing = Missing.of(law, self.limits, access, context, self.evidence) if law.ruling is not None else None
        if missing is not None:
            context.cursor_fetch_strategy = CountedFetch(context.cursor_fetch_strategy, missing)
        if not plan.footprint.moves or not own_rows.has_own_purpose(access):
            return
        for judged, word in ((law, "denied"), (plan, "would_deny")):
            try:
                own_rows.require_kept(
                    judged, access, bound_values(context, parameters), partial(self._ask, context, access)
                )
            except RowsDenied:
                self.evidence.refused(plan, access, word, ["rows of others"], parameters, context)
                if judged is law:
                    raise
            if law is plan:
                return

    def write_kept(self, plan: Plan | None, denials: list[str], parameters: Any, context: Any) -> None:
        """Writes down that a hold refused what had been let through.

        :param plan: None: there was none to keep, and only the access can be told.
        """
        access = self._left()
        if plan is not None:
            self.evidence.refused(plan, access, "denied", denials, parameters, context)
        elif access is not None:
            self.evidence.write_refusal(access, denials)

    def _ask(self, context: Any, access: Access, table: str, key: str, wanted: Collection[Any]) -> Collection[Any]:
        """Which of the keys, of a column of a table, stand in rows that are the subject's."""
        return ask_for_own_keys(context, self.catalogue(), self.live.metadata, access)(table, key, wanted)

    def law(self, plan: Plan) -> Plan:
        """What of a plan is enforced: the plan itself, or the part of it that touches no observed table."""
        if not self.observes:
            return plan
        if plan.law is None:
            plan.law = enforced_part(plan, self.observed)
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

    def _verdict(self, plan: Plan, grant: Grant | None, *, unwritten: frozenset[str] = frozenset()) -> Verdict:
        decision = self.decide(plan, grant, unwritten=unwritten)
        passes = decision.allowed and not decision.own and plan.refusal is None and not plan.sealed_inside
        passes = (
            passes and not plan.unsealed and self.rules.of(grant).keys().isdisjoint(row_law.reached(plan.footprint))
        )
        denials = ["unreadable"] if plan.refusal is not None else []
        return self._said(plan, decision, "allowed", denials, passes=passes)

    def _said(self, plan: Plan, decision: Decision, word: str, denials: list[str], *, passes: bool) -> Verdict:
        unbounded = not plan.people.known or self._pseudonyms is None
        return Verdict(decision, plan.encode(word, denials, self.policy.hash), unbounded=unbounded, passes=passes)

    def _look_closer(
        self, plan: Plan, verdict: Verdict, access: Access | None, parameters: Any, context: Any
    ) -> Verdict:
        """The verdict that stands after all; or an error, written down.

        What is enforced is judged first. What is only observed can then be refused no more, but it is judged too.
        """
        law = self.law(plan) if self.observes else plan
        enforced = verdict if law is plan else self._verdict(law, access.grant if access is not None else None)
        if not enforced.allowed:
            enforced = self._written(law, enforced, access, parameters, context)
        try:
            standing = self._standing(law, enforced, access, parameters, context)
        except PrivacyError as error:
            denials = denials_of(error, enforced.decision)
            self.evidence.refused(plan, access or self._left(), "denied", denials, parameters, context)
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

    def _left(self) -> Access | None:
        """The access that was in force here until it ended: who asks after that is who had it."""
        scope = self.scopes.get()
        return scope.access if scope is not None else None

    def _standing(self, plan: Plan, verdict: Verdict, access: Access | None, parameters: Any, context: Any) -> Verdict:
        """The verdict of a plan, with the values it comes with; or an error."""
        if not verdict.allowed or plan.refusal is not None:
            verdict = self._reconsider(plan, verdict, access, context)
        if plan.sealed_inside or plan.unsealed:
            raise sealed_column(plan, access.grant if access is not None else None)
        if access is not None:
            limits = self.limits()
            row_law.require(plan, limits, access)
            self._require_bound(access, limits, parameters, context)
        if verdict.own and access is not None:
            own_rows.require(plan, access, bound_values(context, parameters), partial(self._ask, context, access))
        elif plan.rows and access is not None and own_rows.has_own_purpose(access):
            own_rows.require_kept(plan, access, bound_values(context, parameters), partial(self._ask, context, access))
        return verdict

    def _require_bound(self, access: Access, limits: Limits | None, parameters: Any, context: Any) -> None:
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
        scope = self.scopes.get()
        if grant is None and scope is not None:
            raise ended(scope.access)
        raise denied(verdict.decision, grant)
