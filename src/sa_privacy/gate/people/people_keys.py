"""People's keys in the database: found, made, linked to their person and destroyed, in the transaction that needs them.

A key is looked up for each statement anew, and locked against being destroyed until the transaction ends. What is kept in
memory between statements is only how a wrapped key reads, by the wrapped bytes: nothing is ever sealed under a key that
the database does not have.

A person whose key the database chooses gets a key of theirs before their number is known. It is *linked* to them once the
number is: as soon as the new row reports it, or else when the person is next written to, by the key that their own row
names. So nothing depends on the linking, and a process may end at any moment.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

from sqlalchemy import (
    Column,
    Connection,
    Dialect,
    Integer,
    LargeBinary,
    String,
    Table,
    Uuid,
    and_,
    bindparam,
    cast,
    or_,
    select,
    type_coerce,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.types import TypeDecorator, TypeEngine

from sa_privacy.access import AccessScopes
from sa_privacy.access.desk import at_desk
from sa_privacy.columns.binding import keys_of
from sa_privacy.columns.catalogue import Catalogue
from sa_privacy.columns.live import LiveCatalogue
from sa_privacy.columns.subject_keys import SUBJECT_KEYS
from sa_privacy.crypto import SubjectKey
from sa_privacy.crypto.subject_cell import key_id_of
from sa_privacy.errors import PersonErased, PolicyError
from sa_privacy.gate.people.key_types import as_own_type
from sa_privacy.gate.rows.own_conditions import table_named

__all__ = ["Owner", "PeopleKeys", "owner_of"]

_AT_ONCE: Final = 500
_KEYS: Final = SUBJECT_KEYS.c
_LONGEST: Final = 200  # characters: `subject` of the table


class Owner(NamedTuple):
    """A person, as the key table names them."""

    kind: str
    text: str


def owner_of(kind: str, key: Any, catalogue: Catalogue, dialect: Dialect) -> Owner:
    """The person of a key as the application gives it.

    :raises PolicyError: the key's type is not one by which people are told apart.
    """
    known = catalogue.key_types.get(kind)
    text = _text(as_own_type(key, known) if known is not None else key, known, dialect)
    if text is None or len(text) > _LONGEST:
        raise PolicyError(
            f'the key of a person of the kind "{kind}" was given as {type(key).__name__}, which is no key of theirs.',
            hint="give it as a whole number, text or UUID, as the type of their own key column is.",
        )
    return Owner(kind, text)


def _text(key: Any, known: TypeEngine[Any] | None, dialect: Dialect) -> str | None:
    """What ``CAST(key AS VARCHAR)`` gives; None where one cannot tell."""
    if isinstance(known, TypeDecorator):
        process = known.dialect_impl(dialect).bind_processor(dialect)
        key, known = (key if process is None else process(key)), None
    if isinstance(known, Integer) and isinstance(key, (int, float)) and int(key) == key:
        return str(int(key))
    if isinstance(known, Integer):
        return None
    if isinstance(key, uuid.UUID):
        native = getattr(dialect, "supports_native_uuid", False) and getattr(known, "native_uuid", True)
        return str(key) if native or not isinstance(known, Uuid) else key.hex
    if isinstance(key, bool):
        return None
    return str(key) if isinstance(key, (int, str)) else None


class PeopleKeys:
    """The keys of people in one policy's databases."""

    def __init__(self, scopes: AccessScopes, live: LiveCatalogue) -> None:
        self._scopes = scopes
        self._live = live

    def keeps(self, kind: str) -> bool:
        """Whether there are columns under the keys of people of a kind."""
        catalogue = self._live.current()
        return any(one.by_subject and catalogue.holders[one.table][1] == kind for one in catalogue.columns.values())

    # -- for writing ----------------------------------------------------------------------------------------------

    def of(self, connection: Connection, wanted: Mapping[Owner, Any]) -> dict[Owner, SubjectKey]:
        """The keys of people, made where they have none; nobody can destroy them until the transaction ends.

        :param wanted: each person's key as their own row has it.
        :raises PersonErased: one of them was erased.
        """
        with self._desk():
            self._begin_writing(connection)
            found, destroyed = self._rows(connection, wanted)
            if destroyed:
                self._release(connection, destroyed, wanted)
            missing = {owner: key for owner, key in wanted.items() if owner not in found}
            if missing and self._adopt(connection, missing):
                found |= self._rows(connection, missing)[0]
            missing = {owner: key for owner, key in wanted.items() if owner not in found}
            if missing:
                self._make(connection, missing)
                found |= self._rows(connection, missing)[0]
        if not found.keys() >= wanted.keys():  # destroyed, before it was made here
            raise _erased(next(owner for owner in wanted if owner not in found))
        unwrap = keys_of(connection.dialect).subject_keys.unwrap
        return {owner: unwrap(*found[owner]) for owner in wanted}

    def fresh(self, connection: Connection, kinds: Collection[str]) -> list[SubjectKey]:
        """Keys of people who get their number from the database, one for each of the kinds given."""
        made = [SubjectKey.new() for _ in kinds]
        with self._desk():
            self._insert(connection, ((kind, None, key) for kind, key in zip(kinds, made, strict=True)))
        return made

    def link(self, connection: Connection, kind: str, keys: Iterable[Any], *, everything: bool = False) -> None:
        """People of whom the database has told the number get the keys that their rows name.

        :param everything: their rows are reached whatever the rules about rows say.
        :raises PersonErased: one of them was erased.
        """
        if not self.keeps(kind):
            return
        dialect, catalogue = connection.dialect, self._live.current()
        people = {owner_of(kind, key, catalogue, dialect): key for key in keys}
        with self._desk():
            self._begin_writing(connection)
            found, destroyed = self._rows(connection, people)
            new = {owner: key for owner, key in people.items() if owner not in found}
            if destroyed:
                self._release(connection, destroyed, people, everything=everything)
            if new:
                self._adopt(connection, new, everything=everything)

    # -- whose rows are ---------------------------------------------------------------------------------------------

    def owners(
        self, connection: Connection, table: str, columns: tuple[str, ...], wanted: Collection[tuple[Any, ...]]
    ) -> list[tuple[tuple[Any, ...], Owner | None, Any]]:
        """Of rows that are there: the values of columns, whose each is, and the person's key as the rows have it.

        :param wanted: values of the columns that name the rows.
        """
        source, here, kind, passed = self._way(table)
        own = _table(table, self._live)
        named = [_column(own, name) for name in columns]
        found = []
        with self._desk(passed):
            for some in _in_batches(wanted):
                asked = select(here, cast(here, String), *named).select_from(source).where(_among(named, some))
                if connection.dialect.name == "postgresql":
                    asked = asked.with_for_update(key_share=True, of=own)
                for key, text, *values in connection.execute(asked).all():
                    found.append((tuple(values), None if key is None else Owner(kind, text), key))
        return found

    def cells(
        self, connection: Connection, table: str, names: Collection[str], columns: tuple[str, ...], row: tuple[Any, ...]
    ) -> set[bytes]:
        """The ids of the keys that stand in some cells of rows."""
        own = _table(table, self._live)
        asked = [type_coerce(_column(own, name), LargeBinary()) for name in names]
        where = _among([_column(own, name) for name in columns], [row])
        with self._desk([table]):
            rows = connection.execute(select(*asked).select_from(own).where(where)).all() if asked else []
        return {key for found in rows for cell in found if (key := key_id_of(cell)) is not None}

    def _way(self, table: str) -> tuple[Any, Any, str, list[str]]:
        """What to select from, the column that holds the person's key, their kind, and the tables on the way."""
        catalogue = self._live.current()
        source: Any = _table(table, self._live)
        here, subject, passed = source, catalogue.by_name[table].subject, [table]
        while subject is not None and subject.key is None:
            name, there, column = subject.steps[0]
            after = _table(there, self._live).alias()
            source = source.outerjoin(after, _column(here, name) == _column(after, column))
            here, subject = after, catalogue.by_name[there].subject
            passed.append(there)
        if subject is None or subject.key is None:
            raise PolicyError(f"whose the rows of {table} are cannot be told.", hint="see its DataSubject.")
        return source, _column(here, subject.key), subject.kind, passed

    # -- destroying -------------------------------------------------------------------------------------------------

    def ids_of(self, connection: Connection, kind: str, key: Any) -> frozenset[bytes]:
        """The ids of the keys that a person's own row names: of one who is linked to none yet, they are theirs."""
        if not self.keeps(kind):
            return frozenset()
        owner = owner_of(kind, key, self._live.current(), connection.dialect)
        named = self._named(connection, kind, {key: owner}, everything=True)
        return frozenset().union(*named.values())

    def destroy(self, connection: Connection, kind: str, key: Any, ids: Collection[bytes] = ()) -> int:
        """Destroys what a person's cells are sealed under, in the caller's transaction. For people without a key a destroyed
        one is put in the table, so that none is made for them later.

        :param ids: of :meth:`ids_of`, from before their own row went, where it went first.
        :returns: how many keys were destroyed by this call.
        """
        if not self.keeps(kind):
            return 0
        owner = owner_of(kind, key, self._live.current(), connection.dialect)
        ids = {*ids, *self.ids_of(connection, kind, key)}
        with self._desk():
            self._begin_writing(connection)
            found, destroyed = self._rows(connection, {owner: key})
            theirs = _is(owner)
            if ids:
                theirs |= _KEYS.id.in_(sorted(ids)) & _KEYS.subject.is_(None)
            if not (
                found or destroyed or self._adopt(connection, {owner: key})
            ):  # linked, so that holds see whose it is
                self._make(connection, [owner])
            wrapped = connection.scalars(select(_KEYS.wrapped).where(theirs, _KEYS.wrapped.is_not(None))).all()
            count = connection.execute(
                update(SUBJECT_KEYS)
                .where(theirs, _KEYS.wrapped.is_not(None))
                .values(wrapped=None, destroyed_at=datetime.now(UTC))
            ).rowcount
        for one in wrapped:
            if one is not None:
                keys_of(connection.dialect).subject_keys.drop(bytes(one))
        return count

    # -- rows of the key table --------------------------------------------------------------------------------------

    def _desk(self, tables: Collection[str] = (), *, everything: bool = False) -> Any:
        """The library's own tables are open, and to be read all that stands in some of the application's."""
        by_name = self._live.current().by_name
        reads = {column.category for name in tables for column in by_name[name].columns.values()}
        return at_desk(self._scopes, reads=reads, asked=False, everything=everything)

    def _begin_writing(self, connection: Connection) -> None:
        """On SQLite there is one writer: be it before anything is read, or a key could be destroyed in between."""
        if connection.dialect.name == "sqlite":
            connection.execute(update(SUBJECT_KEYS).where(_KEYS.id == b"").values(kind=_KEYS.kind))

    def _rows(
        self, connection: Connection, wanted: Mapping[Owner, Any]
    ) -> tuple[dict[Owner, tuple[bytes, bytes]], dict[Owner, bytes]]:
        """The wrapped keys of people with their ids, and the ids of those that were destroyed."""
        found: dict[Owner, tuple[bytes, bytes]] = {}
        destroyed: dict[Owner, bytes] = {}
        for kind in dict.fromkeys(owner.kind for owner in wanted):
            for some in _in_batches(owner.text for owner in wanted if owner.kind == kind):
                asked = (
                    select(_KEYS.subject, _KEYS.id, _KEYS.wrapped)
                    .where(_KEYS.kind == kind, _KEYS.subject.in_(some))
                    .order_by(_KEYS.id)  # the same order for everybody: nobody waits for each other
                    .with_for_update(read=True)
                )
                for text, key_id, wrapped in connection.execute(asked).all():
                    if wrapped is None:
                        destroyed[Owner(kind, text)] = bytes(key_id)
                    else:
                        found[Owner(kind, text)] = (bytes(key_id), bytes(wrapped))
        return found, destroyed

    def _release(
        self,
        connection: Connection,
        destroyed: Mapping[Owner, bytes],
        people: Mapping[Owner, Any],
        *,
        everything: bool = False,
    ) -> None:
        """Databases give numbers away again: where somebody new has that of a person who was erased, the destroyed key is the
        number's no more. Their own row tells: it names another key, which nobody has.

        :raises PersonErased: it is the erased person who would be written to.
        """
        for owner, key_id in destroyed.items():
            person = {people[owner]: owner}
            named = self._named(connection, owner.kind, person, everything=everything).get(owner, set())
            if not named or key_id in named:
                raise _erased(owner)
            connection.execute(update(SUBJECT_KEYS).where(_KEYS.id == key_id).values(subject=None))

    def _adopt(self, connection: Connection, people: Mapping[Owner, Any], *, everything: bool = False) -> bool:
        """Links keys that people's own rows name, and nobody has. Whether there were any."""
        new = []
        for kind in dict.fromkeys(owner.kind for owner in people):
            keys = {key: owner for owner, key in people.items() if owner.kind == kind}
            for owner, named in self._named(connection, kind, keys, everything=everything).items():
                new += [{"named": key_id, "owner": owner.text} for key_id in sorted(named)[:1]]
        linking = (
            update(SUBJECT_KEYS)
            .where(_KEYS.id == bindparam("named"), _KEYS.subject.is_(None), _KEYS.wrapped.is_not(None))
            .values(subject=bindparam("owner"))
        )
        return bool(new) and connection.execute(linking, new).rowcount != 0  # of many, not every driver tells

    def _named(
        self, connection: Connection, kind: str, people: Mapping[Any, Owner], *, everything: bool = False
    ) -> dict[Owner, set[bytes]]:
        """The ids of the keys that people's own rows name."""
        named: dict[Owner, set[bytes]] = {}
        for known in self._live.current():
            keyed = [column.column for column in known.columns.values() if column.by_subject]
            if not keyed or known.subject is None or known.subject.kind != kind or not known.subject.person:
                continue
            own = _table(known.name, self._live)
            key = _column(own, str(known.subject.key))
            asked = [type_coerce(_column(own, name), LargeBinary()) for name in keyed]
            with self._desk([known.name], everything=everything):
                rows = [
                    row
                    for some in _in_batches(people)
                    for row in connection.execute(select(cast(key, String), *asked).where(key.in_(some)))
                ]
            for text, *cells in rows:
                ids = {found for cell in cells if (found := key_id_of(cell)) is not None}
                named.setdefault(Owner(kind, text), set()).update(ids)
        return named

    def _make(self, connection: Connection, people: Iterable[Owner]) -> None:
        """In the same order for everybody: of two who make the same keys one waits, and not each for the other."""
        self._insert(connection, ((owner.kind, owner.text, SubjectKey.new()) for owner in sorted(people)))

    def _insert(self, connection: Connection, keys: Iterable[tuple[str, str | None, SubjectKey]]) -> None:
        wrap, now = keys_of(connection.dialect).subject_keys.wrap, datetime.now(UTC)
        rows = [
            {"id": key.id, "kind": kind, "subject": text, "wrapped": wrap(key), "made": now} for kind, text, key in keys
        ]
        insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
        # Somebody else may be making one for the same person: theirs is it, then.
        connection.execute(insert(SUBJECT_KEYS).on_conflict_do_nothing(index_elements=["kind", "subject"]), rows)


