"""Bulk methods and ORM-enabled changes that write, or delete, what the purpose does not cover."""

from sqlalchemy import delete, insert, update

from tests.attack_cases.case import Case
from tests.attack_cases.ways import left_out, refused
from tests.attack_cases.world import Customer, Order

NEW = {"name": "n", "email": "new", "tier": "x", "kind": "customer"}


def bulk_methods(case: Case) -> object:
    session = case.session
    return case.each_refused(
        lambda: session.bulk_insert_mappings(Customer.__mapper__, [dict(NEW)]),
        lambda: session.bulk_update_mappings(Customer.__mapper__, [{"id": 1, "email": "bulk"}]),
        lambda: session.bulk_save_objects([Customer(**NEW | {"email": "saved"})]),
    )


def bulk_statements(case: Case) -> object:
    session = case.session
    return case.each_refused(
        lambda: session.execute(insert(Customer), [NEW | {"email": f"new{n}"} for n in range(3)]),
        lambda: session.execute(update(Customer), [{"id": 1, "email": "many"}]),
        lambda: session.execute(insert(Customer).returning(Customer.email), [NEW | {"email": "back"}]).all(),
    )


def changes(case: Case) -> object:
    session = case.session
    matched = Customer.email == case.canaries("customers.email")[0]
    return case.each_refused(
        lambda: session.execute(
            update(Customer).where(matched).values(tier="x"), execution_options={"synchronize_session": "fetch"}
        ),
        lambda: session.execute(
            update(Customer).where(Customer.id == 1).values(email="e"),
            execution_options={"synchronize_session": "evaluate"},
        ),
        lambda: session.query(Customer).filter(Customer.id == 1).update({"email": "q"}),
        lambda: session.query(Order).filter(Order.id == 1).delete(),
        lambda: session.execute(delete(Order).where(Order.id == 2)),
    )


def returned(case: Case) -> object:
    statement = update(Customer).where(Customer.id == 1).values(tier="gold").returning(Customer)
    return case.session.scalars(statement, execution_options={"populate_existing": True}).all()


paths = {
    "bulk methods": refused(bulk_methods, learns=True),
    "ORM bulk INSERT and UPDATE": refused(bulk_statements, learns=True),
    "ORM UPDATE and DELETE": refused(changes, learns=True),
    "RETURNING an entity": left_out(returned),
}
