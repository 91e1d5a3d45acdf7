"""docs/requests.md is followed: its Python runs, its policy is the one of the shop that asks."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine
from sqlalchemy.orm import Session

from sa_privacy import AccessLog
from sa_privacy.customers.file.files import PersonFile
from sa_privacy.customers.requests.states import KINDS, TABLE
from tests.customers.requests import asking

GUIDE = (Path(__file__).parents[2] / "docs" / "requests.md").read_text(encoding="utf-8")
BLOCKS: list[tuple[str, str]] = re.findall(r"```(\w*)\n(.*?)```", GUIDE, flags=re.DOTALL)
MEMBERS = {
    name
    for row in re.findall(r"^\| (`.*?) \| ", GUIDE[GUIDE.index("| member |") :], flags=re.MULTILINE)
    for name in re.findall(r"`(\w+)`", row)
}


@pytest.fixture
def names(tmp_path: Path) -> Iterator[dict[str, Any]]:
    """The names that the guide takes for granted."""
    engine = create_engine(f"sqlite:///{tmp_path / 'shop.db'}")
    with asking.protected(engine, AccessLog.open(tmp_path / "log")) as (privacy, _):
        asking.fill(privacy, engine, asking.rows())
        with Session(engine) as session:
            yield {"privacy": privacy, "session": session}
    engine.dispose()


def test_the_guide_can_be_followed(names: dict[str, Any]) -> None:
    for block in [block for kind, block in BLOCKS if kind == "python"]:
        exec(block, names)
    assert str(names["request"].due_on) == "2026-12-10"
    assert '<html lang="ja">' in names["letter"]
    with asking.officer(names["privacy"]):
        states = {one.kind: one.state for one in names["privacy"].requests.list(names["session"], state="answered")}
    assert states == {"disclosure": "answered", "correction": "answered"}
    file: PersonFile = names["answer"].file
    assert set(file.content) == MEMBERS


def test_its_picture_is_the_table() -> None:
    """But for the checks of identity, which the sentence under it tells of."""
    (drawn,) = [block for kind, block in BLOCKS if kind == "mermaid"]
    arrows = {
        (before, step, after)
        for before, after, steps in re.findall(r"^ +(\w+) --> (\w+): (.*)$", drawn, flags=re.MULTILINE)
        for step in steps.split(", ")
    }
    checks = {("received", "fail", "received"), ("in_work", "identify", "in_work"), ("in_work", "fail", "received")}
    checks |= {("identified", "fail", "received"), ("identified", "identify", "identified")}
    assert arrows | checks == {(before, step, after) for before, row in TABLE.items() for step, after in row.items()}


def test_its_policy_is_the_one_of_the_tests() -> None:
    (said,) = [tomllib.loads(block) for kind, block in BLOCKS if kind == "toml"]
    requests = asking.POLICY.requests
    assert requests is not None
    assert requests.identity == tuple(said["requests"]["identity"])
    assert sorted(requests.roles) == said["requests"]["roles"]


def test_it_tells_of_every_kind() -> None:
    assert [kind for kind in re.findall(r"^\| `(\w+)` \| \S+ \|", GUIDE, flags=re.MULTILINE) if kind in KINDS] == list(
        KINDS
    )
