"""``sa-privacy keys``: what each command does to the file, and what `status` counts, on both databases."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, LargeBinary, Text, bindparam, column, insert, table, text

from sa_privacy.cli.app import app
from sa_privacy.cli.census import CellGroup, Census
from sa_privacy.cli.keyadvice import LIMIT, ROTATE_NOW, ROTATE_SOON, advise
from sa_privacy.crypto import KEYS_IN_THE_CLEAR, Keyring, LocalKey, key_name
from tests.support.command import CliRunner, Result

from .sealed_models import POLICY, Base

MODELS = ["--models", "tests.cli.sealed_models:Base"]


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["keys", *arguments])


def done(*arguments: str) -> str:
    ran = run(*arguments)
    assert ran.exit_code == 0, ran.stderr
    return ran.stdout


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory with a policy, where the commands run."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    for name in ("SA_PRIVACY_URL", "SA_PRIVACY_KEY_SERVICE"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "privacy.toml").write_text(POLICY)
    return tmp_path


@pytest.fixture
def url(engine: Engine) -> str:
    """The database's address, after its tables were made."""
    Base.metadata.create_all(engine)
    return engine.url.render_as_string(hide_password=False)


def store(engine: Engine, into: str, /, **cells: bytes | None) -> None:
    made = table(into, *(column(one, LargeBinary) for one in cells))
    with engine.begin() as connection:
        connection.execute(insert(made).values(cells))


def status(url: str, *more: str) -> dict[str, Any]:
    ran = run("status", "keys.json", "--url", url, *MODELS, "--json", *more)
    assert ran.exit_code in (0, 1), ran.stderr
    said: dict[str, Any] = json.loads(ran.stdout)
    assert (ran.exit_code == 1) is bool(said["wrong"])
    return said


def test_a_ring_is_made_rotated_and_kept_from_being_made_again(place: Path) -> None:
    done("new", "keys.json")
    first = Keyring.load("keys.json").primary_id
    assert key_name(first) in done("status", "keys.json")
    said = done("rotate", "keys.json")
    ring = Keyring.load("keys.json")
    assert (len(ring), ring.ids[0]) == (2, first)
    assert key_name(ring.primary_id) in said
    ran = run("new", "keys.json")
    assert (ran.exit_code, "there already" in ran.stderr) == (2, True)
    assert Keyring.load("keys.json").ids == ring.ids


def test_a_key_is_added_first_and_promoted_later(place: Path) -> None:
    done("new", "keys.json")
    before = Keyring.load("keys.json").primary_id
    done("add", "keys.json")
    ring = Keyring.load("keys.json")
    assert ring.primary_id == before
    done("promote", "keys.json", key_name(ring.ids[1]))
    assert Keyring.load("keys.json").primary_id == ring.ids[1]
    ran = run("promote", "keys.json", "00000001")
    assert (ran.exit_code, "no key 00000001" in ran.stderr) == (2, True)
    for wrong in ("1", "ABCDEF01", "0000000g", "000000001"):
        assert "8 lower-case hexadecimal" in run("promote", "keys.json", wrong).stderr


def test_the_lookup_key_rotates_in_three_steps_and_in_no_other_order(place: Path) -> None:
    done("new", "keys.json")
    assert run("switch-lookup", "keys.json", "--uncounted").exit_code == 2
    for step, phase in (
        ("rotate-lookup", "adding"),
        ("switch-lookup --uncounted", "switching"),
        ("end-lookup", "steady"),
    ):
        said = done(*step.split(), "keys.json")
        assert "every process" in said
        assert Keyring.load("keys.json").lookup_phase == phase
    ran = run("end-lookup", "keys.json")
    assert "error: end_lookup()" in ran.stderr
    assert "hint: rotate_lookup() comes first" in ran.stderr


