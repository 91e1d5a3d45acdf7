"""A plain table replaced, elsewhere, by a view of the same name over personal data."""

from sqlalchemy import select

from tests.attack_cases.case import Case
from tests.attack_cases.world import Note

path = "views, named anew or changed"
ends = "refused"
prepare = (
    "DROP TABLE notes",
    "CREATE VIEW notes AS SELECT id, email AS body FROM customers",
)


def attack(case: Case) -> object:
    return [case.rows("SELECT body FROM notes"), case.session.execute(select(Note.body)).all()]
