"""Keyrings: kept secret, kept whole, and refused when in doubt."""

from __future__ import annotations

import base64
import json
import os
import re
import signal
import stat
import subprocess
import sys
import traceback
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from sa_privacy.crypto import KEYS_IN_THE_CLEAR, Keyring
from sa_privacy.crypto.keyfile import parse
from sa_privacy.errors import KeyUnavailable

FIELD = "customers.email"
POSIX = pytest.mark.skipif(os.name != "posix", reason="file modes and signals are POSIX")


def stored(path: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(path.read_text())
    return document


def write(path: Path, text: str | bytes) -> Path:
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    path.chmod(0o600)
    return path


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    Keyring.generate().save(tmp_path / "keys.json")
    return tmp_path / "keys.json"


def test_a_saved_ring_loads_and_opens_the_cells_of_the_ring_that_was_saved(tmp_path: Path) -> None:
    ring = Keyring.generate()
    old = ring.sealer(FIELD).seal(b"old")
    ring.rotate()
    new = ring.sealer(FIELD).seal(b"new")
    ring.save(tmp_path / "keys.json")
    loaded = Keyring.load(str(tmp_path / "keys.json"))
    assert (loaded.ids, loaded.primary_id) == (ring.ids, ring.primary_id)
    assert loaded.sealer(FIELD).open(old) == b"old"
    assert loaded.sealer(FIELD).open(new) == b"new"
    assert loaded.pseudonym_key().of("customer", 1) == ring.pseudonym_key().of("customer", 1)


def test_a_ring_says_what_each_of_its_keys_does() -> None:
    ring = Keyring.generate()
    first = ring.primary_id
    lookup, primary = ring.rotate_lookup(), ring.rotate()
    idle = ring.add_key()

    def jobs() -> dict[int, tuple[bool, bool, int | None, bool]]:
        return {key.id: (key.primary, key.first, key.slot, key.search) for key in ring.keys}

    nothing = (False, False, None, False)
    assert jobs() == {
        first: (False, True, 0, True),
        lookup: (False, False, 1, False),
        primary: (True, False, None, False),
        idle: nothing,
    }
    assert list(jobs()) == list(ring.ids) == [first, lookup, primary, idle]
    ring.switch_lookup()
    ring.promote(idle)
    assert jobs() == {
        first: (False, True, 0, False),
        lookup: (False, False, 1, True),
        primary: nothing,
        idle: (True, False, None, False),
    }
    ring.end_lookup()
    ring.promote(first)
    assert jobs() == {
        first: (True, True, None, False),
        lookup: (False, False, 1, True),
        primary: nothing,
        idle: nothing,
    }
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", key.created) for key in ring.keys)


@POSIX
@pytest.mark.usefixtures("tokyo")
def test_a_key_is_dated_in_utc() -> None:
    (key,) = Keyring.generate().keys
    age = datetime.now(UTC) - datetime.fromisoformat(key.created)
    assert abs(age) < timedelta(hours=1)


def test_key_ids_are_random_unique_and_never_zero(monkeypatch: pytest.MonkeyPatch) -> None:
    draws = iter([0, 7, 7, 0, 9])
    monkeypatch.setattr("sa_privacy.crypto.rotation.secrets.randbits", lambda _: next(draws))
    ring = Keyring.generate()
    assert ring.rotate() == ring.primary_id == 9
    assert ring.ids == (7, 9)


@POSIX
def test_a_key_file_is_0600_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        Keyring.generate().save(tmp_path / "keys.json")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "keys.json").stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["keys.json"]


@POSIX
@pytest.mark.parametrize("mode", [0o640, 0o620, 0o610, 0o604, 0o602, 0o601, 0o666])
def test_a_key_file_that_others_can_touch_is_refused_with_the_way_out(keys: Path, mode: int) -> None:
    keys.chmod(mode)
    with pytest.raises(KeyUnavailable, match=f"chmod 600 {keys}"):
        Keyring.load(keys)


@POSIX
@pytest.mark.parametrize("mode", [0o600, 0o400])
def test_a_key_file_of_the_owner_alone_is_read_also_through_a_link(keys: Path, mode: int) -> None:
    keys.chmod(mode)
    (keys.parent / "link").symlink_to(keys)
    assert Keyring.load(keys).ids == Keyring.load(keys.parent / "link").ids


