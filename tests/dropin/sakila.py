"""What an application asks of Pagila and Sakila: one shop of films, on PostgreSQL and on SQLite."""

# ruff: noqa: DTZ001 - on SQLite the moments of this schema know no time zone

from __future__ import annotations

import datetime as dt
from typing import Any, Final

from sqlalchemy import Table, cast, func, insert, select, text, update
from sqlalchemy.orm import Session, aliased, joinedload, selectinload
from sqlalchemy.types import String

from tests.dropin.asking import Workload, plain

__all__ = ["sakila"]

sakila: Final = Workload()

RENTALS: Final = {"purpose": "rentals", "actor": "staff:1", "role": "clerk"}
MAILING: Final = {"purpose": "mailing", "actor": "staff:1", "role": "clerk"}
SIGN_IN: Final = {"purpose": "sign_in"}
Rows = Any


def tuples(result: Any) -> Rows:
    return [tuple(row) for row in result]


def view(m: Any, name: str) -> Table:
    found: Table = m.film.metadata.tables[name]
    return found


# Nothing personal in it: nobody declares anything.


@sakila()
def films_of_a_category(session: Session, m: Any) -> Rows:
    asked = select(m.film.title, m.category.name).join(m.film_category, m.film_category.film_id == m.film.film_id)
    asked = asked.join(m.category, m.category.category_id == m.film_category.category_id)
    return tuples(session.execute(asked.order_by(m.film.title)))


@sakila()
def films_as_objects(session: Session, m: Any) -> Rows:
    films = session.scalars(select(m.film).options(selectinload(m.film.inventory_collection)).order_by(m.film.film_id))
    return [(film.title, film.rating, film.rental_rate, len(film.inventory_collection)) for film in films]


@sakila()
def film_list(session: Session, m: Any) -> Rows:
    listed = view(m, "film_list")
    return tuples(session.execute(select(listed.c.title, listed.c.category).order_by(listed.c.title)))


@sakila()
def actors_of_films(session: Session, m: Any) -> Rows:
    listed = view(m, "film_list")
    return tuples(session.execute(select(listed.c.title, listed.c.actors).order_by(listed.c.title)))


@sakila()
def sales_by_category(session: Session, m: Any) -> Rows:
    return tuples(session.execute(text("SELECT * FROM sales_by_film_category ORDER BY category")))


@sakila()
def payments_of_january(session: Session, m: Any) -> Rows:
    asked = select(m.payment.customer_id, func.sum(m.payment.amount)).where(
        m.payment.payment_date < dt.datetime(2022, 2, 1)
    )
    return tuples(session.execute(asked.group_by(m.payment.customer_id).order_by(m.payment.customer_id)))


@sakila()
def what_is_in_store(session: Session, m: Any) -> Rows:
    out = aliased(m.rental)
    asked = select(m.inventory.inventory_id).outerjoin(
        out, (out.inventory_id == m.inventory.inventory_id) & out.return_date.is_(None)
    )
    return session.scalars(asked.where(out.rental_id.is_(None)).order_by(m.inventory.inventory_id)).all()


@sakila()
def stores_and_their_managers(session: Session, m: Any) -> Rows:
    asked = select(m.store.store_id, m.staff.staff_id, m.staff.active).join(
        m.staff, m.store.manager_staff_id == m.staff.staff_id
    )
    return tuples(session.execute(asked.order_by(m.store.store_id)))


@sakila()
def active_customers(session: Session, m: Any) -> Rows:
    return session.scalar(select(func.count()).select_from(m.customer).where(m.customer.activebool))


@sakila()
def a_new_rental(session: Session, m: Any) -> Rows:
    new = m.rental(rental_date=dt.datetime(2022, 3, 1), inventory_id=1, customer_id=1, staff_id=1)
    session.add(new)
    session.flush()
    return new.rental_id is not None, new.customer_id


@sakila()
def a_film_is_renamed(session: Session, m: Any) -> Rows:
    session.execute(update(m.film).where(m.film.film_id == 1).values(title="ANOTHER FILM"))
    return session.scalar(select(m.film.title).where(m.film.film_id == 1))


@sakila()
def films_in_bulk(session: Session, m: Any) -> Rows:
    rows = [{"film_id": n, "title": f"BULK {n}", "language_id": 1} for n in range(100, 300)]
    session.execute(insert(m.film), rows)
    return session.scalar(select(func.count()).select_from(m.film))


@sakila()
def a_customer_is_let_go(session: Session, m: Any) -> Rows:
    session.execute(update(m.customer).where(m.customer.customer_id == 1).values(active=0))
    return session.scalar(select(m.customer.active).where(m.customer.customer_id == 1))


@sakila(only="postgresql")
def films_by_words(session: Session, m: Any) -> Rows:
    found = m.film.fulltext.op("@@")(func.to_tsquery("english", "feminist & frog"))
    return session.scalars(select(m.film.title).where(found)).all()


@sakila(only="postgresql")
def ratings(session: Session, m: Any) -> Rows:
    return tuples(session.execute(select(cast(m.film.rating, String), func.count()).group_by(m.film.rating)))


@sakila(only="postgresql")
def in_stock(session: Session, m: Any) -> Rows:
    asked = select(m.inventory.inventory_id, func.inventory_in_stock(m.inventory.inventory_id))
    return tuples(session.execute(asked.order_by(m.inventory.inventory_id)))


