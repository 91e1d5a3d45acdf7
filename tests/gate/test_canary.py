"""The self-test of an installation: it refuses to start where something keeps the gate from seeing statements."""

from __future__ import annotations

import logging
import types
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine, event, select, text
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.pool import StaticPool

from sa_privacy import NoAccess, PolicyError, Privacy
from sa_privacy.accesslog import AccessLog
from tests.gate import world
from tests.gate.test_install import traces
from tests.gate.world import Customer

HOOKS = ("do_execute", "do_executemany", "do_execute_no_params")


def answers(cursor: Any, statement: str, *rest: Any) -> bool:
    """Another extension: it sends statements itself."""
    if len(rest) > 1:
        cursor.execute(statement, rest[0])
    else:
        cursor.execute(statement)
    return True


def looks(*_: Any) -> None:
    """A harmless one."""


def stumbles(cursor: Any, statement: str, *rest: Any) -> None:
    """One that wants what only a real statement has."""
    rest[-1].not_there.at_all()


@contextmanager
def listening(target: Any, name: str, listener: Callable[..., Any], **how: Any) -> Iterator[None]:
    event.listen(target, name, listener, **how)
    try:
        yield
    finally:
        event.remove(target, name, listener)


@pytest.mark.parametrize("name", HOOKS)
def test_a_listener_of_all_engines_that_answers_first_keeps_the_gate_from_starting(
    name: str, engine: Engine, privacy: Privacy
) -> None:
    before = traces(engine)
    with listening(Engine, name, answers):
        expected = traces(engine)
        with pytest.raises(PolicyError, match=rf"{name} listener tests\.gate\.test_canary\.answers .* returns true"):
            privacy.install(engine)
        assert traces(engine) == expected
    assert traces(engine) == before
    privacy.install(engine)
    privacy.check(engine)


def test_one_that_cannot_be_tried_is_not_trusted(engine: Engine, privacy: Privacy) -> None:
    with listening(Engine, "do_execute", stumbles), pytest.raises(PolicyError, match=r"stumbles .* cannot be tried"):
        privacy.install(engine)


def test_harmless_listeners_are_let_be(engine: Engine, privacy: Privacy) -> None:
    with listening(Engine, "do_execute", looks), listening(engine, "do_execute", looks):
        privacy.install(engine)
        privacy.check(engine)
        world.fill(privacy, engine)


@pytest.mark.parametrize("name", HOOKS)
def test_one_of_this_engine_that_listened_before_keeps_the_gate_from_starting(
    name: str, engine: Engine, privacy: Privacy
) -> None:
    with listening(engine, name, answers):
        before = traces(engine)
        with pytest.raises(PolicyError, match="returns true"):
            privacy.install(engine)
        assert traces(engine) == before
    privacy.install(engine)


def test_one_that_listens_later_answers_only_what_the_gate_let_through(engine: Engine, privacy: Privacy) -> None:
    world.Base.metadata.create_all(engine)
    privacy.install(engine)
    for name in HOOKS:
        event.listen(engine, name, answers)
    privacy.check(engine)
    with engine.connect() as connection:
        with pytest.raises(NoAccess):
            connection.execute(select(Customer.segment))
        with pytest.raises(NoAccess):
            connection.execute(text("SELECT segment FROM customers"))
        assert connection.execute(select(Customer.tier)).all() == []


def test_one_of_all_engines_that_came_later_is_found_by_check(engine: Engine, privacy: Privacy) -> None:
    privacy.install(engine)
    with (
        listening(Engine, "do_executemany", answers),
        pytest.raises(PolicyError, match="do_executemany listener"),
    ):
        privacy.check(engine)
    privacy.check(engine)


def test_a_gate_that_is_not_heard_any_more_is_found(engine: Engine, privacy: Privacy) -> None:
    privacy.install(engine)
    installed = privacy._installed[engine]
    name, listener = installed._listeners[0]
    event.remove(engine, name, listener)
    with pytest.raises(PolicyError, match=f"does not hear {name} any more"):
        privacy.check(engine)
    event.listen(engine, name, listener, insert=True)


