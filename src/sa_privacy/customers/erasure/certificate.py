"""The certificate of an erasure: what was done, when, and what stays, signed. It names nobody.

JSON (``sa-privacy-erasure-certificate``, version 1), whose signature is over the bytes of all other members, sorted by name and
without blanks, as the kind of document :attr:`~sa_privacy.crypto.Document.ERASURE`.
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from sa_privacy.crypto import Document, SigningKey, VerifyingKey
from sa_privacy.errors import ErasureRefused

__all__ = ["Certificate", "read_certificate"]

FORMAT: Final = "sa-privacy-erasure-certificate"
VERSION: Final = 1
_MAKE: Final = "give the file that sa-privacy erase run wrote, as it is."


@dataclass(frozen=True, slots=True)
class Certificate:
    """What was erased.

    :param record: of the erasure: its row in ``sa_privacy_erasures``.
    :param kind: of the person, e.g. ``"customer"``.
    :param at: when.
    :param plan: the hash of the plan that was carried out.
    :param policy: the hash of the policy.
    :param counts: how many rows of each table were changed, and how: ``{"orders": {"delete": 3}}``.
    :param kept: what stays of the person without the person: table, rows, reason, law, until when, columns.
    :param ledger: a ledger apart from the data knows of it; else a restored backup brings the person back.
    :param request: the reference of the request that asked for it.
    :param key: the id of the signing key; None: not signed.
    """

    record: str
    kind: str
    at: datetime
    plan: str
    policy: str
    counts: Mapping[str, Mapping[str, int]]
    kept: tuple[Mapping[str, Any], ...]
    ledger: bool
    request: str | None = None
    key: str | None = None
    signature: bytes | None = None

    def signed(self, key: SigningKey) -> Certificate:
        """The same, signed."""
        unsigned = replace(self, key=key.id, signature=None)
        return replace(unsigned, signature=key.sign(Document.ERASURE, unsigned.message()))

    def verify(self, *keys: VerifyingKey) -> bool:
        """Whether one of these keys signed it, as it is."""
        signature = self.signature
        if signature is None:
            return False
        return any(key.id == self.key and key.verify(Document.ERASURE, self.message(), signature) for key in keys)

    def message(self) -> bytes:
        """The bytes that are signed."""
        return json.dumps(self._members(), ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()

    def json(self) -> str:
        """The certificate, to be kept or handed over."""
        said = self._members()
        if self.signature is not None:
            said["sig"] = b64encode(self.signature).decode("ascii")
        return json.dumps(said, ensure_ascii=False, sort_keys=True, indent=2) + "\n"

    def _members(self) -> dict[str, Any]:
        return {
            "format": FORMAT,
            "version": VERSION,
            "record": self.record,
            "kind": self.kind,
            "at": self.at.isoformat(timespec="microseconds"),
            "plan": self.plan,
            "policy": self.policy,
            "counts": {table: dict(verbs) for table, verbs in self.counts.items()},
            "kept": [dict(one) for one in self.kept],
            "ledger": self.ledger,
            "request": self.request,
            "key": self.key,
        }


_TYPES: Final[Mapping[str, tuple[type, ...]]] = {
    "record": (str,),
    "kind": (str,),
    "at": (str,),
    "plan": (str,),
    "policy": (str,),
    "counts": (dict,),
    "kept": (list,),
    "ledger": (bool,),
    "request": (str, type(None)),
    "key": (str, type(None)),
}


def read_certificate(text: str | bytes) -> Certificate:
    """A certificate from its JSON.

    :raises ErasureRefused: it is none.
    """
    try:
        said: Any = json.loads(text, object_pairs_hook=_once)
        signature = said.pop("sig", None)
        if said.pop("format") != FORMAT or said.pop("version") != VERSION or said.keys() != _TYPES.keys():
            raise ValueError  # noqa: TRY301 - all that is wrong with it is told alike
        if not all(isinstance(said[name], kinds) for name, kinds in _TYPES.items()):
            raise ValueError  # noqa: TRY301
        said["at"] = datetime.fromisoformat(said["at"])
        said["kept"] = tuple(dict(one) for one in said["kept"])
        said["counts"] = {table: dict(verbs) for table, verbs in said["counts"].items()}
        return Certificate(**said, signature=None if signature is None else b64decode(signature, validate=True))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise ErasureRefused(f"that is no certificate of an erasure, version {VERSION}.", hint=_MAKE) from None


def _once(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise ValueError
        found[name] = value
    return found
