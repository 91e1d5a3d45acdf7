"""Puts the gate on an engine, and takes it off again, leaving nothing behind."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary, WeakSet, ref

from sqlalchemy import Connection, Engine, event
from sqlalchemy.engine import Dialect

from sa_privacy.columns.binding import bind_keys, unbind_keys
from sa_privacy.errors import PolicyError
from sa_privacy.gate.binds import owner_of_dialect
from sa_privacy.gate.canary import as_error, faults_of_dialect, faults_of_engine
from sa_privacy.gate.door import Door
from sa_privacy.gate.engine import Gate
from sa_privacy.gate.sqlalchemy_private import (
    copies_of,
    default_compiled_cache,
    hide_rows,
    room_of_compiled_cache,
    set_default_compiled_cache,
    show_rows,
)
from sa_privacy.gate.statements.compiling import RoutedCache, unwatch_compiler, watch_compiler

if TYPE_CHECKING:
    from sa_privacy.columns.accepting import Acceptance
    from sa_privacy.crypto import Keyring

__all__ = ["Installation", "install"]

_DIALECTS = ("sqlite", "postgresql")
#: Where a protected engine keeps the compile cache that it had before.
_PLAIN_CACHE = "sa_privacy_plain_cache"


class Installation:
    """One protected engine, with the copies that ``Engine.execution_options()`` made of it. ``remove()`` undoes it.

    It keeps no engine alive: an application may make one for each tenant, and drop it.
    """

    def __init__(self, engine: Engine, door: Door, cache: RoutedCache) -> None:
        self._engine = ref(engine)
        self.dialect = engine.dialect
        self.door = door
        self._routed = cache
        self._hide_parameters = engine.hide_parameters
        self._covered: WeakSet[Engine] = WeakSet()
        self._listeners: list[tuple[str, Callable[..., Any]]] = [
            ("do_execute", door.do_execute),
            ("do_executemany", door.do_executemany),
            ("do_execute_no_params", door.do_execute_no_params),
            ("handle_error", door.handle_error),
        ]
        self._own_caches: WeakKeyDictionary[Engine, Any] = WeakKeyDictionary()
        #: What the dialect is told of options by, until the gate is off again.
        self._watching: dict[str, Callable[..., None]] = {}

    def apply(self) -> None:
        """Puts the gate on."""
        root = self._engine()
        if root is None:
            return
        # On the engine: a cache of SQLAlchemy's own knows it, and would keep it alive from here.
        vars(root)[_PLAIN_CACHE] = default_compiled_cache(root)
        for engine in (root, *copies_of(root)):
            self._cover(engine)
        self._watch_options(self.dialect)
        for name, listener in self._listeners:
            event.listen(root, name, listener)

    def check(self) -> None:
        """Makes sure that the gate holds, on the engine and on every copy of it.

        :raises PolicyError: it does not; every reason is told.
        """
        root, dialect = self._engine(), self.dialect
        if root is None:
            return
        faults = [
            *faults_of_dialect(root, self.door.gate.live),
            *(
                f"the dialect's {name} was replaced, so another compile cache could mix grants up"
                for name, watching in self._watching.items()
                if vars(dialect).get(name) is not watching
            ),
            *(fault for engine in tuple(self._covered) for fault in faults_of_engine(engine, self._routed)),
        ]
        error = as_error(faults)
        if error is not None:
            raise error

    def remove(self) -> None:
        """Takes the gate off the engine: it behaves as if it had never been there."""
        root = self._engine()
        if root is not None:
            for name, listener in self._listeners:
                event.remove(root, name, listener)
            plain_cache = vars(root).pop(_PLAIN_CACHE)
            for engine in tuple(self._covered):
                set_default_compiled_cache(engine, plain_cache)
        unwatch_compiler(self.dialect)
        unbind_keys(self.dialect)
        for name in self._watching:
            vars(self.dialect).pop(name, None)
        for engine, cache in tuple(self._own_caches.items()):
            engine.update_execution_options(compiled_cache=cache)
        for engine in tuple(self._covered):
            engine.hide_parameters = self._hide_parameters
            show_rows(engine)
        self._routed.retire()

    def forget_statements(self) -> None:
        """Compiles every statement anew: searches use another lookup slot."""
        self._routed.clear()

    def _cover(self, engine: Engine) -> None:
        if engine not in self._covered:
            self._covered.add(engine)
            engine.hide_parameters = True
            hide_rows(engine)
            if default_compiled_cache(engine) is not None:
                set_default_compiled_cache(engine, self._routed)
        own = engine.get_execution_options().get("compiled_cache")
        if own is not None and own is not self._routed:
            self._own_caches.setdefault(engine, own)
            engine.update_execution_options(compiled_cache=self._routed)

    def _watch_options(self, dialect: Dialect) -> None:
        """Dialects are told of options. Listeners on the engine would be, too, and slow every statement down."""
        plain_engine, plain_connection = dialect.set_engine_execution_options, dialect.set_connection_execution_options

        def set_engine_execution_options(engine: Engine, opts: Any) -> None:
            """A copy of the engine has a logger, and may have a compile cache, of its own."""
            plain_engine(engine, opts)
            self._cover(engine)

        def set_connection_execution_options(connection: Connection, opts: Any) -> None:
            """A cache of the application's own would serve a statement compiled for one grant under another."""
            plain_connection(connection, opts)
            cache = opts.get("compiled_cache")
            if cache is not None and cache is not self._routed:
                connection.execution_options(compiled_cache=self._routed)

        for watching in (set_engine_execution_options, set_connection_execution_options):
            self._watching[watching.__name__] = vars(dialect)[watching.__name__] = watching


def install(
    engine: Engine, gate: Gate, keys: Keyring | None, accepted: Mapping[str, Acceptance] | None = None
) -> Installation:
    """Protects `engine` with `gate`.

    :param engine: a root engine; what ``execution_options()`` made of it is protected with it.
    :param accepted: the fields of which plain values are read beside cells.
    :raises PolicyError: another gate is on it already, its database is not known to the library, or something else
        keeps the gate from seeing statements.
    """
    dialect: Dialect = engine.dialect
    if dialect.name not in _DIALECTS:
        raise PolicyError(
            f"the {dialect.name} dialect is not supported: its statements cannot be judged.",
            hint="sa_privacy protects SQLite and PostgreSQL; install_all(match=...) leaves other engines out.",
        )
    if owner_of_dialect(dialect) is not None:
        raise PolicyError(
            "this engine is protected by another Privacy already.",
            hint="uninstall that one first, or use its own engine.",
        )
    door = Door(gate, "postgresql" if dialect.name == "postgresql" else "sqlite", dialect)
    installed = Installation(engine, door, RoutedCache(gate, room_of_compiled_cache(engine)))
    bind_keys(dialect, keys, accepted)
    if keys is not None:
        keys.on_lookup_change(installed.forget_statements)
    watch_compiler(dialect, gate.current_view, gate, gate.ruling)
    installed.apply()
    try:
        installed.check()
    except BaseException:
        installed.remove()
        raise
    return installed
