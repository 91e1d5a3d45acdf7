"""Cells: what must open, what must not, and what an error may say."""

from __future__ import annotations

import json
import traceback
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sa_privacy.crypto import FieldCipher, Keyring, codec_for
from sa_privacy.errors import CellRejected, KeyUnavailable, PrivacyError

EMAIL = "customers.email"
SECRET = "hanako@example.jp"
BOTH = pytest.mark.parametrize("slots", [False, True], ids=["plain", "slots"])
RING = Keyring.generate()
TEXT = codec_for(str)


def everything(error: BaseException) -> str:
    """All that a log or an error tracker could pick up from an error, the ones behind it included."""
    seen: list[str] = []
    link: BaseException | None = error
    while link is not None:
        seen += [str(link), repr(link), repr(link.args), repr(vars(link))]
        link = link.__cause__ or link.__context__
    return "".join(seen) + "".join(traceback.format_exception(error))


@BOTH
@given(plaintext=st.binary(max_size=200))
def test_what_is_sealed_opens_to_the_same_bytes(plaintext: bytes, slots: bool) -> None:
    cipher = RING.sealer(EMAIL, slots=slots)
    cell = cipher.seal(plaintext)
    assert cipher.open(cell) == plaintext
    assert cipher.opener(bytes)(cell) == plaintext
    assert len(cell) == len(plaintext) + (74 if slots else 34)


@BOTH
def test_the_empty_plaintext_is_sealed_and_the_same_value_never_gives_the_same_cell(slots: bool) -> None:
    cipher = RING.sealer(EMAIL, slots=slots)
    cells = {cipher.seal(b"") for _ in range(200)}
    assert len(cells) == 200
    assert {cipher.open(cell) for cell in cells} == {b""}


@BOTH
def test_the_header_is_the_one_of_the_spec(slots: bool) -> None:
    cipher = RING.sealer(EMAIL, slots=slots)
    assert cipher.slots is slots
    cell = cipher.seal(b"x")
    assert cell[:6] == bytes((1, 2 if slots else 1)) + RING.primary_id.to_bytes(4, "big")
    if slots:
        assert cell[6:46] == bytes(40)


def test_a_large_value_fits() -> None:
    cipher = RING.sealer(EMAIL)
    assert cipher.open(cipher.seal(b"x" * 1_000_000)) == b"x" * 1_000_000


FILLED = RING.digests(EMAIL).slots(SECRET.encode())
KINDS: dict[str, bytes | None] = {"plain": None, "empty slots": bytes(40), "filled slots": FILLED}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "plaintext", [b"", b"x", SECRET.encode(), bytes(100)], ids=["empty", "one byte", "text", "long"]
)
def test_a_cell_with_any_bit_of_any_byte_changed_does_not_open(kind: str, plaintext: bytes) -> None:
    cipher = RING.sealer(EMAIL, slots=KINDS[kind] is not None)
    cell = cipher.seal(plaintext, KINDS[kind])
    for place in range(len(cell)):
        # A changed key id names another key, which the ring does not have.
        error = KeyUnavailable if 2 <= place < 6 else CellRejected
        for mask in (0x01, 0x02, 0x04, 0x08, 0x10, 0x20, 0x40, 0x80, 0xFF):
            changed = cell[:place] + bytes((cell[place] ^ mask,)) + cell[place + 1 :]
            for open_cell in (cipher.open, cipher.opener(bytes)):
                with pytest.raises(error):
                    open_cell(changed)


def test_no_part_of_one_cell_can_stand_in_another() -> None:
    ring = Keyring.generate()
    cipher, digests = ring.sealer(EMAIL, slots=True), ring.digests(EMAIL)
    cells = []
    for _ in range(2):
        cells += [cipher.seal(value, digests.slots(value)) for value in (b"taro", b"jiro", b"taro")]
        ring.rotate()
    parts = {"key id": (2, 6), "slot A": (6, 26), "nonce": (46, 58), "ciphertext": (58, -16), "tag": (-16, None)}
    changed = 0
    for one in cells:
        for other in cells:
            for start, end in parts.values():
                spliced = one[:start] + other[start:end] + (b"" if end is None else one[end:])
                if spliced != one:
                    changed += 1
                    with pytest.raises(CellRejected):
                        cipher.open(spliced)
    assert changed > 100


