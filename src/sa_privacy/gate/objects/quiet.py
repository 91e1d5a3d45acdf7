"""``repr`` and comparison of whole objects never raise: what is withheld shows as such.

Frameworks print and compare objects where nobody asked for their content: debuggers, loggers, backrefs of dataclasses.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any, Final

from sa_privacy.gate.objects.methods import is_replaced, put_back, replace

__all__ = ["is_quiet", "quieten", "unquieten", "withhold"]


class Withheld:
    """Stands for a value that is not shown. Equal to itself only."""

    def __repr__(self) -> str:
        return "<withheld>"

    def __format__(self, spec: str) -> str:
        return "<withheld>"


class _Quiet:
    """One call that never raises, and whether something was withheld from it."""

    __slots__ = ("withheld",)

    def __init__(self) -> None:
        self.withheld = False


_WITHHELD: Final = Withheld()
_quiet: ContextVar[_Quiet | None] = ContextVar("sa_privacy.quiet", default=None)
is_quiet = _quiet.get


def withhold() -> Withheld:
    """What stands for a value that is not shown."""
    now = _quiet.get()
    if now is not None:
        now.withheld = True
    return _WITHHELD


def quieten(class_: type[Any]) -> None:
    """Lets the ``__repr__`` of a mapped class, and the ``__eq__`` of a dataclass, go past what is withheld."""
    for name in ("__repr__", "__eq__") if dataclasses.is_dataclass(class_) else ("__repr__",):
        method = getattr(class_, name)
        if method is not getattr(object, name) and not is_replaced(method):
            replace(class_, name, _quietly(method))


def unquieten(class_: type[Any]) -> None:
    """Puts the class's own methods back."""
    for name in ("__repr__", "__eq__"):
        put_back(class_, name)


def _quietly(method: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(method)
    def quietly(self: Any, *args: Any) -> Any:
        now = _Quiet()
        token = _quiet.set(now)
        try:
            return method(self, *args)
        except Exception:
            if args or not now.withheld:
                raise
            return f"<{type(self).__name__} (values withheld)>"  # it computes with what it shows
        finally:
            _quiet.reset(token)

    return quietly
