"""The guide to sealing a full column is followed, step by step, by a new user in an empty directory."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
GUIDE = (REPOSITORY / "docs" / "sealing.md").read_text(encoding="utf-8")
BLOCKS: list[tuple[str, str]] = re.findall(r"```(\w*)\n(.*?)```", GUIDE, flags=re.DOTALL)
COMMANDS = [shlex.split(block)[1:] for kind, block in BLOCKS if not kind]
PYTHON = [block for kind, block in BLOCKS if kind == "python"]
OLD, KEYS, NEW, JOB, AFTER, UTILS = PYTHON
# One process for all of it, as each would take its second to start. A release is `shop`, imported anew.
STEPS = """
import importlib, json, pathlib, sys

from typer.testing import CliRunner

from sa_privacy.cli.app import app

sys.path.insert(0, ".")
texts = json.load(open("texts.json", encoding="utf-8"))
told = {}


def release(code):
    sys.modules.pop("shop", None)
    pathlib.Path("shop.py").write_text(code, encoding="utf-8")
    importlib.invalidate_caches()
    return vars(importlib.import_module("shop"))


def command(step):
    ran = CliRunner().invoke(app, texts[step])
    assert ran.exit_code == 0, (step, ran.output)
    told[step] = ran.stdout


def stored(step):
    with shop["engine"].connect() as connection:
        told[step] = sorted(connection.exec_driver_sql("SELECT DISTINCT typeof(name) FROM customers").scalars())


sys.dont_write_bytecode = True
shop = release(texts["old"])
shop["Base"].metadata.create_all(shop["engine"])
with shop["Session"](shop["engine"]) as session:
    session.add_all(
        shop["Customer"](id=n, name=f"Customer {n}", email=f"c{n}@example.org" if n % 5 else None) for n in range(1, 21)
    )
    session.commit()
command("doctor")
exec(texts["keys"], shop)

shop = release(texts["new"])
command("dry")
privacy = shop["protect"](shop["engine"], shop["ACCEPTED"])
with privacy.access("orders", role="clerk", actor="x"), shop["Session"](shop["engine"]) as session:
    session.get_one(shop["Customer"], 2).email = "new@example.org"
    session.commit()
told["read"] = privacy.plaintext_read
privacy.close()
command("seal")
stored("sealed")
command("dry_again")
exec(texts["job"], shop)
print("customer: ", end="")
exec(texts["after"], shop)
exec(texts["utils"], shop)
shop["privacy"].close()
command("reseal")
command("unseal")
stored("unsealed")
print(json.dumps(told))
"""


def test_the_guide_can_be_followed(tmp_path: Path) -> None:
    [policy] = [block for kind, block in BLOCKS if kind == "toml"]
    (tmp_path / "privacy.toml").write_text(policy, encoding="utf-8")
    (tmp_path / "var" / "access-log").mkdir(mode=0o700, parents=True)
    names = ("doctor", "dry", "seal", "dry_again", "reseal", "unseal")
    texts = dict(zip(names, COMMANDS, strict=True)) | {
        "old": OLD,
        "keys": KEYS,
        "new": NEW,
        "job": JOB,
        "after": AFTER,
        "utils": UTILS,
    }
    (tmp_path / "texts.json").write_text(json.dumps(texts), encoding="utf-8")
    (tmp_path / "steps.py").write_text(STEPS, encoding="utf-8")
    ran = subprocess.run(
        [sys.executable, "steps.py"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY / "src"), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, (ran.stdout, ran.stderr)
    said, _, encoded = ran.stdout.partition("\n")
    assert said == "customer: Customer 1 c1@example.org"
    told = json.loads(encoded)
    assert "can be sealed in place: yes" in told["doctor"]
    assert "20 of them to look at. Nothing was changed." in told["dry"]
    assert told["read"] == {"customers.name": 1, "customers.email": 1}
    assert "20 rows, 35 values" in told["seal"]
    assert told["sealed"] == ["blob"]
    assert "0 of them to look at" in told["dry_again"]
    assert "0 rows" in told["reseal"]
    assert told["unsealed"] == ["text"]


def test_it_names_the_columns_commands_and_pages_that_are_there() -> None:
    assert {arguments[0] for arguments in COMMANDS} == {"doctor", "seal", "reseal", "unseal"}
    assert not [line for line in GUIDE.splitlines() if len(line) > 130 and not line.startswith(("|", "sa-privacy"))]
