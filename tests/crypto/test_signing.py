"""Signatures: the RFC's own vectors, files for their owner alone, and a key that shows nothing."""

from __future__ import annotations

import copy
import hashlib
import pickle
import stat
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from sa_privacy.crypto import Document, SigningKey, VerifyingKey
from sa_privacy.errors import KeyUnavailable

SECRET = bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")  # RFC 8032, 7.1, test 1
PUBLIC = bytes.fromhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")
SIGNATURE = bytes.fromhex(
    "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe246551"
    "41438e7a100b"
)
KEY = SigningKey(Ed25519PrivateKey.from_private_bytes(SECRET))
MESSAGE = b'{"number":1'


def test_the_public_half_and_the_scheme_are_those_of_the_rfc() -> None:
    assert KEY.public == VerifyingKey(PUBLIC)
    assert Ed25519PrivateKey.from_private_bytes(SECRET).sign(b"") == SIGNATURE
    assert KEY.id == KEY.public.id == hashlib.sha256(PUBLIC).hexdigest()[:16]


def test_what_is_signed_begins_with_the_kind_of_document() -> None:
    signature = KEY.sign(Document.CHECKPOINT, MESSAGE)
    plain = Ed25519PrivateKey.from_private_bytes(SECRET)
    assert signature == plain.sign(b"sa_privacy/v1/checkpoint\n" + MESSAGE)
    assert KEY.public.verify(Document.CHECKPOINT, MESSAGE, signature)
    assert not KEY.public.verify(Document.CHECKPOINT, MESSAGE + b" ", signature)
    assert not KEY.public.verify(Document.CHECKPOINT, MESSAGE, plain.sign(MESSAGE))
    assert not KEY.public.verify(Document.CHECKPOINT, MESSAGE, signature[:-1])
    assert not SigningKey.generate().public.verify(Document.CHECKPOINT, MESSAGE, signature)


def test_a_pair_is_saved_for_its_owner_and_loaded_again(tmp_path: Path) -> None:
    path = tmp_path / "key.pem"
    KEY.save(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert SigningKey.load(path).public == KEY.public
    (tmp_path / "key.pub").write_bytes(KEY.public.pem())
    assert VerifyingKey.load(tmp_path / "key.pub") == KEY.public
    with pytest.raises(KeyUnavailable, match="exists already"):
        SigningKey.generate().save(path)
    assert SigningKey.load(path).id == KEY.id
    path.chmod(0o640)
    with pytest.raises(KeyUnavailable, match="chmod 600"):
        SigningKey.load(path)


def _private(content: object, encryption: object) -> bytes:
    return content.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption)  # type: ignore[attr-defined,no-any-return]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no key",
        KEY.public.pem(),
        _private(X25519PrivateKey.generate(), NoEncryption()),
        _private(Ed25519PrivateKey.generate(), BestAvailableEncryption(b"x")),
    ],
)
def test_what_is_no_signing_key_is_refused_with_the_way_out(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "key.pem"
    path.touch(0o600)
    path.write_bytes(content)
    with pytest.raises(KeyUnavailable, match="no Ed25519 key") as caught:
        SigningKey.load(path)
    assert "keygen" in str(caught.value.hint)


def test_what_is_no_public_key_is_refused(tmp_path: Path) -> None:
    other = X25519PrivateKey.generate().public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    for content in (b"", b"x", other):
        with pytest.raises(KeyUnavailable, match="no Ed25519 public key"):
            VerifyingKey.from_pem(content)
    with pytest.raises(KeyUnavailable, match="keygen"):
        VerifyingKey.load(tmp_path / "none")


def test_a_key_shows_its_id_alone_and_stays_where_it_is() -> None:
    assert repr(KEY) == f"<SigningKey {KEY.id}>"
    assert repr(KEY.public) == f"<VerifyingKey {KEY.id}>"
    for leave in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError):
            leave(KEY)
