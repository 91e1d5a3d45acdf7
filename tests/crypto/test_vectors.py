"""The vectors of docs/spec/cell.md, read by the library and by a second reader that shares no code with it."""

# ruff: noqa: DTZ001 - naive values are among those to be kept

from __future__ import annotations

import json
import runpy
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from sa_privacy.crypto import JSON, Keyring, LocalKey, codec_for
from sa_privacy.crypto.derivation import Label, subkey
from sa_privacy.errors import CellRejected, KeyUnavailable

from .second_reader import NoKey, Rejected, SecondReader

VECTORS = Path(__file__).parents[1] / "vectors"
DOCUMENT: dict[str, Any] = json.loads((VECTORS / "cell.json").read_text(encoding="utf-8"))
SECRETS = dict(zip(("0000002a", "deadbeef"), (bytes(range(32)), bytes(range(255, 223, -1))), strict=True))

VALUES: dict[str, object] = {
    "an empty string": "",
    "text": "山田 太郎",
    "text under the older key": "山田 太郎",
    "text with empty slots": "taro@example.jp",
    "an empty string with empty slots": "",
    "text with both slots filled": "taro@example.jp",
    "text with slot A filled": "taro@example.jp",
    "text with slot B filled": "taro@example.jp",
    "bytes": b"\x00\xff",
    "false": False,
    "true": True,
    "zero": 0,
    "minus one": -1,
    "two to the 63rd": 2**63,
    "minus two to the 63rd": -(2**63),
    "a float": 1.5,
    "minus zero": -0.0,
    "minus infinity": float("-inf"),
    "a decimal": Decimal("1.50"),
    "a decimal with an exponent": Decimal("1E+3"),
    "a signalling decimal": Decimal("-sNaN12"),
    "a date": date(1985, 2, 28),
    "a time": time(9, 30),
    "a time in a zone": time(9, 30, 0, 1, ZoneInfo("Asia/Tokyo")),
    "a time with an offset": time(9, 30, tzinfo=timezone(-timedelta(hours=3, minutes=30))),
    "a naive datetime": datetime(2026, 11, 23, 9),
    "a naive datetime, second time": datetime(2026, 11, 23, 9, fold=1),
    "a datetime in UTC": datetime(2026, 11, 23, 9, tzinfo=UTC),
    "a datetime with an odd offset": datetime(1900, 1, 1, tzinfo=timezone(timedelta(hours=9, minutes=18, seconds=59))),
    "a datetime in a zone": datetime(2026, 11, 23, 9, 0, 0, 123456, ZoneInfo("Asia/Tokyo")),
    "a datetime in a zone, second time": datetime(2026, 11, 1, 1, 30, tzinfo=ZoneInfo("America/New_York"), fold=1),
    "a timedelta": timedelta(microseconds=-1),
    "a uuid": UUID(bytes=bytes(range(16))),
    "json": {"a": [1, 2.5, True, None, "é"], "b": 2**64},
}


