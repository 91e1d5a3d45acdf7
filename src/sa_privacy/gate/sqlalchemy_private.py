"""Private SQLAlchemy touches of this room, one name each; ``tests/test_sqlalchemy_private.py`` watches them."""

from __future__ import annotations

import gc
import sys
from collections import deque
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from copy import copy
from functools import cache
from operator import attrgetter
from threading import RLock
from typing import Any, Final

from sqlalchemy import BindParameter, ColumnElement, Engine, create_engine
from sqlalchemy.engine.base import OptionEngine
from sqlalchemy.engine.default import DefaultExecutionContext
from sqlalchemy.engine.interfaces import ExecuteStyle
from sqlalchemy.orm import InstanceState, Mapper
from sqlalchemy.orm.base import _DEFER_FOR_STATE
from sqlalchemy.sql import visitors
from sqlalchemy.sql.cache_key import NO_CACHE
from sqlalchemy.sql.elements import Grouping
from sqlalchemy.util import LRUCache
from sqlalchemy.util.concurrency import in_greenlet

from sa_privacy.columns import lookup_key
from sa_privacy.columns.indexes import is_searchable
from sa_privacy.footprint import without_literals

__all__ = [
    "DEFER_FOR_STATE",
    "InstanceKey",
    "RowLogger",
    "asked_to_return",
    "by_lookup",
    "choose_eager_defaults",
    "copies_of",
    "default_compiled_cache",
    "defer_for_state",
    "expanded_binds",
    "forget_eager_defaults",
    "hide_rows",
    "in_greenlet",
    "info_of_connection",
    "is_flush",
    "is_moved",
    "is_multivalues_batch",
    "limit_selects",
    "listeners_come_and_go",
    "listeners_of",
    "notes_of_result",
    "room_of_compiled_cache",
    "root_engine",
    "route_flushes",
    "rows_of_batches",
    "seen_alone",
    "set_default_compiled_cache",
    "show_rows",
    "structure_of",
    "unroute_flushes",
    "unwrap_expired_loader",
    "with_conditions",
    "with_schemas",
    "wrap_expired_loader",
]

#: What a property leaves in ``memoized_populators`` to be deferred for the instances of one load.
DEFER_FOR_STATE: Any = _DEFER_FOR_STATE

#: The dictionary that the ``QueryContext`` of one execution keeps. It starts as a copy of what compiling left in it.
notes_of_result: Callable[[Any], dict[Any, Any]] = attrgetter("attributes")

#: The ``info`` of the DBAPI connection that a statement's execution context runs on, without the way over three properties.
#: Raises NotImplementedError of the first connection of an engine, while its dialect gets to know the server.
info_of_connection: Callable[[Any], dict[Any, Any]] = attrgetter("_dbapi_connection.info")

#: Where an instance keeps its state, in its ``__dict__``.
InstanceKey = "_sa_instance_state"


def is_multivalues_batch(context: DefaultExecutionContext) -> bool:
    """Whether the context sends its INSERT in batches ("insertmanyvalues"), whose text SQLAlchemy makes anew."""
    return context.execute_style is ExecuteStyle.INSERTMANYVALUES


def rows_of_batches(context: DefaultExecutionContext) -> list[Any] | None:
    """The rows that an INSERT in batches returned, all batches together; None where it returns none."""
    return context._insertmanyvalues_rows


def expanded_binds(context: DefaultExecutionContext) -> Mapping[str, list[str]]:
    """The list parameters of an IN, which ``compiled_parameters`` no longer holds: the binds their items became."""
    return context._expanded_parameters


class RowLogger:
    """Stands before ``Engine.logger``: keeps rows out of ``echo="debug"``, and literals out of what is echoed."""

    def __init__(self, plain: Any) -> None:
        self.sa_privacy_plain = plain
        self.isEnabledFor = plain.isEnabledFor  # asked for with every statement

    def __getattr__(self, name: str) -> Any:
        return getattr(self.sa_privacy_plain, name)

    def info(self, message: str, *args: Any, **kwargs: Any) -> None:
        """Logs statements without their literals."""
        self.sa_privacy_plain.info(message if args else without_literals(message), *args, **kwargs)

    def debug(self, message: str, *args: Any, **kwargs: Any) -> None:
        """Logs everything but the content of rows."""
        if message.endswith("Row %r"):  # a logging_token may stand before it
            self.sa_privacy_plain.debug(f"{message[:-2]}(hidden: this engine is protected)", **kwargs)
        else:
            self.sa_privacy_plain.debug(message, *args, **kwargs)


