"""A view that was harmless when the gate first saw it, and that a migration elsewhere has since changed."""

from tests.attack_cases.case import Case

path = "views, named anew or changed"
ends = "refused"
prepare = "CREATE VIEW shown AS SELECT title FROM products"


def attack(case: Case) -> object:
    case.rows("SELECT title FROM shown")
    case.admin_rows("DROP VIEW shown")
    case.admin_rows("CREATE VIEW shown AS SELECT email AS title FROM customers")
    case.later()
    try:
        return case.rows("SELECT title FROM shown")
    finally:
        case.admin_rows("DROP VIEW shown")
        case.admin_rows("CREATE VIEW shown AS SELECT title FROM products")
