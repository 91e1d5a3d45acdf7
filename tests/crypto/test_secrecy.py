"""Keys are shown nowhere, and leave only where somebody says that they are to."""

from __future__ import annotations

import base64
import copy
import json
import logging
import pickle
import pprint
import traceback
from collections.abc import Callable, Iterator
from dataclasses import asdict, astuple, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import MetaData, Text, create_engine

from sa_privacy import Privacy
from sa_privacy.columns import Encrypted
from sa_privacy.columns.binding import bind_keys, keys_of
from sa_privacy.crypto import KEYS_IN_THE_CLEAR, Keyring, LocalKey
from sa_privacy.crypto.derivation import Label, subkey
from sa_privacy.crypto.secrecy import Unportable
from sa_privacy.crypto.services.wrapping import Wrapping
from sa_privacy.errors import CellRejected, PrivacyError

FIELD = "customers.email"
POLICY = """
[policy]
id = "p"
version = "1"
languages = ["en"]
"""


@dataclass(frozen=True)
class Settings:
    """As applications keep what they need."""

    name: str
    keys: Any


def a_ring() -> Keyring:
    ring = Keyring.generate()
    ring.rotate()
    ring.rotate_lookup()
    ring.sealer(FIELD)
    ring.digests(FIELD)
    return ring


def material(ring: Keyring) -> list[bytes]:
    """All that must not be seen: entry secrets, and what is derived from them."""
    entries = [base64.b64decode(key["secret"]) for key in json.loads(ring.export(KEYS_IN_THE_CLEAR))["keys"]]
    derived = [subkey(entry, label, FIELD.encode()) for entry in entries for label in (Label.SEAL, Label.LOOKUP)]
    return [*entries, *derived, subkey(entries[0], Label.PSEUDONYM)]


def forms(secret: bytes) -> Iterator[str]:
    yield repr(secret)[2:-1]
    yield secret.hex()
    yield base64.b64encode(secret).decode().rstrip("=")
    yield repr(list(secret))
    yield str(int.from_bytes(secret, "big"))


def assert_hidden(shown: str, secrets: list[bytes]) -> None:
    for secret in secrets:
        assert not any(form in shown for form in forms(secret))


def holders(ring: Keyring) -> dict[str, Any]:
    digests = ring.digests(FIELD)
    return {
        "a ring": ring,
        "a cipher": ring.sealer(FIELD),
        "digests": digests,
        "a lookup key": digests._now.search if digests._now else None,
        "pseudonyms": ring.pseudonym_key(),
        "an entry": ring._ring.entries[0],
        "the entries": ring._ring,
        "an opener": ring.sealer(FIELD).opener(bytes),
        "a sealer": ring.sealer(FIELD).sealer(bytes),
        "a wrapping": Wrapping(LocalKey(base64.b64decode(_first(ring))), "p"),
        "a service": LocalKey(base64.b64decode(_first(ring))),
    }


def _first(ring: Keyring) -> str:
    return str(json.loads(ring.export(KEYS_IN_THE_CLEAR))["keys"][0]["secret"])


HOLDERS = sorted(holders(a_ring()))
SHOWS: dict[str, Callable[[Any], str]] = {
    "repr": repr,
    "str": str,
    "format": lambda thing: f"{thing} {thing!r:>10}",
    "pprint": pprint.pformat,
    "a dataclass around it": lambda thing: repr(Settings("x", thing)),
    "a log record": lambda thing: logging.LogRecord("x", 10, "", 0, "%s %r", (thing, thing), None).getMessage(),
    "an error": lambda thing: repr(ValueError(thing)),
    "json, by its default": lambda thing: json.dumps([thing], default=repr),
    "a traceback with locals": lambda thing: _traceback(lambda: int(str(type(thing)))),
}


def _traceback(fail: Callable[[], object]) -> str:
    try:
        return str(fail())
    except ValueError as error:
        return "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())


@pytest.mark.parametrize("way", SHOWS)
@pytest.mark.parametrize("holder", HOLDERS)
def test_nothing_that_holds_keys_shows_them(holder: str, way: str) -> None:
    ring = a_ring()
    assert_hidden(SHOWS[way](holders(ring)[holder]), material(ring))


@pytest.mark.parametrize("holder", HOLDERS)
def test_nothing_that_holds_keys_is_copied_or_pickled(holder: str) -> None:
    thing = holders(a_ring())[holder]
    ways: list[Callable[[Any], object]] = [copy.deepcopy, lambda thing: copy.deepcopy({"in": [thing]})]
    ways += [partial(pickle.dumps, protocol=protocol) for protocol in range(pickle.HIGHEST_PROTOCOL + 1)]
    ways += [lambda thing: pickle.dumps({"in": [thing]})]
    if holder not in ("an opener", "a sealer"):  # functions are not copied, but handed on
        ways += [lambda thing: asdict(Settings("x", thing)), lambda thing: astuple(Settings("x", thing))]
        for way in ways:
            with pytest.raises(TypeError, match="holds keys"):
                way(thing)
    else:
        for way in ways[2:]:
            with pytest.raises((AttributeError, pickle.PicklingError, TypeError)):
                way(thing)
        assert copy.deepcopy(thing) is thing
    if isinstance(thing, Unportable):
        attempts: list[Callable[[Any], object]] = [copy.copy, lambda thing: thing.__getstate__()]
        for attempt in attempts:
            with pytest.raises(TypeError, match=f"{type(thing).__name__} holds keys"):
                attempt(thing)
    assert replace(Settings("x", thing), name="y").keys is thing


