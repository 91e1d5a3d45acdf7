"""``repr`` and comparison of whole objects never raise: what is withheld shows as such.

Frameworks print and compare objects where nobody asked for their content: debuggers, loggers, backrefs of dataclasses.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any, Final

__all__ = ["WITHHELD", "is_quiet", "quieten", "unquieten"]


class Withheld:
    """Stands for a value that is not shown. Equal to itself only."""

    def __repr__(self) -> str:
        return "<withheld>"


WITHHELD: Final = Withheld()
_quiet: ContextVar[bool] = ContextVar("sa_privacy.quiet", default=False)
is_quiet = _quiet.get


def quieten(class_: type[Any]) -> None:
    """Lets the ``__repr__`` of a mapped class, and the ``__eq__`` of a dataclass, go past what is withheld."""
    for name in ("__repr__", "__eq__") if dataclasses.is_dataclass(class_) else ("__repr__",):
        method = getattr(class_, name)
        if method is not getattr(object, name) and not hasattr(method, "sa_privacy_plain"):
            setattr(class_, name, _quietly(method))


def unquieten(class_: type[Any]) -> None:
    """Puts the class's own methods back."""
    for name in ("__repr__", "__eq__"):
        plain = getattr(vars(class_).get(name), "sa_privacy_plain", None)
        if plain is not None:
            delattr(class_, name)
            if getattr(class_, name, None) is not plain:
                setattr(class_, name, plain)


def _quietly(method: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(method)
    def quietly(*args: Any) -> Any:
        token = _quiet.set(True)
        try:
            return method(*args)
        finally:
            _quiet.reset(token)

    quietly.sa_privacy_plain = method  # type: ignore[attr-defined]
    return quietly
