"""What the README shows must be so."""

from __future__ import annotations

import ast
import re
import tomllib
from pathlib import Path

import pytest

import sa_privacy
from sa_privacy.policy import Policy, Request, Touch, decide, denied

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
PYTHON = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
TOML = re.findall(r"```toml\n(.*?)```", README, flags=re.DOTALL)


def test_the_policy_shown_is_accepted_and_refuses_what_the_first_screen_says() -> None:
    (document,) = TOML
    policy = Policy.loads(document, source="README.md")
    grant = policy.grant(["shipping"], ["warehouse"])
    assert grant.covers("read", "address")
    assert not grant.covers("read", "email")
    assert not grant.covers("read", "birthday")
    assert [name for name, purpose in policy.purposes.items() if "birthday" in purpose.read] == ["campaigns"]


def test_the_refusal_shown_is_the_one_that_comes() -> None:
    policy = Policy.loads(TOML[0], source="README.md")
    grant = policy.grant(["shipping"], ["warehouse"])
    error = denied(decide(Request(grant, (Touch("customers.birthday", "birthday"),))), grant)
    assert f"```\n{type(error).__name__} {error}\n```" in README


@pytest.mark.parametrize("block", PYTHON, ids=range(len(PYTHON)))
def test_the_code_shown_is_python(block: str) -> None:
    ast.parse(block)


def test_the_version_is_the_one_of_the_distribution() -> None:
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert sa_privacy.__version__ == project["version"]


def test_the_files_linked_are_there() -> None:
    links = {link for link in re.findall(r"\]\(([^)#]+)\)", README) if "://" not in link}
    missing = {link for link in links if not (Path(__file__).parents[2] / link).exists()}
    assert not missing
