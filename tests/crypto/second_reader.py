"""A second reader of cells, written from docs/spec/cell.md alone. It shares no code with the library."""

from __future__ import annotations

import base64
import hmac
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes


class Rejected(Exception):
    """The cell is not genuine."""


class NoKey(Exception):
    """The ring does not hold the key."""


def framed(part: bytes) -> bytes:
    return len(part).to_bytes(4, "big") + part


def hmac_sha256(key: bytes, message: bytes) -> bytes:
    return hmac.new(key, message, "sha256").digest()


def derive(secret: bytes, label: str, scope: str) -> bytes:
    """RFC 5869 with an empty salt and one block of output."""
    return hmac_sha256(hmac_sha256(b"", secret), framed(label.encode()) + framed(scope.encode()) + b"\x01")


class SecondReader:
    """Opens cells, and makes the lookup slots and pseudonyms, of one keyring document."""

    def __init__(self, keyring: dict[str, Any]) -> None:
        first_version = {"search": keyring["primary"], "slots": [keyring["primary"], None]}
        self.lookup = keyring["lookup"] if keyring["version"] == 2 else first_version
        self.secrets = {int(key["id"], 16): base64.b64decode(key["secret"]) for key in keyring["keys"]}

    def slots(self, cell: bytes) -> list[tuple[int, bytes]]:
        """Key id and digest of each slot that is not empty."""
        if cell[1] != 2:
            return []
        slots = [cell[at : at + 20] for at in (6, 26)]
        return [(int.from_bytes(slot[:4], "big"), slot[4:]) for slot in slots if any(slot)]

    def open(self, field: str, cell: bytes) -> bytes:
        if len(cell) < 2 or cell[0] != 1 or cell[1] not in (1, 2):
            raise Rejected
        size = 6 if cell[1] == 1 else 46
        header, nonce, ciphertext, tag = cell[:size], cell[size : size + 12], cell[size + 12 : -16], cell[-16:]
        key_id = int.from_bytes(cell[2:6], "big")
        if len(cell) < size + 28 or key_id == 0:
            raise Rejected
        if key_id not in self.secrets:
            raise NoKey
        key = derive(self.secrets[key_id], "sa_privacy/v1/seal", field)
        decryptor = Cipher(algorithms.AES(key), modes.GCM(nonce, tag)).decryptor()
        decryptor.authenticate_additional_data(framed(b"sa_privacy/cell/v1") + framed(header) + framed(field.encode()))
        try:
            return decryptor.update(ciphertext) + decryptor.finalize()
        except InvalidTag:
            raise Rejected from None

    def digest(self, field: str, key_id: int, normalised: bytes) -> bytes:
        return hmac_sha256(derive(self.secrets[key_id], "sa_privacy/v1/lookup", field), normalised)[:16]

    def written_slots(self, field: str, normalised: bytes) -> bytes:
        """Both slots of a cell that is written now."""
        ids = [None if name is None else int(name, 16) for name in self.lookup["slots"]]
        return b"".join(
            bytes(20) if key_id is None else key_id.to_bytes(4, "big") + self.digest(field, key_id, normalised)
            for key_id in ids
        )

    def search_slot(self) -> int:
        """0 or 1: the slot that searches compare."""
        return [str(name) for name in self.lookup["slots"]].index(self.lookup["search"])

    def pseudonym(self, kind: str, parts: list[str]) -> str:
        oldest = next(iter(self.secrets.values()))
        message = b"".join(framed(part.encode()) for part in (kind, *parts))
        digest = hmac_sha256(derive(oldest, "sa_privacy/v1/pseudonym", ""), message)[:16]
        return base64.b32encode(digest).decode().rstrip("=").lower()
