"""Rules about rows hold for columns under people's keys as for others, and the key table is no row of theirs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Engine, literal_column, select, update
from sqlalchemy.orm import Session, joinedload, selectinload

from sa_privacy import ERASED, AccessLog, Keyring, Policy, Privacy
from tests.subject_keys.world import POLICY, Base, Note, Person, Rows

OWN = Policy(
    policy={"id": "own-people", "version": "1"},
    categories={name: {} for name in POLICY.categories},
    purposes={
        "account": {"use": ["name", "email", "birthday", "note"], "rows": "own"},
        "service": {"use": ["name", "email", "birthday", "note"]},
    },
    roles={"person": {"purposes": ["account"]}, "clerk": {"purposes": ["service"]}},
)


@pytest.fixture
def privacy(log: AccessLog, ring: Keyring) -> Iterator[Privacy]:
    made = Privacy(OWN, keys=ring, log=log, metadata=Base.metadata)
    yield made
    made.close()


READS: dict[str, tuple[Any, list[Any]]] = {
    "entities": (lambda s: [p.name for p in s.scalars(select(Person))], ["Anna"]),
    "columns": (lambda s: list(s.scalars(select(Person.name).where(Person.id == 1))), ["Anna"]),
    "beside text": (lambda s: [row[0] for row in s.execute(select(Person.name, literal_column("1")))], ["Anna"]),
    "joined": (
        lambda s: [n.person.name for n in s.scalars(select(Note).options(joinedload(Note.person)))],
        ["Anna"],
    ),
    "selectin": (
        lambda s: [n.subject for p in s.scalars(select(Person).options(selectinload(Person.notes))) for n in p.notes],
        ["first"],
    ),
    "subquery": (lambda s: list(s.scalars(select(select(Note.subject).subquery().c.subject))), ["first"]),
    "cte": (lambda s: list(s.scalars(select(select(Person.name).cte("c").c.name))), ["Anna"]),
    "found": (lambda s: list(s.scalars(select(Person.name).where(Person.email.is_not(None)))), ["Anna"]),
    "returned": (lambda s: list(s.scalars(update(Person).values(tier="x").returning(Person.name))), ["Anna"]),
}


@pytest.mark.parametrize("way", READS)
def test_a_person_reads_their_own(way: str, office: Engine, privacy: Privacy) -> None:
    read, wanted = READS[way]
    with privacy.access("account", role="person", actor="p:1", subject=("person", 1)), Session(office) as session:
        assert read(session) == wanted


def test_a_rule_of_the_application_limits_them(office: Engine, privacy: Privacy, rows: Rows) -> None:
    privacy.restrict(Person, role="clerk", where=lambda c, _access: c.id.in_([1, 2]))
    rows.destroy(2)
    with privacy.access("service", role="clerk", actor="c:1"), Session(office) as session:
        assert [p.name for p in session.scalars(select(Person).order_by(Person.id))] == ["Anna", ERASED]
        assert session.scalars(select(Person.name).order_by(Person.id)).all() == ["Anna", ERASED]
        assert session.scalars(select(Note.subject).join(Note.person)).all() == ["first", ERASED]


def test_whose_rows_were_read_stands_in_the_log(
    office: Engine, privacy: Privacy, log: AccessLog, ring: Keyring
) -> None:
    with privacy.access("service", role="clerk", actor="c:1"), Session(office) as session:
        session.scalars(select(Person).where(Person.id == 2)).one()
        session.scalars(select(Note).where(Note.id == 1)).one()
    of = ring.pseudonym_key().of
    outcomes = [event for event in log.events() if event.kind == "outcome"]
    assert [(event.subjects, event.rows) for event in outcomes] == [
        ([of("person", 2)], 1),
        ([of("person", 1)], 1),
    ]
    assert all("sa_privacy" not in column for event in outcomes for column in event.reads)