@BOTH
def test_a_cell_cut_off_anywhere_does_not_open(slots: bool) -> None:
    cipher = RING.sealer(EMAIL, slots=slots)
    cell, shortest = cipher.seal(SECRET.encode()), len(cipher.seal(b""))
    for length in range(len(cell)):
        said = "empty" if not length else "cut off" if length < shortest else "does not open"
        for open_cell in (cipher.open, cipher.opener(TEXT.decode)):
            with pytest.raises(CellRejected, match=said) as caught:
                open_cell(cell[:length])
            assert caught.value.columns == (EMAIL,)
            assert caught.value.hint


def test_a_cell_opens_only_for_its_own_field_under_its_own_ring() -> None:
    rings = [Keyring.generate() for _ in range(3)]
    fields = [EMAIL, "customers.name", "customers.emai", "orders.email", "customers.email "]
    ciphers = [
        (ring, field, ring.sealer(field, slots=slots)) for ring in rings for field in fields for slots in (False, True)
    ]
    for ring, field, cipher in ciphers:
        cell = cipher.seal(b"value")
        for other_ring, other_field, other in ciphers:
            if ring is other_ring and field == other_field:
                assert other.open(cell) == b"value"
            else:
                with pytest.raises(CellRejected if ring is other_ring else KeyUnavailable):
                    other.open(cell)


def test_a_cell_does_not_open_under_another_secret_with_the_same_key_id(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, secret in (("ONE", "A" * 43 + "="), ("TWO", "B" * 42 + "A=")):
        key = {"id": "00000007", "created": "2026-01-01T00:00:00Z", "secret": secret}
        ring = {"format": "sa_privacy.keyring", "version": 1, "primary": "00000007", "keys": [key]}
        monkeypatch.setenv(name, json.dumps(ring))
    with pytest.raises(CellRejected):
        Keyring.from_env("TWO").sealer(EMAIL).open(Keyring.from_env("ONE").sealer(EMAIL).seal(b"value"))


def test_an_unknown_key_is_named_and_the_way_out_is_said() -> None:
    stranger = Keyring.generate()
    with pytest.raises(KeyUnavailable) as caught:
        RING.sealer(EMAIL).open(stranger.sealer(EMAIL).seal(b"value"))
    assert f"{stranger.primary_id:08x}" in str(caught.value)
    assert EMAIL in caught.value.message
    assert caught.value.columns == (EMAIL,)
    assert "Load the keyring" in str(caught.value.hint)


@pytest.mark.parametrize(
    ("place", "byte", "said"), [(0, 2, "version 2"), (0, 0, "version 0"), (1, 0, "suite 0"), (1, 9, "suite 9")]
)
def test_an_unknown_version_or_suite_is_said(place: int, byte: int, said: str) -> None:
    cell = bytearray(RING.sealer(EMAIL).seal(b"value"))
    cell[place] = byte
    for rest in (None, place + 1):
        with pytest.raises(CellRejected, match=f"{said} of the cell format is unknown") as caught:
            RING.sealer(EMAIL).open(bytes(cell[:rest]))
        assert caught.value.hint


@BOTH
def test_a_cell_that_names_key_0_is_said_to_name_none(slots: bool) -> None:
    cell = RING.sealer(EMAIL, slots=slots).seal(b"value")
    for cipher in (RING.sealer(EMAIL, slots=slots), FieldCipher(EMAIL, slots=slots)):
        with pytest.raises(CellRejected, match="names no key"):
            cipher.open(cell[:2] + bytes(4) + cell[6:])


@pytest.mark.parametrize("stored", ["plain text", 17, object()], ids=["str", "int", "object"])
def test_a_value_that_was_never_sealed_is_refused_by_its_type(stored: Any) -> None:
    cipher = RING.sealer(EMAIL)
    for open_cell in (cipher.open, cipher.opener(TEXT.decode)):
        with pytest.raises(CellRejected, match=type(stored).__name__) as caught:
            open_cell(stored)
        assert "plain text" not in everything(caught.value)


@BOTH
@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview, lambda cell: memoryview(bytearray(cell))])
def test_cells_open_from_whatever_buffer_the_driver_hands_over(kind: Callable[[bytes], Any], slots: bool) -> None:
    for writes in (False, True):
        cell = kind(RING.sealer(EMAIL, slots=writes).seal(SECRET.encode()))
        cipher = RING.sealer(EMAIL, slots=slots)
        assert cipher.open(cell) == SECRET.encode()
        assert cipher.opener(TEXT.decode)(cell) == SECRET


