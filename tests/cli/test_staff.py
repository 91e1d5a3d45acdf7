"""`sa-privacy staff`, from the first grant to the review."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import Engine

from sa_privacy import AccessLog
from sa_privacy.cli.app import app
from sa_privacy.ledger import OWN_TABLES
from sa_privacy.policy.writing import as_sections, as_toml
from tests.staff import world
from tests.support.command import CliRunner, Result

AS = ("--as", "staff:1", "--role", "officer")


@pytest.fixture
def run(engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Runs the command in a directory with a policy and keys, on the test's database."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("SA_PRIVACY_URL", engine.url.render_as_string(hide_password=False))
    (tmp_path / "privacy.toml").write_text(as_toml(as_sections(world.policy())))
    world.KEYS.save("keys.json")
    OWN_TABLES.create_all(engine)
    world.Base.metadata.create_all(engine)

    def invoke(*words: str, input: str | None = None) -> Result:  # noqa: A002 - typer's own word
        log = () if "--no-log" in words else ("--log", "log")
        return CliRunner().invoke(app, ["staff", *words, *log], input=input)

    return invoke


def test_from_the_first_grant_to_the_review(run: Callable[..., Result]) -> None:
    first = run("bootstrap", "staff:1", "officer", "--reason", "the first one")
    assert first.exit_code == 0, first.output
    again = run("bootstrap", "staff:1", "officer", "--reason", "the first one")
    assert again.exit_code == 2
    assert "error: there are grants already." in again.stderr
    assert "hint: " in again.stderr
    made = run("create", "Hanako", *AS, "--json", input="correct horse battery\n")
    assert made.exit_code == 0, made.output
    account = json.loads(made.stdout)["actor"]
    assert run("create", "Jiro", *AS, "--no-password").exit_code == 0
    granted = run("grant", "staff:2", "support", "--reason", "hired", "--until", "P10D", *AS)
    assert granted.exit_code == 0, granted.output
    assert run("grant", "staff:3", "auditor", "--reason", "audit", *AS).exit_code == 0
    assert run("revoke", "staff:3", "auditor", "--reason", "done", *AS).exit_code == 0
    told = json.loads(run("report", "--json", *AS).stdout)
    states = {(one["actor"], one["role"]): (one["state"], one["flags"], one["granted_by"]) for one in told["holdings"]}
    assert states == {
        ("staff:1", "officer"): ("in force", [], "sa-privacy"),
        ("staff:2", "support"): ("in force", ["expires soon", "by its maker"], "staff:1"),
        ("staff:3", "auditor"): ("revoked", [], "staff:1"),
    }
    shown = run("report", *AS, "--all")
    assert shown.exit_code == 0, shown.output
    for word in (
        "support",
        "expires soon",
        "by staff:1",
        "hired",
        "revoked by staff:1",
        "inquiries",
        "never",
        "just now",
    ):
        assert word in shown.stdout
    assert "staff:3" not in run("report", *AS).stdout
    secret = run("recover", "staff:2", *AS)
    assert re.fullmatch(r"[\w-]{43}\n", secret.stdout)
    assert run("unlock", "staff:2", *AS).exit_code == 0
    assert "0 names" in run("tidy", *AS).stdout
    assert run("close", "staff:2", "--reason", "left", *AS).exit_code == 0
    assert account == "staff:2", "staff:1 is the officer"
    assert {one.actor for one in AccessLog.open("log").events() if one.kind == "intent"} >= {"staff:1"}


@pytest.mark.backends("sqlite")
@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("grant", "staff:2", "support", "--reason", "r"), "who are you?"),
        (("grant", "staff:2", "support", "--reason", "r", "--as", "staff:7"), "was not granted to who acts here"),
        (("grant", "staff:1", "support", "--reason", "r", *AS), "nobody grants a role to themselves"),
        (("grant", "staff:2", "suport", "--reason", "r", *AS), "knows no role"),
        (("grant", "staff:2", "support", "--reason", "r", "--until", "tomorrow", *AS), "write P90D for 90 days"),
        (("create", "Hanako", *AS), "a password has 12 to"),
        (("unlock", "staff:9", *AS), "no such account"),
    ],
)
def test_what_is_refused_is_told(run: Callable[..., Result], words: tuple[str, ...], said: str) -> None:
    assert run("bootstrap", "staff:1", "officer", "--reason", "the first one", "--no-log").exit_code == 0
    ran = run(*words, "--no-log", input="short\n")
    assert ran.exit_code == 2, ran.output
    assert f"error: {said}" in ran.stderr or said in ran.stderr
    assert "hint: " in ran.stderr


@pytest.mark.backends("sqlite")
def test_it_is_in_the_log_or_it_is_said_that_it_is_not(run: Callable[..., Result]) -> None:
    ran = CliRunner().invoke(app, ["staff", "bootstrap", "staff:1", "officer", "--reason", "r"])
    assert ran.exit_code == 2
    assert "--no-log" in ran.stderr
