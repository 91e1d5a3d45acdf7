"""Key services: who wraps the entry secrets of a keyring file (docs/key-services.md)."""

from __future__ import annotations

from sa_privacy.crypto.services.aws import AwsKms
from sa_privacy.crypto.services.local import LocalKey
from sa_privacy.crypto.services.wrapping import KeyService

__all__ = ["AwsKms", "KeyService", "LocalKey"]
