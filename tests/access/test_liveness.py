"""A scope is alive while its own block and every enclosing one are open, in whatever thread, task or context."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextvars import Context, copy_context
from typing import Any

import pytest

from sa_privacy import AccessEnded, NoAccess
from sa_privacy.access import AccessScopes, Scope


async def test_a_task_that_outlives_its_scope_is_refused(scopes: AccessScopes) -> None:
    left = asyncio.Event()

    async def work() -> Scope:
        assert scopes.require().alive
        await left.wait()
        return scopes.require()

    with scopes.access("shipping", role="warehouse"):
        task = asyncio.create_task(work())
        await asyncio.sleep(0)
    left.set()
    with pytest.raises(AccessEnded) as refused:
        await task
    assert refused.value.purpose == ("shipping",)
    assert refused.value.roles == ("warehouse",)
    assert "carry" in str(refused.value.hint)


async def test_scopes_opened_by_such_a_task_die_with_their_parent(scopes: AccessScopes) -> None:
    left, opened = asyncio.Event(), asyncio.Event()

    async def work() -> None:
        with scopes.access("campaigns") as child:
            opened.set()
            await left.wait()
            assert not child.alive
            assert scopes.current() is None
            with pytest.raises(AccessEnded), scopes.access("shipping"):
                pytest.fail("a block was opened inside a dead one")
            with scopes.system("purge-tokens") as fresh:  # a root needs nothing of the dead one
                assert fresh.alive

    with scopes.access(role="marketing"):
        task = asyncio.create_task(work())
        await opened.wait()
    left.set()
    await task


def test_an_outer_end_ends_everything_opened_inside_it(scopes: AccessScopes) -> None:
    outer = scopes.access("shipping", role="warehouse")
    with outer as scope:
        inner = copy_context().run(scopes.access(reason="1").__enter__)
        innermost = copy_context().run(scopes.access(reason="2").__enter__)
        assert inner.parent is scope
        assert inner.alive
        assert innermost.alive
    assert not inner.alive
    assert not innermost.alive


async def test_tasks_and_to_thread_inherit_and_an_executor_does_not(scopes: AccessScopes) -> None:
    async def in_task() -> Scope | None:
        return scopes.get()

    with scopes.access("shipping", role="warehouse") as scope:
        assert await asyncio.create_task(in_task()) is scope
        assert await asyncio.to_thread(scopes.get) is scope
        assert await asyncio.get_running_loop().run_in_executor(None, scopes.get) is None
        assert [found async for found in _gathered(in_task, in_task)] == [scope, scope]


async def _gathered(*functions: Any) -> Any:
    for found in await asyncio.gather(*(function() for function in functions)):
        yield found


def test_carry_takes_the_access_into_a_thread_and_outlives_its_scope(scopes: AccessScopes) -> None:
    go = threading.Event()

    def work(value: int) -> tuple[int, Scope, bool]:
        go.wait(5)
        scope = scopes.require()
        return value, scope, scope.alive

    with ThreadPoolExecutor(1) as pool:
        with scopes.access(
            "shipping", actor="a", role="warehouse", subject=3, reason="r", withheld="none", x=1
        ) as mine:
            carried = scopes.carry(work)
            future = pool.submit(carried, 7)
            alone = pool.submit(scopes.get)
        go.set()
        value, scope, alive = future.result(5)
        assert alone.result(5) is None
    assert (value, alive) == (7, True)
    assert scope.parent is None
    assert scope is not mine
    assert scope.access is not mine.access
    for name in ("purposes", "actor", "roles", "subject", "reason", "withheld", "grant", "details", "maintenance"):
        assert getattr(scope.access, name) == getattr(mine.access, name)
    assert not scope.alive


async def test_carry_takes_the_access_into_a_task_and_each_call_is_its_own(scopes: AccessScopes) -> None:
    async def work() -> Scope:
        await asyncio.sleep(0)
        return scopes.require()

    with scopes.access(maintenance=True, role="engineer"):
        carried = scopes.carry(work)
    first, second = await asyncio.gather(asyncio.create_task(carried()), carried())
    assert first is not second
    assert first.access.maintenance
    assert first.access.grant.everything
    assert scopes.get() is None


async def test_a_carried_task_goes_on_after_the_scope_that_started_it(scopes: AccessScopes) -> None:
    left = asyncio.Event()

    async def work() -> tuple[Scope, bool, dict[str, object]]:
        await left.wait()
        scope = scopes.require()
        return scope, scope.alive, dict(scope.access.details)

    with scopes.access("shipping", role="warehouse"):
        carried = scopes.carry(work)
        with scopes.access(more="not carried"):
            task = asyncio.create_task(carried())
            await asyncio.sleep(0)
    left.set()
    scope, alive, details = await task
    assert alive
    assert scope.parent is None
    assert details == {}


def test_carry_keeps_a_systems_access(scopes: AccessScopes) -> None:
    with scopes.system("purge-tokens"):
        carried = scopes.carry(lambda: scopes.require().access)
    access = carried()
    assert access.system == "purge-tokens"
    assert access.actor == "system:purge-tokens"


def test_carry_carries_generators(scopes: AccessScopes) -> None:
    def purposes() -> Generator[tuple[str, ...], None, None]:
        yield scopes.require().access.purposes

    with scopes.access("shipping", role="warehouse"):
        carried = scopes.carry(purposes)
    assert list(carried()) == [("shipping",)]


def test_nothing_can_be_carried_where_nothing_is_in_force(scopes: AccessScopes) -> None:
    with pytest.raises(NoAccess):
        scopes.carry(len)

    context = Context()
    block = scopes.access(actor="a")
    context.run(block.__enter__)
    context.run(lambda: scopes.require().close())
    with pytest.raises(AccessEnded):
        context.run(scopes.carry, len)


def test_a_block_left_in_another_context_leaves_nothing_in_force(scopes: AccessScopes) -> None:
    """As FastAPI does with a plain dependency that yields: each half runs in its own copy of the request's context."""

    def dependency() -> Generator[Scope, None, None]:
        with scopes.access("shipping", role="warehouse") as scope:
            yield scope

    steps = dependency()
    entering, leaving = copy_context(), copy_context()
    scope = entering.run(next, steps)
    heard: list[Any] = []
    scopes.listen(lambda left, entered: heard.append((left, entered)))
    with pytest.raises(StopIteration):
        leaving.run(next, steps)
    assert not scope.alive
    assert heard == [(scope.access, None)]
    assert scopes.get() is None
    assert leaving.run(scopes.current) is None
    assert entering.run(scopes.current) is None
    with pytest.raises(AccessEnded):
        entering.run(scopes.require)


