"""A trigger of the protected table that only writes plain columns of its own row."""

from sqlalchemy import text

from tests.attack_cases.case import Case
from tests.attack_cases.world import Customer

backends = ("postgresql",)
purposes = ("shipping",)
prepare = (
    """CREATE FUNCTION public.touched() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN NEW.kind = OLD.kind; NEW.tier = coalesce(NEW.tier, OLD.tier); RETURN NEW; END $$""",
    "CREATE TRIGGER touched BEFORE UPDATE ON customers FOR EACH ROW EXECUTE FUNCTION touched()",
)


def work(case: Case) -> object:
    case.session.get_one(Customer, 1).address = "1 Old Street"
    case.session.commit()
    return case.session.execute(text("SELECT address FROM customers WHERE id = 1")).all()


expect = [("1 Old Street",)]
