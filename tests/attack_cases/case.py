"""What an attack case is given, and how what it brings back is searched.

A case is a module in `denied/`, `beyond/` or `allowed/`: a one-line docstring that says what it tries, and one of

- `sql`: a statement, or a tuple of them (each is tried alone), sent as `text()` and as driver SQL;
- `attack(case)` in `denied/`, `work(case)` in `allowed/`: a function, sync or async;
- `paths`: a way for each of several paths (`ways.py`), each tried alone in a session of its own. It is also run for
  the purpose that covers everything, and must then bring the values.

With `sql` or `attack`, `path` says which path of `paths.py` is tried, and `ends` how each attempt ends, in the words of
`ways.py`. Where needed, there are also

- `backends = ("postgresql",)`: the databases it is about; both where left out;
- `purposes = ("shipping",)`: under which purposes it is run, one after the other; None is no access at all, a tuple
  several at once;
- `prepare`: SQL, or a tuple, run beforehand by the owner of the database on an engine that nobody guards;
- `expect` in `allowed/`: what must come back, as a value or as a function of the case;
- `world`: a module with the models and the policy it is about, where that is not the shop of `world.py`.

A denied case returns all it got hold of. It passes when it was refused, or when nothing it returns, raises or leaves
behind holds a canary that its purpose does not cover. `refused = True` says that only a refusal will do, for attacks
that learn something without a value coming back. `hollow = "why"` excuses it from succeeding where nobody guards.
"""

from __future__ import annotations

import datetime
import importlib
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from functools import cache
from pathlib import Path
from types import ModuleType, TracebackType
from typing import Any, Final

from sqlalchemy import URL, Engine, text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from sqlalchemy.orm import Session

from sa_privacy import AccessLog, Privacy, PrivacyError
from sa_privacy.access import AccessBlock
from tests.attack_cases.world import COLUMNS, canaries

__all__ = ["RECHECK", "Case", "cells", "discover", "frozen", "held", "personal", "spread", "strings"]

#: Seconds for which the gate of a case takes the database's answers to hold.
RECHECK: Final = 0.05
_HERE: Final = Path(__file__).parent
_TABLES: Final = {
    "sqlite": "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name",
    "postgresql": "SELECT relname::text FROM pg_class WHERE relkind IN ('r', 'm') AND relnamespace = 'public'::regnamespace "
    "ORDER BY relname",
}


def discover(folder: str) -> list[ModuleType]:
    """The cases of `denied` or `allowed`, in order of their names."""
    names = sorted(path.stem for path in (_HERE / folder).glob("*.py"))
    return [importlib.import_module(f"tests.attack_cases.{folder}.{name}") for name in names]


