"""What is sealed under a person's key is read wherever a column is read, and nowhere once the key is gone."""

from __future__ import annotations

from datetime import date

from sqlalchemy.orm import Session

from tests.subject_keys.world import Person


def test_an_entity_is_read(session: Session) -> None:
    anna = session.get_one(Person, 1)
    assert (anna.name, anna.email, anna.born) == ("Anna", "Anna@Example.org", date(2000, 1, 31))
    cara = session.get_one(Person, 3)
    assert (cara.name, cara.email, cara.born) == ("Cara", None, None)
