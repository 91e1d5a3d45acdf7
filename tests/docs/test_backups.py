"""docs/backups.md is followed: its Python runs after a restore, its commands exist, with these options."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import typer.main
from sqlalchemy import create_engine

from sa_privacy import AccessLog, Keyring, Privacy
from sa_privacy.cli.app import app
from sa_privacy.customers.erasure.backup import KEY_TABLE
from sa_privacy.policy.writing import as_sections, as_toml
from tests.customers.erasure import canaries
from tests.support.command import whole

GUIDE = (Path(__file__).parents[2] / "docs" / "backups.md").read_text(encoding="utf-8")
BLOCKS: list[tuple[str, str]] = re.findall(r"```(\w*)\n(.*?)```", GUIDE, flags=re.DOTALL)
COMMANDS = [line for kind, block in BLOCKS if not kind for line in block.splitlines()]


def test_the_guide_can_be_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    monkeypatch.chdir(tmp_path)
    canaries.KEYS.save("keys.json")
    Path("privacy.toml").write_text(as_toml(as_sections(canaries.POLICY)))
    engine = create_engine("sqlite:///shop.db")
    with canaries.protected(engine, erasures=AccessLog.open("var/erasures")) as privacy:
        canaries.fill(privacy, engine)
        before = Path("shop.db").read_bytes()
        canaries.erase(privacy, engine)
    engine.dispose()
    Path("shop.db").write_bytes(before)
    names: dict[str, Any] = {
        "engine": engine,
        "Base": canaries.Base,
        "Privacy": Privacy,
        "Keyring": Keyring,
        "AccessLog": AccessLog,
    }
    made, resumed, replayed = (block for kind, block in BLOCKS if kind == "python")
    exec(made, names)
    try:
        exec(replayed, names)
        assert capsys.readouterr().out == "1 1 1 ()\n"
        exec(resumed, names)
    finally:
        names["privacy"].close()
        engine.dispose()


@pytest.mark.parametrize("line", [line for line in COMMANDS if line.startswith("sa-privacy")])
def test_its_commands_exist(line: str) -> None:
    _, *words = shlex.split(line)
    here: Any = whole(typer.main.get_command(app))
    while hasattr(here, "commands"):
        here = here.commands[words.pop(0)]
    known = {option for parameter in here.params for option in parameter.opts}
    assert {word for word in words if word.startswith("--")} <= known


def test_the_key_table_has_the_name_that_dumps_leave_out() -> None:
    assert {word for line in COMMANDS for word in re.findall(r"sa_privacy_\w+", line)} == {KEY_TABLE}
