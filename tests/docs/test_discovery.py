"""docs/discovery.md is followed by a new team: its models are scanned, patched and checked."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
import tomllib
from importlib import invalidate_caches
from pathlib import Path

import pytest
from sqlalchemy import create_engine, insert

from benchmarks.discovery import __main__ as figures
from sa_privacy.cli.app import app
from sa_privacy.cli.models import load_models
from sa_privacy.discovery.decided import Decisions
from tests.support.command import CliRunner

REPOSITORY = Path(__file__).parents[2]
GUIDE = (REPOSITORY / "docs" / "discovery.md").read_text(encoding="utf-8")
BLOCKS: list[tuple[str, str]] = re.findall(r"```(\w*)\n(.*?)```", GUIDE, flags=re.DOTALL)
[MODELS] = [block for kind, block in BLOCKS if kind == "python"]
[COLUMNS] = [block for kind, block in BLOCKS if kind == "toml"]
SCANS, PATCH, CHECKS = [block.splitlines() for kind, block in BLOCKS if not kind]
POLICY = '[policy]\nid = "x"\nversion = "1"\nlanguages = ["en", "ja"]\n[categories]\n'


def run(line: str) -> tuple[int, str]:
    ran = CliRunner().invoke(app, shlex.split(line)[1:])
    return ran.exit_code, ran.stdout + ran.stderr


@pytest.mark.backends("sqlite")
def test_the_guide_can_be_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("COLUMNS", "160")
    (tmp_path / "shop.py").write_text(MODELS, encoding="utf-8")
    (tmp_path / "privacy.toml").write_text(POLICY, encoding="utf-8")
    try:
        follow(tmp_path)
    finally:
        sys.modules.pop("shop", None)


def follow(place: Path) -> None:
    (metadata,) = load_models(["shop:Base"])
    engine = create_engine("sqlite:///shop.db")
    metadata.create_all(engine)
    people = [{"name": "A", "email": f"a{n}@example.org", "x1": f"090-1234-{n:04}"} for n in range(30)]
    with engine.begin() as connection:
        connection.execute(insert(metadata.tables["customers"]), people)

    (_, by_name), (_, of_database), (_, in_japanese) = map(run, SCANS)
    for column in ("name_kana", "email", "birthday", "ship_addr2"):
        assert re.search(rf"^ {column} ", by_name, flags=re.MULTILINE)
    assert "x1" not in by_name
    assert "30 of 30 values are telephone numbers" in of_database
    assert "30 件中 30 件の値が電話番号" in in_japanese
    for text in (by_name, of_database, in_japanese):
        assert not re.search("email_sent_at|tier|product_name|example.org|090-", text)

    assert run(PATCH[0])[0] == 0
    assert PATCH[1] == "patch -p1 < personal.diff"
    subprocess.run(["git", "apply", "personal.diff"], cwd=place, check=True)
    del sys.modules["shop"]
    invalidate_caches()

    assert run(CHECKS[0])[1] == "columns.toml: 3 columns may wait.\n"
    assert run(CHECKS[1]) == (0, "12 columns: all are decided, 3 may wait.\n")
    (place / "columns.toml").write_text(COLUMNS, encoding="utf-8")
    code, said = run(CHECKS[1])
    assert code == 1
    assert re.findall(r"^(\S+): neither", said, flags=re.MULTILINE) == [
        "customers.email_sent_at",
        "orders.product_name",
    ]
    assert tomllib.loads(COLUMNS)["undecided"]["columns"] == list(Decisions.load(place / "columns.toml").undecided)


def test_the_figures_are_those_of_the_benchmark(capsys: pytest.CaptureFixture[str]) -> None:
    figures.measure()
    line = capsys.readouterr().out.splitlines()[-1]
    measured = re.findall(r"\d+%", line)[:4]
    written = re.findall(r"\| (?:shown|insisted).*?\| (\d+) % \| (\d+) % \|", GUIDE)
    assert measured == [f"{share}%" for row in written for share in row]
    assert line.split()[1:3] == ["1548", "289"]