class Case:
    """One run of one case, under one purpose.

    :param engine: the protected engine.
    :param admin: an engine on the same database that nobody guards: for preparing, and for looking afterwards.
    :param async_engine: the protected engine again, where the case is async; `engine` is then its sync side.
    :param path: a directory of this run's own.
    """

    def __init__(
        self, engine: Engine, admin: Engine, privacy: Privacy, log: AccessLog, path: Path, async_engine: Any = None
    ) -> None:
        self.engine = engine
        self.admin = admin
        self.privacy = privacy
        self.log = log
        self.path = path
        self._async_engine: AsyncEngine | None = async_engine
        self._session: Session | None = None
        self._async_session: AsyncSession | None = None
        #: Attempts of `each_refused` that were not refused.
        self.slipped: list[str] = []
        #: What each attempt of `each` and `each_refused` brought back.
        self.attempts: list[Any] = []

    @property
    def backend(self) -> str:
        """`"sqlite"` or `"postgresql"`."""
        return self.engine.dialect.name

    @property
    def login(self) -> URL:
        """Where the application logs in, for an engine of the attack's own."""
        return self.admin.url.set(username=self.engine.url.username)

    @property
    def session(self) -> Session:
        """A session on the protected engine."""
        if self._session is None:
            self._session = Session(self.engine)
        return self._session

    @property
    def async_engine(self) -> AsyncEngine:
        """The protected engine of an async case."""
        assert self._async_engine is not None, "only an async case has an async engine"
        return self._async_engine

    @property
    def async_session(self) -> AsyncSession:
        """An async session on the protected engine."""
        if self._async_session is None:
            self._async_session = AsyncSession(self.async_engine)
        return self._async_session

    def access(self, purpose: str | tuple[str, ...] | None, **declared: Any) -> AccessBlock:
        """An access of the clerk's; `"maintenance"` is the engineer's."""
        if purpose == "maintenance":
            return self.privacy.access(maintenance=True, role="engineer", actor="staff:9", reason="attack case")
        return self.privacy.access(purpose, role="clerk", actor="staff:1", reason="attack case", **declared)

    def rows(self, sql: str, **parameters: Any) -> list[Any]:
        """Runs a text on the protected engine, commits, and returns its rows."""
        with self.engine.begin() as connection:
            result = connection.execute(text(sql), parameters)
            return [tuple(row) for row in result] if result.returns_rows else []

    def driver_rows(self, sql: str, parameters: Any = None) -> list[Any]:
        """The same as driver SQL."""
        with self.engine.begin() as connection:
            result = connection.exec_driver_sql(sql, parameters)
            return [tuple(row) for row in result] if result.returns_rows else []

    def admin_rows(self, sql: str) -> list[Any]:
        """Runs a text where nobody guards."""
        with self.admin.begin() as connection:
            result = connection.exec_driver_sql(sql)
            return [tuple(row) for row in result] if result.returns_rows else []

    def canaries(self, column: str) -> list[Any]:
        """The values of a personal column, for an attack that guesses: `"customers.email"`."""
        return canaries(column)

    def guesses(self, column: str) -> list[Any]:
        """What someone might try in order to find out which values there are: all of them, among others."""
        decoys: list[Any] = [1, 2] if isinstance(canaries(column)[0], int) else ["nobody@example.com", "x"]
        return [*decoys, *canaries(column)]

    def each(self, *attempts: Callable[[], Any]) -> list[Any]:
        """Makes one attempt after the other: what each brought back, or its refusal."""
        return self._each(attempts, [])

    def each_refused(self, *attempts: Callable[[], Any]) -> list[Any]:
        """The same, where only a refusal will do: the attempt learns something without bringing a value back."""
        return self._each(attempts, self.slipped)

    def _each(self, attempts: Iterable[Callable[[], Any]], slipped: list[str]) -> list[Any]:
        loot: list[Any] = []
        for number, attempt in enumerate(attempts, 1):
            try:
                loot.append(frozen(attempt()))
                slipped.append(f"attempt {number}: {loot[-1]}")
            except PrivacyError as refusal:
                loot.append(refusal)
                if self._session is not None:
                    self._session.rollback()
        self.attempts += loot
        return loot

    def later(self) -> None:
        """Lets so much time pass that the gate asks the database anew what names stand for."""
        time.sleep(2 * RECHECK)

    def close(self) -> None:
        """Gives up the session."""
        if self._session is not None:
            self._session.close()
            self._session = None

    async def aclose(self) -> None:
        """Gives up both sessions."""
        if self._async_session is not None:
            await self._async_session.close()
            self._async_session = None
        self.close()

    # -- looking afterwards ---------------------------------------------------------------------------------------

    def covered(self, purpose: str | tuple[str, ...] | None) -> frozenset[str]:
        """The columns that a purpose may read."""
        if purpose is None:
            return frozenset()
        if purpose == "maintenance":
            return frozenset(COLUMNS)
        declared = (purpose,) if isinstance(purpose, str) else purpose
        uses = frozenset[str]().union(*(self.privacy.policy.purposes[one].read for one in declared))
        return frozenset(name for name, column in self.privacy.catalogue.columns.items() if column.category in uses)

    def contents(self) -> dict[str, list[Any]]:
        """Everything that stands in the database, by `"table.column"`, as its owner sees it."""
        found: dict[str, list[Any]] = {}
        with self.admin.connect() as connection:
            tables = connection.exec_driver_sql(_TABLES[self.backend]).scalars().all()
            for table, cursor in _everything(
                connection.connection.cursor(), tables, at_once=self.backend == "postgresql"
            ):
                rows = cursor.fetchall()
                for index, column in enumerate(cursor.description):
                    found[f"{table}.{column[0]}"] = sorted((row[index] for row in rows), key=repr)
        return found

    def log_holds(self, columns: Iterable[str]) -> list[str]:
        """The columns of which the access log itself holds a canary."""
        return held([file.read_bytes() for file in (self.path / "log").rglob("*") if file.is_file()], columns)


