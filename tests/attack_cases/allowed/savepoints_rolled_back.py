"""A savepoint is rolled back, and the rest of the transaction stands."""

from tests.attack_cases.case import Case
from tests.attack_cases.world import Note


def work(case: Case) -> object:
    with case.session as session:
        session.add(Note(id=20, body="kept"))
        session.flush()
        with session.begin_nested() as inner:
            session.add(Note(id=21, body="dropped"))
            session.flush()
            inner.rollback()
        session.commit()
    return case.rows("SELECT body FROM notes WHERE id >= 20 AND id < 30")


expect = [("kept",)]
