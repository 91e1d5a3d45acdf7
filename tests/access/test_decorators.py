"""privacy.access(...) as a decorator: functions, coroutines, generators and asynchronous generators."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncGenerator, Generator
from contextlib import contextmanager
from functools import partial
from typing import Any

import pytest

from sa_privacy import RoleDenied
from sa_privacy.access import AccessScopes, Scope


def test_each_call_of_a_function_is_an_access_of_its_own(scopes: AccessScopes) -> None:
    @scopes.access("shipping", role="warehouse")
    def work(number: int, *, more: int = 0) -> tuple[int, Scope]:
        """Works."""
        return number + more, scopes.require()

    (one, first), (two, second) = work(1), work(1, more=1)
    assert (one, two) == (1, 2)
    assert first is not second
    assert first.access.purposes == ("shipping",)
    assert not first.alive
    assert scopes.get() is None
    assert (work.__name__, work.__doc__) == ("work", "Works.")


def test_a_decorated_function_takes_what_is_left_out_from_its_caller(scopes: AccessScopes) -> None:
    @scopes.access("shipping")
    def work() -> tuple[str, ...]:
        return scopes.require().access.roles

    with scopes.access(role="warehouse"):
        assert work() == ("warehouse",)
    with pytest.raises(RoleDenied):
        work()
    assert scopes.get() is None


def test_a_function_that_calls_itself_nests(scopes: AccessScopes) -> None:
    @scopes.access(actor="a")
    def work(depth: int) -> list[Scope]:
        return [scopes.require(), *(work(depth - 1) if depth else [])]

    outer, inner = work(1)
    assert inner.parent is outer
    assert scopes.get() is None


async def test_a_coroutine_keeps_its_access_over_awaits(scopes: AccessScopes) -> None:
    @scopes.access("shipping", role="warehouse")
    async def work(value: int) -> tuple[int, Scope]:
        before = scopes.require()
        await asyncio.sleep(0)
        assert scopes.get() is before
        return value, before

    assert inspect.iscoroutinefunction(work)
    assert scopes.get() is None
    results = await asyncio.gather(work(1), work(2))
    assert [value for value, _ in results] == [1, 2]
    assert results[0][1] is not results[1][1]
    assert scopes.get() is None
    assert (await partial(scopes.access(actor="a")(partial(work, 3)))())[0] == 3


def test_a_generator_works_under_its_access_and_its_consumer_under_its_own(scopes: AccessScopes) -> None:
    seen: list[Scope | None] = []

    @scopes.access("shipping")
    def numbers() -> Generator[int, str, str]:
        try:
            seen.append(scopes.get())
            got = yield 1
            seen.append(scopes.get())
            assert got == "sent"
            try:
                yield 2
            except KeyError:
                seen.append(scopes.get())
                yield 3
            return "done"
        finally:
            seen.append(scopes.get())

    with scopes.access(role="warehouse", actor="consumer") as mine:
        steps = numbers()
        assert next(steps) == 1
        assert scopes.get() is mine
        assert steps.send("sent") == 2
        assert scopes.get() is mine
        assert steps.throw(KeyError("x")) == 3
        assert scopes.get() is mine
        with pytest.raises(StopIteration) as stop:
            next(steps)
        assert stop.value.value == "done"
        assert scopes.get() is mine
    assert len(seen) == 4
    assert len(set(seen)) == 1
    assert isinstance(seen[0], Scope)
    assert seen[0].access.purposes == ("shipping",)
    assert seen[0].access.actor == "consumer"
    assert not seen[0].alive


def test_closing_a_generator_runs_its_end_under_its_access(scopes: AccessScopes) -> None:
    seen: list[bool] = []

    @scopes.access("shipping", role="warehouse")
    def numbers() -> Generator[int, None, None]:
        try:
            yield 1
        finally:
            seen.append(scopes.require().alive)

    steps = numbers()
    next(steps)
    steps.close()
    assert seen == [True]
    assert scopes.get() is None
    assert list(numbers()) == [1]


def test_what_a_generator_does_not_catch_comes_out_of_it(scopes: AccessScopes) -> None:
    @scopes.access("shipping", role="warehouse")
    def numbers() -> Generator[int, None, None]:
        yield 1
        raise ValueError("own")

    steps = numbers()
    next(steps)
    with pytest.raises(ValueError, match="own"):
        next(steps)
    steps = numbers()
    next(steps)
    with pytest.raises(OSError, match="thrown"):
        steps.throw(OSError("thrown"))
    assert scopes.get() is None


def test_a_generator_delegates_and_is_delegated_to(scopes: AccessScopes) -> None:
    @scopes.access("shipping", role="warehouse")
    def inner() -> Generator[int, int, int]:
        return (yield 1) + (yield 2)

    def outer() -> Generator[int, int, list[int]]:
        return [(yield from inner())]

    steps = outer()
    assert (next(steps), steps.send(10)) == (1, 2)
    with pytest.raises(StopIteration) as stop:
        steps.send(20)
    assert stop.value.value == [30]


def test_two_generators_in_turn_do_not_mix_up(scopes: AccessScopes) -> None:
    def purposes() -> Generator[tuple[str, ...], None, None]:
        while True:
            yield scopes.require().access.purposes

    shipping = scopes.access("shipping", role="warehouse")(purposes)()
    campaigns = scopes.access("campaigns", role="marketing")(purposes)()
    for _ in range(3):
        assert next(shipping) == ("shipping",)
        assert next(campaigns) == ("campaigns",)
        assert scopes.get() is None


def test_a_context_manager_made_of_a_decorated_generator_gives_its_block_nothing(scopes: AccessScopes) -> None:
    @contextmanager
    @scopes.access("shipping", role="warehouse")
    def resource() -> Generator[Scope, None, None]:
        yield scopes.require()

    with resource() as inside:
        assert inside.alive
        assert scopes.get() is None
    assert not inside.alive


async def test_an_async_generator_works_under_its_access_and_its_consumer_under_its_own(scopes: AccessScopes) -> None:
    seen: list[Scope | None] = []

    @scopes.access("shipping")
    async def numbers() -> AsyncGenerator[int, str]:
        try:
            seen.append(scopes.get())
            await asyncio.sleep(0)
            assert (yield 1) == "sent"
            try:
                yield 2
            except KeyError:
                await asyncio.sleep(0)
                seen.append(scopes.get())
                yield 3
        finally:
            seen.append(scopes.get())

    async with scopes.access(role="warehouse") as mine:
        steps = numbers()
        assert await anext(steps) == 1
        assert scopes.get() is mine
        assert await steps.asend("sent") == 2
        assert await steps.athrow(KeyError("x")) == 3
        assert scopes.get() is mine
        with pytest.raises(StopAsyncIteration):
            await anext(steps)
        assert scopes.get() is mine
    assert scopes.get() is None
    assert len(seen) == 3
    assert len(set(seen)) == 1
    assert isinstance(seen[0], Scope)
    assert not seen[0].alive


async def test_closing_an_async_generator_runs_its_end_under_its_access(scopes: AccessScopes) -> None:
    seen: list[bool] = []

    @scopes.access("shipping", role="warehouse")
    async def numbers() -> AsyncGenerator[int, None]:
        try:
            yield 1
            yield 2
        finally:
            await asyncio.sleep(0)
            seen.append(scopes.require().alive)

    steps = numbers()
    assert await anext(steps) == 1
    await steps.aclose()
    assert seen == [True]
    assert scopes.get() is None
    assert [number async for number in numbers()] == [1, 2]

    failing = numbers()
    await anext(failing)
    with pytest.raises(OSError, match="thrown"):
        await failing.athrow(OSError("thrown"))
    assert scopes.get() is None


async def test_an_async_generator_stepped_by_several_tasks_keeps_its_own_access(scopes: AccessScopes) -> None:
    @scopes.access("shipping", role="warehouse")
    async def purposes() -> AsyncGenerator[tuple[str, ...], None]:
        while True:
            await asyncio.sleep(0)
            yield scopes.require().access.purposes

    steps: Any = purposes()
    for _ in range(3):
        assert await asyncio.create_task(anext(steps)) == ("shipping",)
        assert scopes.get() is None
    await steps.aclose()


def test_an_object_that_is_called_is_what_its_call_is(scopes: AccessScopes) -> None:
    class Job:
        async def __call__(self) -> Scope:
            await asyncio.sleep(0)
            return scopes.require()

    class Steps:
        def __call__(self) -> Generator[Scope, None, None]:
            yield scopes.require()

    class Stream:
        async def __call__(self) -> AsyncGenerator[Scope, None]:
            yield scopes.require()

    async def first(stream: Any) -> Scope:
        return await anext(stream())

    block = scopes.access("shipping", role="warehouse")
    found = [asyncio.run(block(Job())()), next(block(Steps())()), asyncio.run(first(block(Stream())))]
    with block:
        carried = scopes.carry(Job())
    found.append(asyncio.run(carried()))
    assert [scope.access.purposes for scope in found] == [("shipping",)] * 4
    assert scopes.get() is None
