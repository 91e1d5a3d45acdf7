"""What an application asks of Chinook."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final

from sqlalchemy import bindparam, case, delete, exists, extract, func, insert, or_, select, text, union_all, update
from sqlalchemy.orm import Session, aliased, contains_eager, joinedload, load_only, raiseload, selectinload

from tests.dropin.asking import Workload, plain

__all__ = ["chinook"]

chinook: Final = Workload()

SUPPORT: Final = {"purpose": "support", "actor": "staff:3", "role": "agent"}
BILLING: Final = {"purpose": "billing", "actor": "staff:3", "role": "agent"}
SIGN_UP: Final = {"purpose": "sign_up", "actor": "staff:3", "role": "agent"}
Rows = Any


def tuples(result: Any) -> Rows:
    return [tuple(row) for row in result]


# Nothing personal in it: nobody declares anything.


@chinook()
def tracks_of_albums(session: Session, m: Any) -> Rows:
    albums = session.scalars(select(m.Album).options(selectinload(m.Album.track_collection)).order_by(m.Album.AlbumId))
    return [(album.Title, sorted(track.Name for track in album.track_collection)) for album in albums]


@chinook()
def tracks_joined(session: Session, m: Any) -> Rows:
    asked = select(m.Track).options(joinedload(m.Track.album).joinedload(m.Album.artist)).order_by(m.Track.TrackId)
    return [(track.Name, track.album.artist.Name) for track in session.scalars(asked).unique()]


@chinook()
def a_page_of_tracks(session: Session, m: Any) -> Rows:
    page = select(m.Track).order_by(m.Track.Name.desc(), m.Track.TrackId).limit(5).offset(3)
    return [plain(track) for track in session.scalars(page)]


@chinook()
def how_many(session: Session, m: Any) -> Rows:
    return [session.scalar(select(func.count()).select_from(each)) for each in (m.Track, m.Customer, m.Invoice)]


@chinook()
def query_count(session: Session, m: Any) -> Rows:
    return session.query(m.Track).filter(m.Track.Milliseconds > 200_003).count()


@chinook()
def sales_by_genre(session: Session, m: Any) -> Rows:
    total = func.sum(m.InvoiceLine.UnitPrice * m.InvoiceLine.Quantity)
    asked = select(m.Genre.Name, total, func.rank().over(order_by=total.desc())).select_from(m.InvoiceLine)
    return tuples(session.execute(asked.join(m.Track).join(m.Genre).group_by(m.Genre.Name).order_by(m.Genre.Name)))


@chinook()
def sales_by_customer_number(session: Session, m: Any) -> Rows:
    asked = select(m.Invoice.CustomerId, func.sum(m.Invoice.Total)).group_by(m.Invoice.CustomerId)
    return tuples(session.execute(asked.order_by(m.Invoice.CustomerId)))


@chinook()
def playlist_text(session: Session, m: Any) -> Rows:
    return tuples(session.execute(text(
        'SELECT p."Name", count(*) FROM "Playlist" p JOIN "PlaylistTrack" t ON t."PlaylistId" = p."PlaylistId" '
        'WHERE t."TrackId" < :n GROUP BY p."Name" ORDER BY p."Name"'
    ), {"n": 9}))  # fmt: skip


@chinook()
def titles_of_employees(session: Session, m: Any) -> Rows:
    above = aliased(m.Employee)
    asked = select(m.Employee.Title, above.Title).outerjoin(above, m.Employee.ReportsTo == above.EmployeeId)
    return tuples(session.execute(asked.order_by(m.Employee.EmployeeId)))


@chinook()
def management_tree(session: Session, m: Any) -> Rows:
    table = m.Employee.__table__
    tree = select(table.c.EmployeeId, func.coalesce(0, 0).label("depth")).where(table.c.ReportsTo.is_(None)).cte(
        "tree", recursive=True
    )  # fmt: skip
    below = select(table.c.EmployeeId, tree.c.depth + 1).join(tree, table.c.ReportsTo == tree.c.EmployeeId)
    tree = tree.union_all(below)
    return tuples(session.execute(select(tree).order_by(tree.c.EmployeeId)))


@chinook()
def raise_prices(session: Session, m: Any) -> Rows:
    session.execute(update(m.Track).where(m.Track.GenreId == 1).values(UnitPrice=m.Track.UnitPrice + Decimal("0.30")))
    return session.scalar(select(func.sum(m.Track.UnitPrice)))


@chinook()
def new_tracks_in_bulk(session: Session, m: Any) -> Rows:
    rows = [
        {"TrackId": n, "Name": f"New {n}", "MediaTypeId": 1, "Milliseconds": n, "UnitPrice": Decimal(1)}
        for n in range(100, 400)
    ]
    session.execute(insert(m.Track), rows)
    return session.scalar(select(func.count()).select_from(m.Track))


@chinook()
def new_album_with_tracks(session: Session, m: Any) -> Rows:
    tracks = [
        m.Track(TrackId=90 + n, Name=f"T{n}", MediaTypeId=1, Milliseconds=n, UnitPrice=Decimal(1)) for n in (1, 2)
    ]
    session.add(m.Album(AlbumId=90, Title="New", artist=session.get(m.Artist, 1), track_collection=tracks))
    session.flush()
    return sorted(track.Name for track in session.get_one(m.Album, 90).track_collection)


@chinook(narrowed=True)
def invoices_as_objects(session: Session, m: Any) -> Rows:
    invoices = session.scalars(select(m.Invoice).order_by(m.Invoice.InvoiceId).limit(3))
    return [(invoice.InvoiceId, invoice.Total, invoice.CustomerId) for invoice in invoices]


@chinook(narrowed=True)
def customers_only_counted(session: Session, m: Any) -> Rows:
    buys = exists().where(m.Invoice.CustomerId == m.Customer.CustomerId)
    return session.scalar(select(func.count(m.Customer.CustomerId)).where(buys))


@chinook()
def load_only_what_is_not_personal(session: Session, m: Any) -> Rows:
    asked = select(m.Customer).options(load_only(m.Customer.SupportRepId)).order_by(m.Customer.CustomerId)
    return [(customer.CustomerId, customer.SupportRepId) for customer in session.scalars(asked)]


# Personal, and covered by what is declared.


@chinook(SUPPORT)
def find_customer(session: Session, m: Any) -> Rows:
    found = session.scalars(select(m.Customer).filter_by(Email="hanako.yamada@example.org")).one()
    return (found.CustomerId, found.FirstName, found.LastName, found.Phone)


@chinook(SUPPORT)
def customers_of_reps(session: Session, m: Any) -> Rows:
    reps = session.scalars(
        select(m.Employee).options(selectinload(m.Employee.customer_collection)).order_by(m.Employee.EmployeeId)
    )
    return [(rep.LastName, sorted(one.Email for one in rep.customer_collection)) for rep in reps]


@chinook(SUPPORT)
def a_page_of_customers(session: Session, m: Any) -> Rows:
    like = or_(m.Customer.LastName.ilike("%a%"), func.lower(m.Customer.Email).like("%example%"))
    page = select(m.Customer).where(like).order_by(m.Customer.LastName, m.Customer.CustomerId).limit(3)
    total = session.scalar(select(func.count()).select_from(select(m.Customer.CustomerId).where(like).subquery()))
    return total, [(one.FirstName, one.Email) for one in session.scalars(page)]


@chinook(SUPPORT)
def invoices_with_customers(session: Session, m: Any) -> Rows:
    asked = select(m.Invoice).join(m.Invoice.customer).options(contains_eager(m.Invoice.customer))
    found = session.scalars(asked.where(m.Customer.LastName == "Yamada").order_by(m.Invoice.InvoiceId))
    return [(invoice.InvoiceId, invoice.customer.Email) for invoice in found]


@chinook(BILLING)
def turnover_by_country(session: Session, m: Any) -> Rows:
    asked = select(m.Invoice.BillingCountry, func.sum(m.Invoice.Total).label("total"), func.count())
    asked = asked.group_by(m.Invoice.BillingCountry).having(func.sum(m.Invoice.Total) > 1)
    return tuples(session.execute(asked.order_by(text("total DESC"), m.Invoice.BillingCountry)))


@chinook(BILLING)
def turnover_by_month_and_city(session: Session, m: Any) -> Rows:
    month = extract("month", m.Invoice.InvoiceDate)
    asked = select(month, m.Invoice.BillingCity, func.max(m.Invoice.Total)).group_by(month, m.Invoice.BillingCity)
    return tuples(session.execute(asked.order_by(m.Invoice.BillingCity)))


@chinook(BILLING)
def addresses_by_text(session: Session, m: Any) -> Rows:
    return tuples(session.execute(text(
        'SELECT c."FirstName" || \' \' || c."LastName" AS name, i."BillingAddress" FROM "Invoice" AS i '
        'JOIN "Customer" AS c USING ("CustomerId") WHERE i."Total" > :least ORDER BY i."InvoiceId"'
    ), {"least": 4}))  # fmt: skip


@chinook(BILLING)
def everybody_there_is(session: Session, m: Any) -> Rows:
    both = union_all(
        select(m.Customer.LastName.label("who"), m.Customer.City), select(m.Employee.LastName, m.Employee.City)
    ).subquery()
    return tuples(session.execute(select(both).order_by(both.c.who, both.c.City)))


@chinook(BILLING)
def where_customers_live(session: Session, m: Any) -> Rows:
    zone = case((m.Customer.Country.in_(["Germany", "Norway"]), "Europe"), else_="elsewhere")
    return tuples(session.execute(select(zone, func.count()).group_by(zone).order_by(zone)))


@chinook(SIGN_UP)
def a_new_customer(session: Session, m: Any) -> Rows:
    new = m.Customer(CustomerId=77, FirstName="New", LastName="One", Email="new@example.org", City="Kobe")
    session.add(new)
    session.flush()
    return new.CustomerId, new.SupportRepId


@chinook(SIGN_UP)
def customers_in_bulk(session: Session, m: Any) -> Rows:
    rows = [{"CustomerId": n, "FirstName": "F", "LastName": "L", "Email": f"{n}@example.org"} for n in range(100, 400)]
    session.execute(insert(m.Customer), rows)
    return session.scalar(select(func.count()).select_from(m.Customer))


@chinook(SUPPORT)
def a_changed_phone(session: Session, m: Any) -> Rows:
    one = session.get_one(m.Customer, 2)
    one.Phone = "+49 1"
    session.flush()
    session.expire(one)
    return one.Phone


@chinook(SUPPORT)
def changed_by_statement(session: Session, m: Any) -> Rows:
    table = m.Customer.__table__
    session.execute(
        update(table).where(table.c.CustomerId == bindparam("n")).values(Fax=bindparam("fax")),
        [{"n": 1, "fax": "1"}, {"n": 2, "fax": "2"}],
    )
    return tuples(session.execute(select(table.c.Fax).order_by(table.c.CustomerId)))


@chinook(SUPPORT)
def forget_a_customer(session: Session, m: Any) -> Rows:
    session.execute(delete(m.InvoiceLine).where(
        m.InvoiceLine.InvoiceId.in_(select(m.Invoice.InvoiceId).where(m.Invoice.CustomerId == 1))
    ))  # fmt: skip
    session.execute(delete(m.Invoice).where(m.Invoice.CustomerId == 1))
    session.execute(delete(m.Customer).where(m.Customer.CustomerId == 1))
    return session.scalar(select(func.count()).select_from(m.Customer))


# Personal, and not covered: refused, or left out.


@chinook(refused="SP-202")
def names_for_nobody(session: Session, m: Any) -> Rows:
    return tuples(session.execute(select(m.Customer.LastName).order_by(m.Customer.CustomerId)))


@chinook(refused="SP-202")
def names_by_text_for_nobody(session: Session, m: Any) -> Rows:
    return tuples(session.execute(text('SELECT "LastName" FROM "Customer" ORDER BY 1')))


@chinook(refused="SP-202")
def all_there_is_for_nobody(session: Session, m: Any) -> Rows:
    return tuples(session.connection().exec_driver_sql('SELECT * FROM "Employee" ORDER BY "EmployeeId"'))


@chinook(refused="SP-202")
def objects_for_nobody(session: Session, m: Any) -> Rows:
    return [plain(one) for one in session.scalars(select(m.Customer).order_by(m.Customer.CustomerId))]


@chinook(SUPPORT, refused="SP-201")
def birthdays_for_support(session: Session, m: Any) -> Rows:
    asked = select(m.Employee.EmployeeId).where(extract("month", m.Employee.BirthDate) == 2)
    return session.scalars(asked.order_by(m.Employee.EmployeeId)).all()


@chinook(BILLING, refused="SP-201")
def billing_writes_no_addresses(session: Session, m: Any) -> Rows:
    session.execute(update(m.Customer).values(City="Kobe"))
    return session.scalars(select(m.Customer.City)).all()


@chinook(SUPPORT, refused="SP-201")
def whole_employees_for_support(session: Session, m: Any) -> Rows:
    return [
        plain(one)
        for one in session.scalars(select(m.Employee).options(raiseload("*")).order_by(m.Employee.EmployeeId))
    ]


@chinook(SUPPORT | {"withheld": "none"}, blank=("BirthDate", "Address", "City", "State", "Country", "PostalCode"))
def employees_with_gaps(session: Session, m: Any) -> Rows:
    return [plain(one) for one in session.scalars(select(m.Employee).order_by(m.Employee.EmployeeId))]
