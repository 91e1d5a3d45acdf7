"""The command as a whole: how it is called, and how it speaks."""

from __future__ import annotations

import importlib.metadata
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from sa_privacy.cli.app import app
from tests.support.command import CliRunner, whole

REPOSITORY = Path(__file__).parents[2]
RUN = "from sa_privacy.cli import main; main()"
WITHOUT = """
import sys
class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "typer":
            raise ModuleNotFoundError("No module named 'typer'", name="typer")
sys.meta_path.insert(0, Missing())
"""


def called(*arguments: str, before: str = "") -> subprocess.CompletedProcess[str]:
    """As the shell calls it."""
    return subprocess.run(
        [sys.executable, "-c", before + RUN, *arguments],
        cwd=REPOSITORY,
        env={"PYTHONPATH": f"{REPOSITORY / 'src'}", "COLUMNS": "100", "TERM": "dumb"},
        capture_output=True,
        text=True,
        check=False,
    )


def every_command(found: Any = None, *above: str) -> Iterator[tuple[str, ...]]:
    found = whole(get_command(app)) if found is None else found
    yield above
    for name, one in getattr(found, "commands", {}).items():
        yield from every_command(one, *above, name)


@pytest.mark.parametrize("words", list(every_command()), ids=" ".join)
def test_the_help_of_a_command_loses_no_words(words: tuple[str, ...]) -> None:
    """What stands in brackets is markup to who prints it, and would be gone."""
    command: Any = whole(get_command(app))
    for word in words:
        command = command.commands[word]
    told = [command.help, *(getattr(one, "help", None) for one in command.params)]
    assert command.help
    assert [text for text in told if text and "[" in text] == []


def test_it_says_its_version() -> None:
    ran = called("--version")
    assert (ran.returncode, ran.stdout) == (0, f"sa-privacy {importlib.metadata.version('sa-privacy')}\n")


def helped(*words: str) -> str:
    return CliRunner().invoke(app, [*words, "--help"], env={"COLUMNS": "200"}).output


def test_help_names_every_command_and_option() -> None:
    assert all(name in helped() for name in ("scan", "check", "report", "doctor", "seal", "reseal", "unseal", "wall"))
    assert all(name in helped("wall") for name in ("plan", "apply", "check"))
    options = ("--policy", "--models", "--url", "--login", "--together", "--also", "--json")
    for command in ("plan", "apply", "check"):
        assert all(option in helped("wall", command) for option in options)


def test_without_its_extra_it_says_what_to_install() -> None:
    ran = called("--version", before=WITHOUT)
    assert ran.returncode == 2
    assert ran.stdout == ""
    assert ran.stderr == 'error: the command needs typer.\nhint: pip install "sa-privacy[cli]"\n'


def test_the_library_does_not_import_the_command() -> None:
    ran = subprocess.run(
        [
            sys.executable,
            "-c",
            "import sa_privacy, sys; print(sorted({'typer', 'rich', 'sa_privacy.cli'} & set(sys.modules)))",
        ],
        env={"PYTHONPATH": f"{REPOSITORY / 'src'}"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert ran.stdout == "[]\n"


SHOP = ["--policy", str(REPOSITORY / "examples/shop_app/privacy.toml"), "--models", "examples.shop_app.models:Base"]
MISTAKES = {
    "no models": (["wall", "plan", "--models", "examples"], "names no models", "package.module:Base"),
    "no module": (["wall", "plan", "--models", "exmples.shop:Base"], 'no module "exmples"', "imported"),
    "no such base": (["wall", "plan", "--models", "examples.shop_app.models:Bse"], 'no "Bse"', "base"),
    "not a base": (["wall", "plan", "--models", "examples.shop_app.models:date"], "neither", "package.module:Base"),
    "no policy": (
        ["wall", "plan", "--models", "examples.shop_app.models:Base", "--policy", "x.toml"],
        "x.toml",
        "path",
    ),
    "no role": (["wall", "plan", *SHOP, "--login", "web=custmer"], '"custmer"', 'did you mean "customer"'),
    "no system": (["wall", "plan", *SHOP, "--login", "web=system:nightly"], '"nightly"', "nightly-usage-report"),
    "no login": (["wall", "plan", *SHOP, "--login", "=customer"], "names no login", "--login NAME"),
    "no purpose": (["wall", "plan", *SHOP, "--together", "shipping,campaign"], '"campaign"', "campaigns"),
    "no database": (["wall", "check", *SHOP], "which database", "SA_PRIVACY_URL"),
    "no URL": (["wall", "check", *SHOP, "--url", "shop.db"], "no database URL", "postgresql://"),
    "SQLite": (["wall", "apply", *SHOP, "--url", "sqlite:///shop.db"], "SQLite keeps no roles", "walls=True"),
    "another": (["wall", "check", *SHOP, "--url", "mysql://x/y"], "mysql is not supported", "PostgreSQL"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_told_with_its_way_out(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SA_PRIVACY_URL", raising=False)
    arguments, message, hint = MISTAKES[name]
    ran = CliRunner().invoke(app, arguments)
    assert ran.exit_code == 2
    assert ran.stdout == ""
    error, _, way_out = ran.stderr.partition("\nhint: ")
    assert error.startswith("error: ")
    assert message in error
    assert hint in way_out
