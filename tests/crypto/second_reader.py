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
    """The ring does not hold the key, or the person's key is not there."""


def framed(part: bytes) -> bytes:
    return len(part).to_bytes(4, "big") + part


CELL, WRAPPED = framed(b"sa_privacy/cell/v1"), framed(b"sa_privacy/subject-key/v1")


def hmac_sha256(key: bytes, message: bytes) -> bytes:
    return hmac.new(key, message, "sha256").digest()


def derive(secret: bytes, label: str, scope: bytes) -> bytes:
    """RFC 5869 with an empty salt and one block of output."""
    return hmac_sha256(hmac_sha256(b"", secret), framed(label.encode()) + framed(scope) + b"\x01")


def opened(key: bytes, sealed: bytes, size: int, domain: bytes, scope: bytes) -> bytes:
    """AES-256-GCM: a header of `size` bytes, nonce, ciphertext, tag."""
    if len(sealed) < size + 28:
        raise Rejected
    decryptor = Cipher(algorithms.AES(key), modes.GCM(sealed[size : size + 12], sealed[-16:])).decryptor()
    decryptor.authenticate_additional_data(domain + framed(sealed[:size]) + scope)
    try:
        return decryptor.update(sealed[size + 12 : -16]) + decryptor.finalize()
    except InvalidTag:
        raise Rejected from None


class SecondReader:
    """Opens cells, and makes the lookup slots and pseudonyms, of one keyring document."""

    def __init__(self, keyring: dict[str, Any]) -> None:
        first_version = {"search": keyring["primary"], "slots": [keyring["primary"], None]}
        self.lookup = keyring["lookup"] if keyring["version"] == 2 else first_version
        self.secrets = {int(key["id"], 16): base64.b64decode(key["secret"]) for key in keyring["keys"]}

    def slots(self, cell: bytes) -> list[tuple[int, bytes]]:
        """Key id and digest of each slot that is not empty."""
        if cell[1] not in (2, 4):
            return []
        slots = [cell[at : at + 20] for at in (6, 26)]
        return [(int.from_bytes(slot[:4], "big"), slot[4:]) for slot in slots if any(slot)]

    def secret(self, key_id: bytes) -> bytes:
        found = self.secrets.get(int.from_bytes(key_id, "big"))
        if found is None:
            raise NoKey if any(key_id) else Rejected
        return found

    def open(self, field: str, cell: bytes) -> bytes:
        if len(cell) < 6 or cell[0] != 1 or cell[1] not in (1, 2):
            raise Rejected
        key = derive(self.secret(cell[2:6]), "sa_privacy/v1/seal", field.encode())
        return opened(key, cell, 6 if cell[1] == 1 else 46, CELL, framed(field.encode()))

    def open_frame(self, field: str, frame: bytes) -> bytes | None:
        """The plaintext; None where the person was erased."""
        wrapped, cell = (frame[:65], frame[65:]) if frame[0] == 0xF1 else (b"", frame[frame[0] in (0xF0, 0xF2) :])
        if len(cell) < 2 or cell[0] != 1 or cell[1] not in (3, 4):
            return self.open(field, cell)
        size = {3: 22, 4: 62}[cell[1]]
        if len(cell) < size + 28:
            raise Rejected
        if frame[0] == 0xF2:
            return None
        if not wrapped:
            raise NoKey
        person, wrapping = cell[size - 16 : size], derive(self.secret(wrapped[1:5]), "sa_privacy/v1/wrap", b"")
        secret = opened(wrapping, wrapped, 5, WRAPPED, framed(person))
        key = derive(secret, "sa_privacy/v1/subject", person)
        return opened(key, cell, size, CELL, framed(field.encode()))

    def digest(self, field: str, key_id: int, normalised: bytes) -> bytes:
        return hmac_sha256(derive(self.secrets[key_id], "sa_privacy/v1/lookup", field.encode()), normalised)[:16]

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
        digest = hmac_sha256(derive(oldest, "sa_privacy/v1/pseudonym", b""), message)[:16]
        return base64.b32encode(digest).decode().rstrip("=").lower()
