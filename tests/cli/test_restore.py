"""``sa-privacy restore``, ``erase scan``, ``erase clean`` and ``backup``: what is done with databases and their copies."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import create_engine

from sa_privacy import AccessLog
from sa_privacy.cli.app import app
from sa_privacy.customers.erasure.backup import KEY_TABLE
from sa_privacy.policy.writing import as_sections, as_toml
from tests.customers.erasure import canaries
from tests.support.command import CliRunner, Result

Command = Callable[..., Result]


@pytest.fixture
def command() -> Command:
    return lambda *words, **more: CliRunner().invoke(app, [*map(str, words)], **more)


@pytest.fixture
def shop(tmp_path: Path, command: Command) -> str:
    """A shop that was backed up before the canary was erased; its URL."""
    canaries.KEYS.save(tmp_path / "keys.json")
    (tmp_path / "privacy.toml").write_text(as_toml(as_sections(canaries.POLICY)))
    url = f"sqlite:///{tmp_path / 'shop.db'}"
    engine = create_engine(url)
    with canaries.protected(engine, erasures=AccessLog.open(tmp_path / "erasures")) as privacy:
        canaries.fill(privacy, engine)
        assert command("backup", tmp_path / "backup.db", "--url", url).exit_code == 0
        canaries.erase(privacy, engine)
    engine.dispose()
    return url


@pytest.fixture
def replay(tmp_path: Path, command: Command) -> Command:
    def run(*words: str) -> Result:
        given = {
            "--models": "tests.customers.erasure.canaries:Base",
            "--policy": tmp_path / "privacy.toml",
            "--keys": tmp_path / "keys.json",
            "--url": f"sqlite:///{tmp_path / 'backup.db'}",
        }
        options = [part for pair in given.items() for part in pair]
        return command("restore", "replay", *options, "--no-log", "--reason", "drill", *words)

    return run


def test_who_is_back_is_told_and_then_erased(shop: str, replay: Command, tmp_path: Path) -> None:
    erasures = ("--erasures", str(tmp_path / "erasures"))
    tried = replay("--dry-run", *erasures)
    assert (tried.exit_code, "Back: 1; would be erased: 1." in tried.output) == (1, True)
    done = replay(*erasures)
    assert done.exit_code == 0, done.output
    assert "People looked at: 50 of the kind person." in done.output
    assert "Back: 1; erased anew: 1." in done.output
    again = replay(*erasures, "--json")
    assert again.exit_code == 0
    assert json.loads(again.output)["entries"] == 0
    assert "nobody is back" in replay(*erasures).output


def test_a_ledger_that_is_not_there_is_not_made(shop: str, replay: Command, tmp_path: Path) -> None:
    for words, said in [((), "which ledger"), (("--erasures", str(tmp_path / "elsewhere")), "there is no ledger in")]:
        done = replay(*words)
        assert done.exit_code == 2
        assert said in done.output
    assert not (tmp_path / "elsewhere").exists()


def test_a_ledger_that_was_changed_is_told_and_replayed(shop: str, replay: Command, tmp_path: Path) -> None:
    (segment,) = (tmp_path / "erasures").glob("*.jsonl*")
    segment.write_bytes(segment.read_bytes().replace(b"asked for", b"asked 4or"))
    done = replay("--erasures", str(tmp_path / "erasures"))
    assert done.exit_code == 1
    assert "the ledger itself:" in done.output
    assert "erased anew: 1" in done.output


def test_bytes_are_looked_for_and_taken_out(shop: str, command: Command, tmp_path: Path) -> None:
    (tmp_path / "needles").write_text("\n".join(["", *canaries.PLAIN]))
    looked = ("erase", "scan", tmp_path / "backup.db", "--needles", tmp_path / "needles")
    found = command(*looked)
    assert found.exit_code == 1
    assert "line 2: " in found.output
    assert canaries.PLAIN[0] not in found.output
    assert {one["line"] for one in json.loads(command(*looked, "--json").output)} == {2, 3}
    cleaned = command("erase", "clean", "--url", shop)
    assert "done: VACUUM" in cleaned.output
    assert "left: backups" in cleaned.output
    none = command("erase", "scan", tmp_path / "shop.db", "--needles", "-", input="\n".join(canaries.PLAIN))
    assert (none.exit_code, none.output) == (0, "Nothing of it is there.\n")


def test_what_cannot_be_looked_for_is_said(command: Command, tmp_path: Path) -> None:
    (tmp_path / "empty").write_text("\n")
    for needles, said in [("nowhere", "cannot be read"), ("empty", "nothing to look for")]:
        done = command("erase", "scan", tmp_path, "--needles", tmp_path / needles)
        assert done.exit_code == 2
        assert said in done.output


def test_postgresql_has_a_program_of_its_own_for_backups(command: Command, tmp_path: Path) -> None:
    done = command("backup", tmp_path / "file", "--url", "postgresql://nobody@nowhere/shop")
    assert done.exit_code == 2
    assert f"--exclude-table-data={KEY_TABLE}" in done.output
