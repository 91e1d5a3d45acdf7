"""AWS Key Management Service. Needs the extra ``aws``; boto3 is imported when an :class:`AwsKms` is made."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from threading import get_ident
from typing import Any

from sa_privacy.crypto.secrecy import Unportable
from sa_privacy.errors import KeyUnavailable

__all__ = ["AwsKms"]

_CONNECT_SECONDS = 5
_READ_SECONDS = 10
_ATTEMPTS = 3


class AwsKms(Unportable):
    """Wraps entry secrets under a symmetric KMS key.

    The encryption context carries ``key_id`` and ``policy_id``: a key policy or an IAM policy can allow ``kms:Decrypt``
    for one policy id only (``kms:EncryptionContext:policy_id``), and CloudTrail shows both.

    :param key: id, ARN or alias of the KMS key. Decryption names it too, so no other key is used.
    :param client: a ``boto3`` KMS client; where left out one is made that gives up after about half a minute.
    :param options: for ``boto3.client("kms", ...)``: ``region_name``, ``endpoint_url``.
    :raises KeyUnavailable: boto3 is not installed, or has no region.
    """

    __slots__ = ("_client", "_key")

    def __init__(self, key: str, *, client: Any = None, **options: Any) -> None:
        self._key = key
        self._client = _client(options) if client is None else client

    @property
    def name(self) -> str:
        return "aws-kms"

    def wrap(self, secret: bytes, context: Mapping[str, str]) -> bytes:
        answer = self._ask("encrypt", Plaintext=secret, EncryptionContext=dict(context))
        return bytes(answer["CiphertextBlob"])

    def unwrap(self, wrapped: bytes, context: Mapping[str, str]) -> bytes:
        answer = self._ask("decrypt", CiphertextBlob=wrapped, EncryptionContext=dict(context))
        return bytes(answer["Plaintext"])

    def _ask(self, operation: str, **what: Any) -> Any:
        try:
            with _unlogged():
                return getattr(self._client, operation)(KeyId=self._key, **what)
        except Exception as error:  # noqa: BLE001 - botocore's errors are many; only their names and codes are said
            said = _code(error)
        what.clear()
        raise KeyUnavailable(f"KMS says {said}", hint="See the key's state and policy, the region and the network.")

    def __repr__(self) -> str:
        return "<AwsKms>"


def _client(options: dict[str, Any]) -> Any:
    try:
        import boto3  # noqa: PLC0415 - the extra may be missing
        from botocore.config import Config  # noqa: PLC0415
        from botocore.exceptions import BotoCoreError  # noqa: PLC0415
    except ModuleNotFoundError:
        raise KeyUnavailable("the key service aws-kms needs boto3.", hint='pip install "sa-privacy[aws]"') from None
    patience = Config(
        connect_timeout=_CONNECT_SECONDS, read_timeout=_READ_SECONDS, retries={"total_max_attempts": _ATTEMPTS}
    )
    try:
        return boto3.client("kms", **{"config": patience, **options})
    except BotoCoreError as error:
        raise KeyUnavailable(
            f"the key service aws-kms cannot be set up ({type(error).__name__}).",
            hint="Set AWS_REGION, or region_name.",
        ) from None


def _code(error: Exception) -> str:
    """The service's own code where there is one (``AccessDeniedException``), else the name of the error."""
    response = getattr(error, "response", None)
    code = response.get("Error", {}).get("Code") if isinstance(response, dict) else None
    return code if isinstance(code, str) and code.isidentifier() else type(error).__name__


@contextmanager
def _unlogged() -> Iterator[None]:
    """botocore writes the bodies of requests and responses to its loggers, the secret among them: while this thread
    asks, what it says below INFO is dropped.
    """
    thread = get_ident()

    def keep(record: logging.LogRecord) -> bool:
        return record.thread != thread or record.levelno >= logging.INFO

    names = [name for name in logging.root.manager.loggerDict if name.partition(".")[0] in ("botocore", "urllib3")]
    loggers = [logging.getLogger(name) for name in names]
    for logger in loggers:
        logger.addFilter(keep)
    try:
        yield
    finally:
        for logger in loggers:
            logger.removeFilter(keep)