def test_another_compiler_is_found(engine: Engine, privacy: Privacy) -> None:
    plain = engine.dialect.statement_compiler
    privacy.install(engine)
    ours = engine.dialect.statement_compiler
    engine.dialect.statement_compiler = plain
    with pytest.raises(PolicyError, match="statement_compiler was replaced"):
        privacy.check(engine)

    class Further(ours):  # type: ignore[misc, valid-type]
        """One that goes on from the gate's."""

    engine.dialect.statement_compiler = Further
    privacy.check(engine)
    engine.dialect.statement_compiler = ours


def test_another_compile_cache_is_found(engine: Engine, privacy: Privacy) -> None:
    privacy.install(engine)
    ours = engine._compiled_cache
    engine._compiled_cache = {}
    with pytest.raises(PolicyError, match="compile cache was replaced"):
        privacy.check(engine)
    engine._compiled_cache = ours
    copy = engine.execution_options(logging_token="copy")
    theirs = engine.dialect.set_engine_execution_options
    del engine.dialect.set_engine_execution_options  # another extension's patch, taken back at the wrong time
    copy.update_execution_options(compiled_cache={})
    with pytest.raises(PolicyError, match=r"set_engine_execution_options was replaced.*compiled_cache option was"):
        privacy.check(engine)
    engine.dialect.set_engine_execution_options = theirs  # type: ignore[method-assign]
    copy.update_execution_options(logging_token="again")
    privacy.check(engine)


def test_a_compile_cache_that_the_gate_was_told_of_is_no_matter(engine: Engine, privacy: Privacy) -> None:
    before = engine.execution_options(compiled_cache={})
    privacy.install(engine)
    after = engine.execution_options(compiled_cache={})
    uncached = engine.execution_options(compiled_cache=None)
    engine.update_execution_options(compiled_cache={})
    for one in (engine, before, after, uncached):
        privacy.check(one)


def test_what_would_show_values_is_found(engine: Engine, privacy: Privacy) -> None:
    privacy.install(engine)
    engine.hide_parameters = False
    vars(engine)["logger"] = logging.getLogger("of.its.own")
    with pytest.raises(PolicyError, match=r"hide_parameters.*logger"):
        privacy.check(engine)
    engine.hide_parameters = True
    engine.echo = "debug"  # makes a logger too, which is stood before like the first
    privacy.check(engine)
    engine.echo = False


def test_no_connection_is_made_and_nothing_logged(privacy: Privacy, log: AccessLog) -> None:
    def nowhere(*_: Any, **__: Any) -> Any:
        raise AssertionError("a connection was asked for")

    for engine in (
        create_engine("postgresql+psycopg://", creator=nowhere),
        create_engine("sqlite://", creator=nowhere, poolclass=StaticPool),
    ):
        privacy.install(engine)
        privacy.check(engine)
        privacy.uninstall(engine)
    assert list(log.events()) == []


async def test_an_async_engine_is_tried_alike(async_engine: AsyncEngine, privacy: Privacy) -> None:
    with listening(Engine, "do_execute", answers), pytest.raises(PolicyError, match="answers in its place"):
        privacy.install(async_engine)
    privacy.install(async_engine)
    privacy.check(async_engine)
    with (
        listening(Engine, "do_execute", answers),
        pytest.raises(PolicyError, match="answers in its place"),
    ):
        privacy.check(async_engine)


def test_the_wall_does_not_stand_in_the_way(engine: Engine, privacy: Privacy) -> None:
    privacy.install(engine, walls=True)
    privacy.check(engine)


def test_an_engine_without_the_gate_does_not_pass(engine: Engine, privacy: Privacy) -> None:
    with pytest.raises(PolicyError, match="not installed"):
        privacy.check(engine)
    with pytest.raises(PolicyError, match="no engine"):
        privacy.check(types.SimpleNamespace())  # type: ignore[arg-type]
