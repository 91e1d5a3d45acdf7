"""Where in the application something was asked for: the call site, for reports.

The innermost frame that is neither this library's, nor SQLAlchemy's or of what is put on top of it, nor the standard
library's, and not of an installed package, where there is such a one.
"""

from __future__ import annotations

import inspect
import os
import sys
import sysconfig
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from types import FrameType
from typing import Final

from sa_privacy.access import as_text

__all__ = ["call_site"]

_BETWEEN: Final = frozenset(
    {"sa_privacy", "sqlalchemy", "sqlalchemy_utils", "sqlmodel", "flask_sqlalchemy", "greenlet"}
)
_NEVER: Final = (_BETWEEN | sys.stdlib_module_names) - {"__main__"}
_SCRIPTS: Final = sysconfig.get_path("scripts") + os.sep
_INSTALLED: Final = tuple(f"{os.sep}{name}{os.sep}" for name in ("site-packages", "dist-packages"))


def call_site() -> str | None:
    """``"shop/orders.py:42 in list_orders"``, or None where nothing of the application is on the stack.

    Paths are relative to the directory, or the entry of ``sys.path``, under which they are found.
    """
    outside: FrameType | None = None
    for frame in _frames():
        name = str(frame.f_globals.get("__name__", ""))
        if name.partition(".")[0] in _NEVER:
            continue
        kind = _kind(frame.f_code.co_filename)
        if kind == "application":
            return _told(frame)
        if kind == "installed" and outside is None:
            outside = frame
    return None if outside is None else _told(outside)


def _frames() -> Iterator[FrameType]:
    """From here outwards; under asyncio, out of SQLAlchemy's greenlet into the coroutine that waits for it."""
    frame = inspect.currentframe()
    greenlet = sys.modules.get("greenlet")
    around = greenlet.getcurrent().parent if greenlet is not None else None
    while True:
        while frame is not None:
            yield frame
            frame = frame.f_back
        if around is None:
            return
        frame, around = around.gr_frame, around.parent


def _told(frame: FrameType) -> str:
    name = frame.f_code.co_qualname
    while name.endswith(">") and ".<locals>." in name:  # a comprehension or lambda is told by the function around it
        name = name.rpartition(".<locals>.")[0]
    return f"{_shown(frame.f_code.co_filename)}:{frame.f_lineno} in {name.replace('.<locals>', '')}"


@lru_cache(maxsize=4096)
def _kind(filename: str) -> str:
    if filename.startswith((_SCRIPTS, "<frozen")):
        return "launcher"
    return "installed" if any(part in filename for part in _INSTALLED) else "application"


@lru_cache(maxsize=4096)
def _shown(filename: str) -> str:
    path = Path(filename)
    if not path.is_absolute():
        return as_text(filename)
    here = [Path(entry) for entry in (_directory(), *sys.path) if entry and path.is_relative_to(entry)]
    found = here[0] if here and str(here[0]) == _directory() else max(here, key=_depth, default=path.parent)
    return as_text(path.relative_to(found).as_posix())


def _depth(path: Path) -> int:
    return len(path.parts)


def _directory() -> str:
    """Where the process works; empty where that was deleted."""
    try:
        return str(Path.cwd())
    except OSError:
        return ""
