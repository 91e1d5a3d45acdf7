"""What a hold is placed on: a person, a row, a table, what a query finds. It has to be there, and to have triggers that keep it."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from typing import Any

from sqlalchemy import Connection, and_, func, inspect, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Mapper

from sa_privacy.customers.holds.guard import make_guards, unguarded
from sa_privacy.customers.holds.guarded import Guarded, guarded_tables
from sa_privacy.customers.holds.guards import of_query
from sa_privacy.customers.holds.guards import of_table as guard_of
from sa_privacy.customers.holds.guards_postgresql import LOCK
from sa_privacy.customers.holds.matching import found_by, of_table, row_key
from sa_privacy.customers.owned import Owned
from sa_privacy.errors import HoldRefused, PersonErased, UnknownPerson
from sa_privacy.gate.people.people_keys import PeopleKeys
from sa_privacy.ledger import Desk, Person, find_person
from sa_privacy.ledger.people import own_key

__all__ = ["Targets"]


class Targets:
    """Finds what is to be held, and waits for whoever is destroying it at this moment.

    Each method returns what the entry of the hold says of its target, by column.
    """

    def __init__(self, desk: Desk, keys: PeopleKeys) -> None:
        self._desk = desk
        self._keys = keys

    def of_person(self, connection: Connection, subject: object) -> dict[str, Any]:
        person = find_person(self._desk, connection, subject)
        guarded = guarded_tables(self._desk.live)
        tables = [
            one for one in guarded.values() if one.keys or (one.owned is not None and one.owned.kind == person.kind)
        ]
        self._must_be_guarded(connection, tables)
        self._lock_person(connection, person)
        with suppress(PersonErased):  # of a key that was destroyed nothing is left to keep
            self._keys.link(connection, person.kind, [person.key], everything=True)
        _lock(connection)
        return {"kind": "subject", "person_kind": person.kind, "subject": person.text}

    def _lock_person(self, connection: Connection, person: Person) -> None:
        """Who is being erased at this moment is waited for, and is gone then."""
        catalogue = self._desk.live.current()
        for owned in Owned(self._desk.live).tables(person.kind):
            subject = catalogue.by_name[owned.name].subject
            if subject is not None and subject.person:
                key = next(column for column in owned.table.columns if column.name == owned.key)
                asked = select(key).where(key == person.key).with_for_update(read=True)
                if connection.execute(asked).first() is None:
                    raise UnknownPerson("there is no such person any more.", hint="nothing was placed.")
                return

    def of_row(self, connection: Connection, row: tuple[Any, object]) -> dict[str, Any]:
        guarded = self._guarded(connection, row[0])
        key = row_key(guarded, of_table)
        if key is None:
            raise HoldRefused(
                f"rows of {guarded.name} cannot be told apart by a primary key.",
                hint="hold the person, the table, or what a query finds.",
            )
        columns = list(guarded.table.primary_key.columns)
        given = row[1] if isinstance(row[1], (tuple, list)) else (row[1],)
        if len(given) != len(columns):
            raise HoldRefused(f"the primary key of {guarded.name} has {len(columns)} columns.", hint="give them all.")
        own = [own_key(value, column.type) for value, column in zip(given, columns, strict=True)]
        same = and_(*(column == value for column, value in zip(columns, own, strict=True)))
        asked = select(key).where(same).with_for_update(read=True)
        found = connection.execute(asked).scalar() if None not in own else None
        if found is None:
            raise HoldRefused(f"there is no such row of {guarded.name}.", hint="give the primary key of a row.")
        _lock(connection)
        return {"kind": "row", "table_name": guarded.name, "row_key": found}

    def of_table(self, connection: Connection, table: Any) -> dict[str, Any]:
        guarded = self._guarded(connection, table)
        _lock(connection)
        return {"kind": "table", "table_name": guarded.name}

    def of_query(self, connection: Connection, hold: str, query: tuple[Any, str]) -> dict[str, Any]:
        guarded, condition = self._guarded(connection, query[0]), query[1]
        if not guarded.table.primary_key.columns:
            raise HoldRefused(f"{guarded.name} has no primary key.", hint="hold the person, or the table.")
        _must_be_condition(condition)
        try:
            with connection.begin_nested():
                connection.execute(
                    select(func.count()).select_from(guarded.table).where(found_by(guarded, condition, None))
                )
                _lock(connection)
                make_guards(connection, of_query(guarded_tables(self._desk.live), guarded, hold, condition))
        except DBAPIError as error:
            if error.connection_invalidated:  # says nothing of the condition
                raise
            raise HoldRefused(
                f"the database does not take this condition over {guarded.name}, or its triggers are not ours to make.",
                hint="try it as SELECT count(*) FROM ... WHERE ...; place the hold as the owner of the table.",
            ) from error
        return {"kind": "query", "table_name": guarded.name, "condition": condition}

    def _guarded(self, connection: Connection, thing: Any) -> Guarded:
        """The table that is meant, with triggers."""
        wanted = thing if isinstance(thing, str) else getattr(getattr(thing, "__table__", thing), "fullname", None)
        mapper = inspect(thing, raiseerr=False) if isinstance(thing, type) else None
        if isinstance(mapper, Mapper) and len(mapper.tables) > 1:
            names = ", ".join(str(getattr(table, "fullname", table)) for table in mapper.tables)
            raise HoldRefused(
                f"a row of {mapper.class_.__name__} stands in several tables: {names}.",
                hint="hold the person; or name the tables, one hold for each: table='...', row=('...', key).",
            )
        tables = guarded_tables(self._desk.live)
        if wanted not in tables:
            raise HoldRefused(
                f"{wanted or type(thing).__name__} is no table that holds something personal or belongs to people.",
                hint=f"tables whose rows can be held: {', '.join(tables) or 'none'}.",
            )
        self._must_be_guarded(connection, [tables[wanted]])
        return tables[wanted]

    def _must_be_guarded(self, connection: Connection, tables: Iterable[Guarded]) -> None:
        missing = unguarded(connection, map(guard_of, tables))
        if missing:
            raise HoldRefused(
                f"nothing would keep the rows of {', '.join(missing)}: the triggers are not there, or not current.",
                hint="make them, as the owner of the tables: sa-privacy hold guard",
            )


def _lock(connection: Connection) -> None:
    """Waits for all who are destroying something, and lets nobody begin until this is committed (PostgreSQL)."""
    if connection.dialect.name == "postgresql":
        connection.execute(text(f"SELECT pg_advisory_xact_lock({LOCK})"))


def _must_be_condition(condition: str) -> None:
    if not condition.strip() or ";" in condition or "--" in condition or "/*" in condition or _unbalanced(condition):
        raise HoldRefused(
            "this is no condition in SQL.", hint="""query=(Order, "orders.status = 'disputed'"), without comments."""
        )


def _unbalanced(condition: str) -> bool:
    """Whether a bracket is closed that was not opened, outside of quotes."""
    depth, quote = 0, ""
    for one in condition:
        if quote:
            quote = "" if one == quote else quote
        elif one in "'\"":
            quote = one
        elif one in "()":
            depth += 1 if one == "(" else -1
            if depth < 0:
                return True
    return depth != 0 or bool(quote)