def hide_rows(engine: Engine) -> None:
    """Puts a :class:`RowLogger` before the engine's logger, and before each one that assigning ``echo`` makes later."""
    plain = type(engine)
    if not hasattr(plain, "sa_privacy_plain"):
        engine.__class__ = _hiding(plain)  # type: ignore[arg-type]
        engine.logger = engine.logger


def show_rows(engine: Engine) -> None:
    """Takes that away again."""
    logger = engine.logger
    engine.__class__ = getattr(type(engine), "sa_privacy_plain", type(engine))
    engine.logger = getattr(logger, "sa_privacy_plain", logger)


@cache
def _hiding(plain: type[Engine]) -> type[Engine]:
    """The class of engines, but that its loggers hide rows: ``echo`` is a property that replaces the logger."""

    def logger(engine: Engine) -> Any:
        return vars(engine)["logger"]

    def set_logger(engine: Engine, new: Any) -> None:
        vars(engine)["logger"] = new if isinstance(new, RowLogger) else RowLogger(new)

    added = {"logger": property(logger, set_logger), "sa_privacy_plain": plain, "__module__": plain.__module__}
    return type(plain.__name__, (plain,), added)


def wrap_expired_loader(mapper: Mapper[Any], wrap: Callable[[Callable[..., None]], Callable[..., None]]) -> None:
    """Stands before what loads a class's expired attributes.

    For a class that inherits from another, SQLAlchemy selects their columns without asking the attributes.
    """
    manager = mapper.class_manager
    plain = manager.expired_attribute_loader
    if not hasattr(plain, "sa_privacy_plain"):
        loader = wrap(plain)
        loader.sa_privacy_plain = plain  # type: ignore[attr-defined]
        manager.expired_attribute_loader = loader


def unwrap_expired_loader(mapper: Mapper[Any]) -> None:
    """Takes that away again."""
    manager = mapper.class_manager
    plain = getattr(manager.expired_attribute_loader, "sa_privacy_plain", None)
    if plain is not None:
        manager.expired_attribute_loader = plain


def defer_for_state(mapper: Mapper[Any], key: str, state: InstanceState[Any]) -> None:
    """Makes one attribute of one object load by itself when it is next asked for."""
    mapper.column_attrs[key]._deferred_column_loader(state, state.dict, None)


def asked_to_return(statement: Any) -> frozenset[Any]:
    """What an ORM INSERT, UPDATE or DELETE was itself asked to return, beside what the mapper wants of it."""
    return frozenset(getattr(statement, "_supplemental_returning", None) or ())


def by_lookup(compiler: Any, on_conflict: Any) -> Any:
    """The same ON CONFLICT, with the lookups of searchable columns in place of the columns: these are what is unique."""
    elements: Iterable[Any] | None = on_conflict.inferred_target_elements
    table = compiler.stack[-1]["selectable"].table
    named = {str(column.name): column for column in table.columns}
    columns = [
        table.columns.get(e, named.get(e)) if isinstance(e, str) else getattr(e, "__clause_element__", lambda e=e: e)()
        for e in elements or ()
    ]
    if not any(is_searchable(column) for column in columns):
        return on_conflict
    copied = copy(on_conflict)
    copied.inferred_target_elements = [
        lookup_key(column) if is_searchable(column) else element
        for column, element in zip(columns, elements or (), strict=True)
    ]
    return copied


_EAGER: Final = "_server_default_plus_onupdate_propkeys"


class _EagerDefaults:
    """The attributes that ``eager_defaults=True`` fetches after a flush, asked anew each time."""

    def __init__(self, plain: Iterable[str]) -> None:
        self.plain = frozenset(plain)
        self.choices: list[Callable[[frozenset[str]], frozenset[str]]] = []

    def __iter__(self) -> Iterator[str]:
        keys = self.plain
        for choose in self.choices:
            keys = choose(keys)
        return iter(keys)


