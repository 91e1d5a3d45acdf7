"""What a key service is asked, and what becomes of its answers.

A service is asked when a ring is loaded or saved, and never while a row is read or written: a ring that is loaded needs
it no more.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Protocol

from sa_privacy.crypto.derivation import KEY_BYTES
from sa_privacy.crypto.ring import key_name
from sa_privacy.crypto.secrecy import Unportable
from sa_privacy.errors import KeyUnavailable

__all__ = ["MAX_WRAPPED", "KeyService", "Wrapping", "is_policy_id", "is_service_name", "next_wrapping"]

MAX_WRAPPED = 8192
"""The most bytes that a wrapped secret may have."""
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_MAX_POLICY_ID = 256


class KeyService(Protocol):
    """Encrypts entry secrets under a key that never leaves the service, or at least not with the keyring.

    An error of any kind is taken for "not now": it becomes :class:`KeyUnavailable`. The messages of a
    :class:`KeyUnavailable` are shown, those of other errors are not, as they could hold what was to be wrapped.
    """

    @property
    def name(self) -> str:
        """What keyring files call the service: 1 to 64 of ``a-z 0-9 . _ -``."""

    def wrap(self, secret: bytes, context: Mapping[str, str]) -> bytes:
        """The secret, encrypted.

        :param secret: 32 bytes.
        :param context: ``key_id`` and ``policy_id``. To be bound to the answer, so that it unwraps with no other.
        :returns: at most 8,192 bytes.
        """

    def unwrap(self, wrapped: bytes, context: Mapping[str, str]) -> bytes:
        """What was given to :meth:`wrap` with the same context. Anything else MUST be an error."""


def is_service_name(name: object) -> bool:
    """Whether a service may be called so."""
    return isinstance(name, str) and _NAME.fullmatch(name) is not None


def is_policy_id(policy_id: object) -> bool:
    """Whether a policy id can stand in a context: 1 to 256 printable characters."""
    return isinstance(policy_id, str) and 1 <= len(policy_id) <= _MAX_POLICY_ID and policy_id.isprintable()


class Wrapping(Unportable):
    """A key service, and the policy that it wraps the ring's secrets for.

    :raises ValueError: the service's name or the policy id is not one that can stand in a file.
    """

    __slots__ = ("policy_id", "service")

    def __init__(self, service: KeyService, policy_id: str) -> None:
        if not is_service_name(service.name):
            raise ValueError("a key service's name is 1 to 64 of a-z, 0-9, dot, underscore and hyphen")
        if not is_policy_id(policy_id):
            raise ValueError("a policy id is 1 to 256 printable characters")
        self.service = service
        self.policy_id = policy_id

    def wrap(self, key_id: int, secret: bytes) -> bytes:
        """The secret of an entry, wrapped.

        :raises KeyUnavailable: the service did not do it.
        """
        fault, hint = "its answer is no wrapped key", None
        try:
            wrapped: Any = self.service.wrap(secret, self._context(key_id))
            if isinstance(wrapped, bytes) and 1 <= len(wrapped) <= MAX_WRAPPED and secret not in wrapped:
                return wrapped
        except Exception as error:  # noqa: BLE001 - whatever a service raises may hold the secret
            fault, hint = _said(error)
        secret = wrapped = b""  # tracebacks keep the locals of this frame
        raise self._unavailable(key_id, "wrapped", fault, hint)

    def unwrap(self, key_id: int, wrapped: bytes) -> bytes:
        """The secret of an entry.

        :raises KeyUnavailable: the service did not do it.
        """
        fault, hint = f"its answer is not {KEY_BYTES} bytes", None
        try:
            secret: Any = self.service.unwrap(wrapped, self._context(key_id))
            if isinstance(secret, bytes) and len(secret) == KEY_BYTES:
                return secret
        except Exception as error:  # noqa: BLE001 - as above
            fault, hint = _said(error)
        secret = b""
        raise self._unavailable(key_id, "unwrapped", fault, hint)

    def _context(self, key_id: int) -> dict[str, str]:
        return {"key_id": key_name(key_id), "policy_id": self.policy_id}

    def _unavailable(self, key_id: int, verb: str, fault: str, hint: str | None) -> KeyUnavailable:
        return KeyUnavailable(
            f"key {key_name(key_id)} cannot be {verb} by the key service {self.service.name}: {fault}.",
            hint=hint or "See that the service can be reached, and that this process may use it for this policy.",
        )


def next_wrapping(before: Wrapping | None, service: KeyService | None, policy_id: str | None) -> Wrapping | None:
    """How a ring is wrapped when it is saved: as before, but for what is given.

    :raises TypeError: it was not wrapped before, and only one of the two is given.
    """
    if service is None and policy_id is None:
        return before
    if before is not None:
        service, policy_id = service or before.service, policy_id or before.policy_id
    if service is None or policy_id is None:
        raise TypeError("a ring is wrapped by a service for a policy: give service= and policy_id=")
    return Wrapping(service, policy_id)


def _said(error: Exception) -> tuple[str, str | None]:
    if isinstance(error, KeyUnavailable):
        return error.message.rstrip("."), error.hint
    return f"it raised {type(error).__name__}", None