def _erased(owner: Owner) -> PersonErased:
    return PersonErased(
        f'what belongs to a person of the kind "{owner.kind}" cannot be written: they were erased.',
        hint="nothing is kept of them any more: leave it out. A person who comes back gets a row of their own.",
    )


def _is(owner: Owner) -> Any:
    return (_KEYS.kind == owner.kind) & (_KEYS.subject == owner.text)


def _table(name: str, live: LiveCatalogue) -> Table:
    found = table_named(name, live.metadata)
    if found is None:
        raise PolicyError(
            f"{name} has columns under people's keys, and no model shows its columns.",
            hint="map it, or give Privacy(metadata=...) the MetaData that has it.",
        )
    return found


def _column(columns: Any, name: str) -> Column[Any]:
    """The column of this name in the database, whatever its key."""
    return next(column for column in columns.c if column.name == name)


def _among(columns: list[Column[Any]], rows: Collection[tuple[Any, ...]]) -> Any:
    if len(columns) == 1:
        return columns[0].in_([value for (value,) in rows])
    return or_(*(and_(*(column == value for column, value in zip(columns, row, strict=True))) for row in rows))


def _in_batches(things: Iterable[Any]) -> Iterator[list[Any]]:
    every = list(dict.fromkeys(things))
    for start in range(0, len(every), _AT_ONCE):
        yield every[start : start + _AT_ONCE]
