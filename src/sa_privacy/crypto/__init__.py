"""Sealing: cell bytes, keyring, value encodings, log pseudonyms. Pure; the formats are in docs/spec/."""

from __future__ import annotations

from sa_privacy.crypto.cell import FieldCipher
from sa_privacy.crypto.codec import JSON, Codec, codec_for
from sa_privacy.crypto.erased import ERASED, Erased
from sa_privacy.crypto.keyring import Keyring
from sa_privacy.crypto.lookup import LookupDigests
from sa_privacy.crypto.pseudonym import Pseudonyms
from sa_privacy.crypto.ring import KeyInfo, key_name
from sa_privacy.crypto.secrecy import KEYS_IN_THE_CLEAR
from sa_privacy.crypto.services import AwsKms, KeyService, LocalKey
from sa_privacy.crypto.signing import Document, SigningKey, VerifyingKey
from sa_privacy.crypto.subject_cell import SubjectCipher
from sa_privacy.crypto.subject_key import SubjectKey, SubjectKeys

__all__ = [
    "ERASED",
    "JSON",
    "KEYS_IN_THE_CLEAR",
    "AwsKms",
    "Codec",
    "Document",
    "Erased",
    "FieldCipher",
    "KeyInfo",
    "KeyService",
    "Keyring",
    "LocalKey",
    "LookupDigests",
    "Pseudonyms",
    "SigningKey",
    "SubjectCipher",
    "SubjectKey",
    "SubjectKeys",
    "VerifyingKey",
    "codec_for",
    "key_name",
]
