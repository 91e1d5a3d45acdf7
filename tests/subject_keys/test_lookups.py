"""Columns under people's keys are searched as other sealed columns are: by the digests in front of their cells."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import Engine, func, select, text, update
from sqlalchemy.orm import Session, aliased

from sa_privacy import ERASED, Keyring, lookup_key
from tests.subject_keys.world import Note, Person, Rows

FOUND: dict[str, tuple[Any, list[str]]] = {
    "equal": (Person.email == "anna@example.ORG", ["Anna"]),
    "not equal": (Person.email != "anna@example.org", ["Bob"]),
    "in": (Person.email.in_(["BOB@example.org", "nobody@example.org"]), ["Bob"]),
    "not in": (Person.email.not_in(["bob@example.org"]), ["Anna"]),
    "lower": (func.lower(Person.email) == "bob@example.org", ["Bob"]),
    "null": (Person.email == None, ["Cara"]),  # noqa: E711
    "distinct from": (Person.email.is_distinct_from("bob@example.org"), ["Anna", "Cara"]),
    "lookup key": (lookup_key(Person.email).is_not(None), ["Anna", "Bob"]),
}


@pytest.mark.parametrize("way", FOUND)
def test_it_is_found_by_its_digest(way: str, session: Session) -> None:
    condition, wanted = FOUND[way]
    assert list(session.scalars(select(Person.name).where(condition).order_by(Person.id))) == wanted


def test_rows_are_joined_by_their_lookups(session: Session) -> None:
    other = aliased(Person)
    found = session.execute(select(Person.name, other.name).join(other, other.email == Person.email))
    assert sorted(map(tuple, found)) == [("Anna", "Anna"), ("Bob", "Bob")]


def test_the_index_serves_the_search(session: Session, engine: Engine) -> None:
    said = str(select(Person.id).where(Person.email == "a").compile(engine))
    condition = said.partition("WHERE")[2].rpartition("=")[0]
    made = next(str(index.name) for index in Person.__table__.indexes)  # type: ignore[attr-defined]
    with engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            plan = connection.exec_driver_sql(
                f"EXPLAIN QUERY PLAN SELECT id FROM people WHERE {condition} = x'00'"
            ).all()
        else:
            connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
            plan = connection.exec_driver_sql(f"EXPLAIN SELECT id FROM people WHERE {condition} = '\\x00'::bytea").all()
    assert made.removesuffix("_2") in str(plan)


def test_the_values_are_unique_whoevers_they_are(rows: Rows) -> None:
    with pytest.raises(Exception, match=r"(?i)unique"):
        rows.person(4, "Dora", "ANNA@example.org")
    rows.person(5, "Emil", "emil@example.org")


def test_one_under_the_rings_key_and_one_under_a_persons_are_unique_together(
    rows: Rows, ring: Keyring, session: Session
) -> None:
    """A column on its way from one to the other keeps its rule."""
    cipher, slots = ring.sealer("people.email", slots=True), ring.digests("people.email").slots(b"anna@example.org")
    with pytest.raises(Exception, match=r"(?i)unique"):
        rows.run("UPDATE people SET email = :cell WHERE id = 2", cell=cipher.seal(b"anna@example.org", slots))
    slots = ring.digests("people.email").slots(b"bob@example.org")
    rows.run("UPDATE people SET email = :cell WHERE id = 2", cell=cipher.seal(b"bob@example.org", slots))
    both = Person.email.in_(["bob@example.org", "anna@example.org"])
    assert list(session.scalars(select(Person.name).where(both).order_by(Person.id))) == ["Anna", "Bob"]


def test_a_lookup_key_rotates_under_cells_of_people(rows: Rows, ring: Keyring, session: Session) -> None:
    ring.rotate_lookup()
    for person, email in ((1, "Anna@Example.org"), (2, "bob@example.org")):
        slots = ring.digests("people.email").slots(email.casefold().encode())
        cell = ring.subject_cipher("people.email", slots=True).seal(email.encode(), rows.keys[person], slots)
        rows.run("UPDATE people SET email = :cell WHERE id = :id", cell=cell, id=person)
    for step in (ring.switch_lookup, ring.end_lookup):
        step()
        assert session.scalars(select(Person.name).where(Person.email == "ANNA@example.org")).one() == "Anna"


def test_who_was_erased_is_found_and_not_read(rows: Rows, session: Session) -> None:
    """The digest is the ring's: it is emptied with the cell, not with the key."""
    rows.destroy(1)
    assert session.scalars(select(Person.name).where(Person.email == "anna@example.org")).one() is ERASED


def test_changes_are_limited_by_a_lookup(session: Session) -> None:
    session.execute(update(Person).values(tier="gold").where(Person.email == "ANNA@example.org"))
    assert session.scalars(select(Person.tier).order_by(Person.id)).all() == ["gold", "basic", "basic"]
    assert session.scalars(select(Note.id).where(Note.person.has(Person.email == "bob@example.org"))).all() == [2]


def test_nothing_is_taken_out_of_cells_but_slots(session: Session) -> None:
    with pytest.raises(Exception, match="sealed"):
        session.execute(text("SELECT substr(email, 47, 16) FROM people")).all()
