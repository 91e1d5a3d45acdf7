"""What the README shows must be so: its code is run, in order, by a new user in an empty directory."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import sa_privacy
from sa_privacy.policy import Policy

REPOSITORY = Path(__file__).parents[2]
README = (REPOSITORY / "README.md").read_text(encoding="utf-8")
PYTHON: list[str] = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
TOML: list[str] = re.findall(r"```toml\n(.*?)```", README, flags=re.DOTALL)
(REFUSAL,) = re.findall(r"```\n(sa_privacy\.errors\.PurposeDenied: .*?)```", README, flags=re.DOTALL)

# Runs the blocks one after the other in one module, as a notebook would, then uses what they define.
IN_ORDER = """
import asyncio, json, sys, types

from sa_privacy import PurposeDenied

readme = sys.modules["readme"] = types.ModuleType("readme")
first, *others = [compile(block, "README.md", "exec") for block in json.load(open("blocks.json", encoding="utf-8"))]
try:
    exec(first, vars(readme))
except PurposeDenied:
    pass  # as it says
for block in others:
    exec(block, vars(readme))


async def app(scope, receive, send):
    readme.signed_in(17, "warehouse")
    print("label:", await asyncio.to_thread(readme.shipping_label, 1))


asyncio.run(readme.PrivacyMiddleware(app, readme.privacy)({"type": "http", "headers": []}, None, None))
assert readme.plan.allowed and not readme.plan.denials
assert readme.verification.ok and readme.verification.events > 6
readme.privacy.close()
"""


def run(directory: Path, script: str) -> subprocess.CompletedProcess[str]:
    """Runs a script that lies in the directory, there."""
    return subprocess.run(
        [sys.executable, script],
        cwd=directory,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY / "src"), "PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """Where the policy that the README shows was saved."""
    (document,) = TOML
    (tmp_path / "privacy.toml").write_text(document, encoding="utf-8")
    return tmp_path


def test_the_policy_shown_is_accepted_and_refuses_what_the_first_screen_says() -> None:
    (document,) = TOML
    policy = Policy.loads(document, source="README.md")
    grant = policy.grant(["shipping"], ["warehouse"])
    assert grant.covers("read", "address")
    assert not grant.covers("read", "email")
    assert not grant.covers("read", "birthday")
    assert [name for name, purpose in policy.purposes.items() if "birthday" in purpose.read] == ["campaigns"]


def test_the_first_snippet_is_a_program_that_ends_in_the_refusal_shown(directory: Path) -> None:
    """Twice: the second time the keys and the tables are there."""
    (directory / "shop.py").write_text(PYTHON[0], encoding="utf-8")
    for _ in range(2):
        ran = run(directory, "shop.py")
        assert ran.returncode == 1, ran.stdout
        assert ran.stdout == "1 Example St\n", ran.stderr
        assert " ".join(ran.stderr.split()).endswith(" ".join(REFUSAL.split())), ran.stderr  # wherever lines break
    assert b"Hanako" not in (directory / "shop.db").read_bytes()


def test_all_snippets_run_in_order(directory: Path) -> None:
    (directory / "blocks.json").write_text(json.dumps(PYTHON), encoding="utf-8")
    (directory / "in_order.py").write_text(IN_ORDER, encoding="utf-8")
    ran = run(directory, "in_order.py")
    assert ran.returncode == 0, ran.stderr
    assert "hanako@example.org" in ran.stdout  # text(...).columns(...) opened the cell
    assert "label: 1 Example St" in ran.stdout


def test_the_files_linked_are_there() -> None:
    links = {link for link in re.findall(r"\]\(([^)#]+)\)", README) if "://" not in link}
    missing = {link for link in links if not (REPOSITORY / link).exists()}
    assert not missing


def test_no_line_is_longer_than_the_eye_likes() -> None:
    """But for those of tables, which cannot be broken."""
    assert not [line for line in README.splitlines() if len(line) > 120 and not line.startswith("|")]


def test_the_version_is_the_one_of_the_distribution() -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert sa_privacy.__version__ == project["version"]
