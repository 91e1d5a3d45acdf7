"""The ledger of erasures: an event log apart from the data, which knows who was erased when a backup does not.

An entry begins before anything is destroyed, and ends once that is committed or was rolled back. It names a person by a keyed
pseudonym alone. A process that is killed leaves an entry that has begun and not ended: whether the database has the record
tells which it is.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal

from sqlalchemy import Engine

from sa_privacy.accesslog import EventLog, members
from sa_privacy.accesslog.proof.verify import Verification
from sa_privacy.crypto.pseudonym import Pseudonyms
from sa_privacy.errors import PolicyError

__all__ = ["ErasureLedger", "LedgerEntry", "State", "ledger_of", "must_outlive"]

State = Literal["begun", "done", "undone"]
_NOBODY: Final = ("sa_privacy.erasures", 0)


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """One erasure, as the ledger knows it.

    :param record: its id, which the database's own record has too.
    :param kind: of the person.
    :param subject: the person's pseudonym.
    :param at: when it began.
    :param state: *begun*: nobody has said yet how it ended.
    """

    record: str
    kind: str
    subject: str = field(repr=False)
    at: datetime
    plan: str
    state: State


class ErasureLedger:
    """Writes and reads the entries.

    :param log: apart from the database: it must not be in the backups that it is needed for.
    :param pseudonyms: of the keyring.
    """

    def __init__(self, log: EventLog, pseudonyms: Pseudonyms) -> None:
        self._log = log
        self._pseudonyms = pseudonyms
        self._open: set[str] = set()  # what this process has begun

    def pseudonym(self, kind: str, key: object) -> str:
        """How a person is named here."""
        return self._pseudonyms.of(kind, key)

    def begin(
        self, record: str, kind: str, key: object, plan: str, *, actor: str | None, policy: str, reason: str | None
    ) -> None:
        """Says that an erasure is about to be carried out. On the disk when this returns.

        :raises LogUnavailable: it is not, and nothing may be destroyed.
        """
        said = members(
            record=record,
            state="begun",
            people=kind,
            subjects=[self.pseudonym(kind, key)],
            plan=plan,
            actor=actor,
            reason=reason,
            policy=policy,
            ring=self._pseudonyms.of(*_NOBODY),
        )
        self._open.add(record)
        self._log.append("erasure", said, sync=True)

    def end(self, record: str, state: Literal["done", "undone"]) -> None:
        """Says how an erasure ended.

        :raises LogUnavailable: it is not written; the entry stays begun.
        """
        self._log.append("erasure", members(record=record, state=state), sync=True)
        self._open.discard(record)

    def undone(self, record: str) -> None:
        """Says that an erasure was given up, if this process has begun it: also where nobody knows whether that is written.

        :raises LogUnavailable: it is not written; the entry may stay begun.
        """
        if record in self._open:
            self.end(record, "undone")

    def replayed(self, found: int, *, actor: str | None, reason: str | None) -> None:
        """Says that all erasures were carried out again in a restored database.

        :param found: how many people were.
        """
        self._log.append("replay", members(rows=found, actor=actor, reason=reason), sync=True)

    def verify(self) -> Verification:
        """Whether nothing in it was changed, as far as it can tell itself."""
        return self._log.verify()

    def entries(self, *, but: Collection[State] = ()) -> dict[str, LedgerEntry]:
        """The erasures by record, in no order.

        :param but: those that ended so are left out.
        :raises PolicyError: it was written with another keyring.
        :raises LogUnavailable: it cannot be read.
        """
        mine = self._pseudonyms.of(*_NOBODY)
        ended: dict[str, State] = {}
        begun: dict[str, LedgerEntry] = {}
        for event in self._log.events():
            if event.kind != "erasure" or event.record is None:
                continue
            if event.state == "begun" and event.people is not None and event.subjects:
                if event.ring != mine:
                    raise PolicyError(
                        "the ledger of erasures was written with another keyring: nobody in it can be recognised.",
                        hint="give the keyring of the application that wrote it, with all keys that it ever had.",
                    )
                begun[event.record] = LedgerEntry(
                    event.record, event.people, event.subjects[0], event.at, event.plan or "", "begun"
                )
            elif event.state is not None and ended.get(event.record) != "done":  # another process may have given it up
                ended[event.record] = event.state
        entries = {
            record: LedgerEntry(one.record, one.kind, one.subject, one.at, one.plan, ended.get(record, "begun"))
            for record, one in begun.items()
        }
        return {record: one for record, one in entries.items() if one.state not in but}


def ledger_of(erasures: EventLog | None, pseudonyms: Pseudonyms | None, log: EventLog | None) -> ErasureLedger | None:
    """The ledger in a log that an application hands over.

    :param log: the access log.
    :raises PolicyError: there is no keyring, or the two logs are one.
    """
    if erasures is None:
        return None
    if pseudonyms is None:
        raise PolicyError(
            "the ledger of erasures names people by keyed pseudonyms, and there is no keyring.",
            hint="Privacy(..., keys=Keyring.load(...)).",
        )
    if erasures is log:
        raise PolicyError(
            "the ledger of erasures is a log of its own: the access log may be thinned out, it may not.",
            hint='erasures=AccessLog.open("var/erasures"), apart from the access log.',
        )
    return ErasureLedger(erasures, pseudonyms)


def must_outlive(erasures: EventLog | None, engine: Engine) -> None:
    """A ledger in the database that it is about would be restored with it, to what it was before the erasures.

    :raises PolicyError: it is there.
    """
    shares = getattr(erasures, "shares_database", None)  # only a log in a database can tell
    if shares is not None and shares(engine):
        raise PolicyError(
            "the ledger of erasures is in the database that people are erased from: a restored backup would bring back both.",
            hint='erasures=AccessLog.open("var/erasures"), or TableLog(url) in another database with backups of its own.',
        )
