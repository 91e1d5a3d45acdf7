"""Puts the gate on an engine, and takes it off again, leaving nothing behind."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from sqlalchemy import Engine, event
from sqlalchemy.engine import Dialect

from sa_privacy.columns.binding import bind_keys, unbind_keys
from sa_privacy.errors import PolicyError
from sa_privacy.gate.compiling import RoutedCache, unwatch_compiler, watch_compiler
from sa_privacy.gate.door import Door
from sa_privacy.gate.engine import Gate
from sa_privacy.gate.sqlalchemy_private import RowLogger, default_compiled_cache

if TYPE_CHECKING:
    from sa_privacy.crypto import Keyring

__all__ = ["Installation", "install"]

_DIALECTS = ("sqlite", "postgresql")


class Installation:
    """One protected engine. ``remove()`` undoes it."""

    def __init__(self, engine: Engine, door: Door, listeners: list[tuple[str, Callable[..., Any]]]) -> None:
        self.engine = engine
        self.door = door
        self._listeners = listeners
        self._hide_parameters = engine.hide_parameters
        self._cache = engine.get_execution_options().get("compiled_cache", default_compiled_cache(engine))

    def remove(self) -> None:
        """Takes the gate off the engine: it behaves as if it had never been there."""
        engine = self.engine
        for name, listener in self._listeners:
            event.remove(engine, name, listener)
        unwatch_compiler(engine.dialect)
        unbind_keys(engine.dialect)
        engine.hide_parameters = self._hide_parameters
        engine.update_execution_options(compiled_cache=self._cache)
        engine.logger = getattr(engine.logger, "sa_privacy_plain", engine.logger)


def install(engine: Engine, gate: Gate, keys: Keyring | None) -> Installation:
    """Protects `engine` with `gate`.

    :raises PolicyError: another gate is on it already, or its database is not known to the library.
    """
    dialect: Dialect = engine.dialect
    if dialect.name not in _DIALECTS:
        raise PolicyError(
            f"the {dialect.name} dialect is not supported: its statements cannot be judged.",
            hint="sa_privacy protects SQLite and PostgreSQL.",
        )
    if hasattr(dialect.statement_compiler, "sa_privacy_plain"):
        raise PolicyError(
            "this engine is protected by another Privacy already.",
            hint="uninstall that one first, or use its own engine.",
        )
    door = Door(gate, "postgresql" if dialect.name == "postgresql" else "sqlite", dialect.paramstyle)
    listeners: list[tuple[str, Callable[..., Any]]] = [
        ("do_execute", door.do_execute),
        ("do_executemany", door.do_execute),
        ("do_execute_no_params", door.do_execute_no_params),
        ("handle_error", door.handle_error),
    ]
    installed = Installation(engine, door, listeners)
    bind_keys(dialect, keys)
    watch_compiler(dialect, gate.current_view)
    engine.update_execution_options(compiled_cache=RoutedCache(gate))
    engine.hide_parameters = True
    engine.logger = RowLogger(engine.logger)  # type: ignore[assignment]
    for name, listener in listeners:
        event.listen(engine, name, listener)
    return installed
