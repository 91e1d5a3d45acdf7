"""What the gate writes into the log, and how: members that are worked out once, and those that differ each time.

An *intent* is written before a statement runs, an *outcome* before its rows are handed over, a *use* before a value in
memory is given under another access. What they say of people are keyed pseudonyms; where it cannot be told whose data it
was, they say that.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, NoReturn

from sa_privacy.access import Access, Declared, Scope, as_text, ended
from sa_privacy.accesslog import members
from sa_privacy.errors import AccessDenied, LogUnavailable
from sa_privacy.gate.people.people import Pseudonyms, subjects_of_keys, subjects_of_rows, subjects_of_statement
from sa_privacy.gate.statements.plan import UNBOUNDED, Plan
from sa_privacy.gate.statements.site import call_site

if TYPE_CHECKING:
    from sa_privacy.accesslog import EventLog
    from sa_privacy.columns.catalogue import Catalogue, PersonalColumn
    from sa_privacy.crypto import Keyring
    from sa_privacy.gate.statements.results import WitnessedFetch
    from sa_privacy.policy import Policy

__all__ = ["MEMBERS", "Evidence", "access_members", "subject_members", "together"]

_ROWS_IN_EVENT = 10_000
#: Where an access keeps the part of its events that is always the same.
MEMBERS: Final = "members"
_NOBODY: Final = members(actor=None)
_BETWEEN: Final = '","'
_UNBOUNDED: Final = UNBOUNDED.decode()
_logger = logging.getLogger("sa_privacy")

Subjects = tuple[str, ...]
Write = Callable[[str, bytes], int]


class Evidence:
    """Writes events for one gate.

    :param log: where they go; None writes none.
    :param keys: whose pseudonyms name people; without them nobody can be named.
    :param catalogue: the one of the moment.
    :param lenient: what is refused on entry is entered all the same.
    """

    def __init__(
        self,
        policy: Policy,
        log: EventLog | None,
        keys: Keyring | None,
        catalogue: Callable[[], Catalogue],
        *,
        lenient: bool,
    ) -> None:
        self.pseudonyms: Pseudonyms | None = keys.pseudonym_key().of_kind if keys is not None else None
        self._policy = policy
        self.log = log
        self._catalogue = catalogue
        self._lenient = lenient
        #: Makes one event durable, as the policy's ``[log]`` asks, and returns its sequence number.
        self.write = _writer(log, goes_on=policy.log.on_failure == "continue")

    def writer(self, access: Access | None) -> Write:
        """What writes the events of an access: those of a break-glass access are on the disk, or nothing runs."""
        return self.write if access is None or access.break_glass is None else self.write_through

    def write_through(self, kind: str, event: bytes) -> int:
        """Writes an event to the disk, whatever the log's ``fsync`` and the policy's ``[log]`` say.

        :raises LogUnavailable: it is not there, or there is no log.
        """
        if self.log is None:
            raise LogUnavailable(
                "there is no access log, and what is done by break glass has to stand in one.",
                hint='give Privacy a log: Privacy(..., log=AccessLog.open("...")).',
            )
        return self.log.append(kind, event, sync=True)

    # -- statements -----------------------------------------------------------------------------------------------

    def whereabouts(self, columns: Iterable[PersonalColumn]) -> bytes:
        """The call site, and what the columns hold, as further members: for reports."""
        columns = tuple(columns)
        said: dict[str, Any] = {"categories": {column.name: column.category for column in columns}}
        narrowed = {column.name: sorted(column.purposes) for column in columns if column.purposes is not None}
        if narrowed:
            said["narrowed"] = narrowed
        return b"," + members(site=call_site(), **said)

    def refused(
        self, plan: Plan, access: Access | None, decision: str, denials: list[str], parameters: Any, context: Any
    ) -> None:
        """Writes down a statement that does not run, and whose data it asked for."""
        subjects: Subjects | None = self.declared(access)
        if not subjects and self.pseudonyms is not None and plan.people.asked:
            subjects = subjects_of_statement(plan.people, parameters, context, self.pseudonyms)
        whose = subject_members(subjects) if subjects else UNBOUNDED
        encoded = plan.encode(decision, denials, self._policy.hash)
        self.writer(access)("intent", access_members(access) + encoded + whose + self.whereabouts(plan.touched()))

    def outcome(self, passage: WitnessedFetch, rows: Sequence[Any]) -> None:
        """Rows are about to be handed over: notes how many, whose, and how many sealed cells of each column.

        :raises LogUnavailable: the event could not be written; the rows are not handed over.
        """
        count = len(rows)
        if count > _ROWS_IN_EVENT:  # one event names so many people at most
            for start in range(0, count, _ROWS_IN_EVENT):
                self.outcome(passage, rows[start : start + _ROWS_IN_EVENT])
            return
        plan, pseudonyms = passage.plan, self.pseudonyms
        people, subjects = plan.people, passage.subjects
        if people.keys and pseudonyms is not None:
            found = subjects_of_rows(people, rows, pseudonyms)
            if people.shown or found is None:
                subjects = found
            elif subjects is not None:
                subjects = together(subjects, found)
        self._write_outcome(passage, count, subjects, "" if plan.cells is None else plan.cells.members(rows))

    def outcome_without_rows(self, passage: WitnessedFetch, count: int, made: object = None) -> None:
        """A statement that gives no rows ran and touched `count` of them; less than 0: the driver cannot tell.

        :param made: the key that the driver reports of a new row.
        """
        people, subjects, footprint = passage.plan.people, passage.subjects, passage.plan.footprint
        if subjects is None and self.pseudonyms is not None:
            if count == 0 and (footprint.writes or footprint.deletes) and not (footprint.aside or footprint.unseen):
                subjects = ()
            elif people.made is not None and count == 1 and made:
                subjects = subjects_of_keys(people, people.made, (made,), self.pseudonyms)
        self._write_outcome(passage, "null" if count < 0 else count, subjects, "")

    def _write_outcome(self, passage: WitnessedFetch, rows: int | str, subjects: Subjects | None, cells: str) -> None:
        event, log = passage.event, self.log
        intent = passage.intent if log is None or passage.writer == log.writer else "null"  # numbers are a writer's own
        if passage.declared:
            subjects = together(passage.declared, subjects or ())
        if subjects:
            whose = f',"subjects":["{_BETWEEN.join(subjects)}"]'
        elif subjects is not None:
            event, whose = event.removesuffix(UNBOUNDED), ',"subjects":[]'
        else:
            whose = "" if event.endswith(UNBOUNDED) else _UNBOUNDED
        passage.write("outcome", event + f',"intent":{intent},"rows":{rows}{whose}{cells}'.encode())

    def refuse_late(self, passage: WitnessedFetch, scope: Scope) -> NoReturn:
        """Rows are asked for after the scope under which their statement ran was left.

        :raises AccessEnded: always.
        """
        self._refuse_rows(passage, scope.access, "access ended")
        raise ended(scope.access)

    def refuse_fetch(self, passage: WitnessedFetch, access: Access, error: AccessDenied) -> NoReturn:
        """Rows are asked for under another access, which may not have them.

        :raises AccessDenied: always.
        """
        self._refuse_rows(passage, access, "rows of another access")
        raise error

    def _refuse_rows(self, passage: WitnessedFetch, access: Access, why: str) -> None:
        encoded = passage.plan.encode("denied", [why], self._policy.hash)
        same = self.log is None or passage.writer == self.log.writer
        ending = b',"intent":%b,"rows":0,"subjects":[]' % (b"%d" % passage.intent if same else b"null")
        self.writer(access)("outcome", access_members(access) + encoded + ending)

    # -- accesses -------------------------------------------------------------------------------------------------

    def write_refused(self, declared: Declared, error: AccessDenied) -> None:
        """Writes down an access that was refused on entry, or would have been."""
        route = declared.details.get("route")
        texts = {
            "reason": declared.reason,
            "request": declared.request,
            "route": None if route is None else as_text(route),
        }
        said = members(
            actor=declared.actor if isinstance(declared.actor, str) else None,
            **{name: text for name, text in texts.items() if isinstance(text, str)},
            roles=list(error.roles),
            purpose=list(error.purpose),
            decision="would_deny" if self._lenient else "denied",
            denials=[f"enter {error.code}"],
            policy=self._policy.hash,
            site=call_site(),
        )
        if isinstance(declared.break_glass, str):
            said += b"," + members(break_glass=True, ticket=declared.break_glass)
        self.write("intent", said)

    def write_refusal(self, access: Access, denials: Sequence[str], *, recipient: str | None = None) -> None:
        """Writes down that the library itself refused what was asked for under an access."""
        said = members(decision="denied", denials=list(denials), policy=self._policy.hash, site=call_site())
        if recipient is not None:
            said += b"," + members(recipient=recipient)
        subjects = self.declared(access)
        whose = subject_members(subjects) if subjects else b""
        self.writer(access)("intent", access_members(access) + b"," + said + whose)

    def say_with(self, access: Access, **said: Any) -> None:
        """Has all events of an access of the desk say more: ``recipient``, ``provision``."""
        access.notes[MEMBERS] = access_members(access) + b"," + members(**said)

    def broken(self, access: Access) -> None:
        """Writes down that the glass is broken. Somebody else's review closes it.

        :raises LogUnavailable: it cannot be written, whatever the policy says of that; the access is not entered.
        """
        until = access.break_glass.until if access.break_glass is not None else None
        said = members(until=until, policy=self._policy.hash, site=call_site())
        subjects = self.declared(access)
        whose = subject_members(subjects) if subjects else b""
        self.write_through("break_glass", access_members(access) + b"," + said + whose)

    def declared(self, access: Access | None) -> Subjects:
        """The pseudonyms of those whom the access says it is about."""
        if access is None or not access.subjects or self.pseudonyms is None:
            return ()
        found: Subjects | None = access.notes.get("subjects")
        if found is None:
            found = access.notes["subjects"] = tuple(self.pseudonyms(kind)(key) for kind, key in access.subjects)
        return found

    # -- values in memory -----------------------------------------------------------------------------------------

    def write_use(
        self,
        access: Access | None,
        names: Sequence[str],
        decision: str,
        denials: Sequence[str],
        subject: Mapping[str, Any],
    ) -> None:
        """Writes down that values already in memory were used, or refused, under another access.

        :param subject: whose they are, by kind; empty where that cannot be told.
        """
        subjects = self.declared(access)
        if self.pseudonyms is not None and subject:
            subjects = together(subjects, [self.pseudonyms(kind)(key) for kind, key in subject.items()])
        event = members(reads=sorted(names), decision=decision, denials=list(denials), policy=self._policy.hash)
        whose = subject_members(subjects) if subjects else UNBOUNDED
        known = self._catalogue().columns
        where = b"" if decision == "allowed" else self.whereabouts(known[name] for name in names if name in known)
        self.writer(access)("use", access_members(access) + b"," + event + whose + where)


def _writer(log: EventLog | None, *, goes_on: bool) -> Write:
    if log is not None and not goes_on:
        return log.append

    def append_or_go_on(kind: str, event: bytes) -> int:
        try:
            return 0 if log is None else log.append(kind, event)
        except LogUnavailable as error:
            _logger.error("access log unavailable, going on as the policy says: %s", error.message)  # noqa: TRY400 - said
            return 0

    return append_or_go_on


def access_members(access: Access | None) -> bytes:
    """The part of an event that is the same for everything done under one access."""
    if access is None:
        return _NOBODY
    encoded: bytes | None = access.notes.get(MEMBERS)
    if encoded is None:
        route = access.details.get("route")
        said: dict[str, Any] = {
            "roles": list(access.roles),
            "purpose": list(access.purposes),
            "reason": access.reason,
            "request": access.request,
            "maintenance": access.maintenance,
            "route": None if route is None else as_text(route),
            "break_glass": access.break_glass is not None,
            "ticket": access.break_glass.ticket if access.break_glass is not None else None,
        }
        encoded = access.notes[MEMBERS] = members(
            actor=access.actor, **{name: value for name, value in said.items() if value}
        )
    return encoded


def subject_members(subjects: Iterable[str]) -> bytes:
    """The subjects as one more member. Pseudonyms are letters and digits, so nothing needs escaping."""
    return f',"subjects":["{_BETWEEN.join(subjects)}"]'.encode() if subjects else b',"subjects":[]'


def together(some: Iterable[str], others: Iterable[str]) -> Subjects:
    """Both, each once."""
    return tuple(dict.fromkeys((*some, *others)))
