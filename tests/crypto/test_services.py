"""Key services: keys wrapped in the file, unwrapped at start, and nobody asked after that."""

from __future__ import annotations

import base64
import copy
import json
import logging
import os
import pickle
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from moto import mock_aws

from sa_privacy.crypto import KEYS_IN_THE_CLEAR, AwsKms, Keyring, KeyService, LocalKey
from sa_privacy.crypto.keyfile import parse
from sa_privacy.errors import KeyUnavailable

from .test_keyring import locals_of, stored, write

FIELD = "customers.email"
CONTEXT = {"key_id": "9f03a1c2", "policy_id": "shop"}
SECRET = bytes(range(32))


class Recording:
    """A service that notes what it was asked, and can be out of order."""

    name = "recording"

    def __init__(self) -> None:
        self.inner = LocalKey(bytes(32))
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.fault: Exception | None = None

    def wrap(self, secret: bytes, context: Mapping[str, str]) -> bytes:
        self.asked.append(("wrap", dict(context)))
        if self.fault is not None:
            raise self.fault
        return self.inner.wrap(secret, context)

    def unwrap(self, wrapped: bytes, context: Mapping[str, str]) -> bytes:
        self.asked.append(("unwrap", dict(context)))
        if self.fault is not None:
            raise self.fault
        return self.inner.unwrap(wrapped, context)


def clear_forms(secret: bytes) -> list[str]:
    return [repr(secret)[2:-1], secret.hex(), base64.b64encode(secret).decode()]


def secrets_of(ring: Keyring) -> list[bytes]:
    return [base64.b64decode(key["secret"]) for key in json.loads(ring.export(KEYS_IN_THE_CLEAR))["keys"]]


def assert_shows_no_key(error: BaseException, ring: Keyring) -> None:
    shown = str(error) + repr(error) + repr(vars(error)) + locals_of(error)
    for secret in secrets_of(ring):
        assert not any(form in shown for form in clear_forms(secret))
    assert error.__context__ is None or error.__suppress_context__


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[AwsKms]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    with mock_aws():
        import boto3

        yield AwsKms(boto3.client("kms").create_key()["KeyMetadata"]["Arn"])


