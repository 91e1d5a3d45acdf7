"""What ``privacy.access(...)`` returns: a context manager, and a decorator for functions of every kind."""

from __future__ import annotations

import functools
import inspect
from collections.abc import AsyncGenerator, Callable, Generator
from contextvars import Token
from types import TracebackType
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, cast

from sa_privacy.access.declared import Declared
from sa_privacy.access.scope import Scope

if TYPE_CHECKING:
    from sa_privacy.access.scopes import AccessScopes

__all__ = ["AccessBlock", "within"]

P = ParamSpec("P")
R = TypeVar("R")


class AccessBlock:
    """What ``privacy.access(...)`` returns: a context manager, and a decorator for functions of every kind."""

    def __init__(self, scopes: AccessScopes, declared: Declared, *, root: bool = False, request: bool = False) -> None:
        self._scopes = scopes
        self._declared = declared
        self._root = root
        self._request = request
        self._open: list[tuple[Scope, Token[Scope | None]]] = []

    def __enter__(self) -> Scope:
        scope = self._new_scope()
        self._open.append((scope, self._scopes.enter(scope)))
        return scope

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        # One block may be open several times: nested, or in several threads and tasks at once.
        here = self._scopes.get()
        mine = [opened for opened in tuple(self._open) if opened[0] is here]
        opened = mine[-1] if mine else self._open[-1]
        self._open.remove(opened)
        self._scopes.leave(*opened)

    async def __aenter__(self) -> Scope:
        return self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None
    ) -> None:
        self.__exit__(kind, error, tb)

    def _new_scope(self) -> Scope:
        return self._scopes.scope(self._declared, root=self._root, request=self._request)

    def __call__(self, function: Callable[P, R]) -> Callable[P, R]:
        return within(function, self._scopes, self._new_scope)


def within(function: Callable[P, R], scopes: AccessScopes, new_scope: Callable[[], Scope]) -> Callable[P, R]:
    """Runs `function`, of whatever kind, inside a new scope each time it is called."""
    called: Any = function
    kinds = (called, getattr(type(called), "__call__", None))  # noqa: B004 - an object is what its call is
    if any(map(inspect.isasyncgenfunction, kinds)):
        return cast("Callable[P, R]", _within_async_generator(called, scopes, new_scope))
    if any(map(inspect.isgeneratorfunction, kinds)):
        return cast("Callable[P, R]", _within_generator(called, scopes, new_scope))
    if any(map(inspect.iscoroutinefunction, kinds)):

        @functools.wraps(function)
        async def in_coroutine(*args: P.args, **kwargs: P.kwargs) -> Any:
            scope = new_scope()
            token = scopes.enter(scope)
            try:
                return await called(*args, **kwargs)
            finally:
                scopes.leave(scope, token)

        return cast("Callable[P, R]", in_coroutine)

    @functools.wraps(function)
    def in_function(*args: P.args, **kwargs: P.kwargs) -> R:
        scope = new_scope()
        token = scopes.enter(scope)
        try:
            return function(*args, **kwargs)
        finally:
            scopes.leave(scope, token)

    return in_function


def _within_generator(
    function: Callable[P, Generator[Any, Any, Any]], scopes: AccessScopes, new_scope: Callable[[], Scope]
) -> Callable[P, Generator[Any, Any, Any]]:
    """The scope is in force while the generator works, and not while its consumer does."""

    @functools.wraps(function)
    def in_generator(*args: P.args, **kwargs: P.kwargs) -> Generator[Any, Any, Any]:
        steps = function(*args, **kwargs)
        scope = new_scope()
        try:
            send: Any = None
            throw: BaseException | None = None
            while True:
                token = scopes.enter(scope)
                try:
                    value = steps.send(send) if throw is None else steps.throw(throw)
                except StopIteration as stop:
                    return stop.value
                finally:
                    scopes.step_out(scope, token)
                send, throw = None, None
                try:
                    send = yield value
                except GeneratorExit:
                    token = scopes.enter(scope)
                    try:
                        steps.close()
                    finally:
                        scopes.step_out(scope, token)
                    raise
                except BaseException as error:  # noqa: BLE001 - handed into the generator, where it belongs
                    throw = error
        finally:
            scopes.end(scope)

    return in_generator


def _within_async_generator(
    function: Callable[P, AsyncGenerator[Any, Any]], scopes: AccessScopes, new_scope: Callable[[], Scope]
) -> Callable[P, AsyncGenerator[Any, Any]]:
    """As for generators, step by step."""

    @functools.wraps(function)
    async def in_async_generator(*args: P.args, **kwargs: P.kwargs) -> AsyncGenerator[Any, Any]:
        steps = function(*args, **kwargs)
        scope = new_scope()
        try:
            send: Any = None
            throw: BaseException | None = None
            while True:
                token = scopes.enter(scope)
                try:
                    value = await (steps.asend(send) if throw is None else steps.athrow(throw))
                except StopAsyncIteration:
                    return
                finally:
                    scopes.step_out(scope, token)
                send, throw = None, None
                try:
                    send = yield value
                except GeneratorExit:
                    token = scopes.enter(scope)
                    try:
                        await steps.aclose()
                    finally:
                        scopes.step_out(scope, token)
                    raise
                except BaseException as error:  # noqa: BLE001 - handed into the generator, where it belongs
                    throw = error
        finally:
            scopes.end(scope)

    return in_async_generator
