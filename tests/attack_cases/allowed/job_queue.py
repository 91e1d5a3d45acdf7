"""A worker takes the next job with FOR UPDATE SKIP LOCKED."""

from sqlalchemy import select

from tests.attack_cases.case import Case
from tests.attack_cases.world import Note, Product

backends = ("postgresql",)


def work(case: Case) -> object:
    next_one = select(Product).order_by(Product.id).limit(1).with_for_update(skip_locked=True)
    product = case.session.scalars(next_one).one()
    case.session.add(Note(body=f"took {product.title}"))
    product.price += 1
    case.session.commit()
    taken = case.rows(
        "UPDATE products SET price = price - 1 WHERE id = "
        "(SELECT id FROM products ORDER BY id FOR UPDATE SKIP LOCKED LIMIT 1) RETURNING title, price"
    )
    return taken, case.rows("SELECT body FROM notes WHERE body LIKE 'took%'")


expect = ([("Umbrella", 20)], [("took Umbrella",)])
