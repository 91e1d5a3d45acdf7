"""The primitives as the library calls them, against the vectors of NIST (CAVP) and the RFCs.

The vectors are those of the PyPI package cryptography-vectors: AES-256-GCM from CAVP, HKDF from RFC 5869, HMAC from
RFC 4231.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import Any

import cryptography_vectors
import pytest

from sa_privacy.crypto import FieldCipher, LookupDigests
from sa_privacy.crypto.derivation import hkdf
from sa_privacy.crypto.ring import Entry, Lookup, Ring
from sa_privacy.errors import CellRejected

from .second_reader import hmac_sha256

RING = Ring((Entry(1, bytes(32), ""),), 1, Lookup(1, (1, None)))
HEADER = bytes((1, 1, 0, 0, 0, 1))


def records(name: str) -> Iterator[dict[str, str]]:
    """The records of a file of vectors: lines of ``name = value``, with the values in brackets that stand above them."""
    with cryptography_vectors.open_vector_file(name, "r") as file:
        lines = [line.strip() for line in file if not line.startswith("#")]
    shared: dict[str, str] = {}
    for blank, group in groupby(lines, lambda line: not line):
        if blank:
            continue
        found: dict[str, str] = {}
        for line in group:
            name_, _, value = line.strip("[]").partition("=")
            (shared if line.startswith("[") else found)[name_.strip()] = value.strip()
            if line == "FAIL":
                found["FAIL"] = "yes"
        if found:
            yield {**shared, **found}


def gcm(name: str) -> list[dict[str, Any]]:
    """The vectors with a nonce of 96 bits and a tag of 128, as cells have them."""
    wanted = {"IVlen": "96", "Taglen": "128"}
    chosen = [one for one in records(f"ciphers/AES/GCM/{name}") if wanted.items() <= one.items()]
    members = ("Key", "IV", "PT", "AAD", "CT", "Tag")
    return [
        {"fails": "FAIL" in one, **{member: bytes.fromhex(one.get(member, "")) for member in members}} for one in chosen
    ]


def cipher_of(vector: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> FieldCipher:
    """A cipher whose seal key, associated data and nonce are those of the vector. All else is as ever."""
    monkeypatch.setattr("sa_privacy.crypto.cell.subkey", lambda *_: vector["Key"])
    monkeypatch.setattr("sa_privacy.crypto.cell.urandom", lambda _: vector["IV"])
    monkeypatch.setattr(FieldCipher, "_aad", lambda *_: vector["AAD"])
    cipher = FieldCipher("f")
    cipher.adopt(RING)
    return cipher


def test_cells_are_what_cavp_says_that_aes_256_gcm_makes(monkeypatch: pytest.MonkeyPatch) -> None:
    vectors = gcm("gcmEncryptExtIV256.rsp")
    assert len(vectors) == 375
    for vector in vectors:
        cell = HEADER + vector["IV"] + vector["CT"] + vector["Tag"]
        cipher = cipher_of(vector, monkeypatch)
        assert cipher.seal(vector["PT"]) == cipher.sealer(bytes)(vector["PT"]) == cell
        assert cipher.open(cell) == cipher.opener(bytes)(cell) == vector["PT"]


def test_cells_open_where_cavp_says_so_and_are_rejected_where_it_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    vectors = gcm("gcmDecrypt256.rsp")
    assert len(vectors) == 375
    assert 100 < sum(vector["fails"] for vector in vectors) < 275
    for vector in vectors:
        cell = HEADER + vector["IV"] + vector["CT"] + vector["Tag"]
        cipher = cipher_of(vector, monkeypatch)
        for open_cell in (cipher.open, cipher.opener(bytes)):
            if vector["fails"]:
                with pytest.raises(CellRejected):
                    open_cell(cell)
            else:
                assert open_cell(cell) == vector["PT"]


@pytest.mark.parametrize("name", ["KDF/rfc-5869-HKDF-SHA256.txt", "KDF/hkdf-generated.txt"])
def test_hkdf_gives_the_output_of_the_vectors(name: str) -> None:
    merged: list[dict[str, str]] = []
    for one in records(name):  # a blank line may stand within a record
        if "IKM" in one:
            merged.append({})
        if merged:
            merged[-1].update(one)
    assert len(merged) == (3 if "5869" in name else 1)
    for one in merged:
        parts = {member: bytes.fromhex(one[member]) for member in ("IKM", "info", "salt", "OKM")}
        made = hkdf(parts["IKM"], parts["info"], salt=parts["salt"], length=int(one["L"]))
        assert made == parts["OKM"]


def test_digests_are_the_first_16_bytes_of_rfc_4231s(monkeypatch: pytest.MonkeyPatch) -> None:
    cases = [one for one in records("HMAC/rfc-4231-sha256.txt") if "MD" in one]
    assert len(cases) == 6
    for one in cases:
        key, message, mac = (bytes.fromhex(one[member]) for member in ("Key", "Msg", "MD"))
        monkeypatch.setattr("sa_privacy.crypto.lookup.subkey", lambda *_, key=key: key)
        digests = LookupDigests("f")
        digests.adopt(RING)
        assert digests.search(message) == bytes((0, 0, 0, 1)) + mac[:16]
        assert hmac_sha256(key, message) == mac