def named(cases: list[dict[str, Any]]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("case", cases, ids=lambda case: str(case["name"]))


@pytest.fixture
def ring(monkeypatch: pytest.MonkeyPatch) -> Keyring:
    monkeypatch.setenv("VECTOR_KEYS", json.dumps(DOCUMENT["keyring"]))
    return Keyring.from_env("VECTOR_KEYS")


@named(DOCUMENT["cells"])
def test_the_library_opens_every_cell_whichever_suite_the_column_writes(case: dict[str, Any], ring: Keyring) -> None:
    for slots in (False, True):
        cipher = ring.sealer(case["field"], slots=slots)
        assert cipher.open(bytes.fromhex(case["cell"])) == bytes.fromhex(case["plaintext"])


@named(DOCUMENT["cells"])
def test_every_plaintext_is_the_encoding_of_its_value_and_comes_back_as_it(case: dict[str, Any], ring: Keyring) -> None:
    value = VALUES[case["name"]]
    codec = JSON if case["encoding"] == "JSON" else codec_for(type(value))
    assert codec.encode(value) == bytes.fromhex(case["plaintext"])
    opened = ring.sealer(case["field"]).opener(codec.decode)(bytes.fromhex(case["cell"]))
    assert type(opened) is type(value)
    assert repr(opened) == repr(value)


@named(DOCUMENT["cells"])
def test_the_library_seals_the_very_bytes_when_the_nonce_is_fixed(
    case: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VECTOR_KEYS", json.dumps(DOCUMENT["keyring"] | {"primary": case["key_id"]}))
    monkeypatch.setattr("sa_privacy.crypto.cell.urandom", lambda size: bytes.fromhex(case["nonce"])[:size])
    cipher = Keyring.from_env("VECTOR_KEYS").sealer(case["field"], slots=case["suite"] == 2)
    slots = None if case["slots"] is None else bytes.fromhex(case["slots"])
    assert cipher.seal(bytes.fromhex(case["plaintext"]), slots).hex() == case["cell"]
    if not any(slots or b""):
        assert cipher.seal(bytes.fromhex(case["plaintext"])).hex() == case["cell"]
        assert cipher.sealer(codec_for(bytes).encode)(bytes.fromhex(case["plaintext"])) == bytes.fromhex(case["cell"])


@named(DOCUMENT["refused"])
def test_the_library_refuses_every_bad_cell_with_the_right_error(case: dict[str, Any], ring: Keyring) -> None:
    error = {"CellRejected": CellRejected, "KeyUnavailable": KeyUnavailable}[case["error"]]
    for slots in (False, True):
        cipher = ring.sealer(case["field"], slots=slots)
        for open_cell in (cipher.open, cipher.opener(bytes)):
            with pytest.raises(error) as caught:
                open_cell(bytes.fromhex(case["cell"]))
            assert type(caught.value) is error


@named(DOCUMENT["cells"])
def test_the_second_reader_opens_every_cell(case: dict[str, Any]) -> None:
    reader = SecondReader(DOCUMENT["keyring"])
    assert reader.open(case["field"], bytes.fromhex(case["cell"])) == bytes.fromhex(case["plaintext"])


@named(DOCUMENT["refused"])
def test_the_second_reader_refuses_every_bad_cell(case: dict[str, Any]) -> None:
    with pytest.raises(NoKey if case["error"] == "KeyUnavailable" else Rejected):
        SecondReader(DOCUMENT["keyring"]).open(case["field"], bytes.fromhex(case["cell"]))


def test_the_second_reader_opens_what_the_library_seals_today(ring: Keyring) -> None:
    reader = SecondReader(DOCUMENT["keyring"])
    for slots in (False, True):
        cell = ring.sealer("customers.email", slots=slots).seal(b"taro@example.jp")
        assert reader.open("customers.email", cell) == b"taro@example.jp"
        assert reader.slots(cell) == []


def test_the_second_reader_finds_the_lookup_digests_in_their_slots() -> None:
    reader = SecondReader(DOCUMENT["keyring"])
    digests = {int(case["key_id"], 16): bytes.fromhex(case["digest"]) for case in DOCUMENT["lookups"]}
    for case in DOCUMENT["lookups"]:
        made = reader.digest(case["field"], int(case["key_id"], 16), bytes.fromhex(case["normalised"]))
        assert made == bytes.fromhex(case["digest"])
    filled = next(case for case in DOCUMENT["cells"] if case["name"] == "text with both slots filled")
    assert dict(reader.slots(bytes.fromhex(filled["cell"]))) == digests


@pytest.mark.parametrize("case", DOCUMENT["phases"], ids=lambda case: f"{case['phase']} {case['lookup']['slots']}")
def test_both_fill_the_slots_of_every_phase_alike(case: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    keyring = DOCUMENT["keyring"] | {"lookup": case["lookup"]}
    monkeypatch.setenv("VECTOR_KEYS", json.dumps(keyring))
    ring, field, normalised = Keyring.from_env("VECTOR_KEYS"), case["field"], bytes.fromhex(case["normalised"])
    digests, reader = ring.digests(field), SecondReader(keyring)
    assert ring.lookup_phase == case["phase"]
    assert digests.slots(normalised).hex() == reader.written_slots(field, normalised).hex() == case["slots"]
    assert digests.search_slot == reader.search_slot() == case["search_slot"]
    start = 20 * case["search_slot"]
    assert digests.search(normalised) == bytes.fromhex(case["slots"])[start : start + 20]


def test_both_read_a_ring_of_version_1_as_one_whose_primary_fills_slot_a(monkeypatch: pytest.MonkeyPatch) -> None:
    keyring = {key: value for key, value in DOCUMENT["keyring"].items() if key != "lookup"} | {"version": 1}
    monkeypatch.setenv("VECTOR_KEYS", json.dumps(keyring))
    ring, reader = Keyring.from_env("VECTOR_KEYS"), SecondReader(keyring)
    slots = ring.digests("customers.email").slots(b"taro@example.jp")
    assert slots == reader.written_slots("customers.email", b"taro@example.jp")
    assert slots[:4].hex() == keyring["primary"]
    assert slots[20:] == bytes(20)
    assert ring.lookup_phase == "steady"


@pytest.mark.parametrize("case", DOCUMENT["wrapped"], ids=lambda case: str(case["context"]["key_id"]))
def test_the_local_key_service_wraps_as_the_spec_says(case: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    service, secret = LocalKey(bytes.fromhex(case["wrapping_key"])), bytes.fromhex(case["secret"])
    assert service.unwrap(bytes.fromhex(case["wrapped"]), case["context"]) == secret
    fixed = bytes.fromhex(case["nonce"])
    monkeypatch.setattr("sa_privacy.crypto.services.local.secrets.token_bytes", lambda size: fixed[:size])
    assert service.wrap(secret, case["context"]).hex() == case["wrapped"]


@pytest.mark.parametrize("case", DOCUMENT["pseudonyms"], ids=lambda case: "+".join(case["parts"]))
def test_both_make_the_same_pseudonyms(case: dict[str, Any], ring: Keyring) -> None:
    assert ring.pseudonym_key().of(case["kind"], tuple(case["parts"])) == case["pseudonym"]
    assert SecondReader(DOCUMENT["keyring"]).pseudonym(case["kind"], case["parts"]) == case["pseudonym"]


@pytest.mark.parametrize("case", DOCUMENT["derived"], ids=lambda case: f"{case['label']} {len(case['scope'])}")
def test_every_derived_key_is_the_one_of_the_vectors(case: dict[str, Any]) -> None:
    label = Label(case["label"].encode())
    assert subkey(SECRETS[case["key_id"]], label, case["scope"].encode()).hex() == case["key"]


def test_the_script_makes_the_file_again_byte_for_byte() -> None:
    made = runpy.run_path(str(VECTORS / "make_cell.py"))["text"]()
    assert made == (VECTORS / "cell.json").read_text(encoding="utf-8")


def test_the_second_reader_stays_small_and_strange_to_the_library() -> None:
    source = (Path(__file__).parent / "second_reader.py").read_text(encoding="utf-8")
    assert len(source.splitlines()) < 120
    assert "sa_privacy." not in source.replace('"sa_privacy/', "")