def test_keys_are_wrapped_stay_wrapped_and_are_unwrapped_on_purpose(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done("new", "keys.json")
    secret = json.loads(Path("keys.json").read_text())["keys"][0]["secret"]
    done("new-wrapping-key", "one.key")
    done("new-wrapping-key", "two.key")
    assert "which service" in run("wrap", "keys.json", "--policy-id", "shop").stderr
    assert "which policy" in run("wrap", "keys.json", "--service", "file:one.key").stderr
    done("wrap", "keys.json", "--service", "file:one.key", "--policy-id", "shop")
    assert secret not in Path("keys.json").read_text()
    assert "wrapped by the key service local" in run("rotate", "keys.json").stderr
    done("rotate", "keys.json", "--service", "file:one.key")
    monkeypatch.setenv("SECOND", Path("two.key").read_text())
    done("wrap", "keys.json", "--service", "env:SECOND", "--was", "file:one.key")
    assert run("status", "keys.json", "--service", "file:one.key").exit_code == 2
    assert "wrapped by local" in done("status", "keys.json", "--service", "file:two.key")
    unwrap = ("unwrap", "keys.json", "--service", "file:two.key")
    assert "--in-the-clear" in run(*unwrap).stderr
    assert "secret" not in Path("keys.json").read_text()
    done(*unwrap, "--in-the-clear")
    assert Keyring.load("keys.json").ids[0] == Keyring.load("keys.json").keys[0].id
    assert secret in Path("keys.json").read_text()


def test_a_ring_may_be_made_wrapped(place: Path) -> None:
    LocalKey.generate_file("wrapping.key")
    assert "both --service and --policy-id" in run("new", "keys.json", "--service", "file:wrapping.key").stderr
    done("new", "keys.json", "--service", "file:wrapping.key", "--policy-id", "shop")
    assert Keyring.load("keys.json", service=LocalKey.from_file("wrapping.key"), policy_id="shop")


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("vault", "names no key service"),
        ("file:missing.key", "does not exist"),
        ("env:MISSING_KEY", "does not hold 32 bytes"),
        ("no_such_module_here:service", "no module"),
        ("json:loads_nothing", "is no key service"),
    ],
)
def test_a_service_that_is_none_is_said(place: Path, said: str, why: str) -> None:
    done("new", "keys.json")
    ran = run("status", "keys.json", "--service", said)
    assert (ran.exit_code, why in ran.stderr) == (2, True)
    assert "hint: " in ran.stderr


