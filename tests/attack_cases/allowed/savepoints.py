"""Nested transactions."""

from sqlalchemy import select

from tests.attack_cases.case import Case
from tests.attack_cases.world import Note


def work(case: Case) -> object:
    with case.session.begin_nested() as inner:
        case.session.add(Note(id=50, body="gone"))
        case.session.flush()
        inner.rollback()
    return case.session.scalars(select(Note.body)).all()


expect = ["opening hours"]
