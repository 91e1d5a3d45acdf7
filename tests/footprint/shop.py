"""A small shop, described by hand: the catalogue and the database that the tests of this folder judge against."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, ClassVar

from sa_privacy.columns.catalogue import Catalogue, PersonalColumn, PersonalTable, SubjectPath
from sa_privacy.footprint import Declarations, Footprint, Foreign, Relation, footprint_of_text


def table(
    name: str,
    columns: str,
    personal: dict[str, bool],
    subject: SubjectPath | None = None,
    schema: str | None = None,
) -> PersonalTable:
    """A table of the catalogue; `personal` says of each personal column whether it is sealed."""
    full = f"{schema}.{name}" if schema else name
    return PersonalTable(
        name=full,
        schema=schema,
        table=name,
        columns={
            column.lower(): PersonalColumn(f"{full}.{column}", full, column, column, None, sealed, f"{full}.{column}")
            for column, sealed in personal.items()
        },
        all_columns=tuple(columns.split()),
        subject=subject,
    )


CATALOGUE = Catalogue(
    (
        table(
            "customers",
            "id name email phone birthday segment tier",
            {"name": True, "email": True, "phone": True, "birthday": True, "segment": False},
            SubjectPath("customer", "id"),
        ),
        table("orders", "id customer_id total note", {"note": True}, SubjectPath("customer", "customer_id")),
        table("contacts", "id phone label", {"phone": False}, None, "crm"),
        table("Guests", "id FullName city", {"FullName": False}),
        table("visits", "id customer_id page", {}, SubjectPath("customer", "customer_id")),
        table("copies", "id segment email", {"segment": False, "email": True}),
    ),
    frozenset({(None, "products"), (None, "mapped_view"), ("a", "stock")}),
)

VIEWS: dict[str, Relation] = {
    "v_mail": Relation("view", "SELECT id, email AS mail, lower(name) AS low FROM customers WHERE tier = 'gold'"),
    "v_named": Relation("view", "SELECT id, email FROM customers", ("ident", "address")),
    "v_made": Relation("view", "CREATE VIEW v_made (x, y) AS SELECT segment, id FROM customers"),
    "v_deep": Relation("view", "SELECT mail FROM v_mail"),
    "v_plain": Relation("view", "SELECT id, title FROM products"),
    "mapped_view": Relation("view", "SELECT phone FROM crm.contacts"),
    "v_loop": Relation("view", "SELECT * FROM v_loop"),
    "v_odd": Relation("view", "SELECT my_score(email) AS s FROM customers"),
}


class Database:
    """What the database says of names: every table of the shop, a few plain ones, and the views."""

    tables: ClassVar[dict[str, tuple[str, ...]]] = {
        **{t.table: t.all_columns for t in CATALOGUE},
        "products": ("id", "title", "price"),
        "stats": ("id", "label", "amount"),
    }

    def lookup(self, schema: str | None, name: str) -> Relation:
        if name in VIEWS:
            return VIEWS[name]
        if name in self.tables:
            return Relation("table")
        return Relation("unknown" if name.startswith("unknown") else "missing")

    def columns(self, schema: str | None, name: str) -> tuple[str, ...] | None:
        return self.tables.get(name)

    def overloaded(self, functions: Collection[str]) -> frozenset[str]:
        return frozenset()

    def foreign(self) -> tuple[Foreign, ...]:
        return ()


class Nobody:
    """A database that cannot be asked."""

    def lookup(self, schema: str | None, name: str) -> Relation:
        return Relation("unknown")

    def columns(self, schema: str | None, name: str) -> tuple[str, ...] | None:
        return None

    def overloaded(self, functions: Collection[str]) -> frozenset[str]:
        return frozenset()

    def foreign(self) -> tuple[Foreign, ...]:
        return ()


PARAMSTYLE = {"sqlite": "qmark", "postgresql": "pyformat"}


def judge(sql: str, dialect: str = "sqlite", **options: Any) -> Footprint:
    """The footprint of a text in the shop."""
    return footprint_of_text(
        sql,
        dialect=dialect,  # type: ignore[arg-type]
        paramstyle=options.pop("paramstyle", PARAMSTYLE[dialect]),
        catalogue=options.pop("catalogue", CATALOGUE),
        relations=options.pop("relations", Database()),
        declarations=Declarations(**options),
    )


ALL = "name email phone birthday segment"
_PREFIX = {"c": "customers", "o": "orders", "p": "crm.contacts", "g": "Guests", "k": "copies"}


def columns(text: str) -> frozenset[str]:
    """``"email o.note"`` in full; columns without a prefix are those of customers; ``ALL`` is all of them."""
    found = set()
    for word in text.replace("ALL", ALL).split():
        prefix, _, column = word.rpartition(".")
        found.add(f"{_PREFIX[prefix or 'c']}.{column}")
    return frozenset(found)


def expected(text: str) -> dict[str, frozenset[str]]:
    """``"read email; match name; inside name"`` as sets; what is not named is empty."""
    found = dict.fromkeys(("reads", "matches", "writes", "deletes", "inside"), frozenset[str]())
    verbs = {"read": "reads", "match": "matches", "write": "writes", "delete": "deletes", "inside": "inside"}
    for part in filter(None, (part.strip() for part in text.split(";"))):
        verb, _, names = part.partition(" ")
        found[verbs[verb]] = frozenset(names.split()) if verb == "delete" else columns(names)
    return found


def sides(footprint: Footprint) -> dict[str, frozenset[str]]:
    """The five sets of a footprint."""
    return {name: getattr(footprint, name) for name in ("reads", "matches", "writes", "deletes", "inside")}
