"""Commands that are imported when they are called: who proves a log does not wait for SQLAlchemy."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command, get_group

__all__ = ["Later", "commands"]


def commands(where: Mapping[str, tuple[str, str]]) -> type[TyperGroup]:
    """The class of a group that knows its commands by name.

    :param where: of each command, in the order of the help, its place, ``"module:name"``, and what it says of itself there
        (its first paragraph).
    """

    class Commands(TyperGroup):
        def __init__(self, **settings: Any) -> None:
            super().__init__(**settings)
            self.commands = {name: Later(name, *said) for name, said in where.items()}

    return Commands


class Later(TyperCommand):
    """Stands in the help for a command, and becomes it when it is called."""

    def __init__(self, name: str, place: str, said: str) -> None:
        super().__init__(name, help=said)
        self.place = place

    def real(self) -> Any:
        """The command: a function's, or a group's."""
        module, _, attribute = self.place.partition(":")
        found = getattr(import_module(module), attribute)
        if isinstance(found, typer.Typer):
            return get_group(found)
        single = typer.Typer(add_completion=False)
        single.command(self.name)(found)
        return get_command(single)

    def make_context(self, *args: Any, **more: Any) -> Any:
        return self.real().make_context(*args, **more)