@POSIX
def test_what_is_no_regular_file_is_refused_and_does_not_hang(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe", 0o600)
    for path in (tmp_path / "pipe", tmp_path):
        with pytest.raises(KeyUnavailable, match=r"regular file|cannot be opened"):
            Keyring.load(path)
    with pytest.raises(KeyUnavailable, match=f": the keyring file {tmp_path / 'missing'} does not exist") as caught:
        Keyring.load(tmp_path / "missing")
    assert "Keyring.generate()" in str(caught.value.hint)


def spoil(change: Callable[[dict[str, Any]], object]) -> Callable[[dict[str, Any]], dict[str, Any]]:
    def spoiled(document: dict[str, Any]) -> dict[str, Any]:
        change(document)
        return document

    return spoiled


def junk(text: str) -> str:
    return f"{text[:9]}\n{text[9:]}"


KEY = {"id": "00000001", "created": "2026-01-01T00:00:00Z", "secret": base64.b64encode(b"\x01" * 32).decode()}
MALFORMED: dict[str, tuple[Callable[[dict[str, Any]], Any], str]] = {
    "a list": (lambda _: [], "not a JSON object"),
    "another format": (spoil(lambda d: d.update(format="x")), "format"),
    "version 3": (spoil(lambda d: d.update(version=3)), "version"),
    "version 1 with a lookup": (spoil(lambda d: d.update(version=1)), "members are not format, version, primary, keys"),
    "version 1 with a service": (
        spoil(lambda d: d.update(version=1, service=d.pop("lookup"))),
        "its members are not format, version, primary, keys",
    ),
    "version 2 without a lookup": (
        spoil(lambda d: d.pop("lookup")),
        "members are not format, version, primary, lookup",
    ),
    "a lookup that is no object": (spoil(lambda d: d.update(lookup=[])), "search, slots"),
    "a lookup with more": (spoil(lambda d: d["lookup"].update(more=1)), "search, slots"),
    "one slot": (spoil(lambda d: d["lookup"]["slots"].pop()), "not two"),
    "slots that are no list": (spoil(lambda d: d["lookup"].update(slots="ab")), "not two"),
    "empty slots": (spoil(lambda d: d["lookup"].update(slots=[None, None])), "search"),
    "a search that is in no slot": (spoil(lambda d: d["lookup"].update(search="00000002")), "search"),
    "a search that is no id": (spoil(lambda d: d["lookup"].update(search=None)), "search"),
    "a foreign slot": (spoil(lambda d: d["lookup"]["slots"].__setitem__(1, "00000002")), "ids of two of its keys"),
    "a slot that is a number": (spoil(lambda d: d["lookup"]["slots"].__setitem__(1, 1)), "ids of two of its keys"),
    "one key in both slots": (
        spoil(lambda d: d["lookup"]["slots"].__setitem__(1, d["lookup"]["slots"][0])),
        "ids of two of its keys",
    ),
    "version true": (spoil(lambda d: d.update(version=True)), "version"),
    "an unknown member": (spoil(lambda d: d.update(more=1)), "members"),
    "no primary": (spoil(lambda d: d.pop("primary")), "members"),
    "a foreign primary": (spoil(lambda d: d.update(primary="00000002")), "primary"),
    "a primary that is no id": (spoil(lambda d: d.update(primary=1)), "primary"),
    "a primary that is a list": (spoil(lambda d: d.update(primary=[])), "primary"),
    "a slot that is an object": (spoil(lambda d: d["lookup"]["slots"].__setitem__(1, {})), "ids of two of its keys"),
    "no keys": (spoil(lambda d: d.update(keys=[])), "keys"),
    "too many keys": (spoil(lambda d: d.update(keys=[1] * 10_001)), "keys"),
    "a key that is no object": (spoil(lambda d: d["keys"].append("x")), "key 2"),
    "an unknown member of a key": (spoil(lambda d: d["keys"][0].update(more=1)), "key 1"),
    "key id 0": (spoil(lambda d: d["keys"][0].update(id="00000000")), "id of key 1"),
    "an upper-case id": (spoil(lambda d: d["keys"][0].update(id="ABCDEF01")), "id of key 1"),
    "an id of 7 digits": (spoil(lambda d: d["keys"][0].update(id="0000001")), "id of key 1"),
    "a number as id": (spoil(lambda d: d["keys"][0].update(id=1)), "id of key 1"),
    "an id with a line end": (spoil(lambda d: d["keys"][0].update(id="00000001\n")), "id of key 1"),
    "digits of another script": (
        spoil(lambda d: d["keys"][0].update(created="٢٠٢٦-01-01T00:00:00Z")),
        'the "created" of key 1',
    ),
    "no time": (spoil(lambda d: d["keys"][0].update(created="today")), "created"),
    "31 bytes": (spoil(lambda d: d["keys"][0].update(secret=base64.b64encode(bytes(31)).decode())), "secret of key 1"),
    "33 bytes": (spoil(lambda d: d["keys"][0].update(secret=base64.b64encode(bytes(33)).decode())), "secret of key 1"),
    "no base64": (spoil(lambda d: d["keys"][0].update(secret="!" * 44)), "secret of key 1"),
    "base64 with something in between": (
        spoil(lambda d: d["keys"][0].update(secret=junk(KEY["secret"]))),
        "secret of key 1",
    ),
    "not even text": (spoil(lambda d: d["keys"][0].update(secret=["x"])), "secret of key 1"),
    "an id twice": (spoil(lambda d: d["keys"].append({**KEY, "id": d["keys"][0]["id"]})), "same id"),
    "a secret twice": (spoil(lambda d: d["keys"].append({**d["keys"][0], "id": "00000001"})), "same secret"),
}


def locals_of(error: BaseException) -> str:
    """What a report that shows local variables would show of the frames of the library."""
    trace = traceback.TracebackException.from_exception(error, capture_locals=True)
    return str([(frame.name, frame.locals) for frame in trace.stack if f"sa_privacy{os.sep}crypto" in frame.filename])


def assert_shows_nothing(error: KeyUnavailable, text: str) -> None:
    assert text not in locals_of(error)
    shown = str(error) + repr(error) + repr(vars(error)) + repr(error.__context__) + repr(error.__cause__)
    assert text not in shown
    assert error.__context__ is None or not isinstance(error.__context__, json.JSONDecodeError)
    assert error.hint


@pytest.mark.parametrize("name", MALFORMED)
def test_a_malformed_ring_is_refused_with_the_reason_and_without_its_content(
    name: str, keys: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    change, said = MALFORMED[name]
    secret = stored(keys)["keys"][0]["secret"]
    text = json.dumps(change(stored(keys)))
    monkeypatch.setenv("RING", base64.b64encode(text.encode()).decode())
    write(keys, text)
    loads = {
        f"the file {keys}": partial(Keyring.load, keys),
        "the environment variable RING": partial(Keyring.from_env, "RING"),
    }
    for source, load in loads.items():
        with pytest.raises(KeyUnavailable, match=f": {source} is no keyring: .*{said}") as caught:
            load()
        assert_shows_nothing(caught.value, secret)


def test_a_ring_may_have_10_000_keys(keys: Path) -> None:
    document = stored(keys)
    secrets = (base64.b64encode(number.to_bytes(32, "big")).decode() for number in range(1, 10_000))
    taken = document["keys"][0]["id"]
    document["keys"] += [
        {**KEY, "id": f"{number:08x}" if f"{number:08x}" != taken else "ffffffff", "secret": secret}
        for number, secret in enumerate(secrets, 1)
    ]
    assert len(parse(json.dumps(document), "here").ring.entries) == 10_000


@pytest.mark.parametrize("cut", [0, 1, 100, -3])
def test_a_file_cut_off_or_filled_with_rubbish_is_refused_without_its_content(keys: Path, cut: int) -> None:
    text = keys.read_text()
    secret = stored(keys)["keys"][0]["secret"]
    twice = text.replace('"version": 2', '"version": 2, "version": 2')
    for content in (text[:cut], "[" * 100_000, b"\xff\xfe\x00", twice, text + "x", text + " " * (1 << 20)):
        write(keys, content)
        with pytest.raises(KeyUnavailable, match=r"no keyring|longer than") as caught:
            Keyring.load(keys)
        assert_shows_nothing(caught.value, secret)


def test_a_ring_comes_from_the_environment_plain_or_in_base64(keys: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = keys.read_bytes()
    wrapped = base64.encodebytes(content).decode()
    for text in (content.decode(), base64.b64encode(content).decode(), wrapped, f"  {wrapped}\n"):
        monkeypatch.setenv("RING", text)
        assert Keyring.from_env("RING").ids == Keyring.load(keys).ids


def test_an_environment_variable_that_is_missing_or_wrong_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RING", raising=False)
    with pytest.raises(KeyUnavailable, match="RING is not set"):
        Keyring.from_env("RING")
    spoilt = base64.b64encode(Keyring.generate().export(KEYS_IN_THE_CLEAR).encode()).decode()
    for text in (" ", "{", "c2VjcmV0", "not base64, and secret", f"{spoilt[:40]}!{spoilt[40:]}"):
        monkeypatch.setenv("RING", text)
        with pytest.raises(KeyUnavailable, match="RING") as caught:
            Keyring.from_env("RING")
        assert "secret" not in str(caught.value)


def test_a_ring_may_be_saved_over_itself_and_over_its_older_self_only(keys: Path) -> None:
    ring = Keyring.load(keys)
    ring.save(keys)
    ring.rotate()
    ring.save(keys)
    older, newer = stored(keys), Keyring.load(keys)
    assert newer.ids == ring.ids
    newer.rotate()
    newer.save(keys)
    for other in (ring, Keyring.generate()):
        with pytest.raises(KeyUnavailable, match="keys that the ring to be saved does not have") as caught:
            other.save(keys)
        assert "overwrite=True" in str(caught.value.hint)
        assert Keyring.load(keys).ids == newer.ids
    ring.save(keys, overwrite=True)
    assert stored(keys) == older


def test_a_file_that_is_no_keyring_is_replaced_only_on_request(keys: Path) -> None:
    write(keys, "precious notes")
    with pytest.raises(KeyUnavailable, match=f"cannot be read as a keyring: the file {keys}"):
        Keyring.generate().save(keys)
    assert keys.read_text() == "precious notes"
    ring = Keyring.generate()
    ring.save(keys, overwrite=True)
    assert Keyring.load(keys).ids == ring.ids


def test_a_ring_that_cannot_be_read_for_its_mode_is_not_said_to_be_no_keyring(keys: Path) -> None:
    before = keys.read_bytes()
    keys.chmod(0o644)
    with pytest.raises(KeyUnavailable) as caught:
        Keyring.generate().save(keys)
    assert "mode 0644" in caught.value.message
    assert f"chmod 600 {keys}" in str(caught.value.hint)
    assert "overwrite" not in str(caught.value)
    assert keys.read_bytes() == before


def test_a_ring_that_is_damaged_is_said_to_be(keys: Path) -> None:
    document = stored(keys) | {"primary": "00000000"}
    write(keys, json.dumps(document))
    with pytest.raises(KeyUnavailable, match='its "primary" is not the id of one of its keys') as caught:
        Keyring.generate().save(keys)
    assert KEY["secret"] not in str(caught.value)
    assert "backup" in str(caught.value.hint)
    assert "overwrite=True" in str(caught.value.hint)


def test_the_same_key_id_with_another_secret_is_not_the_same_ring(keys: Path) -> None:
    document = stored(keys)
    document["keys"][0]["secret"] = KEY["secret"]
    write(keys.parent / "other.json", json.dumps(document))
    with pytest.raises(KeyUnavailable, match="does not have"):
        Keyring.load(keys.parent / "other.json").save(keys)


def test_saving_through_a_link_replaces_the_file_and_not_the_link(keys: Path) -> None:
    link = keys.parent / "link.json"
    link.symlink_to(keys)
    ring = Keyring.load(link)
    ring.rotate()
    ring.save(link)
    assert link.is_symlink()
    assert Keyring.load(keys).ids == ring.ids


def test_a_file_that_cannot_be_written_is_an_error_that_leaves_nothing_behind(
    keys: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    missing = keys.parent / "missing" / "keys.json"
    with pytest.raises(KeyUnavailable, match=f": the keyring file {missing} cannot be written") as caught:
        Keyring.generate().save(missing)
    assert caught.value.hint
    before = keys.read_bytes()

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("sa_privacy.crypto.privatefile.os.fsync", full)
    ring = Keyring.load(keys)
    ring.rotate()
    with pytest.raises(KeyUnavailable, match="No space left") as caught:
        ring.save(keys)
    cause: BaseException | None = caught.value
    while cause is not None:
        assert stored(keys)["keys"][0]["secret"] not in locals_of(cause)
        cause = cause.__cause__ or cause.__context__
    assert keys.read_bytes() == before
    assert [path.name for path in keys.parent.iterdir()] == [keys.name]


def test_a_save_that_is_interrupted_leaves_nothing_behind_and_shows_nothing(
    keys: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(_: int) -> None:
        raise KeyboardInterrupt

    before, ring = keys.read_bytes(), Keyring.load(keys)
    monkeypatch.setattr("sa_privacy.crypto.privatefile.os.fsync", interrupted)
    with pytest.raises(KeyboardInterrupt) as caught:
        ring.save(keys)
    assert stored(keys)["keys"][0]["secret"] not in locals_of(caught.value)
    assert keys.read_bytes() == before
    assert [path.name for path in keys.parent.iterdir()] == [keys.name]


@POSIX
def test_two_savers_take_turns(keys: Path) -> None:
    import fcntl

    before, ring = keys.read_bytes(), Keyring.load(keys)
    ring.rotate()
    other = os.open(keys.parent, os.O_RDONLY)
    try:
        fcntl.flock(other, fcntl.LOCK_EX)
        saver = Thread(target=ring.save, args=(keys,))
        saver.start()
        saver.join(0.3)
        assert saver.is_alive()
        assert keys.read_bytes() == before
    finally:
        os.close(other)
    saver.join()
    assert Keyring.load(keys).ids == ring.ids


@POSIX
def test_a_file_planted_under_the_temporary_name_is_neither_written_nor_removed(
    keys: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sa_privacy.crypto.privatefile.secrets.token_hex", lambda _: "guessed")
    elsewhere = write(keys.parent / "elsewhere", "")
    (keys.parent / ".keys.json.guessed.tmp").symlink_to(elsewhere)
    with pytest.raises(KeyUnavailable, match="cannot be written"):
        Keyring.load(keys).save(keys)
    assert elsewhere.read_bytes() == b""
    assert (keys.parent / ".keys.json.guessed.tmp").is_symlink()


KILLED = """
import os, signal, sys
from sa_privacy.crypto import Keyring, privatefile
path, place = sys.argv[1:]
ring = Keyring.load(path)
ring.rotate()
calls = []
def dying(name):
    real = getattr(os, name)
    def call(*args, **options):
        calls.append(name)
        if f"before {name} {calls.count(name)}" == place:
            os.kill(os.getpid(), signal.SIGKILL)
        result = real(*args, **options)
        if f"after {name} {calls.count(name)}" == place:
            os.kill(os.getpid(), signal.SIGKILL)
        return result
    return call
for name in ("fsync", "replace"):
    setattr(privatefile.os, name, dying(name))
ring.save(path)
"""


@POSIX
@pytest.mark.parametrize(
    "place", ["before fsync 1", "after fsync 1", "before replace 1", "after replace 1", "before fsync 2"]
)
def test_a_writer_that_is_killed_leaves_the_old_file_or_the_new_one_whole(keys: Path, place: str) -> None:
    before = keys.read_bytes()
    source = str(Path(__file__).parents[2] / "src")
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, str(keys), place],
        env={**os.environ, "PYTHONPATH": source},
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL
    replaced = place in ("after replace 1", "before fsync 2")
    assert len(Keyring.load(keys)) == (2 if replaced else 1)
    assert (keys.read_bytes() == before) is not replaced
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in keys.parent.iterdir())
    again = Keyring.load(keys)
    again.rotate()
    again.save(keys)
    assert Keyring.load(keys).ids == again.ids
