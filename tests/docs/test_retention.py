"""docs/retention.md, done: its schedules are read, its plan is what comes out, its commands answer."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine
from sqlalchemy.orm import Session

from sa_privacy import AccessLog, Policy, Privacy
from sa_privacy.cli.app import app
from sa_privacy.policy.writing import as_sections, as_toml
from tests.customers.retention import world
from tests.support.command import CliRunner

GUIDE = (Path(__file__).parents[2] / "docs" / "retention.md").read_text(encoding="utf-8")
BLOCKS: list[tuple[str, str]] = re.findall(r"```(\w*)\n(.*?)```", GUIDE, flags=re.DOTALL)
[SCHEDULES] = [block for kind, block in BLOCKS if kind == "toml"]
PLAN, RUN = [block for kind, block in BLOCKS if kind == "python"]
[SHOWN] = [block for kind, block in BLOCKS if kind == "text"]
COMMANDS = [
    shlex.split(line)[1:] for _, block in BLOCKS for line in block.splitlines() if line.startswith("sa-privacy")
]


@pytest.fixture
def names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The names that the guide takes for granted, and a shop with rows."""
    monkeypatch.chdir(tmp_path)
    world.KEYS.save(tmp_path / "keys.json")
    text = as_toml(as_sections(world.policy({}))) + SCHEDULES
    (tmp_path / "privacy.toml").write_text(text, encoding="utf-8")
    engine = create_engine(f"sqlite:///{tmp_path / 'shop.db'}")
    policy = Policy.load(tmp_path / "privacy.toml")
    with world.made(engine, policy, log=AccessLog.open(tmp_path / "log")) as privacy:
        with world.engineer(privacy), Session(engine) as session:
            world.Base.metadata.create_all(session.connection())
            privacy.metadata.create_all(session.connection())
            for row in world.rows():
                session.add(row)
                session.flush()
            session.commit()
        yield {"privacy": privacy, "engine": engine, "Session": Session}
    engine.dispose()


def test_the_plan_is_as_shown_and_the_run_does_it(names: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    exec(PLAN, names)
    said = capsys.readouterr().out
    assert said.strip() == SHOWN.strip()
    exec(RUN, names)
    assert "orders 4 4" in capsys.readouterr().out
    privacy: Privacy = names["privacy"]
    with world.officer(privacy), Session(names["engine"]) as session:
        assert not any(one.to_do for one in privacy.retention.plan(session).due)
    privacy.check(names["engine"])


def test_its_commands_answer(names: dict[str, Any]) -> None:
    names["privacy"].close()
    for command in COMMANDS:
        words = ["tests.customers.retention.world:Base" if word == "shop.models:Base" else word for word in command]
        ran = CliRunner().invoke(app, words)
        assert ran.exit_code == 0, (command, ran.output)
        assert ran.output, command


def test_its_lines_are_not_too_long() -> None:
    prose = re.sub(r"```.*?```", "", GUIDE, flags=re.DOTALL)
    assert not [line for line in prose.splitlines() if len(line) > 140]
