"""docs/tables.md, done: the library's tables as a branch beside an application's own migrations."""

from __future__ import annotations

import io
import re
import shlex
from pathlib import Path

import pytest
from alembic.config import CommandLine, Config
from sqlalchemy import create_engine, inspect

import sa_privacy.integrations.alembic.tables as installed
from sa_privacy.columns.own_tables import OWN_TABLES

TEXT = (Path(__file__).parents[2] / "docs" / "tables.md").read_text(encoding="utf-8")
(BRANCH,) = [block for block in re.findall(r"```\n(.*?)```", TEXT, flags=re.DOTALL) if "version_locations" in block]
COMMANDS = dict(re.findall(r"^\| (.*?) \| `alembic (.*?)` \|$", TEXT, flags=re.MULTILINE))
ENV = """\
from alembic import context
from sqlalchemy import Column, Integer, MetaData, Table, create_engine

import sa_privacy.integrations.alembic

mine = MetaData()
for name in {names}:
    Table(name, mine, Column("id", Integer, primary_key=True))
with create_engine(context.config.get_main_option("sqlalchemy.url")).connect() as connection:
    context.configure(connection=connection, target_metadata=mine)
    with context.begin_transaction():
        context.run_migrations()
"""


def test_the_commands_of_the_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    shipped = {file.name for file in (Path(installed.__file__).parent / "versions").glob("*.py")}

    def alembic(*words: str) -> None:
        line = CommandLine()
        options = line.parser.parse_args(["--quiet", *words])
        line.run_cmd(Config("alembic.ini", cmd_opts=options, stdout=io.StringIO()), options)

    def models(*names: str) -> None:
        (tmp_path / "migrations" / "env.py").write_text(ENV.format(names=names), encoding="utf-8")

    alembic("init", "migrations")
    ini = tmp_path / "alembic.ini"
    said = re.sub(
        r"^((version_)?path_separator|sqlalchemy.url) *=.*\n", "", ini.read_text(encoding="utf-8"), flags=re.MULTILINE
    )
    more = BRANCH.replace("path_separator", "version_path_separator", 1).splitlines()[0]
    said = said.replace("[alembic]\n", f"[alembic]\nsqlalchemy.url = sqlite:///shop.db\n{BRANCH}{more}\n", 1)
    ini.write_text(said, encoding="utf-8")

    upgrade = shlex.split(COMMANDS["upgrade both"])
    models("customers")
    alembic(*upgrade)
    alembic(*shlex.split(COMMANDS["write your first migration"]))
    alembic(*upgrade)
    models("customers", "orders")
    alembic(*shlex.split(COMMANDS["write another one"]))
    alembic(*upgrade)

    written = [file.read_text(encoding="utf-8") for file in (tmp_path / "migrations" / "versions").glob("*.py")]
    assert len(written) == 2
    assert "sa_privacy_" not in "".join(written)
    assert {file.name for file in (Path(installed.__file__).parent / "versions").glob("*.py")} == shipped
    engine = create_engine("sqlite:///shop.db")
    tables = set(inspect(engine).get_table_names())
    engine.dispose()
    assert tables == {*OWN_TABLES.tables, "customers", "orders", "alembic_version"}
    (tmp_path / "shop.db").unlink()
    engine = create_engine("sqlite:///shop.db")
    OWN_TABLES.create_all(engine)
    engine.dispose()
    alembic(*shlex.split(COMMANDS["take in tables that are there already"]))
    alembic(*upgrade)
