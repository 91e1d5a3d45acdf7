"""docs/publish.md is followed: its commands run and write these files; what it shows of them is there."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path

import pytest

from sa_privacy.cli.app import app
from tests.support.command import CliRunner

REPOSITORY = Path(__file__).parents[2]
PAGE = (REPOSITORY / "docs" / "publish.md").read_text(encoding="utf-8")
BLOCKS: list[tuple[str, str]] = re.findall(r"```(\w*)\n(.*?)```", PAGE, flags=re.DOTALL)
COMMANDS = [shlex.split(line) for kind, block in BLOCKS for line in block.splitlines() if line.startswith("sa-privacy")]


def test_its_commands_write_the_files_and_find_them_current(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(REPOSITORY / "examples", tmp_path / "examples", ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.chdir(tmp_path)
    printed = []
    for _, *command in COMMANDS:
        ran = CliRunner().invoke(app, command)
        assert ran.exit_code == 0, ran.output
        printed.append(ran.stdout)
    assert printed[-1] == "what is published holds.\n"
    named = set(re.findall(r"`([\w-]+(?:\.\w+)*\.(?:html|md|csv|svg|json|jsonld))`", PAGE))
    written = {path.name for path in Path("published").iterdir()}
    assert {name for name in named if "toml" not in name} == {name for name in written if ".en." not in name}


def test_what_it_prints_is_printed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(REPOSITORY)
    at, code = next((at, block) for at, (kind, block) in enumerate(BLOCKS) if kind == "python")
    exec(code, {})
    printed = capsys.readouterr().out.splitlines()
    for line in BLOCKS[at + 1][1].splitlines():
        assert line in printed


def test_its_links_lead_somewhere() -> None:
    for where in re.findall(r"\]\((?!https)([^)#]+)", PAGE):
        assert (REPOSITORY / "docs" / where).exists(), where
