"""The wall at run time on SQLite: each connection's authorizer refuses what the access in force does not cover.

SQLite asks the authorizer while it prepares a statement, column by column, through views, triggers and subqueries,
whoever prepares it: a cursor of ``raw_connection()`` too. Statements that are prepared already are not asked about
again, so a change of access arms the connection anew, which makes SQLite prepare them again.

What the connection may do follows the access at three places: when it is checked out of the pool, before each statement
of SQLAlchemy, and whenever the access changes. The authorizer closes over what is barred and never asks who acts, since
aiosqlite runs it in a thread of its own.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable
from typing import Any, Final
from weakref import WeakMethod, WeakSet, finalize, ref

from sqlalchemy import Engine, event
from sqlalchemy.util import LRUCache

from sa_privacy.access import Access
from sa_privacy.columns.catalogue import Catalogue
from sa_privacy.columns.own_tables import GUARD_PREFIX
from sa_privacy.errors import PolicyError
from sa_privacy.gate.engine import Gate
from sa_privacy.gate.rows.rule import at_desk
from sa_privacy.policy import Grant
from sa_privacy.walls.limits import is_own_table, limits_of, own_tables, read_by_frames
from sa_privacy.walls.reach import reach_of
from sa_privacy.walls.rows import RowSources, reads_of_consent

__all__ = ["Bars", "Pane", "SQLiteWall"]

_NO_ROWS: Final = RowSources()
_PANE: Final = "sa_privacy_wall"  # in the pool's record of a connection
_OWN_SCHEMAS: Final = ("main", "temp", None)
_COPY: Final = "vacuum_db"  # what VACUUM calls the database that it writes
_READ: Final = sqlite3.SQLITE_READ
_UPDATE: Final = sqlite3.SQLITE_UPDATE
_DELETE: Final = sqlite3.SQLITE_DELETE
_INSERT: Final = sqlite3.SQLITE_INSERT
_INDEX: Final = frozenset({sqlite3.SQLITE_CREATE_INDEX, sqlite3.SQLITE_CREATE_TEMP_INDEX})
_DROP: Final = frozenset({sqlite3.SQLITE_DROP_TABLE, sqlite3.SQLITE_DROP_TEMP_TABLE})
_FUNCTION: Final = 31  # SQLITE_FUNCTION, which the module does not name


class Bars:
    """What one grant does not reach of one catalogue, in the words of SQLite's authorizer.

    :param everything: a maintenance grant: nothing is barred.
    """

    __slots__ = ("_found", "catalogue", "deletes", "everything", "reads", "shut", "writes")

    def __init__(self, catalogue: Catalogue, grant: Grant | None, rows: RowSources = _NO_ROWS) -> None:
        reach = reach_of(grant, catalogue)
        known = frozenset(catalogue.columns)
        self.catalogue = catalogue
        self.everything = grant is not None and grant.everything
        besides = _read_by_conditions(catalogue, grant, rows) | read_by_frames(catalogue, reach.visible)
        self.reads = known - reach.visible - besides
        self.writes = known - reach.writes
        self.deletes = frozenset(table.name for table in catalogue if table.columns) - reach.deletes
        own = frozenset() if grant is not None and at_desk(grant) else own_tables(catalogue)
        #: The library's own tables, which nobody but its desk writes to or counts.
        self.shut = own
        self._found: dict[tuple[str | None, str], tuple[tuple[str, dict[str, str]], ...]] = {}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Bars) and (
            (self.catalogue, self.everything, self.reads, self.writes, self.deletes, self.shut)
            == (other.catalogue, other.everything, other.reads, other.writes, other.deletes, other.shut)
        )

    __hash__ = None  # type: ignore[assignment]

    def tables(self, schema: str | None, name: str) -> tuple[tuple[str, dict[str, str]], ...]:
        """The personal tables that a table of the database may be: their names, and those of their personal columns."""
        key = (schema, name)
        found = self._found.get(key)
        if found is None:
            tables = self.catalogue.find(None if schema in _OWN_SCHEMAS else schema, name)
            found = self._found[key] = tuple(
                (table.name, {key: column.name for key, column in table.columns.items()})
                for table in tables
                if table.columns
            )
        return found

    def shuts(self, schema: str | None, name: str) -> bool:
        """Whether a table of the database is one of the library's own, and not open."""
        return bool(self.shut) and any(table in self.shut for table, _ in self.tables(schema, name))

    def column(self, schema: str | None, table: str, column: str, barred: frozenset[str]) -> bool:
        """Whether a column of a table is among those barred."""
        return any(columns.get(column.lower()) in barred for _, columns in self.tables(schema, table))


