"""docs/access-log.md is followed by a new team: its Python runs, its commands answer."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, select
from sqlalchemy.orm import Session
from typer.testing import CliRunner

from sa_privacy import Keyring, Privacy
from sa_privacy.cli.app import app
from sa_privacy.policy.writing import as_sections, as_toml
from tests.gate import world
from tests.gate.world import Customer

GUIDE = (Path(__file__).parents[2] / "docs" / "access-log.md").read_text(encoding="utf-8")
BLOCKS: list[tuple[str, str]] = re.findall(r"```(\w*)\n(.*?)```", GUIDE, flags=re.DOTALL)
SET_UP, ASK, TELL = [block for kind, block in BLOCKS if kind == "python"]
COMMANDS = [shlex.split(line)[1:] for kind, block in BLOCKS if not kind for line in block.splitlines()]
ASKING = {"who", "by", "denied", "tail", "breach", "review", "status"}


@pytest.fixture
def team(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The names that the guide takes for granted, and a day of work."""
    monkeypatch.chdir(tmp_path)
    Keyring.generate().save(tmp_path / "keys.json")
    (tmp_path / "privacy.toml").write_text(as_toml(as_sections(world.POLICY)))
    engine = create_engine(f"sqlite:///{tmp_path / 'shop.db'}")
    names: dict[str, Any] = {"Base": world.Base, "engine": engine, "customer_keys": lambda: range(1, 100)}
    exec(SET_UP, names)
    privacy: Privacy = names["privacy"]
    world.fill(privacy, engine)
    with privacy.access("shipping", actor="staff:17", role="warehouse"), Session(engine) as session:
        session.scalars(select(Customer)).all()
    privacy.close()
    engine.dispose()
    return names


def test_the_guide_can_be_followed(team: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    exec(ASK, team)
    assert "staff:17 ('shipping',)" in capsys.readouterr().out
    exec(TELL, team)
    assert team["affected"] == [1, 2, 3]
    asked = [command for command in COMMANDS if command[1] in ASKING]
    assert {command[1] for command in asked} == ASKING
    for command in asked:
        ran = CliRunner().invoke(app, command)
        assert ran.exit_code == 0, (command, ran.output)
        assert ran.stdout, command


def test_its_lines_are_not_too_long() -> None:
    assert not [line for line in GUIDE.splitlines() if len(line) > 140]
