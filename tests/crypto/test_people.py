"""Keys of people: the vectors of docs/spec/cell.md, what rotation does to them, and the tombstone."""

from __future__ import annotations

import copy
import json
import pickle
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sa_privacy import ERASED, Erased
from sa_privacy.crypto import Keyring, SubjectKey, codec_for
from sa_privacy.crypto.cell import is_cell
from sa_privacy.crypto.derivation import field_bytes
from sa_privacy.crypto.subject_cell import SubjectCipher, key_id_of
from sa_privacy.crypto.subject_key import SubjectKeys
from sa_privacy.errors import CellRejected, KeyUnavailable, PrivacyError

from .second_reader import NoKey, Rejected, SecondReader

DOCUMENT: dict[str, Any] = json.loads((Path(__file__).parents[1] / "vectors" / "cell.json").read_text("utf-8"))
KEYS, CELLS, FRAMES = (DOCUMENT["people"][part] for part in ("keys", "cells", "frames"))
RING = Keyring.generate()
ERRORS = {"CellRejected": CellRejected, "KeyUnavailable": KeyUnavailable}


def named(cases: list[dict[str, Any]]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("case", cases, ids=lambda case: str(case["name"]))


@pytest.fixture
def ring(monkeypatch: pytest.MonkeyPatch) -> Keyring:
    monkeypatch.setenv("VECTOR_KEYS", json.dumps(DOCUMENT["keyring"]))
    return Keyring.from_env("VECTOR_KEYS")


@pytest.mark.parametrize("case", KEYS, ids=lambda case: str(case["wrapping_key_id"]))
class TestWrapping:
    def test_the_library_unwraps_and_wraps_the_very_bytes(
        self, case: dict[str, Any], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("VECTOR_KEYS", json.dumps(DOCUMENT["keyring"] | {"primary": case["wrapping_key_id"]}))
        keys = Keyring.from_env("VECTOR_KEYS").subject_keys()
        key = keys.unwrap(bytes.fromhex(case["id"]), bytes.fromhex(case["wrapped"]))
        assert key.secret.hex() == case["secret"]
        monkeypatch.setattr("sa_privacy.crypto.subject_key.urandom", lambda _size: bytes.fromhex(case["nonce"]))
        assert keys.wrap(key).hex() == case["wrapped"]


@named(CELLS)
def test_the_library_seals_the_very_bytes_when_the_nonce_is_fixed(
    case: dict[str, Any], ring: Keyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    secrets = {each["id"]: each["secret"] for each in KEYS}
    key = SubjectKey(bytes.fromhex(case["key"]), bytes.fromhex(secrets[case["key"]]))
    monkeypatch.setattr("sa_privacy.crypto.subject_cell.urandom", lambda _size: bytes.fromhex(case["nonce"]))
    cipher = ring.subject_cipher(case["field"], slots=case["suite"] == 4)
    slots = None if case["slots"] is None else bytes.fromhex(case["slots"])
    assert cipher.seal(bytes.fromhex(case["plaintext"]), key, slots).hex() == case["cell"]
    assert is_cell(bytes.fromhex(case["cell"]))
    assert key_id_of(bytes.fromhex(case["cell"])) == key.id


@named(FRAMES)
@pytest.mark.parametrize("slots", [False, True])
def test_the_library_gives_of_every_frame_what_the_vectors_say(
    case: dict[str, Any], slots: bool, ring: Keyring
) -> None:
    cipher, framed = ring.subject_cipher(case["field"], slots=slots), bytes.fromhex(case["frame"])
    openers = (cipher.open, cipher.opener(bytes), ring.subject_cipher(case["field"], slots=slots).opener(bytes))
    for opener in openers:
        for kind in (bytes, bytearray, memoryview):
            if case["gives"] in ERRORS:
                with pytest.raises(PrivacyError) as caught:
                    opener(kind(framed))
                assert type(caught.value) is ERRORS[case["gives"]]
            else:
                given = opener(kind(framed))
                assert given is ERASED if case["gives"] == "ERASED" else given == bytes.fromhex(case["gives"])


@named(FRAMES)
def test_the_second_reader_gives_the_same(case: dict[str, Any]) -> None:
    reader, framed = SecondReader(DOCUMENT["keyring"]), bytes.fromhex(case["frame"])
    if case["gives"] in ERRORS:
        with pytest.raises(NoKey if case["gives"] == "KeyUnavailable" else Rejected):
            reader.open_frame(case["field"], framed)
    else:
        wanted = None if case["gives"] == "ERASED" else bytes.fromhex(case["gives"])
        assert reader.open_frame(case["field"], framed) == wanted


@given(st.text(max_size=40), st.sampled_from(["a.b", "顧客.氏名"]), st.booleans(), st.binary(min_size=40, max_size=40))
def test_what_is_sealed_comes_back_and_no_changed_byte_does(value: str, field: str, slots: bool, room: bytes) -> None:
    cipher, key, codec = RING.subject_cipher(field, slots=slots), SubjectKey.new(), codec_for(str)
    wrapped = RING.subject_keys().wrap(key)
    cell = cipher.seal(codec.encode(value), key, room if slots else None)
    opener = cipher.opener(codec.decode)
    assert opener(wrapped + cell) == value
    assert opener(b"\xf2" + cell) is ERASED
    for at in (0, 1, 2, 6, len(cell) // 2, len(cell) - 1):
        changed = bytearray(wrapped + cell)
        changed[65 + at] ^= 1
        with pytest.raises(PrivacyError):
            opener(bytes(changed))


@given(st.binary(max_size=200))
def test_no_bytes_whatsoever_are_taken_for_a_value(framed: bytes) -> None:
    for slots in (False, True):
        with pytest.raises(PrivacyError):
            RING.subject_cipher("a.b", slots=slots).opener(bytes)(framed)


class TestRotation:
    def test_a_key_is_wrapped_anew_and_its_cells_stay(self) -> None:
        ring, key = Keyring.generate(), SubjectKey.new()
        keys, cipher = ring.subject_keys(), ring.subject_cipher("a.b")
        old, first = keys.wrap(key), ring.primary_id
        cell = cipher.seal(b"value", key)
        assert keys.rewrap(key.id, old) is None
        ring.rotate()
        new = keys.rewrap(key.id, old)
        assert new is not None
        assert new != old
        assert int.from_bytes(new[1:5], "big") == ring.primary_id != first
        opener = cipher.opener(bytes)
        assert opener(old + cell) == opener(new + cell) == b"value"

    def test_what_a_retired_key_wrapped_is_not_remembered(self) -> None:
        ring, key = Keyring.generate(), SubjectKey.new()
        second = ring.rotate()
        keys, cipher = ring.subject_keys(), ring.subject_cipher("a.b")
        framed = keys.wrap(key) + cipher.seal(b"value", key)
        assert cipher.open(framed) == b"value"
        ring.rotate()
        ring.retire(second)
        with pytest.raises(KeyUnavailable, match="does not hold"):
            cipher.open(framed)

    def test_without_a_ring_nothing_is_read_or_written(self) -> None:
        ring, key = Keyring.generate(), SubjectKey.new()
        keys = SubjectKeys()
        cipher = SubjectCipher("a.b", keys)
        with pytest.raises(KeyUnavailable):
            keys.wrap(key)
        with pytest.raises(KeyUnavailable):
            cipher.require_keys()
        ring.enrol(keys)
        ring.enrol(cipher)
        framed, opener = keys.wrap(key) + cipher.seal(b"value", key), cipher.opener(bytes)
        assert opener(framed) == b"value"
        ring.release(keys)
        ring.release(cipher)
        with pytest.raises(KeyUnavailable):
            opener(framed)


class TestRemembering:
    def test_only_what_is_handed_in_opens(self) -> None:
        """A reader that remembers keys by id would go on reading after the key was destroyed."""
        ring, key = Keyring.generate(), SubjectKey.new()
        keys, cipher = ring.subject_keys(), ring.subject_cipher("a.b")
        cell = cipher.seal(b"value", key)
        assert cipher.open(keys.wrap(key) + cell) == b"value"
        assert cipher.open(b"\xf2" + cell) is ERASED
        with pytest.raises(KeyUnavailable):
            cipher.open(cell)

    def test_it_remembers_so_many_and_no_more(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("sa_privacy.crypto.subject_key._REMEMBERED", 8)
        keys, wrapped = Keyring.generate().subject_keys(), b""
        for _ in range(30):
            key = SubjectKey.new()
            wrapped = keys.wrap(key)
            assert keys.unwrap(key.id, wrapped).secret == key.secret
            assert len(keys.known) <= 8
            assert wrapped in keys.known
        keys.drop(wrapped)
        assert wrapped not in keys.known

    def test_a_key_handed_in_for_another_id_is_refused_though_it_is_remembered(self) -> None:
        keys, key = Keyring.generate().subject_keys(), SubjectKey.new()
        wrapped = keys.wrap(key)
        keys.unwrap(key.id, wrapped)
        with pytest.raises(CellRejected):
            keys.unwrap(bytes(16), wrapped)


class TestTombstone:
    def test_it_is_typed_false_and_equals_itself_alone(self) -> None:
        assert isinstance(ERASED, Erased)
        assert not ERASED
        assert ERASED == ERASED  # noqa: PLR0124 - that is the point
        others: list[object] = [None, "", "(erased)", 0, False]
        assert ERASED not in others
        assert (str(ERASED), f"{ERASED}", repr(ERASED)) == ("(erased)", "(erased)", "ERASED")
        assert {ERASED: 1}[ERASED] == 1

    def test_it_stays_the_same_object(self) -> None:
        assert pickle.loads(pickle.dumps(ERASED)) is ERASED
        assert copy.copy(ERASED) is copy.deepcopy(ERASED) is ERASED
        assert json.dumps(ERASED, default=str) == '"(erased)"'


def test_nothing_of_a_key_shows() -> None:
    key, keys = SubjectKey.new(), RING.subject_keys()
    cipher = RING.subject_cipher("a.b")
    for thing in (key, keys, cipher):
        assert key.id.hex() not in repr(thing)
        assert key.secret.hex() not in repr(thing)
        with pytest.raises(TypeError):
            pickle.dumps(thing)
    with pytest.raises(ValueError, match="bytes"):
        SubjectKey(b"short", bytes(32))
    with pytest.raises(ValueError, match="slots"):
        cipher.seal(b"", key, bytes(40))
    assert field_bytes(cipher.field) == b"a.b"
