"""What samples say, on real databases; and that no value gets anywhere."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from sqlalchemy import Column, Date, Engine, Integer, MetaData, String, Table, Text, insert, select
from sqlalchemy.engine import Connection

from sa_privacy.cli.app import app
from sa_privacy.discovery import in_words, sample, scan, values
from tests.support.command import CliRunner

METADATA = MetaData()
THINGS = Table(
    "things",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("a", String(100)),
    Column("b", String(100)),
    Column("c", String(100)),
    Column("d", String(100)),
    Column("e", Text),
    Column("email", String(100)),
    Column("f", String(100)),
    Column("hired", Date),
)
SECRET = "kagurazaka"
ROWS = 400


def my_number(first: int) -> str:
    from sa_privacy.discovery.checks import is_my_number

    return next(f"{first:011}{last}" for last in range(10) if is_my_number(f"{first:011}{last}"))


def row(number: int) -> dict[str, object]:
    return {
        "a": f"{SECRET}{number}@example.org" if number % 50 else "unknown",
        "b": my_number(12345678900 + number),
        "c": f"{('佐藤', '鈴木', '新渡戸', '五百旗頭')[number % 4]} 花子",
        "d": f"SKU-{number}",
        "e": f"{SECRET} wrote: call me, or a{number}@example.org" if number % 5 == 0 else "as agreed on the phone",
        "email": "yes",
        "f": f"0{90 + number % 3}-1234-{1000 + number}",
    }


@pytest.fixture
def filled(engine: Engine) -> Engine:
    METADATA.create_all(engine)
    with engine.begin() as connection:
        connection.execute(insert(THINGS), [row(number) for number in range(ROWS)])
    return engine


def found(connection: Connection, size: int = 200) -> dict[str, tuple[str, list[str]]]:
    looked = scan([THINGS], sampler=lambda table: sample(connection, table, size))
    return {one.column: (one.kind, [in_words(each) for each in one.evidence]) for one in looked.findings}


def test_values_say_what_names_do_not(filled: Engine) -> None:
    with filled.connect() as connection:
        looks = found(connection, ROWS)
    assert {name: kind for name, (kind, _) in looks.items()} == {
        "a": "email",
        "b": "official_id",
        "c": "name",
        "e": "notes",
        "f": "phone",
    }
    assert looks["a"][1] == ["+40 392 of 400 values are e-mail addresses"]
    assert looks["b"][1] == ["+40 400 of 400 values are My Numbers (check digit)"]
    assert looks["e"][1] == ["+22 80 of 400 values contain an e-mail address"]


def test_a_name_that_no_value_bears_out_is_less_likely(filled: Engine) -> None:
    with filled.connect() as connection:
        (finding,) = [
            one
            for one in scan([THINGS], at_least=0, sampler=lambda table: sample(connection, table, 50)).findings
            if one.column == "email"
        ]
    assert "-35 none of 50 values is an e-mail address" in [in_words(one) for one in finding.evidence]


@pytest.mark.parametrize("rows", [10, 8_000])
def test_a_sample_has_its_size_and_comes_from_all_over_the_table(engine: Engine, rows: int) -> None:
    METADATA.create_all(engine)
    with engine.begin() as connection:
        connection.execute(insert(THINGS), [{"a": str(number)} for number in range(rows)])
    with engine.connect() as connection:
        values = sorted(map(int, sample(connection, THINGS, 100)["a"]))
    assert len(values) == min(rows, 100)
    if rows > 100:
        assert values[0] < rows / 4
        assert values[-1] > rows * 3 / 4


def test_a_table_that_is_not_there_has_no_values(engine: Engine) -> None:
    with engine.connect() as connection:
        assert sample(connection, Table("nowhere", MetaData(), Column("a", String)), 10) == {}


def test_no_value_is_printed_logged_or_kept(
    filled: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (place := tmp_path / "empty").mkdir()
    monkeypatch.chdir(place)
    caplog.set_level("DEBUG")
    caplog.set_level("DEBUG", "sqlalchemy")  # as an application may, whose models are loaded
    url = filled.url.render_as_string(hide_password=False)
    for options in ([], ["--json"], ["--lang", "ja"]):
        ran = CliRunner().invoke(app, ["scan", url, *options])
        assert ran.exit_code == 0, ran.stderr
        assert "things" in ran.stdout
        assert SECRET not in ran.stdout + ran.stderr + caplog.text
        assert "花子" not in ran.stdout
    assert list(place.iterdir()) == []
    said = json.loads(CliRunner().invoke(app, ["scan", url, "--json"]).stdout)
    assert {one["column"] for one in said["findings"]} >= {"things.a", "things.b"}
    assert said["sampled"] == 7


def test_no_values_reads_none_and_a_scan_changes_nothing(filled: Engine) -> None:
    url = filled.url.render_as_string(hide_password=False)
    said = json.loads(CliRunner().invoke(app, ["scan", url, "--no-values", "--json"]).stdout)
    assert said["sampled"] == 0
    assert [one["column"] for one in said["findings"]] == ["things.email"]
    with filled.connect() as connection:
        assert len(connection.execute(select(THINGS.c.id)).all()) == ROWS


def test_a_view_that_never_ends_is_given_up(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(values, "_TIME_LIMIT", 200)
    endless = "WITH RECURSIVE n(a) AS (SELECT 1 UNION ALL SELECT a + 1 FROM n) SELECT CAST(a AS TEXT) AS a FROM n"
    few = MetaData()
    with engine.begin() as connection:
        connection.exec_driver_sql(f"CREATE VIEW first_rows AS {endless}")
        connection.exec_driver_sql(f"CREATE VIEW no_row AS {endless} WHERE a < 0")
    with engine.connect() as connection:
        assert len(sample(connection, Table("first_rows", few, Column("a", String)), 10)["a"]) == 10
        assert sample(connection, Table("no_row", few, Column("a", String)), 10) == {}
        assert connection.scalar(select(1)) == 1
    with engine.begin() as connection:
        connection.exec_driver_sql("DROP VIEW first_rows")
        connection.exec_driver_sql("DROP VIEW no_row")


def test_names_in_a_database_make_neither_terminal_nor_query_do_anything(engine: Engine) -> None:
    evil = MetaData()
    name = "[/red]\x1b[2J'; DROP TABLE \"x"
    table = Table(name, evil, Column("id", Integer, primary_key=True), Column('e"mail %s :a \x1b[1m', String(50)))
    evil.create_all(engine)
    with engine.begin() as connection:
        connection.execute(insert(table), [{table.c[1].name: f"{SECRET}{n}@example.org"} for n in range(30)])
    ran = CliRunner().invoke(app, ["scan", engine.url.render_as_string(hide_password=False)])
    evil.drop_all(engine)
    assert ran.exit_code == 0, ran.stderr
    assert "30 of 30 values are e-mail addresses" in " ".join(ran.stdout.split())
    assert "\x1b[2J" not in ran.stdout
    assert "[/red]" in ran.stdout
    assert SECRET not in ran.stdout + ran.stderr