def choose_eager_defaults(mapper: Mapper[Any], choose: Callable[[frozenset[str]], frozenset[str]]) -> None:
    """Lets `choose` say which of its server defaults a mapper, which is configured, fetches after a flush."""
    found = mapper.__dict__.get(_EAGER)
    if not isinstance(found, _EagerDefaults):
        found = mapper.__dict__[_EAGER] = _EagerDefaults(getattr(mapper, _EAGER))
    found.choices.append(choose)


def forget_eager_defaults(mapper: Mapper[Any], choose: Callable[[frozenset[str]], frozenset[str]]) -> None:
    """Asks `choose` no more. The mapper works them out by itself again once nobody is asked."""
    found = mapper.__dict__.get(_EAGER)
    if isinstance(found, _EagerDefaults) and choose in found.choices:
        found.choices.remove(choose)
        if not found.choices:
            del mapper.__dict__[_EAGER]


def default_compiled_cache(engine: Any) -> Any:
    """The compile cache that an engine uses when no execution option names another; None where it caches nothing."""
    return engine._compiled_cache


def room_of_compiled_cache(engine: Any) -> int:
    """How many statements the application gave it room for (``query_cache_size``), or SQLAlchemy did."""
    cache = default_compiled_cache(engine)
    return cache.capacity if isinstance(cache, LRUCache) else 500


def set_default_compiled_cache(engine: Any, cache: Any) -> None:
    """Gives the engine another one, also for connections that were made before."""
    engine._compiled_cache = cache


def with_schemas(context: Any, text: str | None = None) -> str:
    """The text of a context's compiled statement, or one in its place, with the schemas of ``schema_translate_map``
    filled in.
    """
    compiled: Any = context.compiled
    written: str = text or compiled.string
    if not getattr(compiled, "schema_translate_map", None):
        return written
    translated = context.execution_options.get("schema_translate_map", {})
    return compiled.preparer._render_schema_translates(written, translated)  # type: ignore[no-any-return]


def is_moved(context: Any, schema: str | None) -> bool:
    """Whether ``schema_translate_map`` puts another schema in the place of this one, in a context's compiled statement."""
    if not getattr(context.compiled, "schema_translate_map", None):
        return False
    translated = context.execution_options.get("schema_translate_map", {})
    names = (schema,) if schema is not None else (None, "_none")  # SQLAlchemy adds the second, and looks for it
    return any(translated.get(name, schema) != schema for name in names)


def listeners_of(dialect: Any, name: str) -> list[Callable[..., Any]]:
    """Who is asked, and in which order, before an engine hands a statement to its driver; nobody where it asks none."""
    return list(getattr(dialect.dispatch, name)) if dialect._has_events else []


class _Draft(deque[Any]):
    """Listeners that are being changed: who is asked meanwhile are those that were there before."""

    def __init__(self, now: Iterable[Any]) -> None:
        super().__init__(now)
        self._before = tuple(now)

    def __iter__(self) -> Iterator[Any]:
        return iter(self._before)

    def finished(self) -> deque[Any]:
        """Those that are to be asked from now on."""
        return deque(super().__iter__())


@contextmanager
def listeners_come_and_go(mapper: Mapper[Any], names: Iterable[str]) -> Iterator[None]:
    """Inside the block, these listeners of a mapped class may be added and removed while other threads load its objects.

    SQLAlchemy changes the deque that those threads iterate over, which ends their statements with a RuntimeError.
    """
    with _CHANGING:
        drafts = []
        for dispatch in (mapper.class_manager.dispatch, mapper.dispatch):
            for name in names:
                if hasattr(dispatch, name):
                    collection = getattr(dispatch, name).for_modify(dispatch)
                    collection.listeners = draft = _Draft(collection.listeners)
                    drafts.append((collection, draft))
        try:
            yield
        finally:
            for collection, draft in drafts:
                collection.listeners = draft.finished()


_CHANGING: Final = RLock()


def root_engine(engine: Engine) -> Engine:
    """The engine that ``Engine.execution_options()`` was called on to make this one; itself where it was not."""
    while isinstance(engine, OptionEngine):
        engine = engine._proxied
    return engine


