"""`sa-privacy` in the tests' own process: typer's runner, which would make all commands anew for each one that is run."""

from __future__ import annotations

import functools
from typing import Any, Final
from unittest.mock import patch

import typer.testing
from typer.main import get_command
from typer.testing import Result

from sa_privacy.cli.later import Later

__all__ = ["INTERRUPTIBLE", "CliRunner", "Result", "whole"]

#: The command in a process of its own, which Ctrl-C ends even where the tests run in the background of a shell, that has it ignored.
INTERRUPTIBLE: Final = (
    "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); from sa_privacy.cli import main; main()"
)

MADE: Final = functools.cache(get_command)


class CliRunner(typer.testing.CliRunner):
    """As typer's. A tree of commands holds nothing of a run, so one serves for all; making it takes 0.1 s."""

    def invoke(self, *said: Any, **options: Any) -> Result:
        with patch.object(typer.testing, "_get_command", MADE):
            return super().invoke(*said, **options)


def whole(command: Any) -> Any:
    """A command as it is once it is called; a group with all its commands."""
    command = command.real() if isinstance(command, Later) else command
    if hasattr(command, "commands"):
        command.commands = {name: whole(one) for name, one in command.commands.items()}
    return command