@sakila(only="postgresql")
def what_a_customer_owes(session: Session, m: Any) -> Rows:
    return session.scalar(select(func.get_customer_balance(1, dt.datetime(2022, 3, 1))))


@sakila(only="postgresql")
def ends_of_months(session: Session, m: Any) -> Rows:
    return session.scalars(select(func.last_day(m.rental.rental_date)).order_by(m.rental.rental_id)).all()


@sakila(only="postgresql")
def refreshed(session: Session, m: Any) -> Rows:
    session.execute(text("REFRESH MATERIALIZED VIEW rental_by_category"))
    return tuples(session.execute(text("SELECT * FROM rental_by_category ORDER BY category")))


# Personal, and covered by what is declared.


@sakila(RENTALS)
def customers_with_addresses(session: Session, m: Any) -> Rows:
    asked = select(m.customer).options(joinedload(m.customer.address)).order_by(m.customer.last_name)
    return [(one.first_name, one.last_name, one.address.address, one.address.phone) for one in session.scalars(asked)]


@sakila(RENTALS)
def overdue(session: Session, m: Any) -> Rows:
    asked = (
        select(m.customer.last_name, m.address.phone, m.film.title)
        .select_from(m.rental)
        .join(m.customer, m.rental.customer_id == m.customer.customer_id)
        .join(m.address, m.customer.address_id == m.address.address_id)
        .join(m.inventory, m.rental.inventory_id == m.inventory.inventory_id)
        .join(m.film, m.inventory.film_id == m.film.film_id)
        .where(m.rental.return_date.is_(None))
    )
    return tuples(session.execute(asked.order_by(m.customer.last_name)))


@sakila(RENTALS)
def customer_list(session: Session, m: Any) -> Rows:
    listed = view(m, "customer_list")
    return tuples(session.execute(select(listed).where(listed.c.city == "Tokyo")))


@sakila(RENTALS)
def staff_list_by_text(session: Session, m: Any) -> Rows:
    return tuples(session.execute(text('SELECT name, phone, "zip code" FROM staff_list ORDER BY id')))


@sakila(RENTALS)
def sales_by_store(session: Session, m: Any) -> Rows:
    return tuples(session.execute(select(view(m, "sales_by_store")).order_by(text("store"))))


@sakila(RENTALS)
def a_customer_moves(session: Session, m: Any) -> Rows:
    session.execute(update(m.address).where(m.address.address_id == 1).values(address="elsewhere", phone="1"))
    session.execute(update(m.customer).where(m.customer.customer_id == 1).values(last_name="Else"))
    return tuples(session.execute(select(m.address.address, m.address.phone).where(m.address.address_id == 1)))


@sakila(RENTALS)
def a_customer_marries(session: Session, m: Any) -> Rows:
    one = session.get_one(m.customer, 2)
    one.last_name = "Müller"
    session.flush()
    session.refresh(one)
    return one.first_name, one.last_name


@sakila(MAILING)
def letters(session: Session, m: Any) -> Rows:
    asked = (
        select(m.customer.first_name, m.customer.email).where(m.customer.activebool).order_by(m.customer.customer_id)
    )
    return [dict(row) for row in session.execute(asked).mappings()]


@sakila(SIGN_IN)
def signing_in(session: Session, m: Any) -> Rows:
    return session.execute(select(m.staff.staff_id, m.staff.password).where(m.staff.username == "Ada")).one()


# Personal, and not covered: refused, or left out.


@sakila(refused="SP-202")
def customer_list_for_nobody(session: Session, m: Any) -> Rows:
    return tuples(session.execute(text("SELECT * FROM customer_list ORDER BY id")))


@sakila(refused="SP-202")
def managers_for_nobody(session: Session, m: Any) -> Rows:
    return tuples(session.execute(select(view(m, "sales_by_store").c.manager)))


@sakila(refused="SP-202")
def stores_of_the_list_for_nobody(session: Session, m: Any) -> Rows:
    listed = view(m, "customer_list")
    return tuples(session.execute(select(listed.c.id, listed.c.sid).order_by(listed.c.id)))


@sakila(MAILING, refused="SP-201")
def letters_by_name(session: Session, m: Any) -> Rows:
    return session.scalars(select(m.customer.email).order_by(m.customer.last_name)).all()


@sakila(RENTALS, refused="SP-201")
def mail_for_rentals(session: Session, m: Any) -> Rows:
    return [plain(one) for one in session.scalars(select(m.customer).order_by(m.customer.customer_id))]


@sakila(SIGN_IN, refused="SP-201")
def a_visitor_reads_names(session: Session, m: Any) -> Rows:
    return session.scalars(select(m.staff.first_name).order_by(m.staff.staff_id)).all()


@sakila(RENTALS | {"withheld": "none"}, blank=("email", "username", "password", "picture"))
def staff_with_gaps(session: Session, m: Any) -> Rows:
    return [plain(one) for one in session.scalars(select(m.staff).order_by(m.staff.staff_id))]


@sakila(RENTALS, refused="SP-208", only="postgresql")
def rewards(session: Session, m: Any) -> Rows:
    return tuples(session.execute(text("SELECT first_name FROM rewards_report(1, 1) ORDER BY 1")))