def _read_by_conditions(catalogue: Catalogue, grant: Grant | None, rows: RowSources) -> frozenset[str]:
    """The columns of the library's own tables that conditions about rows read, for a grant of purposes that need consent."""
    if grant is None or rows.consents is None:
        return frozenset()
    found = set[str]()
    for name, sets in limits_of(grant, catalogue).consents.items():
        known = catalogue.by_name[name]
        for (schema, table), columns in reads_of_consent(known, catalogue, sets, rows.consents).items():
            for each in catalogue.find(schema, table):
                if is_own_table(each):
                    found.update(f"{each.name}.{column}" for column in columns)
    return frozenset(found)


class Pane:
    """The authorizer of one DBAPI connection."""

    __slots__ = (
        "__weakref__",
        "_attached",
        "_dropped",
        "_indexed",
        "access",
        "armed",
        "bars",
        "connection",
        "thread",
        "up",
    )

    def __init__(self, connection: Any, bars: Bars) -> None:
        self.connection = connection
        self.bars = bars
        self.access: Access | None = None
        self.thread = threading.get_ident()
        self.up = True
        #: The bars under which every statement that is still prepared was let through; None where it cannot be told.
        self.armed: Bars | None = None
        self._indexed = self._dropped = self._attached = ""

    def arm(self) -> None:
        """Sets the authorizer, which makes SQLite prepare every statement of the connection again."""
        bars = self.bars
        run_async = getattr(self.connection, "run_async", None)
        if run_async is None:
            self.connection.set_authorizer(self.authorize)
        else:
            run_async(lambda plain: plain.set_authorizer(self.authorize))
        self.armed = bars

    def authorize(
        self, action: int, first: str | None, second: str | None, schema: str | None, source: str | None
    ) -> int:
        """Answers SQLite; an error here is a refusal too."""
        bars = self.bars
        if bars.everything or not self.up or (source is not None and source.startswith(GUARD_PREFIX)):
            return sqlite3.SQLITE_OK  # a trigger that keeps held rows refuses, and tells nothing else
        if action == _READ:
            if first == self._indexed or not first:  # an index keeps values where they are
                return sqlite3.SQLITE_OK
            if not second:  # rows are counted
                return _DENY if bars.shuts(schema, first) else _OK
            return _DENY if bars.column(schema, first, second, bars.reads) else _OK
        if action == _FUNCTION:
            return _OK
        dropped, self._indexed, self._dropped = self._dropped, "", ""
        if action == _UPDATE and first and second:
            return _DENY if bars.column(schema, first, second, bars.writes) else _OK
        if action == _DELETE and first:
            if first == dropped:  # DROP TABLE empties it first
                return _OK
            return _DENY if any(name in bars.deletes for name, _ in bars.tables(schema, first)) else _OK
        if action in _INDEX:
            self._indexed = second or ""
        elif action in _DROP:
            self._dropped = first or ""
        elif action == sqlite3.SQLITE_ATTACH:
            self._attached = first or ""
        elif action == _INSERT and first:
            copied = schema == _COPY and self._attached and bars.tables(None, first)  # VACUUM INTO
            return _DENY if copied or bars.shuts(schema, first) else _OK
        elif action == sqlite3.SQLITE_ALTER_TABLE and second:
            return _DENY if bars.tables(first, second) else _OK
        elif action == sqlite3.SQLITE_PRAGMA and (first or "").lower() == "writable_schema" and second:
            return _DENY
        return _OK


_OK: Final = sqlite3.SQLITE_OK
_DENY: Final = sqlite3.SQLITE_DENY