@pytest.mark.parametrize("holder", HOLDERS)
def test_nothing_that_holds_keys_has_a_dictionary_of_them(holder: str) -> None:
    ring = a_ring()
    thing = holders(ring)[holder]
    assert_hidden(repr(getattr(thing, "__dict__", {})), material(ring))
    if isinstance(thing, Unportable):
        with pytest.raises(TypeError, match="__dict__"):
            vars(thing)


def test_ids_are_shown_and_enough_to_tell_rings_apart() -> None:
    ring = a_ring()
    for key_id in ring.ids:
        assert f"{key_id:08x}" in repr(ring)
    assert "lookup adding" in repr(ring)
    assert FIELD in repr(ring.sealer(FIELD))
    assert FIELD in repr(ring.digests(FIELD))
    assert [key.id for key in ring.keys] == list(ring.ids)
    assert_hidden(repr(ring.keys), material(ring))


def test_a_sealed_type_renders_for_a_migration_without_keys() -> None:
    """Alembic writes a type as its repr."""
    ring, engine = a_ring(), create_engine("sqlite://")
    bind_keys(engine.dialect, ring)
    sealed = Encrypted(Text(), category="email", field=FIELD, lookup="exact")
    assert sealed.bind_processor(engine.dialect)("x")
    shown = repr(sealed) + repr(vars(sealed)) + repr(keys_of(engine.dialect)) + repr(pickle.dumps(sealed))
    assert_hidden(shown, material(ring))


def test_a_privacy_shows_no_key(tmp_path: Path) -> None:
    ring = a_ring()
    (tmp_path / "privacy.toml").write_text(POLICY)
    privacy = Privacy(tmp_path / "privacy.toml", keys=ring, log=None, metadata=MetaData())
    assert_hidden(repr(privacy) + repr(vars(privacy)) + pprint.pformat(vars(privacy)), material(ring))
    privacy.close()


FAILURES: dict[str, Callable[[Keyring, Path], object]] = {
    "a step out of turn": lambda ring, _: ring.end_lookup(),
    "retiring the primary": lambda ring, _: ring.retire(ring.primary_id),
    "a cell that was changed": lambda ring, _: ring.sealer(FIELD).open(ring.sealer(FIELD).seal(b"x")[:-1] + b"x"),
    "a value that cannot be sealed": lambda ring, _: ring.sealer(FIELD).sealer(lambda _: b"" + 1)("x"),  # type: ignore[operator]
    "a field id that is none": lambda ring, _: ring.digests(""),
    "saving where nothing can be": lambda ring, folder: ring.save(folder / "missing" / "keys.json"),
    "saving over another ring": lambda ring, folder: ring.save(_other(folder)),
    "saving over what is none": lambda ring, folder: ring.save(_rubbish(folder)),
    "exporting by accident": lambda ring, _: ring.export(True),  # type: ignore[arg-type]
    "a follower that fails": lambda ring, _: ring.enrol(_Failing()),  # type: ignore[arg-type]
}


class _Failing:
    def adopt(self, ring: object) -> None:
        raise CellRejected(f"no: {ring}")


def _other(folder: Path) -> Path:
    Keyring.generate().save(folder / "other.json")
    return folder / "other.json"


def _rubbish(folder: Path) -> Path:
    path = folder / "rubbish.json"
    path.write_text('{"format": ')
    path.chmod(0o600)
    return path


@pytest.mark.parametrize("failure", FAILURES)
def test_a_report_with_the_locals_of_every_frame_shows_no_key(failure: str, tmp_path: Path) -> None:
    ring = a_ring()
    with pytest.raises((PrivacyError, TypeError, ValueError)) as caught:
        FAILURES[failure](ring, tmp_path)
    report = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
    shown = "".join(report.format())
    assert_hidden(shown, material(ring))
    if (tmp_path / "other.json").exists():
        assert_hidden(shown, material(Keyring.load(tmp_path / "other.json")))


@pytest.mark.parametrize("said", [None, True, 1, "KEYS_IN_THE_CLEAR", "keys in the clear", object()])
def test_keys_leave_only_for_the_constant_itself(said: Any, tmp_path: Path) -> None:
    ring = a_ring()
    with pytest.raises(TypeError, match="given on purpose"):
        ring.export(said)
    if said is not None:
        with pytest.raises(TypeError, match="given on purpose"):
            ring.save(tmp_path / "keys.json", in_the_clear=said)
    assert list(tmp_path.iterdir()) == []


def test_what_is_exported_is_a_keyring(monkeypatch: pytest.MonkeyPatch) -> None:
    ring = a_ring()
    monkeypatch.setenv("RING", ring.export(KEYS_IN_THE_CLEAR))
    again = Keyring.from_env("RING")
    assert (again.keys, again.lookup_phase) == (ring.keys, ring.lookup_phase)
