"""Two public schemas that nobody here designed, with a few rows in them: Chinook, and Pagila or, on SQLite, Sakila."""

# ruff: noqa: DTZ001 - on SQLite the moments of this schema know no time zone

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, Literal

from sqlalchemy import Engine, MetaData

from tests.support.databases import Database

__all__ = ["HERE", "Schema", "make"]

HERE: Final = Path(__file__).parent
Schema = Literal["chinook", "sakila"]
Row = dict[str, Any]

_PEOPLE: Final = [
    ("Luís", "Gonçalves", "Av. Brigadeiro Faria Lima 2170", "São José dos Campos", "Brazil", "12227-000", "+55 12 3923-5555"),
    ("Leonie", "Köhler", "Theodor-Heuss-Straße 34", "Stuttgart", "Germany", "70174", "+49 711 2842222"),
    ("Hanako", "Yamada", "Jingumae 1-2-3", "Tokyo", "Japan", "150-0001", "03-1234-5678"),
    ("Bjørn", "Hansen", "Ullevålsveien 14", "Oslo", "Norway", "0171", "+47 22 44 22 22"),
    ("Helena", "Holý", "Rilská 3174/6", "Prague", "Czech Republic", "14300", "+420 2 4177 0449"),
    ("Daan", "Peeters", "Grétrystraat 63", "Brussels", "Belgium", "1000", "+32 2 219 03 03"),
    ("Ada", "Moore", "1 Example Street", "Springfield", "USA", "62701", "+1 217 555 0101"),
    ("Ben", "Ames", "2 Example Street", "Springfield", "USA", "62701", "+1 217 555 0102"),
]  # fmt: skip
_NEW_YEAR: Final = dt.datetime(2022, 1, 1, 9)


def make(schema: Schema, database: Database) -> None:
    """Makes the schema in an empty database, and fills it."""
    ours = "pagila" if (schema, database.backend) == ("sakila", "postgresql") else schema
    script = (HERE / f"{ours}.sql").read_text(encoding="utf-8")
    engine = database.engine()
    with engine.connect() as connection:
        driver: Any = connection.connection
        (driver.executescript if database.backend == "sqlite" else driver.cursor().execute)(script)
        driver.commit()
    _fill(engine, dict(_chinook() if schema == "chinook" else _sakila()))


def _fill(engine: Engine, rows: dict[str, list[Row]]) -> None:
    metadata = MetaData()
    metadata.reflect(engine, only=list(rows))
    with engine.begin() as connection:
        for name, some in rows.items():
            table = metadata.tables[name]
            connection.execute(table.insert(), [{key: row[key] for key in row if key in table.c} for row in some])
            (first, *_) = table.primary_key
            if engine.dialect.name == "postgresql" and first.server_default is not None:  # the next number is free
                connection.exec_driver_sql(
                    f"SELECT setval(pg_get_serial_sequence('{name}', '{first.name}'), {len(some)})"
                )


def _numbered(key: str, rows: list[Row]) -> list[Row]:
    return [{key: number, **row} for number, row in enumerate(rows, 1)]


def _mail(first: str, last: str) -> str:
    return f"{first}.{last}@example.org".lower()


def _chinook() -> Iterator[tuple[str, list[Row]]]:
    def person(index: int) -> Row:
        first, last, address, city, country, code, phone = _PEOPLE[index]
        return {
            "FirstName": first, "LastName": last, "Address": address, "City": city, "State": None, "Country": country,
            "PostalCode": code, "Phone": phone, "Fax": None, "Email": _mail(first, last),
        }  # fmt: skip

    yield "Artist", _numbered("ArtistId", [{"Name": name} for name in ("AC/DC", "Accept", "Antônio Carlos Jobim")])
    albums = [("Let There Be Rock", 1), ("Restless and Wild", 2), ("Warner 25 Anos", 3)]
    yield "Album", _numbered("AlbumId", [{"Title": title, "ArtistId": artist} for title, artist in albums])
    yield "Genre", _numbered("GenreId", [{"Name": "Rock"}, {"Name": "Jazz"}])
    yield "MediaType", _numbered("MediaTypeId", [{"Name": "MPEG audio file"}])
    track = {"MediaTypeId": 1, "Composer": None, "Bytes": 5_000_000, "UnitPrice": Decimal("0.99")}
    yield "Track", _numbered("TrackId", [
        {"Name": f"Song {n}", "AlbumId": n % 3 + 1, "GenreId": n % 2 + 1, "Milliseconds": 200_000 + n, **track}
        for n in range(12)
    ])  # fmt: skip
    yield "Playlist", _numbered("PlaylistId", [{"Name": "Music"}, {"Name": "On-The-Go"}])
    yield "PlaylistTrack", [{"PlaylistId": n % 2 + 1, "TrackId": n} for n in range(1, 13)]
    born = dt.datetime(1962, 2, 18)
    yield "Employee", _numbered("EmployeeId", [
        {"Title": title, "ReportsTo": boss, "BirthDate": born, "HireDate": _NEW_YEAR, **person(index)}
        for index, (title, boss) in enumerate([("General Manager", None), ("Sales Manager", 1), ("Sales Agent", 2)], 5)
    ])  # fmt: skip
    yield "Customer", _numbered("CustomerId", [
        {"Company": None, "SupportRepId": n % 2 + 2, **person(n)} for n in range(5)
    ])  # fmt: skip
    yield "Invoice", _numbered("InvoiceId", [
        {"CustomerId": n % 5 + 1, "InvoiceDate": _NEW_YEAR + dt.timedelta(days=n), "Total": Decimal("1.98") + n,
         **{f"Billing{key}": person(n % 5)[key] for key in ("Address", "City", "State", "Country", "PostalCode")}}
        for n in range(10)
    ])  # fmt: skip
    yield "InvoiceLine", _numbered("InvoiceLineId", [
        {"InvoiceId": n % 10 + 1, "TrackId": n % 12 + 1, "UnitPrice": Decimal("0.99"), "Quantity": 1} for n in range(20)
    ])  # fmt: skip


