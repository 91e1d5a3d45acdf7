"""Triggers on the table itself, made by its owner, keep its values where everybody may read them."""

from sqlalchemy import update

from tests.attack_cases.case import Case
from tests.attack_cases.world import Customer

path = "triggers on the table itself"
ends = "refused"
backends = ("postgresql",)
purposes = ("shipping",)
prepare = (
    """CREATE FUNCTION moved() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN NEW.tier := left(NEW.email, 20); RETURN NEW; END $$""",
    "CREATE TRIGGER moved BEFORE UPDATE OF name ON customers FOR EACH ROW EXECUTE FUNCTION moved()",
    """CREATE FUNCTION kept() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN INSERT INTO notes (body) VALUES (to_json(OLD)::text); RETURN NULL; END $$""",
    "CREATE TRIGGER kept AFTER UPDATE OF address ON customers FOR EACH ROW EXECUTE FUNCTION kept()",
)


def attack(case: Case) -> object:
    by_text = case.each(
        lambda: case.rows("UPDATE customers SET name = name WHERE id = 1 RETURNING tier"),
        lambda: [case.rows("UPDATE customers SET address = address"), case.rows("SELECT body FROM notes")],
    )

    def by_flush() -> object:
        case.session.get_one(Customer, 2).address = "1 Old Street"
        case.session.commit()
        return case.rows("SELECT body FROM notes")

    return by_text, case.each(
        by_flush,
        lambda: case.session.execute(update(Customer).values(name=Customer.name).returning(Customer.tier)).all(),
    )
