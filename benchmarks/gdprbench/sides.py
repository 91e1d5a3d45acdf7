"""Each system in a process of its own, so that the plain one pays for no listener of the library's. One works at a time."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from importlib import import_module
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

from benchmarks.gdprbench.places import engine_of
from benchmarks.gdprbench.systems import System

__all__ = ["Apart", "Here", "Side"]

P = ParamSpec("P")
T = TypeVar("T")


class Side(Protocol):
    """Where a system works."""

    @property
    def name(self) -> str:
        """The system's name."""

    def ask(self, function: Callable[Concatenate[System, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """What a function of the system returns."""


class Here:
    """In this process."""

    def __init__(self, system: System) -> None:
        self.system, self.name = system, system.name

    def ask(self, function: Callable[Concatenate[System, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        return function(self.system, *args, **kwargs)


class Apart:
    """In a process that knows nothing of the other system.

    :param name: ``"plain"`` or ``"protected"``.
    :param url: of an empty database.
    :param directory: for its files.
    :param module: where it is, under the module's name; None: under its own.
    """

    def __init__(self, name: str, url: str, directory: Path, module: str | None = None) -> None:
        self.name = name
        context = get_context("spawn")
        self._pipe, there = context.Pipe()
        self._process = context.Process(target=_serve, args=(there, module or name, url, directory), daemon=True)
        self._process.start()
        there.close()

    def ask(self, function: Callable[Concatenate[System, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        self._pipe.send((function, args, kwargs))
        fault, answer = self._pipe.recv()
        if fault is not None:
            raise RuntimeError(f"the {self.name} system failed:\n{fault}")
        return answer  # type: ignore[no-any-return]

    def close(self) -> None:
        """Ends the process."""
        if self._process.is_alive():
            self._pipe.send(None)
        self._process.join(timeout=30)
        self._pipe.close()


def _serve(pipe: Connection, module: str, url: str, directory: Path) -> None:
    system: Any = getattr(import_module(f"benchmarks.gdprbench.{module}"), module.capitalize())(
        engine_of(url), directory
    )
    while (asked := pipe.recv()) is not None:
        function, args, kwargs = asked
        try:
            pipe.send((None, function(system, *args, **kwargs)))
        except Exception:  # noqa: BLE001 - it is told in the other process
            pipe.send((traceback.format_exc(), None))
    system.close()