def _sakila() -> Iterator[tuple[str, list[Row]]]:
    when = {"last_update": _NEW_YEAR}
    countries = list(dict.fromkeys(person[4] for person in _PEOPLE))
    yield "country", _numbered("country_id", [{"country": country, **when} for country in countries])
    yield "city", _numbered("city_id", [
        {"city": person[3], "country_id": countries.index(person[4]) + 1, **when} for person in _PEOPLE
    ])  # fmt: skip
    yield "address", _numbered("address_id", [
        {"address": address, "address2": None, "district": city, "city_id": n, "postal_code": code, "phone": phone, **when}
        for n, (_, _, address, city, _, code, phone) in enumerate(_PEOPLE, 1)
    ])  # fmt: skip
    yield "language", _numbered("language_id", [{"name": "English", **when}])
    yield "category", _numbered("category_id", [{"name": "Action", **when}, {"name": "Drama", **when}])
    actors = [("PENELOPE", "GUINESS"), ("NICK", "WAHLBERG"), ("ED", "CHASE")]
    yield "actor", _numbered("actor_id", [{"first_name": first, "last_name": last, **when} for first, last in actors])
    yield "film", _numbered("film_id", [
        {"title": f"FILM {n}", "description": f"A story of a {word} and a feminist", "release_year": 2006, "language_id": 1,
         "rental_rate": Decimal("2.99"), "length": 80 + n, "rating": "PG", **when}
        for n, word in enumerate(("dinosaur", "frog", "lumberjack", "squirrel", "robot", "monkey"))
    ])  # fmt: skip
    yield "film_actor", [{"actor_id": n % 3 + 1, "film_id": n, **when} for n in range(1, 7)]
    yield "film_category", [{"film_id": n, "category_id": n % 2 + 1, **when} for n in range(1, 7)]
    staff = {"active": True, "password": "8cb2237d0679ca88db6464eac60da96345513964", "picture": b"\x89PNG", **when}
    yield "staff", _numbered("staff_id", [
        {"first_name": first, "last_name": last, "address_id": n, "email": _mail(first, last), "store_id": n - 6,
         "username": first, **staff}
        for n, (first, last, *_) in enumerate(_PEOPLE[6:], 7)
    ])  # fmt: skip
    yield "store", _numbered("store_id", [{"manager_staff_id": n, "address_id": n + 6, **when} for n in (1, 2)])
    yield "inventory", _numbered("inventory_id", [
        {"film_id": n % 6 + 1, "store_id": n % 2 + 1, **when} for n in range(12)
    ])  # fmt: skip
    yield "customer", _numbered("customer_id", [
        {"store_id": n % 2 + 1, "first_name": first, "last_name": last, "email": _mail(first, last), "address_id": n,
         "activebool": True, "create_date": _NEW_YEAR.date(), "active": 1, **when}
        for n, (first, last, *_) in enumerate(_PEOPLE[:6], 1)
    ])  # fmt: skip
    moments = [_NEW_YEAR + dt.timedelta(days=5 * n) for n in range(10)]
    yield "rental", _numbered("rental_id", [
        {"rental_date": at, "inventory_id": n + 1, "customer_id": n % 6 + 1, "staff_id": n % 2 + 1,
         "return_date": None if n == 9 else at + dt.timedelta(days=2), **when}
        for n, at in enumerate(moments)
    ])  # fmt: skip
    yield "payment", _numbered("payment_id", [
        {"customer_id": n % 6 + 1, "staff_id": n % 2 + 1, "rental_id": n + 1, "amount": Decimal("2.99") + n,
         "payment_date": at, **when}
        for n, at in enumerate(moments)
    ])  # fmt: skip
