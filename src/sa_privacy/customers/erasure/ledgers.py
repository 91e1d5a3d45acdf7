"""What the library's own ledgers hold of a person, and what becomes of it.

What somebody said ends with them. What a law wants on record stays without them: a provision or a receipt until its time is
over, with the consent that it rests on; a request that still waits until it is answered. Rows that stay lead to a name that is
drawn for them and to nobody, so that those of one person still belong together, and hold no words.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Column, Connection, Table, select

from sa_privacy.customers.consent.tables import CONSENT_STATE, CONSENTS
from sa_privacy.customers.destruction import Key, Step
from sa_privacy.customers.destruction.graph import identity_of
from sa_privacy.customers.destruction.rows import in_batches
from sa_privacy.customers.disclosure.tables import PROVIDED, PROVISIONS, RECEIPTS, RECEIVED
from sa_privacy.customers.erasure.plan import HeldBack, Kept
from sa_privacy.customers.requests.book import find_all, references
from sa_privacy.customers.requests.states import OPEN
from sa_privacy.customers.requests.tables import REQUESTS, STEPS
from sa_privacy.ledger import Person

__all__ = ["TRACES", "InLedgers", "Trace", "in_ledgers", "is_nobodys"]


@dataclass(frozen=True, slots=True)
class Trace:
    """A table of the library whose rows name people.

    :param kind: the column of the kind of person.
    :param subject: the column of their key as ledgers keep it.
    """

    table: Table
    kind: Column[Any]
    subject: Column[Any]

    def of(self, person: Person) -> Any:
        """The condition for the rows that name a person."""
        return (self.kind == person.kind) & (self.subject == person.text)


#: Begins the names that are drawn for people who were erased.
_NOBODY: Final = "erased:"

_CONSENTS: Final = Trace(CONSENTS, CONSENTS.c.kind, CONSENTS.c.subject)
_STATE: Final = Trace(CONSENT_STATE, CONSENT_STATE.c.kind, CONSENT_STATE.c.subject)
_PROVIDED: Final = Trace(PROVIDED, PROVIDED.c.subject_kind, PROVIDED.c.subject_key)
_RECEIVED: Final = Trace(RECEIVED, RECEIVED.c.subject_kind, RECEIVED.c.subject_key)
_STEPS: Final = Trace(STEPS, STEPS.c.subject_kind, STEPS.c.subject)
TRACES: Final = (_CONSENTS, _STATE, _PROVIDED, _RECEIVED, _STEPS)
"""All of them. After an erasure none has a row that names the person."""

_WORDS: Final[Mapping[str, tuple[str, ...]]] = {
    CONSENTS.name: ("idempotency_key", "evidence", "agent", "agent_evidence", "actor", "previous"),
    REQUESTS.name: ("claimed", "about", "agent", "agent_evidence", "once"),
    STEPS.name: ("what", "reason", "evidence", "checked", "check_number"),
}
"""What is emptied in rows that stay: words, and what could lead to somebody."""
_TITLES: Final = {
    "provision": {"en": "Record of what was given to others", "ja": "第三者提供の記録"},
    "receipt": {"en": "Record of what was received from others", "ja": "第三者提供を受けた際の記録"},
    "request": {"en": "Request that waits for its answer", "ja": "回答待ちの請求"},
}
_ANSWERED: Final = {"en": "when it is answered or refused", "ja": "回答または拒否の時"}


@dataclass(frozen=True, slots=True)
class InLedgers:
    """What the ledgers hold of a person.

    :param steps: what becomes of it, in order.
    :param kept: what stays, and why.
    :param held: what stands against the erasure: a request of theirs to see what is there.
    """

    steps: tuple[Step, ...]
    kept: tuple[Kept, ...]
    held: tuple[HeldBack, ...]


def in_ledgers(connection: Connection, person: Person, now: datetime, checked: str | None = None) -> InLedgers:
    """What becomes of the rows that name a person.

    :param connection: of an open desk.
    :param checked: the pseudonym under which checks of identity against them are counted.
    """
    return _Ledgers(connection, person, now, checked).found()


def is_nobodys(connection: Connection, request: str) -> bool:
    """Whether the request is of somebody who was erased since."""
    return any(one.subject is not None and _is_nobody(one.subject[1]) for one in find_all(connection, [request]))


def _is_nobody(name: str) -> bool:
    return name.startswith(_NOBODY) and len(name) == len(_NOBODY) + 32


class _Ledgers:
    def __init__(self, connection: Connection, person: Person, now: datetime, checked: str | None) -> None:
        self._connection = connection
        self._person = person
        self._now = now
        self._checked = checked
        self._nobody = f"{_NOBODY}{secrets.token_hex(16)}"
        self._steps: list[Step] = []
        self._kept: list[Kept] = []
        self._held: list[HeldBack] = []

    def found(self) -> InLedgers:
        records = self._given(_PROVIDED, PROVIDED.c.provision, PROVISIONS, "provision", "APPI 29", PROVIDED.c.consent)
        self._given(_RECEIVED, RECEIVED.c.receipt, RECEIPTS, "receipt", "APPI 30")
        self._consents(records)
        self._ends(CONSENT_STATE, self._keys(_STATE))
        self._requests()
        return InLedgers(tuple(self._steps), tuple(self._kept), tuple(self._held))

    def _keys(self, trace: Trace, *more: Any) -> list[Any]:
        """What tells the rows apart that name the person, and more of each."""
        rows = select(*identity_of(trace.table), *more).where(trace.of(self._person))
        return [tuple(row) for row in self._connection.execute(rows).all()]

    def _given(
        self, trace: Trace, link: Column[Any], whole: Table, reason: str, law: str, consent: Column[Any] | None = None
    ) -> dict[str, datetime]:
        """Records of what was given or received: until when they stay, by the consents that they rest on."""
        width = len(identity_of(trace.table))
        found = self._keys(trace, link, *([] if consent is None else [consent]))
        until: dict[str, datetime] = {}
        for some in in_batches({row[width] for row in found}):
            rows = select(whole.c.id, whole.c.keep_until).where(whole.c.id.in_(some))
            until.update((row[0], row[1]) for row in self._connection.execute(rows).all())
        stays = [row for row in found if row[width] in until and until[row[width]] > self._now]
        self._stays(
            trace, [row[:width] for row in stays], reason, law, max((until[r[width]] for r in stays), default=None)
        )
        self._ends(trace.table, [row[:width] for row in found if row not in stays])
        records: dict[str, datetime] = {}
        for row in stays if consent is not None else ():
            if row[-1] is not None:
                records[row[-1]] = max(until[row[width]], records.get(row[-1], until[row[width]]))
        return records

    def _consents(self, records: Mapping[str, datetime]) -> None:
        """Those that a record rests on which stays, stay as long."""
        found = self._keys(_CONSENTS, CONSENTS.c.record)
        stays = [row for row in found if row[-1] in records]
        last = max((records[row[-1]] for row in stays), default=None)
        self._stays(_CONSENTS, [row[:-1] for row in stays], "provision", "APPI 29", last)
        self._ends(CONSENTS, [row[:-1] for row in found if row not in stays])

    def _requests(self) -> None:
        """Requests that still wait stay, to be answered; the others end."""
        names = references(self._connection, subject=(self._person.kind, self._person.text))
        waiting = [one.request for one in find_all(self._connection, names) if one.request.state in OPEN]
        self._held += [
            HeldBack(REQUESTS.name, 1, "request", one.reference, _ANSWERED)
            for one in waiting
            if one.kind == "disclosure"
        ]
        stays = {one.reference for one in waiting}
        steps: list[Any] = []
        for some in in_batches(names):
            rows = select(STEPS.c.request, STEPS.c.number, STEPS.c.subject).where(STEPS.c.request.in_(some))
            steps += [tuple(row) for row in self._connection.execute(rows).all()]
        kept = [row for row in steps if row[0] in stays]
        self._stays(_STEPS, [row[:2] for row in kept if row[2] is not None], "request", "APPI 35(7)", None)
        self._emptied(STEPS, [row[:2] for row in kept if row[2] is None], "request")
        self._emptied(REQUESTS, [(name,) for name in sorted(stays)], "request")
        if stays:
            self._keep(REQUESTS, len(stays), "request", "APPI 35(7)", None)
        if self._checked is not None:  # in requests of nobody: somebody was taken for them
            rows = select(STEPS.c.request, STEPS.c.number).where(STEPS.c.checked == self._checked)
            others = [tuple(row) for row in self._connection.execute(rows).all() if row[0] not in names]
            self._emptied(STEPS, others, "request", columns=("checked", "check_number"))
        self._ends(STEPS, [row[:2] for row in steps if row[0] not in stays])
        self._ends(REQUESTS, [(name,) for name in names if name not in stays])

    def _keep(self, table: Table, rows: int, reason: str, law: str, until: datetime | None) -> None:
        self._kept.append(Kept(table.name, rows, reason, law, until, title=_TITLES[reason]))

    def _stays(self, trace: Trace, keys: Sequence[Key], reason: str, law: str, until: datetime | None) -> None:
        if keys:
            self._keep(trace.table, len(keys), reason, law, until)
            self._emptied(trace.table, keys, reason, {trace.subject.name: self._nobody})

    def _emptied(
        self,
        table: Table,
        keys: Sequence[Key],
        why: str,
        values: Mapping[str, object] | None = None,
        columns: tuple[str, ...] | None = None,
    ) -> None:
        if keys:
            emptied = (*(values or ()), *(_WORDS.get(table.name, ()) if columns is None else columns))
            self._steps.append(Step("anonymise", table.name, _sorted(keys), emptied, values or {}, why=why))

    def _ends(self, table: Table, keys: Sequence[Key]) -> None:
        if keys:
            self._steps.append(Step("delete", table.name, _sorted(keys)))


def _sorted(keys: Sequence[Key]) -> tuple[Key, ...]:
    return tuple(sorted((tuple(key) for key in keys), key=repr))
