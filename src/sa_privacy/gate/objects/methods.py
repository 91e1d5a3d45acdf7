"""Methods of mapped classes that are replaced, and put back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

__all__ = ["is_replaced", "put_back", "replace"]

_INHERITED: Final = object()


def replace(class_: type[Any], name: str, method: Callable[..., Any]) -> None:
    """Lets `method` stand for the class's own, or for the one it inherits."""
    method.sa_privacy_plain = vars(class_).get(name, _INHERITED)  # type: ignore[attr-defined]
    type.__setattr__(
        class_, name, method
    )  # past SQLAlchemy, which would look for a column and forget what it worked out


def is_replaced(method: object) -> bool:
    """Whether `method` stands for another one."""
    return hasattr(method, "sa_privacy_plain")


def put_back(class_: type[Any], name: str) -> None:
    """Undoes :func:`replace`, if it was done."""
    method = vars(class_).get(name)
    if not is_replaced(method):
        return
    if method.sa_privacy_plain is _INHERITED:
        type.__delattr__(class_, name)
    else:
        type.__setattr__(class_, name, method.sa_privacy_plain)
