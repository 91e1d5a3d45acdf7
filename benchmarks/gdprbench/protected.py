"""The same application under sa_privacy, with every feature on that the workload has a use for.

What of GDPRbench is what of the library:

- **Data** is sealed. Metadata is personal too, but searched by; it is guarded and logged, and not sealed.
- **USR** is the data subject. A customer acts for a purpose of own rows, so the library adds whose rows they are.
- **PUR** is a purpose of the policy, one of 25. A processor acts for one, and a row rule leaves the records that were collected
  for it.
- **OBJ**: `obj0` is an objection, entered with `privacy.consents`; all 25 purposes are `opt_out`. Other values are metadata.
- **TTL** is a schedule of retention. `delete by TTL` is the statement that the other system sends, for a purpose that covers it;
  a hold would stop it. In `scheduled.py` it is `privacy.retention.run`: the shortest period of a policy is a day, so a record goes a
  day after its TTL, and the run is of a day later than the trace says.
- The regulator reads metadata for a purpose that covers nothing else. **Logs** are `who` of the access log, which every
  statement of every role writes to, durably, before its rows are handed over. **Verify deletion** looks whether there is a row.
- DEC, ACL, SHR, SRC, CAT are metadata, and nothing is enforced by them, as in the original.

There is no wall: a database's own rules would be a second time what is measured here.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import ColumnElement, Engine, ForeignKey, String
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from benchmarks.gdprbench.records import OBJECTED, PURPOSES, purpose
from benchmarks.gdprbench.systems import System
from benchmarks.gdprbench.trace import Operation
from sa_privacy import AccessLog, DataSubject, Keyring, Policy, Privacy, pii_column
from sa_privacy.accesslog.questions import Journal, who

__all__ = ["Protected"]

_PROCESSING = [purpose(n) for n in range(PURPOSES)]
_RECORD: dict[str, Any] = {"use": ["data", "metadata"]}

POLICY = Policy(
    policy={"id": "gdprbench", "version": "1"},
    categories={"data": {}, "metadata": {}},
    purposes={
        "administration": {"write": ["data", "metadata"], "match": ["metadata"], "delete": ["records"]},
        "own_records": {**_RECORD, "delete": ["records"], "rows": "own"},
        "supervision": {"read": ["metadata"], "match": ["metadata"]},
        **{name: {"read": ["data", "metadata"], "match": ["metadata"], "consent": "opt_out"} for name in _PROCESSING},
    },
    roles={
        "controller": {"purposes": ["administration"]},
        "customer": {"purposes": ["own_records"]},
        "processor": {"purposes": _PROCESSING},
        "regulator": {"purposes": ["supervision"]},
        "engineer": {"maintenance": True},
    },
    retention={"records": {"table": "records", "clock": "expires_at", "period": "P1D", "action": "delete"}},
    erasure={"roles": ["controller"]},
)


class Base(DeclarativeBase):
    """Registry of these models."""


class Person(Base):
    """Whose the records are."""

    __tablename__ = "people"
    __data_subject__ = DataSubject("user", key="id")

    id: Mapped[str] = mapped_column(String(20), primary_key=True)


class Record(Base):
    """A record of GDPRbench."""

    __tablename__ = "records"
    __data_subject__ = DataSubject("user", via="usr")

    key: Mapped[str] = mapped_column(String(20), primary_key=True)
    usr: Mapped[str] = mapped_column(ForeignKey("people.id"), index=True)
    expires_at: Mapped[datetime] = pii_column(category="metadata", encrypt=False, index=True)
    pur: Mapped[str] = pii_column(String(20), category="metadata", encrypt=False, index=True)
    obj: Mapped[str] = pii_column(String(20), category="metadata", encrypt=False, index=True)
    dec: Mapped[str] = pii_column(String(20), category="metadata", encrypt=False)
    acl: Mapped[str] = pii_column(String(20), category="metadata", encrypt=False)
    shr: Mapped[str] = pii_column(String(20), category="metadata", encrypt=False, index=True)
    src: Mapped[str] = pii_column(String(20), category="metadata", encrypt=False)
    cat: Mapped[str] = pii_column(String(20), category="metadata", encrypt=False)
    data: Mapped[str] = pii_column(category="data")


class Protected(System):
    """The application with this library."""

    name, base, records, people = "protected", Base, Record, Person

    def __init__(self, engine: Engine, directory: Path) -> None:
        super().__init__(engine, directory)
        self.log = directory / "log"
        keys = Keyring.generate()
        keys.save(directory / "keys.json")
        self.privacy = Privacy(POLICY, keys=keys, log=AccessLog.open(self.log), metadata=Base)
        self.privacy.restrict(Record, role="processor", where=lambda one, access: one.pur == access.purposes[0])
        self.privacy.install(engine)
        self.files = [self.log, directory / "keys.json"]
        self._of = keys.pseudonym_key().of

    def load(self, records: Sequence[dict[str, Any]]) -> None:
        self.privacy.metadata.create_all(self.engine)
        super().load(records)
        objections = dict.fromkeys((one["usr"], one["pur"]) for one in records if one["obj"] == OBJECTED)
        with self.looking_after(), Session(self.engine) as session, session.begin():
            for user, meant in objections:
                self.privacy.consents.refuse(session, user, meant, how="form")

    def acting(self, operation: Operation) -> AbstractContextManager[object]:
        role = operation.role
        if role == "customer":
            return self.privacy.access("own_records", role=role, actor=operation.subject, subject=operation.subject)
        meant = {"controller": "administration", "regulator": "supervision"}.get(role, operation.purpose)
        return self.privacy.access(meant, role=role, actor=f"{role}:1")

    def looking_after(self) -> AbstractContextManager[object]:
        return self.privacy.access(maintenance=True, role="engineer", actor="engineer:1", reason="benchmark")

    def conditions(self, operation: Operation) -> Iterable[ColumnElement[bool]]:
        return ()

    def uses(self, session: Session, user: str) -> list[int]:
        found = who(Journal(self.log), self._of("user", user)).uses
        return [one.rows or 0 for one in found if one.purposes == ("supervision",)]

    def close(self) -> None:
        self.privacy.close()
        super().close()
