"""``sa-privacy requests``: what waits for an answer."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import create_engine
from sqlalchemy.orm import Session

from sa_privacy import AccessLog, Privacy
from sa_privacy.cli.app import app
from sa_privacy.policy.writing import as_sections, as_toml
from tests.customers.requests import asking
from tests.customers.requests.asking import officer
from tests.support.command import CliRunner, Result

Ask = Callable[..., Result]


@pytest.fixture
def old(tmp_path: Path) -> str:
    """The reference of a request that came a month ago; another came today."""
    asking.KEYS.save(tmp_path / "keys.json")
    (tmp_path / "privacy.toml").write_text(as_toml(as_sections(asking.POLICY)))
    engine = create_engine(f"sqlite:///{tmp_path / 'shop.db'}")
    privacy = Privacy(asking.POLICY, keys=asking.KEYS, log=AccessLog.open(tmp_path / "log"), metadata=asking.Base)
    privacy.install(engine)
    asking.fill(privacy, engine, asking.rows())
    with officer(privacy), Session(engine) as session:
        month_ago = datetime.now(UTC) - timedelta(days=30)
        made = privacy.requests.receive(session, "disclosure", claimed="Ann Arbor", at=month_ago)
        privacy.requests.identify(session, made.reference, ("customer", 1), method="identity_card", evidence="no. 4711")
        privacy.requests.receive(session, "erasure", claimed="Bo Peep")
        session.commit()
    privacy.close()
    engine.dispose()
    return made.reference


@pytest.fixture
def ask(tmp_path: Path) -> Ask:
    def run(*words: str, env: Mapping[str, str | None] | None = None) -> Result:
        places = ["--policy", str(tmp_path / "privacy.toml"), "--keys", str(tmp_path / "keys.json")]
        places += ["--url", f"sqlite:///{tmp_path / 'shop.db'}"]
        places += [] if "--no-log" in words or env else ["--log", str(tmp_path / "log")]
        return CliRunner(env=env).invoke(
            app, ["requests", *words, "--models", "tests.customers.requests.asking:Base", *places]
        )

    return run


def test_the_list_has_them_all(old: str, ask: Ask) -> None:
    done = ask("list")
    assert done.exit_code == 0, done.output
    assert [old, "disclosure", "identified"] in [line.split()[:3] for line in done.output.splitlines()]
    assert "erasure" in done.output
    assert "Ann" not in done.output
    (one,) = json.loads(ask("list", "--state", "received", "--json").output)
    assert one["kind"] == "erasure"


def test_what_is_overdue_ends_with_a_status(old: str, ask: Ask) -> None:
    done = ask("overdue", "--json")
    assert done.exit_code == 1
    assert [one["reference"] for one in json.loads(done.output)] == [old]


def test_one_is_shown_with_its_steps_and_with_words_only_if_asked(old: str, ask: Ask) -> None:
    done = ask("show", old)
    assert done.exit_code == 0, done.output
    assert "identify by staff:1: identified (method identity_card)" in done.output
    assert "4711" not in done.output
    assert "Ann Arbor" not in done.output
    with_words = ask("show", old, "--words")
    assert "4711" in with_words.output
    assert "Ann Arbor" in with_words.output
    assert json.loads(ask("show", old, "--json").output)["steps"][0]["step"] == "identify"


def test_it_is_in_the_log_who_looked(old: str, ask: Ask, tmp_path: Path) -> None:
    ask("list", "--as", "staff:7", "--reason", "the weekly look")
    said = {(event.actor, event.reason) for event in AccessLog.open(tmp_path / "log").events()}
    assert ("staff:7", "the weekly look") in said


def test_nobody_looks_unlogged_by_leaving_something_out(old: str, ask: Ask, tmp_path: Path) -> None:
    unsaid = ask("list", env={"SA_PRIVACY_LOG": None})
    assert unsaid.exit_code == 2
    assert "set SA_PRIVACY_LOG, or say --no-log" in unsaid.output
    shipped = ask("list", env={"SA_PRIVACY_LOG": "postgresql://log@db/evidence"})
    assert shipped.exit_code == 2
    assert "the URL of a database" in shipped.output
    assert ask("list", "--as", "staff:8", env={"SA_PRIVACY_LOG": str(tmp_path / "log")}).exit_code == 0
    assert "staff:8" in {event.actor for event in AccessLog.open(tmp_path / "log").events()}
    assert old in ask("list", "--no-log").output


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["show", "0" * 32], "no such request"),
        (["list", "--state", "gone"], "no such state"),
        (["list", "--role", "warehouse"], "may not deal"),
    ],
)
@pytest.mark.usefixtures("old")
def test_what_goes_wrong_is_said(ask: Ask, words: list[str], told: str) -> None:
    done = ask(*words)
    assert done.exit_code == 2
    assert told in done.output
