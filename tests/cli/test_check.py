"""`sa-privacy check`: every column is decided, or the command fails and names it."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest
from sqlalchemy import Boolean, Column, DateTime, ForeignKey, Integer, MetaData, String, Table

from sa_privacy.cli.app import app
from tests.support.command import CliRunner

POLICY = """
[policy]
id = "x"
version = "1"
languages = ["en"]
[categories]
email = {}
[columns]
"customers.email" = "email"
"""
METADATA = MetaData()
Table(
    "customers",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("email", String),
    Column("name", String),
    Column("tier", String),
    Column("active", Boolean),
    Column("created_at", DateTime),
)
Table("products", METADATA, Column("id", Integer, primary_key=True), Column("name", String), Column("price", Integer))
Table("orders", METADATA, Column("id", Integer, primary_key=True), Column("customer_id", ForeignKey("customers.id")))
EVASIVE = MetaData()
Table("customers", EVASIVE, Column("id", Integer, primary_key=True), Column("email", String))
Table("sa_privacy_guests", EVASIVE, Column("email", String))
COMMAND = ["check", "--models", f"{__name__}:METADATA"]
KINDS = '[not_personal]\nkinds = ["primary key", "foreign key", "boolean"]\n'


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "privacy.toml").write_text(POLICY)
    return tmp_path


def run(*options: str) -> tuple[int, str]:
    ran = CliRunner().invoke(app, [*COMMAND, *options])
    return ran.exit_code, ran.stdout + ran.stderr


def says(place: Path, text: str) -> tuple[int, str]:
    (place / "columns.toml").write_text(text)
    return run()


def test_every_column_must_be_decided(place: Path) -> None:
    code, said = says(place, KINDS + 'columns = ["products.*"]')
    assert code == 1
    assert "customers.name: neither annotated nor said not to be personal; looks like name (98%)" in said
    assert "customers.tier: neither annotated nor said not to be personal\n" in said
    assert "customers.created_at" in said
    for decided in ("customers.email:", "customers.id", "customers.active", "orders.", "products."):
        assert decided not in said


def test_a_name_or_a_pattern_decides(place: Path) -> None:
    code, said = says(place, KINDS + 'columns = ["products.*", "*.created_at", "customers.name", "customers.tier"]')
    assert (code, said.strip()) == (0, "11 columns: all are decided.")


def test_a_pattern_does_not_swallow_what_looks_personal(place: Path) -> None:
    code, said = says(place, KINDS + 'columns = ["products.*", "customers.*"]')
    assert code == 1
    assert 'customers.name: looks like name (98%), and only "customers.*" says that it is not personal' in said
    assert "customers.tier" not in said


def test_what_is_annotated_cannot_be_said_not_to_be_personal(place: Path) -> None:
    code, said = says(place, KINDS + 'columns = ["products.*", "customers.*", "customers.name", "customers.email"]')
    assert code == 1
    assert "customers.email: annotated as personal, and named in columns.toml as not personal" in said


def test_a_first_file_lets_wait_what_is_there_and_nothing_more(place: Path) -> None:
    assert run("--init") == (0, "columns.toml: 5 columns may wait.\n")
    assert run() == (0, "11 columns: all are decided, 5 may wait.\n")
    text = (place / "columns.toml").read_text()
    assert '"customers.name",    # looks personal: name, 98%' in text
    assert "customers.name" in tomllib.loads(text)["undecided"]["columns"]
    column = Column("note", String)
    METADATA.tables["products"].append_column(column)
    try:
        code, said = run()
    finally:
        METADATA.tables["products"]._columns.remove(column)
    assert code == 1
    assert said.startswith("products.note: neither annotated nor said not to be personal")
    code, said = run("--init")
    assert code == 2
    assert "is there already" in said


def test_entries_that_say_nothing_any_more_are_named_and_fail_nothing(place: Path) -> None:
    code, said = says(
        place,
        KINDS + 'columns = ["products.*", "customers.*", "customers.name", "gone.*"]\n[undecided]\ncolumns = ["x.y"]',
    )
    assert code == 0
    assert '"gone.*" in columns.toml says nothing any more' in said
    assert '"x.y" in columns.toml says nothing any more' in said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[not_persnal]", 'columns.toml: "not_persnal" is not known.'),
        ('[not_personal]\nkinds = ["primary keys"]', 'not_personal.kinds: "primary keys" is not known.'),
        ('[undecided]\ncolumns = "x"', "undecided.columns is no list of names."),
        ("[", "columns.toml is no TOML"),
    ],
)
def test_a_file_that_says_something_else_is_refused(place: Path, text: str, said: str) -> None:
    code, output = says(place, text)
    assert code == 2
    assert said in output


def test_without_a_file_it_says_how_to_begin(place: Path) -> None:
    code, said = run()
    assert code == 2
    assert "sa-privacy check --init" in said


def test_and_json_for_programs(place: Path) -> None:
    (place / "columns.toml").write_text(KINDS + 'columns = ["products.*", "*.created_at", "customers.n*"]')
    ran = CliRunner().invoke(app, [*COMMAND, "--json"])
    assert ran.exit_code == 1, ran.stderr
    assert json.loads(ran.stdout) == {
        "columns": 11,
        "undecided": ["customers.tier"],
        "looks_personal": [{"column": "customers.name", "kind": "name", "by": "customers.n*"}],
        "contradicted": [],
        "idle": [],
        "waiting": 0,
    }


def test_a_name_like_one_of_ours_hides_no_table(place: Path) -> None:
    (place / "columns.toml").write_text(KINDS)
    ran = CliRunner().invoke(app, ["check", "--models", f"{__name__}:EVASIVE"])
    assert ran.exit_code == 1, ran.stderr
    assert "sa_privacy_guests.email: neither" in ran.stdout
