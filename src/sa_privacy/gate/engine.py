"""The one decision point: every statement that an engine is about to hand to its driver passes here.

``do_execute``, ``do_executemany`` and ``do_execute_no_params`` are the last events before the driver. They see what the
ORM, a flush, Core, text and driver SQL really send, after every other listener had its say. What they refuse does not
run. What they let through is written down before it runs, and again before its rows are handed over.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from sqlalchemy.util import LRUCache

from sa_privacy.access import Access, AccessScopes
from sa_privacy.accesslog import EventLog
from sa_privacy.columns.live import LiveCatalogue
from sa_privacy.crypto import Keyring
from sa_privacy.errors import AccessDenied, RowsDenied
from sa_privacy.footprint import Declarations
from sa_privacy.gate.judge import Judge
from sa_privacy.gate.mode import Observed
from sa_privacy.gate.people.finishing import Finishing
from sa_privacy.gate.people.people import subjects_of_statement
from sa_privacy.gate.refusal import denials_of
from sa_privacy.gate.rows import own_rows, row_law
from sa_privacy.gate.rows.limits import LimitsInForce
from sa_privacy.gate.rows.missing import CountedFetch, Missing
from sa_privacy.gate.rows.rules import RowRules
from sa_privacy.gate.rows.ruling import Ruling
from sa_privacy.gate.standing import Standings
from sa_privacy.gate.statements.evidence import MEMBERS, Evidence, access_members, subject_members, together
from sa_privacy.gate.statements.plan import UNBOUNDED, Plan
from sa_privacy.gate.statements.results import WitnessedFetch
from sa_privacy.gate.statements.statement import bound_values
from sa_privacy.gate.statements.view import View
from sa_privacy.policy import GRANTS_KEPT, ConsentPort, Grant

__all__ = ["Gate"]


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
        #: The innermost scope of this context, alive or not; None outside all.
        self.scope = scopes.get
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
        self._views: LRUCache[Any, View] = LRUCache(GRANTS_KEPT)
        self.evidence = Evidence(self.policy, log, keys, live.current, lenient=observed.everything)
        self._log = log
        self._pseudonyms = self.evidence.pseudonyms
        #: Judges what a statement asks for.
        self.judge = Judge(
            scopes, live, self.rules, self.limits, self.evidence, observed=observed, declarations=declarations
        )
        #: Asks who stands in their role; None where no role of the policy takes that.
        self.standings: Standings | None = None
        #: Makes one event durable, as the policy's ``[log]`` asks, and returns its sequence number.
        self.write = self.evidence.write

    # -- what the caller of the moment may see --------------------------------------------------------------------

    def grant(self) -> Grant | None:
        """The grant in force, or None where no access is alive."""
        scope = self.scope()
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
        return Ruling.now(self.limits(), self.limits)

    # -- before the statement -------------------------------------------------------------------------------------

    def admit(self, plan: Plan, parameters: Any, context: Any) -> None:
        """Lets a statement that touches personal data through, having written it down, or raises.

        :raises AccessDenied: the access in force does not cover it.
        :raises SealedColumn: it would compute with sealed values.
        :raises LogUnavailable: the event could not be written.
        """
        scope = self.scope()
        held = scope.access if scope is not None else None  # who had it, where it ended
        access = grant = lasting = None
        if held is not None and scope is not None and scope.alive:
            access, grant = held, held.grant
            lasting = scope if not self.observes or self.judge.law(plan).concerns else None
        inner = context.cursor_fetch_strategy
        if type(inner) is WitnessedFetch:
            if inner.admitted(plan, lasting):
                return
            inner = inner.inner
        verdict = plan.verdicts.get(grant)
        if verdict is None or not verdict.passes:
            verdict = self.judge.verdict(plan, access, parameters, context)
        if self.standings is not None and access is not None:
            verdict = self.judge.must_stand(self.standings, plan, verdict, access, parameters, context)
        event: bytes | None = held.notes.get(MEMBERS) if held is not None else None
        if event is None:
            event = access_members(held)
        if self.observes and self.judge.law(plan) is not plan:
            event += self.evidence.whereabouts(plan.touched())
        people, pseudonyms, write = plan.people, self._pseudonyms, self.write
        declared: tuple[str, ...] = ()
        if access is not None and (access.subjects or access.break_glass is not None):
            write, declared = self.evidence.writer(access), self.evidence.declared(access)
        event += verdict.bounded if declared else verdict.members
        subjects: tuple[str, ...] | None = None
        if people.binds and pseudonyms is not None:
            subjects = subjects_of_statement(people, parameters, context, pseudonyms)
        if declared:
            said = event + subject_members(together(declared, subjects or ()))
        elif subjects is not None and people.asked:
            said = event + subject_members(subjects)
        elif pseudonyms is not None and (people.asked or plan.late):
            said = event + UNBOUNDED
        else:
            said = event
        log = self._log
        writer = log.writer if log is not None else None
        intent = write("intent", said)
        if writer is None and log is not None:
            writer = log.writer
        context.cursor_fetch_strategy = fetch = WitnessedFetch(
            self, plan, lasting, context, inner, event, intent, writer, subjects, declared, write
        )
        if plan.ruling is not None and access is not None and (context.isupdate or context.isdelete):
            fetch.missing = Missing.of(plan, self.limits, access, context, self.evidence)

    def require_same_rows(self, passage: WitnessedFetch, asked: Access, now: Access) -> None:
        """Rows are about to be fetched under another access than they were asked for under.

        :raises AccessDenied: it may not reach them. It is written down.
        """
        if self.observed.everything:
            return
        law = self.judge.law(passage.plan) if self.observes else passage.plan
        error: AccessDenied | None = None
        if self.rules:
            mine, theirs = self.limits.for_access(now), self.limits.for_access(asked)
            error = row_law.refusal_of_fetch(law, theirs, mine, now)
        if error is None and self.standings is not None:
            error = self.standings.refusal_in_memory(now, asked, lambda: None)
        if error is not None:
            self.evidence.refuse_fetch(passage, now, error)

    def admit_rows(self, plan: Plan, parameters: Any, context: Any) -> None:
        """Lets a statement through that touches no personal data, but reaches rows or may change whose they are, or raises.

        :raises RowsDenied: the access does not reach all of these rows, or a row would change hands.
        """
        scope = self.scope()
        if scope is None or not scope.alive:
            return
        access = scope.access
        law = self.judge.law(plan)
        if self.standings is not None and self.rules.beyond_own:
            self.judge.must_stand_for_rows(self.standings, plan, access, parameters, context)
        try:
            limits = self.limits()
            row_law.require(law, limits, access)
            self.judge.require_bound(access, limits, parameters, context)
        except RowsDenied as error:
            self.evidence.refused(plan, access, "denied", denials_of(error), parameters, context)
            raise
        missing = Missing.of(law, self.limits, access, context, self.evidence) if law.ruling is not None else None
        if missing is not None:
            context.cursor_fetch_strategy = CountedFetch(context.cursor_fetch_strategy, missing)
        if not plan.footprint.moves or not own_rows.has_own_purpose(access):
            return
        for judged, word in ((law, "denied"), (plan, "would_deny")):
            try:
                own_rows.require_kept(
                    judged, access, bound_values(context, parameters), partial(self.judge.ask, context, access)
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
        access = self.judge.left()
        if plan is not None:
            self.evidence.refused(plan, access, "denied", denials, parameters, context)
        elif access is not None:
            self.evidence.write_refusal(access, denials)
