"""Which engines a policy is true on."""

from __future__ import annotations

import gc
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from sqlalchemy import Engine
from sqlalchemy.orm import Query
from sqlalchemy.sql import ClauseElement

from sa_privacy.accesslog import EventLog
from sa_privacy.columns.accepting import Accepted
from sa_privacy.crypto import Keyring
from sa_privacy.customers.erasure.entries import must_outlive
from sa_privacy.errors import PolicyError
from sa_privacy.gate.engine import Gate
from sa_privacy.gate.everywhere import ENGINE_CONNECT
from sa_privacy.gate.explain import Explanation, explain
from sa_privacy.gate.install import Installation, install
from sa_privacy.gate.objects.memory import Memory
from sa_privacy.gate.sqlalchemy_private import root_engine
from sa_privacy.walls import RowSources, Wall, raise_wall

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncEngine  # needs greenlet, which synchronous applications do not have

__all__ = ["OWN", "Engines"]

#: An execution option of engines that the library's commands make: whichever application they load leaves these alone.
OWN = {"sa_privacy_own": True}


class Engines:
    """The engines that one gate stands before, and their walls."""

    def __init__(
        self,
        gate: Gate,
        memory: Memory,
        keys: Keyring | None,
        log: EventLog | None,
        accepted: Accepted,
        erased: EventLog | None = None,
    ) -> None:
        self._gate, self._memory = gate, memory
        self._keys, self.log, self._accepted = keys, log, accepted
        self._erased = erased
        self._installed: WeakKeyDictionary[Engine, Installation] = WeakKeyDictionary()
        self._walls: WeakKeyDictionary[Engine, Wall] = WeakKeyDictionary()

    def install(self, engine: Engine | AsyncEngine, *, walls: bool = False) -> None:
        """Protects an engine, and all that its ``execution_options()`` makes of it. Doing it twice changes nothing.

        :param walls: also puts up the database's own wall, which sees what goes past SQLAlchemy: on SQLite at once, on
            PostgreSQL once ``sa-privacy wall apply`` has made its roles.
        :raises PolicyError: another ``Privacy`` protects it, its dialect is not supported, an annotation names a
            category that the policy does not know, ``observe`` names a table that is not there, the log is in the engine's
            own SQLite file, the ledger of erasures in its database, or something else keeps the gate from seeing statements (see :meth:`check`). Nothing is put on
            the engine then.
        """
        plain = _sync(engine)
        fresh = plain not in self._installed
        if fresh:
            self._gate.live.check()
            self._gate.observed.check(self._gate.catalogue())
            _must_be_apart(self.log, plain)
            must_outlive(self._erased, plain)
            accepted = self._accepted.by_field(self._gate.catalogue())
            self._installed[plain] = install(plain, self._gate, self._keys, accepted)
            self._memory.engines_changed(some=True)
        if walls and plain not in self._walls:
            try:
                self._walls[plain] = raise_wall(plain, self._gate, lambda: self.row_sources)
            except BaseException:
                if fresh:
                    self.uninstall(plain)
                raise

    def uninstall(self, engine: Engine | AsyncEngine) -> None:
        """Takes the protection off again: the engine behaves as if it had never been there.

        Once it is off the last engine, objects that are still in memory are their holder's.
        """
        plain = _sync(engine)
        installation = self._installed.get(plain)
        if installation is not None:
            wall = self._walls.pop(plain, None)
            if wall is not None:
                wall.remove()
            installation.remove()
            del self._installed[plain]
            self._memory.engines_changed(some=bool(self._installed))

    def check(self, engine: Engine | AsyncEngine) -> None:
        """The self-test that :meth:`install` made, once more: for health checks. Asks the database nothing.

        :raises PolicyError: this ``Privacy`` is not installed on the engine, or something keeps the gate from seeing
            every statement: a listener that answers before it, another compiler or compile cache.
        """
        installation = self._installed.get(_sync(engine))
        if installation is None:
            raise PolicyError("this Privacy is not installed on that engine.", hint="privacy.install(engine) first.")
        self._gate.observed.check(self._gate.catalogue())
        installation.check()

    def install_all(self, match: Callable[[Engine], bool] | None = None, *, walls: bool = False) -> Callable[[], None]:
        """Protects every engine of the process, present and future, that `match` takes; all, where it is left out.

        Engines of the library's own commands, which load the application's models, are left to the command.

        :param walls: as for :meth:`install`.
        :returns: a function that stops taking in new engines; those taken in stay protected.
        """

        def take_in(engine: Engine) -> None:
            if engine in self._installed or OWN.items() <= engine.get_execution_options().items():
                return
            if match is None or match(engine):
                self.install(engine, walls=walls)

        def engine_connect(connection: Any) -> None:
            take_in(root_engine(connection.engine))

        for found in [thing for thing in gc.get_objects() if issubclass(type(thing), Engine)]:
            take_in(found)
        return ENGINE_CONNECT.listen(engine_connect)

    def explain(
        self, statement: ClauseElement | Query[Any] | str, *, engine: Engine | AsyncEngine | None = None
    ) -> Explanation:
        """What a statement would touch under the access in force, and whether it would run. Runs nothing.

        Values that come with the execution are not known yet: ``insert(Customer)`` without values writes every column.

        :param engine: an engine this ``Privacy`` is installed on; may be left out where there is just one.
        :raises PolicyError: no engine is known, or this ``Privacy`` is not installed on it.
        """
        known = list(self._installed)
        if engine is None and len(known) != 1:
            raise PolicyError(
                "which engine would run it?" if known else "this Privacy is installed on no engine.",
                hint="explain(statement, engine=...) with an engine it is installed on.",
            )
        plain = known[0] if engine is None else _sync(engine)
        installation = self._installed.get(plain)
        if installation is None:
            raise PolicyError(
                "this Privacy is not installed on that engine, which would run anything.",
                hint="privacy.install(engine) first.",
            )
        return explain(self._gate, plain, installation.door, statement)

    @property
    def row_sources(self) -> RowSources:
        """Where the wall's conditions about rows come from, beside the policy."""
        rules = self._gate.rules
        return RowSources(rules.consents, rules.entered)


def _sync(engine: Engine | AsyncEngine) -> Engine:
    engine = getattr(engine, "sync_engine", engine)  # an AsyncEngine's
    if not isinstance(engine, Engine):
        raise PolicyError(f"{type(engine).__name__} is no engine.", hint="give an Engine or an AsyncEngine.")
    return root_engine(engine)


def _must_be_apart(log: EventLog | None, engine: Engine) -> None:
    """A log in a SQLite file, which has one writer at a time, would wait for the statement that waits for the log."""
    shares_file = getattr(log, "shares_file", None)  # only a log in a database can tell
    if shares_file is not None and shares_file(engine):
        raise PolicyError(
            "the access log is in the SQLite file of the engine it is to watch: its events could not be committed while "
            "the application writes.",
            hint='give it a file of its own: TableLog("sqlite:///access-log.db"), or AccessLog.open("access-log").',
        )
