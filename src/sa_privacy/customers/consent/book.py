"""How the ledger of consent is written and read: one order and one state, however many write at once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, cast
from uuid import uuid4

from sqlalchemy import Connection, Row, Table, func, insert, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from sa_privacy.customers.agent import Agent
from sa_privacy.customers.consent.entry import ConsentCount, ConsentEntry, How, Said, StateRow
from sa_privacy.customers.consent.matters import Matter
from sa_privacy.customers.consent.silence import break_silence
from sa_privacy.customers.consent.tables import CONSENT_STATE, CONSENTS, WORDINGS
from sa_privacy.errors import ConsentRefused, PolicyError
from sa_privacy.ledger import Person

__all__ = ["New", "counted", "entries", "locked_state", "said_with_key", "shown_text", "state_of", "write"]

_STATE: Final = ("id", "said", "version", "valid_until", "at", "entered", "record")


@dataclass(frozen=True, slots=True)
class New:
    """What is to be written."""

    said: Said
    at: datetime
    entered: datetime
    how: How
    version: str
    language: str | None
    valid_until: datetime | None
    evidence: str | None
    agent: Agent | None
    actor: str | None
    policy: str
    idempotency_key: str | None


def state_of(connection: Connection, person: Person, matter: Matter) -> StateRow | None:
    """What counts now."""
    row = connection.execute(select(*(CONSENT_STATE.c[name] for name in _STATE)).where(*_of(person, matter))).first()
    return None if row is None else StateRow(*row)


def counted(connection: Connection, matter: Matter, now: datetime) -> ConsentCount:
    """How many people said what of a matter, last."""
    c = CONSENT_STATE.c
    how_many = select(c.said, c.version, func.count(c.id)).where(c.what == matter.what).group_by(c.said, c.version)
    found = dict.fromkeys(("agreed", "lapsed", "refused", "withdrawn"), 0)
    for rows, holds in (
        (how_many.where(or_(c.valid_until.is_(None), c.valid_until > now)), True),
        (how_many.where(c.valid_until <= now), False),
    ):
        for said, version, number in connection.execute(rows):
            counts = matter.consent == "opt_out" or (holds and version == matter.version)
            found[said if said != "given" else "agreed" if counts else "lapsed"] += number
    return ConsentCount(matter.name, matter.what, **found)


def locked_state(connection: Connection, person: Person, matter: Matter) -> StateRow | None:
    """What counts now; nobody else changes it before this transaction ends.

    An UPDATE that changes nothing takes the row on PostgreSQL, and the right to write on SQLite, even where there is no row.
    """
    connection.execute(update(CONSENT_STATE).where(*_of(person, matter)).values(what=matter.what))
    found = state_of(connection, person, matter)
    if found is None:
        break_silence(connection, matter, person)
    return found


def said_with_key(connection: Connection, person: Person, matter: Matter, key: str) -> ConsentEntry | None:
    """The entry that was made with an idempotency key."""
    found = _entries(connection, person, CONSENTS.c.what == matter.what, CONSENTS.c.idempotency_key == key)
    return found[0] if found else None


def entries(connection: Connection, person: Person, *, record: str | None = None) -> list[ConsentEntry]:
    """What a person said, in the order in which it was written.

    :param record: only the entry of this id.
    """
    return _entries(connection, person, *(() if record is None else (CONSENTS.c.record == record,)))


def write(connection: Connection, person: Person, matter: Matter, before: StateRow | None, new: New) -> str | None:
    """Writes an entry, and the state that it makes.

    :param before: as :func:`locked_state` told it.
    :returns: the id of the entry; None, where somebody else made the first entry meanwhile, and nothing was written.
    """
    record = str(uuid4())
    counts = {
        "said": new.said,
        "version": new.version,
        "valid_until": new.valid_until,
        "at": new.at,
        "entered": new.entered,
        "record": record,
    }
    if before is not None:
        connection.execute(update(CONSENT_STATE).where(CONSENT_STATE.c.id == before.id).values(**counts))
    elif not _added(connection, CONSENT_STATE, what=matter.what, kind=person.kind, subject=person.text, **counts):
        return None
    if new.language is not None and matter.wording is not None and new.said != "withdrawn":
        _keep_text(connection, matter, new.language, new.entered)
    connection.execute(
        insert(CONSENTS)
        .inline()
        .values(
            **counts,
            what=matter.what,
            kind=person.kind,
            subject=person.text,
            how=new.how,
            wording=matter.wording.name if matter.wording is not None else None,
            language=new.language,
            evidence=new.evidence,
            authority=new.agent.authority if new.agent is not None else None,
            agent=new.agent.name if new.agent is not None else None,
            agent_evidence=new.agent.evidence if new.agent is not None else None,
            actor=new.actor,
            policy=new.policy,
            previous=before.record if before is not None else None,
            idempotency_key=new.idempotency_key,
        )
    )
    return record


def shown_text(connection: Connection, name: str, version: str, language: str) -> str | None:
    """The text of a wording as it was shown; None where it never was."""
    c = WORDINGS.c
    found = connection.scalar(select(c.text).where(c.name == name, c.version == version, c.language == language))
    return cast("str | None", found)


def _keep_text(connection: Connection, matter: Matter, language: str, entered: datetime) -> None:
    """Keeps the text that is shown now, which may be another one later.

    :raises ConsentRefused: it already is another one, under the same version.
    """
    wording = matter.wording
    if wording is None:
        return
    text = wording.text[language]
    key = {"name": wording.name, "version": wording.version, "language": language}
    kept = shown_text(connection, **key)
    if kept is None and not _added(connection, WORDINGS, text=text, entered=entered, **key):
        kept = shown_text(connection, **key)  # somebody else's, meanwhile
    if kept not in (None, text):
        raise ConsentRefused(
            f'the text of the wording "{wording.name}" was changed, and is still called version {wording.version}.',
            hint="give the new text a new version: people who agreed to the old one did not agree to it.",
        )


def _added(connection: Connection, table: Table, **values: Any) -> bool:
    """Adds a row, unless there is one of the same key. Waits for who is about to add it."""
    made: Any = {"postgresql": postgresql.insert, "sqlite": sqlite.insert}.get(connection.dialect.name)
    if made is None:
        raise PolicyError(
            f"the ledger of consent cannot be kept on {connection.dialect.name}.", hint="use SQLite or PostgreSQL."
        )
    return connection.scalar(made(table).values(**values).on_conflict_do_nothing().returning(table.c.id)) is not None


def _of(person: Person, matter: Matter) -> tuple[Any, ...]:
    c = CONSENT_STATE.c
    return (c.what == matter.what, c.kind == person.kind, c.subject == person.text)


def _entries(connection: Connection, person: Person, *conditions: Any) -> list[ConsentEntry]:
    c = CONSENTS.c
    rows = connection.execute(
        select(CONSENTS).where(c.kind == person.kind, c.subject == person.text, *conditions).order_by(c.id)
    )
    return [_entry(row) for row in rows]


def _entry(row: Row[Any]) -> ConsentEntry:
    return ConsentEntry(
        id=row.record,
        to=row.what.partition(":")[2],
        what=row.what,
        said=row.said,
        at=row.at,
        entered=row.entered,
        how=row.how,
        wording=row.wording,
        version=row.version,
        language=row.language,
        valid_until=row.valid_until,
        policy=row.policy,
        previous=row.previous,
        actor=row.actor,
        evidence=row.evidence,
        authority=row.authority,
        agent=row.agent,
        agent_evidence=row.agent_evidence,
    )
