"""How commands open an application: the same options everywhere, and an answer to whatever stands in the way."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from sa_privacy import Keyring
from sa_privacy.cli.app import app
from tests.cli.test_command import every_command
from tests.support.command import CliRunner, Result, whole

POLICY = """
[policy]
id = "club"
version = "1"
[categories]
name = {}
[purposes.letters]
use = ["name"]
[roles]
officer = {purposes = ["letters"]}
second = {purposes = ["letters"]}
[erasure]
roles = ["officer"]
"""
MODELS = """
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sa_privacy import DataSubject, pii_column
class Base(DeclarativeBase):
    pass
class Member(Base):
    __tablename__ = "members"
    __data_subject__ = DataSubject("member", key="id")
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = pii_column(category="name")
"""


@pytest.fixture
def club(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The directory of an application."""
    (tmp_path / "privacy.toml").write_text(POLICY, encoding="utf-8")
    (tmp_path / "club_models.py").write_text(MODELS, encoding="utf-8")
    Keyring.generate().save(tmp_path / "keys.json")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


def plan(*said: str, **env: str) -> Result:
    return CliRunner().invoke(app, ["retention", "plan", "--log", "log", *said], env=env)


def test_an_option_is_the_same_wherever_it_stands() -> None:
    told: dict[str, set[tuple[Any, ...]]] = {}
    for words in every_command():
        command: Any = whole(get_command(app))
        for word in words:
            command = command.commands[word]
        options = {one.name: one for one in command.params}
        if "no_log" in options:
            for name in ("models", "policy", "keys", "service", "log", "no_log", "actor", "role"):
                if (one := options.get(name)) is not None:
                    told.setdefault(name, set()).add((*one.opts, one.help, one.metavar, one.envvar, str(one.default)))
    assert {name: len(ways) for name, ways in told.items()} == dict.fromkeys(told, 1)
    assert len(told) == 8


@pytest.mark.usefixtures("club")
def test_what_is_said_once_is_taken_from_the_environment() -> None:
    url = "sqlite:///club.db"
    assert CliRunner().invoke(app, ["tables", "upgrade", "--url", url]).exit_code == 0
    done = plan(SA_PRIVACY_MODELS="club_models:Base", SA_PRIVACY_URL=url, SA_PRIVACY_POLICY="privacy.toml")
    assert done.exit_code == 0, done.output


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("raise ValueError('hanako@example.org')", "cannot be imported: ValueError."),
        ("def half(:", "cannot be imported: SyntaxError."),
        ("import not_installed_here", 'needs "not_installed_here", which is not there.'),
    ],
    ids=["raises", "is no Python", "needs another"],
)
def test_models_that_cannot_be_imported_are_named(club: Path, body: str, told: str) -> None:
    """No traceback, no exit status that means something else; and nothing of what the application said."""
    name = f"models_{abs(hash(body))}"
    (club / f"{name}.py").write_text(body, encoding="utf-8")
    (club / "club.db").touch()
    refused = plan("--models", f"{name}:Base", "--url", "sqlite:///club.db")
    assert refused.exit_code == 2
    assert f"the module {name} {told}" in refused.output
    assert "hanako" not in refused.output
    assert f'python -c "import {name}"' in refused.output or "install what" in refused.output


@pytest.mark.usefixtures("club")
def test_a_server_that_does_not_answer_is_told_in_its_own_words() -> None:
    """On a protected engine they would be hidden."""
    refused = plan("--models", "club_models:Base", "--url", "postgresql://nobody@127.0.0.1:1/club")
    assert refused.exit_code == 2
    assert "port 1" in refused.output
