"""What starting costs: the modules that an entry imports, which users pay for at each start and each command."""

from __future__ import annotations

import inspect
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer.main

import sa_privacy
from sa_privacy.cli.app import app
from sa_privacy.cli.later import Later

REPOSITORY = Path(__file__).parents[1]
HEAVY = (
    "sqlalchemy",
    "sqlglot",
    "alembic",
    "jinja2",
    "boto3",
    "sa_privacy.gate",
    "sa_privacy.customers",
    "sa_privacy.staff",
)
COMMAND = "from sa_privacy.cli import main\ntry: main()\nexcept SystemExit: pass"


@pytest.mark.parametrize(
    ("code", "words", "needed"),
    [
        ("import sa_privacy", (), set()),
        ("from sa_privacy import pii_column, DataSubject, Encrypted", (), {"sqlalchemy"}),
        ("from sa_privacy import Policy, Keyring, AccessLog", (), set()),
        (COMMAND, ("--help",), set()),
        (COMMAND, ("log", "--help"), set()),
        (COMMAND, ("log", "verify", "--log", "LOG"), set()),
    ],
)
def test_an_entry_imports_what_it_needs_and_nothing_heavy_beside(
    code: str, words: tuple[str, ...], needed: set[str], tmp_path: Any
) -> None:
    with sa_privacy.AccessLog.open(tmp_path) as log:
        log.append("use", b'"x":1')
    ran = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport sys; print(*sys.modules, file=sys.stderr)",
         *(word.replace("LOG", str(tmp_path)) for word in words)],
        env={"PYTHONPATH": f"{REPOSITORY / 'src'}", "COLUMNS": "200"}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert "error:" not in ran.stderr
    assert set(HEAVY) & set(ran.stderr.split()) == needed


def test_every_public_name_is_there_and_listed_and_others_are_not() -> None:
    assert set(sa_privacy.__all__) <= set(dir(sa_privacy))
    for name in sa_privacy.__all__:
        assert getattr(sa_privacy, name).__class__ is not None
    assert pickle.loads(pickle.dumps(sa_privacy.Policy)) is sa_privacy.Policy
    with pytest.raises(AttributeError, match="module 'sa_privacy' has no attribute 'Nothing'"):
        _ = sa_privacy.Nothing  # type: ignore[attr-defined]


def _later(group: Any) -> list[Later]:
    found = []
    for command in group.commands.values():
        if isinstance(command, Later):
            found.append(command)
            found += _later(command.real()) if hasattr(command.real(), "commands") else []
    return found


def test_the_help_says_of_each_command_what_the_command_says_of_itself() -> None:
    waiting = _later(typer.main.get_command(app))
    assert len(waiting) > 30
    for command in waiting:
        said = inspect.cleandoc(command.real().help).split("\n\n")[0]
        assert command.help == said, command.name