def copies_of(engine: Engine) -> list[Engine]:
    """The engines that ``Engine.execution_options()`` has made of this one so far; nobody else keeps a list.

    They share its dialect, so they are looked for among what refers to it: an object, or the ``__dict__`` of one. That takes
    as long as there are objects in the process, and is left out where nothing but the engine itself knows where its
    listeners are: each copy joins its own to them.
    """
    if sys.implementation.name == "cpython" and sys.getrefcount(engine.dispatch) <= _references_when_alone():
        return []
    holders = gc.get_referrers(engine.dialect)
    apart = [holder for holder in holders if type(holder) is dict and "_proxied" in holder]
    if apart:
        holders += gc.get_referrers(*apart)
    copies = {id(thing): thing for thing in holders if issubclass(type(thing), OptionEngine)}
    return [copy for copy in copies.values() if root_engine(copy) is engine]


@cache
def _references_when_alone() -> int:
    """How many references there are to the listeners of an engine of which no copy was made."""
    engine = create_engine("sqlite://")
    return sys.getrefcount(engine.dispatch)


def limit_selects(compiler: type[Any]) -> None:
    """Lets the ``sa_privacy_ruling`` of a compiler, where it has one, limit every SELECT that it renders."""
    plain = compiler._compose_select_body

    def _compose_select_body(
        self: Any, text: str, select: Any, state: Any, columns: Any, froms: list[Any], *rest: Any
    ) -> Any:
        if self.sa_privacy_ruling is not None:
            select, froms = self.sa_privacy_ruling.select(select, froms)
        return plain(self, text, select, state, columns, froms, *rest)

    compiler._compose_select_body = _compose_select_body


def with_conditions(statement: Any, conditions: Iterable[Any]) -> Any:
    """A SELECT, UPDATE or DELETE with conditions beside its own, which stand in brackets: they may hold text."""
    made, around = statement.where(), statement.whereclause
    made._where_criteria = (*(() if around is None else (Grouping(around),)), *conditions)
    return made


@contextmanager
def seen_alone(compiler: Any, element: Any) -> Iterator[None]:
    """Inside the block subqueries are compiled as if nothing but `element` stood in the FROM around them."""
    around = compiler.stack[-1]["selectable"] if compiler.stack else None
    compiler.stack.append({"correlate_froms": {element}, "asfrom_froms": {element}, "selectable": around})
    try:
        yield
    finally:
        compiler.stack.pop()


def structure_of(condition: ColumnElement[Any]) -> tuple[Hashable, tuple[BindParameter[Any], ...]]:
    """What of a condition does not depend on its values, and its parameters, in an order that equal ones share.

    :returns: a structure that equals no other, where the condition holds something that SQLAlchemy would not cache.
    """
    key = condition._generate_cache_key()
    if key is None or any(bind.type._static_cache_key is NO_CACHE for bind in key.bindparams):
        binds = (element for element in visitors.iterate(condition) if isinstance(element, BindParameter))
        return object(), tuple(dict.fromkeys(binds))
    return key.key, tuple(key.bindparams)


class _RoutedFlushes(LRUCache[Any, Any]):
    """What a mapper keeps its compiled INSERT, UPDATE and DELETE in: apart for each structure of row rules."""

    def get(self, key: Any, default: Any = None) -> Any:
        return super().get(_under_rules(key), default)

    def __setitem__(self, key: Any, value: Any) -> None:
        super().__setitem__(_under_rules(key), value)


def _under_rules(key: Any) -> Any:
    owner = getattr(key[0].statement_compiler, "sa_privacy_owner", None)  # it begins with the dialect
    limits = owner.limits() if owner is not None else None
    return key if limits is None else (limits.catalogue, limits.structure, key)


def route_flushes(mapper: Mapper[Any]) -> None:
    """Keeps what a flush has compiled under one set of row rules apart from what it compiles under another."""
    base = mapper.base_mapper
    if not isinstance(base._compiled_cache, _RoutedFlushes):
        base.__dict__["_compiled_cache"] = _RoutedFlushes(base._compiled_cache.capacity)


def unroute_flushes(mapper: Mapper[Any]) -> None:
    """Puts the mapper's own cache back."""
    if isinstance(mapper.__dict__.get("_compiled_cache"), _RoutedFlushes):
        del mapper.__dict__["_compiled_cache"]


def is_flush(context: Any) -> bool:
    """Whether a statement under row rules is of a flush, which expects every row that it changes to be there."""
    return isinstance(context.execution_options.get("compiled_cache"), _RoutedFlushes)
