"""Which keys an engine's sealed columns use: the keyring of the ``Privacy`` that is installed on it, or none."""

from __future__ import annotations

from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from sqlalchemy.engine import Dialect

if TYPE_CHECKING:
    from sa_privacy.crypto import Keyring

__all__ = ["KeyBinding", "bind_keys", "keys_of", "unbind_keys"]


class KeyBinding:
    """The keys of one engine. Processors keep the binding, not the keys, so that ``uninstall`` reaches them."""

    __slots__ = ("__weakref__", "keyring")

    def __init__(self) -> None:
        self.keyring: Keyring | None = None


_bindings: WeakKeyDictionary[Dialect, KeyBinding] = WeakKeyDictionary()


def keys_of(dialect: Dialect) -> KeyBinding:
    """The binding of an engine, by its dialect (every engine has its own)."""
    binding = _bindings.get(dialect)
    if binding is None:
        binding = _bindings.setdefault(dialect, KeyBinding())
    return binding


def bind_keys(dialect: Dialect, keyring: Keyring | None) -> None:
    """Gives the engine its keys."""
    keys_of(dialect).keyring = keyring


def unbind_keys(dialect: Dialect) -> None:
    """Takes them away: sealed columns neither write nor read from now on."""
    keys_of(dialect).keyring = None
