"""The self-test of an installation: whether what is on the engine still makes every statement pass the gate.

Another extension may stand in the way: a listener before the gate that answers in its place, a compiler or a compile
cache put where the gate's own was. A canary, a statement over no table, is sent down the engine's own way as far as the
gate, which never lets it through. No connection is made, and nothing reaches a database.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import Engine, Select, literal_column, select
from sqlalchemy.engine import Dialect
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.util import EMPTY_DICT

from sa_privacy.errors import PolicyError
from sa_privacy.gate.sqlalchemy_private import RowLogger, default_compiled_cache, listeners_of
from sa_privacy.gate.statements.plan import KEPT

if TYPE_CHECKING:
    from sa_privacy.columns.live import LiveCatalogue

__all__ = ["as_error", "faults_of_dialect", "faults_of_engine"]

_HOOKS: Final = ("do_execute", "do_executemany", "do_execute_no_params")


class _Seen(Exception):
    """The gate has looked at the canary."""


class _Canary:
    """Stands where the gate finds the plan of a statement, and says that it was asked."""

    facts: Final = ()

    def __init__(self, live: LiveCatalogue) -> None:
        self._live = live

    @property
    def catalogue(self) -> Any:
        return self._live.now

    @property
    def concerns(self) -> bool:
        raise _Seen


class _Cursor:
    """Takes what a listener would send, and sends it nowhere."""

    description = None
    rowcount = -1
    arraysize = 1
    lastrowid = None

    def execute(self, *_: Any) -> _Cursor:
        return self

    executemany = execute

    def fetchone(self) -> None:
        return None

    def fetchall(self) -> list[Any]:
        return []

    def close(self) -> None:
        """Nothing was opened."""


def faults_of_dialect(engine: Engine, live: LiveCatalogue) -> Iterator[str]:
    """What keeps the gate from seeing statements, or from leaving out of them what an access does not cover."""
    dialect: Dialect = engine.dialect
    statement: Select[Any] = select(literal_column("'canary of sa_privacy'"))
    compiled: Any = statement.compile(dialect=dialect)
    if not hasattr(compiled, "sa_privacy_left_out"):
        yield (
            f"the dialect's statement_compiler was replaced by {_name(dialect.statement_compiler)}, so entity loads "
            "would no longer leave out what an access does not cover"
        )
    vars(compiled)[KEPT] = _Canary(live)
    for name in _HOOKS:
        yield from _sent(name, engine, compiled)


def faults_of_engine(engine: Engine, cache: Any) -> Iterator[str]:
    """What of an engine, or of a copy of it, is not as the gate left it.

    :param cache: the gate's compile cache.
    """
    for where, found in (
        ("compile cache", default_compiled_cache(engine)),
        ("compiled_cache option", engine.get_execution_options().get("compiled_cache")),
    ):
        if found is not None and found is not cache:
            yield f"the engine's {where} was replaced, so what was compiled for one grant could serve another"
    if not engine.hide_parameters:
        yield "the engine's hide_parameters was switched off, so errors would quote values"
    if not isinstance(engine.logger, RowLogger):
        yield "the engine's logger was replaced (engine.echo does that), so rows could be echoed"


def as_error(faults: Iterable[str]) -> PolicyError | None:
    """All faults as one error, or None."""
    told = list(dict.fromkeys(faults))
    if not told:
        return None
    return PolicyError(
        f"the gate does not hold on this engine: {'; '.join(told)}.",
        hint="install sa_privacy after what changes the engine, or leave that out; listeners belong on the engine "
        "itself, after privacy.install(engine), and must not return True.",
    )


def _sent(name: str, engine: Engine, compiled: SQLCompiler) -> Iterator[str]:
    """Goes down the listeners as SQLAlchemy does: the first that returns true has answered."""
    sql = str(compiled)
    context = _context(engine, compiled, sql)
    arguments = (_Cursor(), sql, context) if name == "do_execute_no_params" else (_Cursor(), sql, (), context)
    for listener in listeners_of(engine.dialect, name):
        try:
            answered = listener(*arguments)
        except _Seen:
            return
        except Exception as error:  # noqa: BLE001 - another extension's, whatever it is
            yield f"the {name} listener {_name(listener)} comes before the gate and cannot be tried ({_name(type(error))})"
            return
        if answered:
            yield (
                f"the {name} listener {_name(listener)} comes before the gate and answers in its place (it returns "
                "true), so statements would run unseen"
            )
            return
    yield f"the gate does not hear {name} any more, so statements would run unseen"


def _context(engine: Engine, compiled: SQLCompiler, sql: str) -> Any:
    """What a listener may want to know of a statement, without one being executed."""
    return SimpleNamespace(
        compiled=compiled,
        statement=sql,
        unicode_statement=sql,
        invoked_statement=compiled.statement,
        dialect=engine.dialect,
        engine=engine,
        execution_options=EMPTY_DICT,
        parameters=[()],
        compiled_parameters=[{}],
        executemany=False,
        isddl=False,
        isinsert=False,
        isupdate=False,
        isdelete=False,
        is_text=False,
        is_crud=False,
        root_connection=None,
    )


def _name(thing: Any) -> str:
    named = getattr(thing, "__qualname__", type(thing).__qualname__)
    return f"{getattr(thing, '__module__', '?')}.{named}"
