"""Finds a key service by what a command was told: ``file:PATH``, ``env:NAME``, ``aws:KEY``, ``package.module:name``."""

from __future__ import annotations

from typing import Any

from sa_privacy.cli.models import imported
from sa_privacy.cli.telling import fail
from sa_privacy.crypto import AwsKms, KeyService, LocalKey

__all__ = ["find_service"]

_WAYS = "write file:PATH, env:NAME, aws:KEY, or package.module:name for one of your own (docs/key-services.md)."


def find_service(said: str | None) -> KeyService | None:
    """The service, or None where none was named."""
    if said is None:
        return None
    kind, _, what = said.partition(":")
    if not what:
        fail(f'"{said}" names no key service.', _WAYS)
    if kind == "file":
        return LocalKey.from_file(what)
    if kind == "env":
        return LocalKey.from_env(what)
    if kind == "aws":
        return AwsKms(what)
    return _own(kind, what)


def _own(module_name: str, attribute: str) -> KeyService:
    module = imported(module_name, _WAYS)
    found: Any = getattr(module, attribute, None)
    service = found() if callable(found) else found
    if not all(hasattr(service, member) for member in ("name", "wrap", "unwrap")):
        fail(
            f'"{module_name}:{attribute}" is no key service.',
            "it needs name, wrap and unwrap, or returns one that has.",
        )
    return service  # type: ignore[no-any-return]