def _everything(cursor: Any, tables: Sequence[str], *, at_once: bool) -> Iterator[tuple[str, Any]]:
    """A cursor that holds all rows of a table, for each table; PostgreSQL is asked for all of them in one breath."""
    with closing(cursor):
        selects = [f'SELECT * FROM "{table}"' for table in tables]
        if at_once:
            cursor.execute("; ".join(selects))
        for table, select in zip(tables, selects, strict=True):
            if not at_once:
                cursor.execute(select)
            yield table, cursor
            if at_once:
                cursor.nextset()


def personal(contents: Mapping[str, list[Any]]) -> dict[str, list[Any] | None]:
    """What stands in the personal columns."""
    return {name: contents.get(name) for name in COLUMNS}


def cells(contents: Mapping[str, list[Any]]) -> list[bytes]:
    """The cells among them."""
    return [
        bytes(value) for values in personal(contents).values() for value in values or () if isinstance(value, bytes)
    ]


def spread(before: Mapping[str, list[Any]], after: Mapping[str, list[Any]]) -> list[str]:
    """Columns that hold a canary that did not stand in them before, and is not theirs."""
    return [
        f"{place}: {', '.join(names)}"
        for place, values in after.items()
        if place not in COLUMNS and values != before.get(place) and (names := held(values, COLUMNS))
    ]


# -- searching ----------------------------------------------------------------------------------------------------


def frozen(loot: Any) -> Any:
    """All strings in `loot` as they are now: what objects hold changes when the access does."""
    return loot if isinstance(loot, BaseException) else list(_flat(loot, set()))


def strings(loot: Any) -> Iterable[str]:
    """Every string in `loot`, however deep."""
    return _flat(loot, set())


def held(loot: Any, columns: Iterable[str]) -> list[str]:
    """The columns, of those given, of which `loot` holds a canary, in whatever form."""
    heap = "\n".join(_flat(loot, set())).lower()
    return [name for name in columns if any(needle in heap for needle in _needles_of(name))]


@cache
def _needles_of(column: str) -> tuple[str, ...]:
    return tuple(needle for value in canaries(column) for needle in _needles(value))


def _needles(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [needle for inner in value.values() for needle in _needles(inner)]
    if isinstance(value, datetime.date):
        return [value.isoformat(), repr(value).lower()]
    word = str(value).rpartition("-")[2].lower()
    return [word, word[::-1], word.encode().hex()]


def _flat(loot: Any, seen: set[int]) -> Iterable[str]:
    """Every string in `loot`, however deep, without asking attributes that guard themselves."""
    if id(loot) in seen:
        return
    seen.add(id(loot))
    if isinstance(loot, (bytes, bytearray, memoryview)):
        raw = bytes(loot)
        yield raw.decode("latin-1")
        yield raw.decode("utf-16-le", "ignore")
        yield raw.hex()
    elif isinstance(loot, str):
        yield loot
    elif isinstance(loot, Mapping):
        for key, value in loot.items():
            yield from _flat(key, seen)
            yield from _flat(value, seen)
    elif isinstance(loot, (Sequence, set, frozenset)):
        for value in loot:
            yield from _flat(value, seen)
    elif isinstance(loot, BaseException):
        yield f"{loot!s} {loot!r}"
        for part in (loot.args, vars(loot), loot.__cause__, loot.__context__, getattr(loot, "__notes__", None)):
            yield from _flat(part, seen)
    elif isinstance(loot, (ModuleType, TracebackType, type)) or callable(loot):
        return
    else:
        yield repr(loot)
        if hasattr(loot, "_sa_instance_state"):
            yield from _flat({k: v for k, v in vars(loot).items() if k != "_sa_instance_state"}, seen)
