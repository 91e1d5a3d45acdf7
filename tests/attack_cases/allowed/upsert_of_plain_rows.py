"""ON CONFLICT DO UPDATE and DO NOTHING on a plain table, in Core and in SQL."""

from sqlalchemy.dialects import postgresql, sqlite

from tests.attack_cases.case import Case
from tests.attack_cases.world import Product


def work(case: Case) -> object:
    insert = postgresql.insert if case.backend == "postgresql" else sqlite.insert
    statement = insert(Product).values(id=1, title="Umbrella", price=21)
    statement = statement.on_conflict_do_update(index_elements=["id"], set_={"price": statement.excluded.price})
    case.session.execute(statement)
    case.session.execute(insert(Product).values(id=2, title="Lamp").on_conflict_do_nothing())
    case.session.commit()
    case.rows(
        "INSERT INTO products (id, title, price) VALUES (1, 'x', 20) ON CONFLICT (id) DO UPDATE SET price = excluded.price"
    )
    return case.rows("SELECT title, price FROM products ORDER BY id")


expect = [("Umbrella", 20), ("Lamp", 35)]