@pytest.fixture(params=["local file", "environment", "aws-kms"])
def service(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> KeyService:
    if request.param == "aws-kms":
        found: KeyService = request.getfixturevalue("aws")
        return found
    made = LocalKey.generate_file(tmp_path / "wrapping.key")
    if request.param == "local file":
        return made
    monkeypatch.setenv("WRAPPING_KEY", (tmp_path / "wrapping.key").read_text())
    return LocalKey.from_env("WRAPPING_KEY")


def test_what_was_wrapped_unwraps_with_the_same_context_and_with_no_other(service: KeyService) -> None:
    wrapped = service.wrap(SECRET, CONTEXT)
    assert SECRET not in wrapped
    assert wrapped != service.wrap(SECRET, CONTEXT)
    assert service.unwrap(wrapped, dict(reversed(CONTEXT.items()))) == SECRET
    others: list[dict[str, str]] = [
        CONTEXT | {"key_id": "00000001"},
        CONTEXT | {"policy_id": "other"},
        {"key_id": "9f03a1c2"},
        {},
    ]
    for other in others:
        with pytest.raises(KeyUnavailable):
            service.unwrap(wrapped, other)
    for changed in (wrapped[:-1], wrapped[:-1] + bytes((wrapped[-1] ^ 1,)), b"x", b""):
        with pytest.raises(KeyUnavailable):
            service.unwrap(changed, CONTEXT)


def test_a_wrapped_ring_comes_back_whole_and_its_file_holds_no_key(service: KeyService, tmp_path: Path) -> None:
    path, ring = tmp_path / "keys.json", Keyring.generate()
    ring.rotate()
    ring.rotate_lookup()
    cell, slots = ring.sealer(FIELD).seal(b"x"), ring.digests(FIELD).slots(b"x")
    ring.save(path, service=service, policy_id="shop")
    text = path.read_text()
    for secret in secrets_of(ring):
        assert not any(form in text for form in clear_forms(secret))
    assert stored(path)["service"] == {"name": service.name, "policy_id": "shop"}
    loaded = Keyring.load(path, service=service, policy_id="shop")
    assert loaded.sealer(FIELD).open(cell) == b"x"
    assert loaded.digests(FIELD).slots(b"x") == slots
    assert loaded.pseudonym_key().of("customer", 1) == ring.pseudonym_key().of("customer", 1)
    assert (loaded.wrapped_by, loaded.policy_id) == (service.name, "shop")
    assert (oct(path.stat().st_mode)[-3:]) == "600"


def test_the_context_names_key_and_policy_for_every_key(tmp_path: Path) -> None:
    service, ring, path = Recording(), Keyring.generate(), tmp_path / "keys.json"
    ring.rotate()
    ring.save(path, service=service, policy_id="shop")
    Keyring.load(path, service=service)
    contexts = [{"key_id": f"{key_id:08x}", "policy_id": "shop"} for key_id in ring.ids]
    assert service.asked == [("wrap", one) for one in contexts] + [("unwrap", one) for one in contexts]


def test_nothing_is_asked_once_the_ring_is_loaded(tmp_path: Path) -> None:
    service, path = Recording(), tmp_path / "keys.json"
    Keyring.generate().save(path, service=service, policy_id="shop")
    ring = Keyring.load(path, service=service)
    service.asked.clear()
    service.fault = ConnectionError("down")
    cipher, digests = ring.sealer(FIELD, slots=True), ring.digests(FIELD)
    cell = cipher.seal(b"x", digests.slots(b"x"))
    for step in (ring.rotate, ring.rotate_lookup, ring.switch_lookup, ring.end_lookup):
        step()
        assert cipher.open(cell) == cipher.open(cipher.seal(b"x")) == b"x"
        assert ring.sealer("another").seal(digests.search(b"x"))
    assert service.asked == []


FAULTS: dict[str, Exception] = {
    "its own": KeyUnavailable("the vault is sealed.", hint="Unseal it."),
    "the network's": ConnectionError(f"no route, and {SECRET!r}"),
    "any": KeyError(SECRET),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_service_that_is_down_is_a_clear_error_at_start_and_leaves_the_file_alone(name: str, tmp_path: Path) -> None:
    service, path, ring = Recording(), tmp_path / "keys.json", Keyring.generate()
    ring.save(path, service=service, policy_id="shop")
    before = path.read_bytes()
    service.fault = FAULTS[name]
    ring.rotate()
    attempts: dict[str, Callable[[], object]] = {
        "unwrapped": lambda: Keyring.load(path, service=service),
        "wrapped": lambda: ring.save(path),
    }
    for verb, attempt in attempts.items():
        with pytest.raises(KeyUnavailable, match=f"cannot be {verb} by the key service recording") as caught:
            attempt()
        assert f"{ring.ids[0]:08x}" in caught.value.message
        assert ("vault is sealed" if name == "its own" else type(FAULTS[name]).__name__) in caught.value.message
        assert repr(SECRET)[2:20] not in str(caught.value)
        assert caught.value.hint
        assert (caught.value.hint == "Unseal it.") is (name == "its own")
        assert ".." not in caught.value.message
        assert_shows_no_key(caught.value, ring)
    assert path.read_bytes() == before
    assert [one.name for one in tmp_path.iterdir()] == ["keys.json"]
    service.fault = None
    ring.save(path)
    assert Keyring.load(path, service=service).ids == ring.ids


@pytest.mark.parametrize(
    "answer", [b"", b"short", bytes(33), "text", None], ids=["empty", "short", "long", "text", "none"]
)
def test_an_answer_that_is_no_key_is_refused(answer: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    service, path = Recording(), tmp_path / "keys.json"
    Keyring.generate().save(path, service=service, policy_id="shop")
    monkeypatch.setattr(service, "unwrap", lambda *_: answer)
    with pytest.raises(KeyUnavailable, match="its answer is not 32 bytes"):
        Keyring.load(path, service=service)


@pytest.mark.parametrize("answer", [lambda s: s, lambda s: b"<" + s + b">", lambda _: b"", lambda _: bytes(8193), str])
def test_a_service_that_does_not_wrap_is_refused(
    answer: Callable[[bytes], Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    service, ring = Recording(), Keyring.generate()
    monkeypatch.setattr(service, "wrap", lambda secret, _: answer(secret))
    with pytest.raises(KeyUnavailable, match="no wrapped key") as caught:
        ring.save(tmp_path / "keys.json", service=service, policy_id="shop")
    assert_shows_no_key(caught.value, ring)
    assert not (tmp_path / "keys.json").exists()


class Vault:
    """A service that keeps the keys itself, and answers with a label of some length."""

    name = "v" * 64

    def __init__(self, size: int) -> None:
        self.size = size
        self.kept: dict[bytes, bytes] = {}

    def wrap(self, secret: bytes, context: Mapping[str, str]) -> bytes:
        label = bytes((len(self.kept),)) * self.size
        self.kept[label] = secret
        return label

    def unwrap(self, wrapped: bytes, context: Mapping[str, str]) -> bytes:
        return self.kept[wrapped]


@pytest.mark.parametrize("size", [1, 2, 8191, 8192])
def test_a_wrapped_key_may_have_1_to_8192_bytes(size: int, tmp_path: Path) -> None:
    vault, ring, path = Vault(size), Keyring.generate(), tmp_path / "keys.json"
    ring.rotate()
    ring.save(path, service=vault, policy_id="p" * 256)
    assert secrets_of(Keyring.load(path, service=vault)) == secrets_of(ring)


def test_a_file_that_would_be_too_long_to_be_read_is_not_written(tmp_path: Path) -> None:
    vault, ring, path = Vault(8192), Keyring.generate(), tmp_path / "keys.json"
    ring.save(path, service=vault, policy_id="shop")
    before = path.read_bytes()
    for _ in range(95):
        ring.add_key()
    with pytest.raises(KeyUnavailable, match="longer than 1 MiB") as caught:
        ring.save(path)
    assert "Nothing was saved" in caught.value.message
    assert caught.value.hint
    assert_shows_no_key(caught.value, ring)
    assert path.read_bytes() == before


def test_a_wrapped_file_says_who_can_unwrap_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "keys.json"
    Keyring.generate().save(path, service=Recording(), policy_id="shop")
    monkeypatch.setenv("RING", path.read_text())
    for service in (None, LocalKey(bytes(32))):
        for load in (partial(Keyring.load, path), partial(Keyring.from_env, "RING")):
            with pytest.raises(KeyUnavailable, match="wrapped by the key service recording") as caught:
                load(service=service)
            assert "service=" in str(caught.value.hint)
    assert Keyring.from_env("RING", service=Recording()).wrapped_by == "recording"


def test_a_ring_of_another_policy_or_in_the_clear_is_not_what_was_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrapped, clear, service = tmp_path / "wrapped.json", tmp_path / "clear.json", Recording()
    Keyring.generate().save(wrapped, service=service, policy_id="shop")
    Keyring.generate().save(clear)
    monkeypatch.setenv("WRAPPED", wrapped.read_text())
    monkeypatch.setenv("CLEAR", clear.read_text())
    loads: list[tuple[Callable[..., Keyring], str, str, str]] = [
        (Keyring.load, str(wrapped), str(clear), "the file"),
        (Keyring.from_env, "WRAPPED", "CLEAR", "the environment variable"),
    ]
    for load, of_shop, in_the_clear, kind in loads:
        with pytest.raises(KeyUnavailable, match=f"{kind} {of_shop} are wrapped for another policy") as caught:
            load(of_shop, service=service, policy_id="museum")
        assert caught.value.hint
        with pytest.raises(
            KeyUnavailable, match=f"{kind} {in_the_clear} holds its keys in the clear, though"
        ) as caught:
            load(in_the_clear, service=service)
        assert caught.value.hint
        assert load(of_shop, service=service, policy_id="shop").policy_id == "shop"


def test_a_file_whose_policy_was_changed_does_not_unwrap(service: KeyService, tmp_path: Path) -> None:
    path, ring = tmp_path / "keys.json", Keyring.generate()
    ring.rotate()
    ring.save(path, service=service, policy_id="shop")
    document = stored(path)
    first, second = document["keys"]
    swapped = [{**first, "wrapped": second["wrapped"]}, {**second, "wrapped": first["wrapped"]}]
    for change in ({"service": {"name": service.name, "policy_id": "museum"}}, {"keys": swapped}):
        write(path, json.dumps(document | change))
        with pytest.raises(KeyUnavailable, match="cannot be unwrapped"):
            Keyring.load(path, service=service)


def test_a_ring_stays_wrapped_until_it_is_said_to_be_saved_in_the_clear(tmp_path: Path) -> None:
    path, service = tmp_path / "keys.json", Recording()
    Keyring.generate().save(path, service=service, policy_id="shop")
    ring = Keyring.load(path, service=service)
    ring.rotate()
    ring.save(path)
    assert stored(path)["service"]["policy_id"] == "shop"
    ring.save(tmp_path / "copy.json")
    assert "service" in stored(tmp_path / "copy.json")
    for said in (True, "yes", "keys in the clear"):
        with pytest.raises(TypeError, match="KEYS_IN_THE_CLEAR"):
            ring.save(path, in_the_clear=said)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="not both"):
        ring.save(path, in_the_clear=KEYS_IN_THE_CLEAR, service=service)
    assert "service" in stored(path)
    ring.save(path, in_the_clear=KEYS_IN_THE_CLEAR)
    assert Keyring.load(path).ids == ring.ids
    assert (ring.wrapped_by, ring.policy_id) == (None, None)


def test_a_ring_moves_from_one_service_to_another(tmp_path: Path) -> None:
    path, one, other = tmp_path / "keys.json", Recording(), LocalKey(bytes(32), "other")
    Keyring.generate().save(path, service=one, policy_id="shop")
    ring = Keyring.load(path, service=one)
    ring.save(path, service=other)
    assert stored(path)["service"] == {"name": "other", "policy_id": "shop"}
    ring.rotate()
    ring.save(path, policy_id="museum")
    assert Keyring.load(path, service=other, policy_id="museum").ids == ring.ids


def test_a_wrapped_file_is_replaced_only_by_its_own_ring(tmp_path: Path) -> None:
    path, service = tmp_path / "keys.json", Recording()
    Keyring.generate().save(path, service=service, policy_id="shop")
    before = path.read_bytes()
    with pytest.raises(KeyUnavailable, match="does not have"):
        Keyring.generate().save(path, service=service, policy_id="shop")
    with pytest.raises(KeyUnavailable, match="wrapped by the key service recording") as caught:
        Keyring.generate().save(path)
    assert "overwrite" not in str(caught.value.hint)
    assert path.read_bytes() == before


def test_to_wrap_needs_a_service_and_a_policy(tmp_path: Path) -> None:
    ring, path = Keyring.generate(), tmp_path / "keys.json"
    cases: list[dict[str, Any]] = [{"service": Recording()}, {"policy_id": "shop"}]
    for options in cases:
        with pytest.raises(TypeError, match="give service= and policy_id="):
            ring.save(path, **options)
    for policy_id in ("x" * 257, "line\nend"):
        with pytest.raises(ValueError, match="policy id"):
            ring.save(path, service=Recording(), policy_id=policy_id)
    with pytest.raises(ValueError, match="service's name"):
        ring.save(path, service=LocalKey(bytes(32), "AWS KMS"), policy_id="shop")
    assert not path.exists()


SPOILT: dict[str, tuple[Callable[[dict[str, Any]], object], str]] = {
    "a service that is no object": (lambda d: d.update(service="recording"), "service"),
    "more of a service": (lambda d: d["service"].update(more=1), "name, policy_id"),
    "a service without a policy": (lambda d: d["service"].pop("policy_id"), "name, policy_id"),
    "a name that cannot be one": (lambda d: d["service"].update(name="RECORDING"), "cannot be one"),
    "an empty policy id": (lambda d: d["service"].update(policy_id=""), "cannot be one"),
    "a secret in a wrapped ring": (lambda d: d["keys"][0].update(secret=d["keys"][0].pop("wrapped")), "key 1"),
    "both": (lambda d: d["keys"][0].update(secret="x"), "key 1"),
    "nothing wrapped": (lambda d: d["keys"][0].update(wrapped=""), "wrapped of key 1 is not 1 to 8,192 bytes"),
    "too much": (lambda d: d["keys"][0].update(wrapped="AAAA" * 2731), "wrapped of key 1 is not 1 to 8,192 bytes"),
    "no base64": (lambda d: d["keys"][0].update(wrapped="!"), "wrapped of key 1"),
    "version 1": (lambda d: d.update(version=1), "members"),
    "version 1, without a lookup": (lambda d: d.update(version=d.pop("lookup") and 1), "members"),
    "wrapped keys without a service": (lambda d: d.pop("service"), "secret"),
}


@pytest.mark.parametrize("name", SPOILT)
def test_a_malformed_wrapped_ring_is_refused_before_anyone_is_asked(name: str, tmp_path: Path) -> None:
    change, said = SPOILT[name]
    path, service = tmp_path / "keys.json", Recording()
    Keyring.generate().save(path, service=service, policy_id="shop")
    document = stored(path)
    change(document)
    service.asked.clear()
    with pytest.raises(KeyUnavailable, match=f"no keyring: .*{said}"):
        parse(json.dumps(document), "the file", {"recording": service})
    assert service.asked == []


def test_a_wrapping_key_is_made_once_and_only_for_its_owner(tmp_path: Path) -> None:
    path = tmp_path / "wrapping.key"
    made = LocalKey.generate_file(path)
    assert oct(path.stat().st_mode)[-3:] == "600"
    assert LocalKey.from_file(path).unwrap(made.wrap(SECRET, CONTEXT), CONTEXT) == SECRET
    before = path.read_bytes()
    with pytest.raises(KeyUnavailable, match="is there already"):
        LocalKey.generate_file(path)
    assert path.read_bytes() == before
    path.chmod(0o640)
    with pytest.raises(KeyUnavailable, match="chmod 600"):
        LocalKey.from_file(path)
    with pytest.raises(KeyUnavailable, match=r"does not exist"):
        LocalKey.from_file(tmp_path / "missing")


@pytest.mark.parametrize("text", ["", "short", base64.b64encode(bytes(31)).decode(), "é" * 44, "!" * 44])
def test_what_is_no_wrapping_key_is_refused_and_not_shown(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WRAPPING_KEY", text)
    path = write(tmp_path / "wrapping.key", text)
    loads: list[Callable[[], LocalKey]] = [lambda: LocalKey.from_env("WRAPPING_KEY"), lambda: LocalKey.from_file(path)]
    for load in loads:
        with pytest.raises(KeyUnavailable, match="does not hold 32 bytes") as caught:
            load()
        assert not text or text not in str(caught.value) + locals_of(caught.value)


def test_services_that_hold_keys_show_nothing_and_are_not_copied(aws: AwsKms) -> None:
    for thing in (LocalKey(SECRET), aws):
        assert not any(form in repr(thing) + f"{thing}" for form in clear_forms(SECRET))
        assert not hasattr(thing, "__dict__")
        attempts: list[Callable[[Any], object]] = [copy.copy, copy.deepcopy, pickle.dumps]
        for attempt in attempts:
            with pytest.raises(TypeError, match="holds keys"):
                attempt(thing)


def test_boto_logs_no_key_even_where_it_logs_everything(
    aws: AwsKms, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    import boto3

    for logger in (None, "botocore", "urllib3"):
        caplog.set_level(logging.DEBUG, logger)
    boto3.client("kms").list_keys()
    assert caplog.records, "botocore logs its requests at DEBUG"
    caplog.clear()
    ring, path = Keyring.generate(), tmp_path / "keys.json"
    ring.save(path, service=aws, policy_id="shop")
    Keyring.load(path, service=aws)
    for secret in secrets_of(ring):
        assert not any(form in caplog.text for form in clear_forms(secret))
    boto3.client("kms").list_keys()
    assert caplog.records, "and goes on to, for everything else"


def test_kms_names_the_reason_and_not_the_request(aws: AwsKms, tmp_path: Path) -> None:
    ring, path, stranger = Keyring.generate(), tmp_path / "keys.json", AwsKms("00000000-0000-0000-0000-000000000000")
    ring.save(path, service=aws, policy_id="shop")
    attempts: list[Callable[[], object]] = [
        lambda: Keyring.load(path, service=stranger),
        lambda: ring.save(tmp_path / "other.json", service=stranger),
    ]
    for attempt in attempts:
        with pytest.raises(KeyUnavailable, match="KMS says NotFoundException") as caught:
            attempt()
        assert_shows_no_key(caught.value, ring)


def test_a_kms_that_cannot_be_reached_is_given_up_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    service = AwsKms("key", region_name="eu-central-1", endpoint_url="http://127.0.0.1:9")
    patience = service._client.meta.config
    assert (patience.connect_timeout, patience.read_timeout, patience.retries["total_max_attempts"]) == (5, 10, 3)
    with pytest.raises(KeyUnavailable, match="KMS says EndpointConnectionError"):
        service.unwrap(b"x", CONTEXT)


def test_a_kms_without_a_region_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    with pytest.raises(KeyUnavailable, match="NoRegionError") as caught:
        AwsKms("key")
    assert "AWS_REGION" in str(caught.value.hint)


LAZY = """
import sys
import sa_privacy.crypto
assert not {"boto3", "botocore"} & set(sys.modules), "an SDK was imported"
sys.modules["boto3"] = None
try:
    sa_privacy.crypto.AwsKms("key")
except sa_privacy.errors.KeyUnavailable as error:
    print(error.hint)
"""


def test_boto_is_imported_only_for_who_uses_it_and_its_absence_is_said() -> None:
    source = str(Path(__file__).parents[2] / "src")
    ran = subprocess.run(
        [sys.executable, "-c", LAZY],
        env={**os.environ, "PYTHONPATH": source},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ran.returncode, ran.stdout) == (0, 'pip install "sa-privacy[aws]"\n'), ran.stderr
