"""A row into a plain table, read back."""

from sqlalchemy import insert

from tests.attack_cases.case import Case
from tests.attack_cases.world import Note


def work(case: Case) -> object:
    return case.session.scalars(insert(Note).values(id=77, body="hello").returning(Note.body)).all()


expect = ["hello"]