class SQLiteWall:
    """The wall of one engine. ``remove()`` takes it off again."""

    def __init__(self, engine: Engine, gate: Gate, rows: Callable[[], RowSources]) -> None:
        self._engine = ref(engine)  # it goes with its engine
        self._rows = rows
        self._scopes = gate.scopes
        self._live = gate.live
        self._nobody = Bars(gate.live.current(), None)
        self._bars: LRUCache[Grant, Bars] = LRUCache(256)
        self._panes: WeakSet[Pane] = WeakSet()
        self._out: set[Pane] = set()
        self._listeners: list[tuple[str, Callable[..., Any]]] = [
            ("connect", self.connect),
            ("checkout", self.checkout),
            ("checkin", self.checkin),
            ("do_execute", self.follow),
            ("do_executemany", self.follow),
            ("do_execute_no_params", self.follow_no_params),
        ]
        for name, listener in self._listeners:
            event.listen(engine, name, listener)
        changed = WeakMethod(self._changed)

        def follow(left: Access | None, entered: Access | None) -> None:
            method = changed()
            if method is not None:
                method(left, entered)

        gate.scopes.listen(follow, desk=True)
        self._unfollow = finalize(self, gate.scopes.unlisten, follow)

    def remove(self) -> None:
        """Takes the wall off the engine, and off the connections it has open."""
        engine = self._engine()
        if engine is not None:
            for name, listener in self._listeners:
                event.remove(engine, name, listener)
        for pane in tuple(self._panes):
            pane.up, pane.armed = False, None
        self._out.clear()
        self._unfollow()

    # -- what is in force ------------------------------------------------------------------------------------------

    def _in_force(self) -> Access | None:
        scope = self._scopes.get()
        return scope.access if scope is not None and scope.alive else None

    def _bars_of(self, access: Access | None) -> Bars:
        catalogue = self._live.now or self._live.current()
        if access is None:
            if self._nobody.catalogue is not catalogue:
                self._nobody = Bars(catalogue, None)
            return self._nobody
        bars: Bars | None = self._bars.get(access.grant)
        if bars is None or bars.catalogue is not catalogue:
            bars = self._bars[access.grant] = Bars(catalogue, access.grant, self._rows())
        return bars

    def _turn(self, pane: Pane, access: Access | None, *, may_arm: bool = True) -> None:
        """Makes a connection follow an access."""
        bars = self._bars_of(access)
        pane.access = access
        pane.bars = bars
        if not may_arm:
            pane.armed = None
        elif pane.armed is None or pane.armed != bars:
            pane.arm()
        else:
            pane.armed = bars

    # -- connections -------------------------------------------------------------------------------------------------

    def connect(self, dbapi_connection: Any, record: Any) -> None:
        """A new connection: shut to all that is personal."""
        _must_be_told(dbapi_connection)
        pane = Pane(dbapi_connection, self._bars_of(None))
        record.info[_PANE] = pane
        self._panes.add(pane)
        pane.arm()

    def checkout(self, dbapi_connection: Any, record: Any, _proxied: Any) -> None:
        """The connection is somebody's now: it follows their access."""
        if _PANE not in record.info or record.info[_PANE].connection is not dbapi_connection:
            self.connect(dbapi_connection, record)
        pane: Pane = record.info[_PANE]
        if not pane.up:  # another wall stood on this connection
            pane.up = True
            self._panes.add(pane)
        pane.thread = threading.get_ident()
        self._out.add(pane)
        self._turn(pane, self._in_force())

    def checkin(self, dbapi_connection: Any, record: Any) -> None:
        """The connection is nobody's."""
        pane = record.info.get(_PANE)
        if pane is not None:
            self._out.discard(pane)
            pane.access, pane.bars = None, self._nobody  # what is prepared under these will do for any access

    def follow(self, cursor: Any, statement: str, parameters: Any, context: Any) -> None:
        """A statement of SQLAlchemy's is about to run: its connection follows the access in force."""
        proxied = context.root_connection.connection
        try:
            pane: Pane | None = proxied.info.get(_PANE)
        except NotImplementedError:
            return  # the dialect asks its own questions of a first connection, before anybody has it
        if pane is None:  # checked out before the wall was put up
            self.checkout(proxied.dbapi_connection, proxied, None)
            return
        scope = self._scopes.get()
        access = scope.access if scope is not None and scope.alive else None
        if pane.access is not access or pane.armed is not pane.bars or pane.bars.catalogue is not self._live.now:
            self._turn(pane, access)

    def follow_no_params(self, cursor: Any, statement: str, context: Any) -> None:
        """The same, for statements sent without parameters."""
        self.follow(cursor, statement, (), context)

    def _changed(self, left: Access | None, entered: Access | None) -> None:
        """Another access is in force here: connections that followed the one left, for raw cursors, follow it."""
        if self._out:
            here = threading.get_ident()
            for pane in tuple(self._out):
                if pane.access is left and pane.thread == here:
                    # Another thread holds an asyncio connection, and nothing can be awaited here: the next statement
                    # arms it. Until then it refuses what is not covered, but for statements it has prepared already.
                    self._turn(pane, entered, may_arm=not hasattr(pane.connection, "run_async"))


def _must_be_told(connection: Any) -> None:
    plain = getattr(connection, "driver_connection", None) or connection
    if not hasattr(plain, "set_authorizer"):
        raise PolicyError(
            f"{type(plain).__name__} has no set_authorizer: the wall cannot stand on it.",
            hint="use sqlite3, or a version of aiosqlite that has it; or install without walls=True.",
        )
