"""``sa-privacy consents``: what a person said, and how many said what; never evidence, and not without a trace."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from sa_privacy import AccessLog
from sa_privacy.cli.app import app
from sa_privacy.customers.agent import Agent
from sa_privacy.policy.writing import as_sections, as_toml
from tests.customers.consent.world import KEYS, Clock, at_the_desk, filled, opened, policy
from tests.support.command import CliRunner, Result
from tests.support.databases import Database, sqlite_database

Command = Callable[..., Result]
AGENT = Agent(name="Eve Arbor", authority="statutory", evidence="register 12")


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with sqlite_database(tmp_path) as made:
        filled(made)
        engine = made.engine()
        clock = Clock()
        with closing(opened(engine, clock)) as privacy, at_the_desk(privacy, engine) as session:
            privacy.consents.give(session, 1, "campaigns", how="form", language="ja", evidence="form 77", by=AGENT)
            privacy.consents.refuse(session, 2, "campaigns", how="web")
            privacy.consents.refuse(session, 2, "improvement", how="web")
            privacy.consents.give(session, 3, "purpose:surveys", how="web")
            clock.passes(hours=1)
            privacy.consents.withdraw(session, 3, "purpose:surveys", how="web")
            session.commit()
        yield made


@pytest.fixture
def run(database: Database, tmp_path: Path) -> Command:
    """Runs a command on that database."""
    document, keys = tmp_path / "privacy.toml", tmp_path / "keys.json"
    document.write_text(as_toml(as_sections(policy())), encoding="utf-8")
    KEYS.save(keys)
    what = ["--models", "tests.customers.consent.world:Base", "--policy", str(document), "--keys", str(keys)]
    url = database.url.render_as_string()
    log = ["--log", str(tmp_path / "log"), "--as", "staff:9", "--reason", "they asked"]
    return lambda *said: CliRunner().invoke(app, ["consents", *said, *what, "--url", url, *log])


def test_the_history_of_a_person_is_shown_and_who_looked_is_in_the_log(run: Command, tmp_path: Path) -> None:
    ran = run("history", "1", "--json")
    assert ran.exit_code == 0, ran.output
    (entry,) = json.loads(ran.stdout)
    assert (entry["to"], entry["said"], entry["how"], entry["authority"]) == ("campaigns", "given", "form", "statutory")
    assert entry["at"].startswith("2026-11-26T09:00")
    shown = run("history", "1")
    assert shown.exit_code == 0, shown.output
    for secret in ("form 77", "Eve", "register"):
        assert secret not in ran.stdout + shown.stdout
    assert "Nothing was said." in run("history", "4", "--kind", "customer").stdout
    events = list(AccessLog.open(tmp_path / "log").events())
    assert {event.actor for event in events if event.reads} == {"staff:9"}
    assert any(KEYS.pseudonym_key().of("customer", 1) in (event.subjects or ()) for event in events)
    asked = ["--kind", "customer", "--keys", str(tmp_path / "keys.json"), "--policy", str(tmp_path / "privacy.toml")]
    for language, ledgers in (("en", "the ledgers"), ("ja", "台帳")):
        told = CliRunner().invoke(app, ["log", "who", "1", *asked, "--log", str(tmp_path / "log"), "--lang", language])
        assert ledgers in told.stdout, told.output
        assert "sa_privacy.ledger" not in told.stdout


def test_an_entry_is_whole_in_a_narrow_terminal(run: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is copied into the command for its receipt."""
    (entry,) = json.loads(run("history", "1", "--json").stdout)
    monkeypatch.setenv("COLUMNS", "100")
    assert entry["id"] in run("history", "1").stdout


def test_an_export_and_a_receipt_are_printed(run: Command) -> None:
    (entry,) = json.loads(run("history", "1", "--json").stdout)
    exported = run("export", "1")
    assert json.loads(exported.stdout)["@type"] == "dpv:ConsentReceipt"
    told = run("receipt", "1", entry["id"], "--lang", "ja")
    assert told.exit_code == 0, told.output
    assert "同意されました。" in told.stdout
    assert run("receipt", "1", entry["id"], "--html").stdout.startswith("<!DOCTYPE html>")


def test_counts_are_by_purpose_and_recipient(run: Command) -> None:
    found = {one["what"]: one for one in json.loads(run("counts", "--json").stdout)}
    assert {what: (one["agreed"], one["lapsed"], one["refused"], one["withdrawn"]) for what, one in found.items()} == {
        "purpose:campaigns": (1, 0, 1, 0),
        "purpose:improvement": (0, 0, 1, 0),
        "purpose:surveys": (0, 0, 0, 1),
        "recipient:advertiser": (0, 0, 0, 0),
        "recipient:surveys": (0, 0, 0, 0),
    }
    assert "purpose:campaigns" in run("counts").stdout


def test_what_cannot_be_done_is_told(run: Command) -> None:
    for said, told in (
        (("history", "99"), "there is no such person"),
        (("receipt", "2", "7"), "no such entry"),
        (("history", "1", "--kind", "saint"), "no kind of people"),
    ):
        ran = run(*said)
        assert ran.exit_code == 2
        assert told in ran.stderr
    assert CliRunner().invoke(app, ["consents", "counts", "--models", "x:y"]).exit_code == 2


def test_it_acts_in_a_role_that_the_policy_lets(run: Command, tmp_path: Path) -> None:
    """Which need not be said where there is one."""
    document = tmp_path / "privacy.toml"
    document.write_text(document.read_text() + '\n[consents]\nroles = ["desk"]\n')
    assert run("counts").exit_code == 0
    refused = run("counts", "--role", "marketing")
    assert refused.exit_code == 2
    assert "desk may" in refused.output
