"""A trigger of the protected table that only writes plain columns of its own row, and one that is declared."""

from tests.attack_cases.case import Case
from tests.attack_cases.world import Customer

backends = ("sqlite",)
purposes = ("shipping",)
prepare = (
    """CREATE TRIGGER touched AFTER UPDATE OF address ON customers
    BEGIN UPDATE customers SET kind = 'now' WHERE id = NEW.id AND kind IS NULL; END""",
    """CREATE TRIGGER counted AFTER UPDATE OF address ON customers
    BEGIN INSERT INTO notes (body) VALUES ('one more'); END""",
)


def work(case: Case) -> object:
    case.privacy.declare(function="counted", touches=[])
    case.session.get_one(Customer, 1).address = "1 Old Street"
    case.session.commit()
    return case.rows("SELECT count(*) FROM notes")


expect = [(2,)]