@BOTH
def test_a_good_cell_never_takes_the_slow_way(slots: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    def slow(*_: object) -> None:
        raise AssertionError("the slow way")

    monkeypatch.setattr(FieldCipher, "_open", slow)
    monkeypatch.setattr(FieldCipher, "_reopen", slow)
    cipher = Keyring.generate().sealer(EMAIL, slots=slots)
    cell = cipher.seal(SECRET.encode())
    assert cipher.open(cell) == SECRET.encode()
    assert cipher.opener(TEXT.decode)(cell) == SECRET


@BOTH
def test_null_stays_null(slots: bool) -> None:
    cipher = RING.sealer(EMAIL, slots=slots)
    assert cipher.sealer(TEXT.encode)(None) is None
    assert cipher.opener(TEXT.decode)(None) is None


@BOTH
def test_a_plaintext_that_the_codec_cannot_read_is_rejected_and_seen_nowhere(slots: bool) -> None:
    def decode(plaintext: bytes) -> Any:
        raise KeyError(plaintext.decode())

    cipher = RING.sealer(EMAIL, slots=slots)
    for reader in (decode, codec_for(float).decode, lambda _: str(b"\xff" + SECRET.encode(), "utf-8")):
        with pytest.raises(CellRejected, match="does not hold a value of the column's type") as caught:
            cipher.opener(reader)(cipher.seal(SECRET.encode()))
        assert SECRET not in everything(caught.value)
        assert caught.value.__context__ is None
        trace = caught.tb
        while trace is not None:
            held = [
                value
                for name, value in trace.tb_frame.f_locals.items()
                if trace.tb_frame.f_code.co_filename.endswith("cell.py")
            ]
            assert SECRET.encode() not in held
            trace = trace.tb_next  # type: ignore[assignment]


@BOTH
def test_want_of_memory_is_not_taken_for_a_bad_cell_or_value(slots: bool) -> None:
    def exhausted(_: Any) -> Any:
        raise MemoryError

    cipher = RING.sealer(EMAIL, slots=slots)
    with pytest.raises(MemoryError):
        cipher.opener(exhausted)(cipher.seal(SECRET.encode()))
    with pytest.raises(MemoryError):
        cipher.sealer(exhausted)(SECRET)


def test_a_value_that_cannot_be_encoded_is_refused_by_field_and_type_and_seen_nowhere() -> None:
    def encode(value: Any) -> bytes:
        raise LookupError(value)

    seal = RING.sealer(EMAIL).sealer
    cases: list[tuple[Callable[[Any], bytes], Any, type[Exception], str]] = [
        (TEXT.encode, SECRET.encode(), TypeError, "expected str, got bytes"),
        (TEXT.encode, SECRET + "\ud800", ValueError, "lone surrogate"),
        (encode, SECRET, ValueError, "LookupError"),
        (lambda value: value, SECRET, ValueError, "TypeError"),
    ]
    for encoder, value, error, said in cases:
        with pytest.raises(error, match=said) as caught:
            seal(encoder)(value)
        assert EMAIL in str(caught.value)
        assert SECRET not in everything(caught.value).replace(repr(SECRET), "")
        assert caught.value.__context__ is None


@pytest.mark.parametrize(
    "spoil", [lambda c: c[:-1], lambda c: c[:30] + b"\x00" + c[31:], lambda c: b"\x01\x01\x00\x00\x00\x01" + c[6:]]
)
def test_errors_of_cells_never_show_bytes(spoil: Callable[[bytes], bytes]) -> None:
    cell = spoil(RING.sealer(EMAIL).seal(SECRET.encode()))
    with pytest.raises(PrivacyError) as caught:
        RING.sealer(EMAIL).open(cell)
    shown = everything(caught.value)
    assert repr(cell[10:20])[2:-1] not in shown
    assert cell.hex()[20:40] not in shown
    assert caught.value.__context__ is None
    assert caught.value.hint


@pytest.mark.parametrize("field", ["", "x" * 1025, "é" * 513, "\ud800"])
def test_a_field_id_that_the_spec_forbids_is_refused(field: str) -> None:
    with pytest.raises(ValueError, match="field id"):
        RING.sealer(field)


@pytest.mark.parametrize("field", ["x", "x" * 1024, "é" * 512], ids=["1 byte", "1,024 bytes", "1,024 bytes of UTF-8"])
def test_a_field_id_may_have_1_to_1024_bytes(field: str) -> None:
    assert RING.sealer(field).open(RING.sealer(field).seal(b"value")) == b"value"
    assert RING.digests(field).field == RING.sealer(field).field == field


@pytest.mark.parametrize("field", [b"customers.email", 7, None], ids=["bytes", "int", "none"])
def test_a_field_id_that_is_no_str_is_refused_by_its_type(field: Any) -> None:
    for make in (RING.sealer, RING.digests):
        with pytest.raises(TypeError, match=f"a field id is a str, not {type(field).__name__}$"):
            make(field)


def test_a_plaintext_must_be_bytes() -> None:
    with pytest.raises(TypeError, match="bytes, not str"):
        RING.sealer(EMAIL).seal("text")  # type: ignore[arg-type]


@BOTH
@pytest.mark.parametrize("said", ["its own", "the keeper's"])
def test_a_cipher_has_keys_only_while_it_is_enrolled_and_says_what_could_not_be_done(slots: bool, said: str) -> None:
    def unkept(field: str, verb: str) -> KeyUnavailable:
        return KeyUnavailable(f"{field} cannot be {verb}: nobody keeps it.", hint="keep it", columns=(field,))

    ring = Keyring.generate()
    cipher = FieldCipher(EMAIL, slots=slots, keyless=unkept if said == "the keeper's" else None)
    cell = ring.sealer(EMAIL, slots=slots).seal(SECRET.encode())
    seal, open_cell = cipher.sealer(TEXT.encode), cipher.opener(TEXT.decode)
    attempts: list[tuple[Callable[[], object], str]] = [
        (lambda: cipher.seal(b"x"), "written"),
        (lambda: seal(SECRET), "written"),
        (lambda: cipher.open(cell), "read"),
        (lambda: open_cell(cell), "read"),
    ]

    def assert_keyless() -> None:
        for attempt, verb in attempts:
            with pytest.raises(KeyUnavailable, match=f": {EMAIL} cannot be {verb}: ") as caught:
                attempt()
            assert ("nobody keeps it" in str(caught.value)) is (said == "the keeper's")
            assert caught.value.columns == (EMAIL,)
            assert caught.value.hint
            assert SECRET not in everything(caught.value)

    assert_keyless()
    ring.enrol(cipher)
    assert open_cell(cell) == open_cell(seal(SECRET)) == SECRET
    ring.release(cipher)
    assert_keyless()
    assert ring.sealer(EMAIL, slots=slots).open(cell) == SECRET.encode()


@BOTH
def test_ciphers_and_closures_that_were_handed_out_follow_a_rotation(slots: bool) -> None:
    ring = Keyring.generate()
    cipher = ring.sealer(EMAIL, slots=slots)
    seal, open_cell = cipher.sealer(TEXT.encode), cipher.opener(TEXT.decode)
    old = seal(SECRET)
    new_id = ring.rotate()
    new = seal(SECRET)
    assert old is not None
    assert new is not None
    assert new[2:6] == cipher.seal(b"")[2:6] == new_id.to_bytes(4, "big") != old[2:6]
    assert open_cell(old) == open_cell(new) == SECRET
    assert ring.sealer(EMAIL, slots=slots) is cipher


def test_threads_may_seal_and_open_while_the_ring_rotates() -> None:
    ring = Keyring.generate()
    fields = [f"f{number}" for number in range(4)]

    def work(number: int) -> int:
        done = 0
        for step in range(150):
            cipher: FieldCipher = ring.sealer(fields[(number + step) % 4], slots=bool(step % 2))
            text = f"{number}-{step}"
            cell = cipher.sealer(TEXT.encode)(text)
            done += ring.sealer(cipher.field, slots=not step % 2).opener(TEXT.decode)(cell) == text
        return done

    with ThreadPoolExecutor(8) as pool:
        running = [pool.submit(work, number) for number in range(8)]
        for _ in range(20):
            ring.rotate()
        assert [future.result() for future in running] == [150] * 8
    assert len(ring) == 21