def test_a_service_of_ones_own_is_named_by_its_module(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (place / "own_service_for_keys.py").write_text(
        "from sa_privacy.crypto import LocalKey\n\ndef service():\n    return LocalKey(bytes(32), 'own')\n"
    )
    monkeypatch.syspath_prepend(str(place))
    done("new", "keys.json", "--service", "own_service_for_keys:service", "--policy-id", "shop")
    assert json.loads(Path("keys.json").read_text())["service"]["name"] == "own"


def test_no_command_prints_a_key(place: Path) -> None:
    done("new", "keys.json")
    said = "".join(
        done(*step.split(), "keys.json")
        for step in ("status", "rotate", "rotate-lookup", "switch-lookup --uncounted", "end-lookup")
    )
    for key in json.loads(Keyring.load("keys.json").export(KEYS_IN_THE_CLEAR))["keys"]:
        assert key["secret"] not in said


def test_status_counts_cells_by_key_and_field_and_slots_by_key(place: Path, engine: Engine, url: str) -> None:
    ring = Keyring.generate()
    first = ring.primary_id
    names, emails = ring.sealer("person.name"), ring.sealer("customers.email", slots=True)
    digests = ring.digests("customers.email")
    store(engine, "customers", name=names.seal(b"x"), email=emails.seal(b"x"))
    store(engine, "customers", name=names.seal(b"y"), email=emails.seal(b"y", digests.slots(b"y")))
    store(engine, "customers", name=None, email=None)
    second, third = ring.rotate(), ring.rotate_lookup()
    store(engine, "customers", name=names.seal(b"z"), email=emails.seal(b"z", digests.slots(b"z")))
    store(engine, "friends", name=ring.sealer("friends.name").seal(b"f"))
    ring.save("keys.json")
    said = status(url)
    assert [(key["id"], key["cells"], key["in_slots"], key["may_go"]) for key in said["keys"]] == [
        (key_name(first), 4, 2, False),
        (key_name(second), 3, 0, False),
        (key_name(third), 0, 1, False),
    ]
    assert sorted((one["field"], one["key"], one["cells"]) for one in said["fields"]) == sorted([
        ("customers.email", key_name(first), 2),
        ("customers.email", key_name(second), 1),
        ("friends.name", key_name(second), 1),
        ("person.name", key_name(first), 2),
        ("person.name", key_name(second), 1),
    ])  # fmt: skip
    assert said["lookup_phase"] == "adding"
    assert any(note.startswith(f"2 searchable cells have no digest of key {key_name(third)}") for note in said["notes"])
    assert said["unsealed"] == {}
    shown = done("status", "keys.json", "--url", url, *MODELS)
    for words in (key_name(first), "primary", "pseudonyms", "lookup slot B", "person.name", "new cells", "its cells"):
        assert words in shown


def test_status_says_when_the_switch_may_follow(place: Path, engine: Engine, url: str) -> None:
    ring = Keyring.generate()
    new = ring.rotate_lookup()
    digests = ring.digests("customers.email")
    store(engine, "customers", email=ring.sealer("customers.email", slots=True).seal(b"x", digests.slots(b"x")))
    ring.save("keys.json")
    assert any(f"has a digest of key {key_name(new)}" in note for note in status(url)["notes"])


def test_the_switch_is_refused_while_cells_lack_the_digest(place: Path, engine: Engine, url: str) -> None:
    ring = Keyring.generate()
    digests, cipher = ring.digests("customers.email"), ring.sealer("customers.email", slots=True)
    store(engine, "customers", email=cipher.seal(b"x", digests.slots(b"x")))
    ring.rotate_lookup()
    ring.save("keys.json")
    ran = run("switch-lookup", "keys.json", "--url", url, *MODELS)
    assert "1 searchable cells have no digest" in ran.stderr
    assert Keyring.load("keys.json").lookup_phase == "adding"
    with engine.begin() as connection:
        connection.execute(text("DELETE FROM customers"))
    done("switch-lookup", "keys.json", "--url", url, *MODELS)
    assert Keyring.load("keys.json").lookup_phase == "switching"


def test_values_that_were_never_sealed_are_counted_and_not_shown(place: Path, engine: Engine, url: str) -> None:
    Keyring.generate().save("keys.json")
    with engine.begin() as connection:
        plain = text("INSERT INTO customers (name, email) VALUES (:name, :email)").bindparams(
            bindparam("name", type_=LargeBinary), bindparam("email", type_=LargeBinary)
        )
        for value in (b"Hanako Yamada", b"Taro", b"\x01\x09 odd"):
            connection.execute(plain, {"name": value, "email": None})
        if engine.dialect.name == "sqlite":
            connection.execute(text("INSERT INTO customers (name) VALUES ('Hanako as text')"))
    ran = run("status", "keys.json", "--url", url, *MODELS, "--json")
    assert "Hanako" not in ran.stdout
    assert json.loads(ran.stdout)["unsealed"] == {"customers.name": 4 if engine.dialect.name == "sqlite" else 3}


@pytest.mark.backends("postgresql")
def test_a_column_that_is_still_text_holds_no_cells(place: Path, engine: Engine) -> None:
    Keyring.generate().save("keys.json")
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE customers (id serial, name text, email varchar(320))"))
        connection.execute(insert(table("customers", column("name", Text))).values(name="Hanako"))
    said = status(engine.url.render_as_string(hide_password=False))
    assert said["unsealed"] == {"customers.name": 1}
    assert said["missing"] == ["friends.name"]


def test_cells_under_a_key_that_the_ring_does_not_hold_are_an_alarm(place: Path, engine: Engine, url: str) -> None:
    Keyring.generate().save("keys.json")
    stranger = Keyring.generate()
    store(engine, "friends", name=stranger.sealer("friends.name").seal(b"x"))
    said = status(url)
    assert any(f"1 cells are sealed under key {key_name(stranger.primary_id)}" in one for one in said["wrong"])


def test_a_key_goes_only_when_nothing_names_it(place: Path, engine: Engine, url: str) -> None:
    ring = Keyring.generate()
    ring.rotate()
    old = ring.primary_id
    cipher = ring.sealer("friends.name")
    store(engine, "friends", name=cipher.seal(b"x"))
    ring.rotate()
    ring.save("keys.json")
    count = ("--url", url, *MODELS)
    assert "which database" in run("retire", "keys.json", key_name(old)).stderr
    assert f"1 cells are sealed under key {key_name(old)}" in run("retire", "keys.json", key_name(old), *count).stderr
    assert old in Keyring.load("keys.json").ids
    with engine.begin() as connection:
        connection.execute(text("DELETE FROM friends"))
    said = {key["id"]: key["may_go"] for key in status(url)["keys"]}
    assert [key for key, may_go in said.items() if may_go] == [key_name(old)]
    assert "primary" in run("retire", "keys.json", key_name(ring.primary_id), *count).stderr
    done("retire", "keys.json", key_name(old), *count)
    assert old not in Keyring.load("keys.json").ids


def test_a_key_whose_digests_are_left_in_cells_does_not_go(place: Path, engine: Engine, url: str) -> None:
    ring = Keyring.generate()
    middle = ring.rotate_lookup()
    ring.switch_lookup()
    digests, cipher = ring.digests("customers.email"), ring.sealer("customers.email", slots=True)
    store(engine, "customers", email=cipher.seal(b"x", digests.slots(b"x")))
    ring.end_lookup()
    ring.rotate_lookup()
    ring.switch_lookup()
    store(engine, "customers", email=cipher.seal(b"y", digests.slots(b"y")))
    ring.end_lookup()
    ring.save("keys.json")
    said = {key["id"]: key["kept_for"] for key in status(url)["keys"]}
    assert said[key_name(middle)] == "digests in cells"
    ran = run("retire", "keys.json", key_name(middle), "--url", url, *MODELS)
    assert f"2 cells have a lookup digest of key {key_name(middle)}" in ran.stderr


def group(cells: int, key: int, slots: tuple[int | None, int | None] | None = None, field: str = "f") -> CellGroup:
    return CellGroup(f"t.{field}", field, key, slots, cells)


@pytest.mark.parametrize(
    ("cells", "noted", "alarmed"),
    [
        (ROTATE_SOON - 1, False, False),
        (ROTATE_SOON, True, False),
        (ROTATE_NOW - 1, True, False),
        (ROTATE_NOW, False, True),
        (LIMIT, False, True),
    ],
)
def test_the_limit_of_a_key_is_warned_of_long_before(cells: int, noted: bool, alarmed: bool) -> None:
    assert ROTATE_SOON * 4 == ROTATE_NOW * 2 == LIMIT == 2**32
    ring = Keyring.generate()
    halves = (group(cells // 2, ring.primary_id), group(cells - cells // 2, ring.primary_id))
    advice = advise(ring.keys, "steady", Census(halves))
    assert any("Rotate soon" in note for note in advice.notes) is noted
    assert any("Rotate now" in one for one in advice.wrong) is alarmed
    other = advise(
        ring.keys, "steady", Census((group(cells // 2, ring.primary_id), group(1, ring.primary_id, field="g")))
    )
    assert not other.wrong or cells // 2 >= ROTATE_NOW


def test_nothing_counted_lets_no_key_go() -> None:
    ring = Keyring.generate()
    ring.rotate()
    assert set(advise(ring.keys, "steady", None).kept_for) == set(ring.ids)


@pytest.mark.backends("sqlite")
def test_what_cannot_be_counted_is_said(place: Path, url: str) -> None:
    done("new", "keys.json")
    cases: dict[str, Callable[[], Result]] = {
        "which columns are sealed": lambda: run("status", "keys.json", "--url", url),
        "is not supported": lambda: run("status", "keys.json", "--url", "mysql://x/y", *MODELS),
        "no database URL": lambda: run("status", "keys.json", "--url", "nonsense", *MODELS),
        "does not exist": lambda: run("status", "missing.json"),
    }
    for words, command in cases.items():
        ran = command()
        assert (ran.exit_code, words in ran.stderr) == (2, True), ran.stderr
