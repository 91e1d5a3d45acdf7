"""How a command speaks to people: results on stdout, ``error:`` and ``hint:`` on stderr."""

from __future__ import annotations

import json
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final, NoReturn

import typer
from rich.console import Console
from rich.text import Text

from sa_privacy.errors import PrivacyError

__all__ = ["FOUND", "IMPOSSIBLE", "fail", "plain", "print_json", "say", "telling"]

FOUND = 1
"""Exit status where something differs from what it should be."""
IMPOSSIBLE = 2
"""Exit status where a command could not do its work."""

_OWNER = "connect as the owner of the tables, with the right to make roles (CREATEROLE), or as a superuser."


#: What a terminal would obey: names in a database may be anybody's.
_OBEYED: Final = {code: f"\\x{code:02x}" for code in (*range(32), *range(127, 160)) if code not in (9, 10)}


def plain(text: str) -> str:
    """Text in which nothing makes a terminal do anything."""
    return text.translate(_OBEYED)


def say(text: str = "", style: str = "") -> None:
    """Prints one line, whole: output may go into a file."""
    Console(highlight=False, markup=False, soft_wrap=True).print(Text(plain(text), style=style))


def print_json(value: Any) -> None:
    """Prints a value for programs."""
    typer.echo(json.dumps(value, ensure_ascii=False, indent=2))


def fail(message: str, hint: str | None = None) -> NoReturn:
    """Says why a command cannot do its work, and ends it."""
    console = Console(stderr=True, highlight=False, markup=False, soft_wrap=True)
    console.print(Text.assemble(("error: ", "bold red"), plain(message)))
    if hint:
        console.print(Text.assemble(("hint: ", "bold"), plain(hint)))
    raise typer.Exit(IMPOSSIBLE)


def _warn(message: Warning | str, *_: object, **__: object) -> None:
    console = Console(stderr=True, highlight=False, markup=False, soft_wrap=True)
    console.print(Text.assemble(("warning: ", "bold yellow"), plain(str(message))))


def _of_sqlalchemy(*names: str) -> tuple[type[Any], ...]:
    """Its errors. Where it was not imported there are none: a log is proved without it."""
    errors = sys.modules.get("sqlalchemy.exc")
    return tuple(getattr(errors, name) for name in names) if errors is not None else ()


@contextmanager
def telling() -> Iterator[None]:
    """Turns the errors and warnings of the work into words."""
    try:
        with warnings.catch_warnings():
            warnings.showwarning = _warn  # of what Python hands over, the text alone is told
            yield
    except PrivacyError as error:
        fail(error.message, error.hint)
    except _of_sqlalchemy("DBAPIError") as error:
        said = str(error.orig).strip().splitlines() or [type(error).__name__]
        fail(f"the database says: {said[0]}", _OWNER if "permission denied" in said[0] else None)
    except _of_sqlalchemy("ArgumentError", "NoSuchModuleError"):
        fail(
            "the URL is no database URL.", "write postgresql://user@host/database; a password may come from PGPASSWORD."
        )