def test_a_block_left_in_a_later_copy_of_its_context_gives_back_what_was_there(scopes: AccessScopes) -> None:
    block = scopes.access("campaigns")
    with scopes.access(role="marketing", purpose="shipping") as outer:

        def enter_here_leave_in_a_copy() -> tuple[Scope, Scope | None]:
            scope = block.__enter__()
            later = copy_context()
            later.run(block.__exit__, None, None, None)
            return scope, later.run(scopes.get)

        inner, after = copy_context().run(enter_here_leave_in_a_copy)
        assert not inner.alive
        assert after is outer
        assert outer.alive


def test_one_block_open_in_two_contexts_leaves_the_right_one(scopes: AccessScopes) -> None:
    block = scopes.access("shipping", role="warehouse")
    one, other = copy_context(), copy_context()
    first, second = one.run(block.__enter__), other.run(block.__enter__)
    one.run(block.__exit__, None, None, None)
    assert (first.alive, second.alive) == (False, True)
    assert one.run(scopes.get) is None
    assert other.run(scopes.get) is second
    other.run(block.__exit__, None, None, None)
    assert not second.alive
    assert other.run(scopes.get) is None


def test_a_generator_stepped_in_several_contexts_leaves_nothing_in_any(scopes: AccessScopes) -> None:
    """As Starlette does with a plain iterator: each step runs in a thread, in its own copy of the context."""

    @scopes.access("shipping", role="warehouse")
    def rows() -> Generator[tuple[str, ...], None, None]:
        for _ in range(3):
            yield scopes.require().access.purposes

    steps = rows()
    for _ in range(3):
        context = copy_context()
        assert context.run(next, steps) == ("shipping",)
        assert context.run(scopes.get) is None
    with pytest.raises(StopIteration):
        copy_context().run(next, steps)


def test_a_generator_resumed_after_its_surroundings_ended_is_refused(scopes: AccessScopes) -> None:
    @scopes.access("shipping")
    def rows() -> Generator[Scope, None, None]:
        yield scopes.require()
        yield scopes.require()

    with scopes.access(role="warehouse"):
        steps = rows()
        next(steps)
    with pytest.raises(AccessEnded):
        next(steps)


def test_sixteen_threads_with_one_block_never_see_each_others_scopes(scopes: AccessScopes) -> None:
    shared = scopes.access("shipping", role="warehouse")
    faults: list[str] = []
    start = threading.Barrier(16)

    def work(number: int) -> None:
        start.wait()
        for turn in range(150):
            actor = f"staff:{number}.{turn}"
            with scopes.access(actor=actor, role="warehouse") as outer, shared as inner:
                if inner.parent is not outer or inner.access.actor != actor or scopes.get() is not inner:
                    faults.append(actor)
                if not (inner.alive and outer.alive):
                    faults.append(f"{actor} dead")
            if scopes.get() is not None or inner.alive or outer.alive:
                faults.append(f"{actor} after")

    threads = [threading.Thread(target=work, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert faults == []


def test_a_scope_opened_while_its_parent_closes_is_not_left_alive(scopes: AccessScopes) -> None:
    """The parent is left in another thread after it was found alive, and before the child is there."""

    class LeavingMeanwhile:
        def grant(self, *args: Any, **kwargs: Any) -> Any:
            parent.close()
            return policy.grant(*args, **kwargs)

    policy: Any = scopes.policy
    with scopes.access("shipping", role="warehouse") as parent:
        scopes.policy = LeavingMeanwhile()  # type: ignore[assignment]
        with pytest.raises(AccessEnded), scopes.access(reason="child"):
            pytest.fail("the block was entered")
    assert not parent._children
