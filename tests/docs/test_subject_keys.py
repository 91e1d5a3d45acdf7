"""docs/subject-keys.md, done: its models, its writes, its destruction and its command."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from sa_privacy.cli.app import app
from tests.support.command import CliRunner

TEXT = (Path(__file__).parents[2] / "docs" / "subject-keys.md").read_text(encoding="utf-8")
BLOCKS: list[tuple[str, str]] = re.findall(r"```(\w*)\n(.*?)```", TEXT, flags=re.DOTALL)
MODELS, WRITES, DESTROYS = [block for kind, block in BLOCKS if kind == "python"]
(COMMAND,) = [shlex.split(block)[1:] for kind, block in BLOCKS if not kind]
BEFORE = """
from sqlalchemy import ForeignKey, create_engine, func, insert, select, update
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship
from sa_privacy import ERASED, DataSubject, Keyring, PersonErased, Privacy, pii_column
class Base(DeclarativeBase):
    pass
"""
AFTER = """
ring = Keyring.load("keys.json")
privacy = Privacy("privacy.toml", keys=ring, log=None, metadata=Base.metadata)
engine = create_engine("sqlite:///shop.db")
Base.metadata.create_all(engine)
privacy.metadata.create_all(engine)
privacy.install(engine)
"""
POLICY = """
[policy]
id = "letters"
version = "1"
[categories.name]
[categories.letters]
[purposes.service]
use = ["name", "letters"]
[roles.clerk]
purposes = ["service"]
[roles.engineer]
maintenance = true
"""


def test_the_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "privacy.toml").write_text(POLICY, encoding="utf-8")
    (tmp_path / "shop.py").write_text(BEFORE + MODELS, encoding="utf-8")
    assert CliRunner().invoke(app, ["keys", "new", "keys.json"]).exit_code == 0
    names: dict[str, object] = {}
    exec("from shop import *\n" + AFTER + WRITES, names)
    exec(DESTROYS + "privacy.close()\nengine.dispose()", names)
    assert CliRunner().invoke(app, ["keys", "rotate", "keys.json"]).exit_code == 0
    done = CliRunner().invoke(app, [*COMMAND, "--url", "sqlite:///shop.db", "--no-log"])
    assert done.exit_code == 0, done.output
    assert "1 of 1 keys of people wrapped anew" in done.output
