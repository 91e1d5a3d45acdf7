"""`sa-privacy doctor` on one screen: what is installed, protected, stored, sealable, and at risk."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len
from sqlalchemy import Column, Engine, Integer, MetaData, String, Table, text

from sa_privacy import AccessLog, Keyring
from sa_privacy.cli.app import app
from sa_privacy.cli.doctor.installed import EXTRAS
from sa_privacy.cli.doctor.screen import show, worst_first
from sa_privacy.cli.doctor.section import BREAKS, LEAKS, MIND, Risk, Section
from sa_privacy.columns.own_tables import OWN_TABLES
from sa_privacy.integrations.alembic import tables as own_tables
from sa_privacy.policy.writing import as_sections, as_toml
from tests.jobs import world
from tests.jobs.world import Stay, fill
from tests.support.command import CliRunner, Result

Doctor = Callable[..., Result]
ERASURE = '\n[erasure]\nroles = ["staff"]\n'
WIDE = MetaData()
for number in range(100):
    Table(
        f"a_table_with_a_rather_long_name_{number}",
        WIDE,
        Column("id", Integer, primary_key=True),
        Column("email_address_of_somebody", String),
    )


@pytest.fixture
def doctor(engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Doctor:
    """Runs it in a directory with a policy, the keys in a directory of their own, on the test's database."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("SA_PRIVACY_URL", engine.url.render_as_string(hide_password=False))
    (tmp_path / "privacy.toml").write_text(as_toml(as_sections(world.POLICY)))
    (tmp_path / "apart").mkdir()
    Keyring.generate().save("apart/keys.json")

    def invoke(*words: str, models: str = "tests.jobs.world:Base") -> Result:
        return CliRunner().invoke(app, ["doctor", "--models", models, "--keys", "apart/keys.json", *words])

    return invoke


def told(ran: Result) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(ran.stdout)
    return found


def at_risk(ran: Result, word: str) -> list[str]:
    return [one["what"] for one in told(ran)["at_risk"] if word in one["what"]]


def test_a_column_said_to_be_sealed_that_holds_plain_values_is_the_worst(doctor: Doctor, engine: Engine) -> None:
    fill(engine, 3)
    Stay.__table__.create(engine)  # type: ignore[attr-defined]
    ran = doctor()
    assert ran.exit_code == 1, ran.output
    assert "3 personal columns in 2 tables: 3 sealed" in ran.stdout
    first = ran.stdout.partition("at risk: ")[2].splitlines()[1]
    assert first.startswith("leaks      plain values in 2 sealed columns: customers.email, customers.name.")
    assert "example.org" not in ran.output
    found = told(doctor("--json"))
    assert found["stored"]["plain"] == {
        "customers.email": 3,
        "customers.name": found["stored"]["plain"]["customers.name"],
    }
    sealed = ["seal", "customers.email", "customers.name", "--no-log", "--keys", "apart/keys.json"]
    ran = CliRunner().invoke(app, [*sealed, "--models", "tests.jobs.world:Base"])
    assert ran.exit_code == 0, ran.output
    ran = doctor()
    assert ran.exit_code == 0, ran.output
    assert "sealed columns hold cells alone" in ran.stdout
    with engine.begin() as connection:  # one more, by a path that nobody thought of
        value = "'x@example.org'" if connection.dialect.name == "sqlite" else "convert_to('x@example.org', 'UTF8')"
        connection.execute(text(f"UPDATE customers SET email = {value} WHERE id = 3"))
    assert at_risk(doctor("--json"), "plain values in a sealed column: customers.email.")


def test_the_details_are_those_of_each_column(doctor: Doctor, engine: Engine) -> None:
    fill(engine, 1)
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE INDEX one_email ON customers (lower(email))")
    assert "one_email" not in doctor().stdout
    for words in (["--details"], ["customers.email"]):
        said = doctor(*words).stdout
        assert "customers.email: can be sealed in place: no" in said
        assert "one_email" in said
    [email] = [one for one in told(doctor("--json"))["columns"] if one["column"] == "customers.email"]
    assert not email["sealable"]


def test_the_guarded_columns_are_counted_by_what_stands_against_sealing_them(doctor: Doctor, engine: Engine) -> None:
    with engine.begin() as connection:
        connection.exec_driver_sql(
            "CREATE TABLE customers (id INTEGER PRIMARY KEY, a TEXT, b TEXT, c TEXT DEFAULT 'x')"
        )
        connection.exec_driver_sql("CREATE INDEX on_b ON customers (b)")
    Path("privacy.toml").write_text(
        '[policy]\nid = "x"\nversion = "1"\n[categories]\nname = {}\n[columns]\n'
        + "".join(f'"customers.{name}" = "name"\n' for name in "abc")
        + '"elsewhere.email" = "name"\n'
    )
    ran = doctor(models=f"{__name__}:GUARDED")
    assert "of 3 guarded columns: 1 in place, 1 with care, 1 not" in ran.stdout
    assert "4 personal columns in 2 tables" in ran.stdout  # one that no model has: it cannot be sealed
    assert "customers.a, customers.b, customers.c and 1 more: personal, and nobody's" in " ".join(ran.stdout.split())
    assert ran.exit_code == 0


GUARDED = MetaData()
Table("customers", GUARDED, Column("id", Integer, primary_key=True), *(Column(name, String) for name in "abc"))


def test_what_ledgers_need_is_looked_after(doctor: Doctor, engine: Engine) -> None:
    fill(engine, 1)
    with Path("privacy.toml").open("a") as policy:
        policy.write(ERASURE)
    ran = doctor("--json")
    assert at_risk(ran, "own tables are not there")
    assert at_risk(ran, "a restored backup brings erased people back")
    assert at_risk(ran, "no hold can be placed on rows of customers")
    with engine.begin() as connection:
        own_tables.upgrade(connection)
    AccessLog.open("erasures").close()
    ran = doctor("--json", "--erasures", "erasures")
    assert not at_risk(ran, "own tables")
    assert not at_risk(ran, "a restored backup")
    ledger = next(name for name in sorted(OWN_TABLES.tables) if OWN_TABLES.tables[name].info)
    with engine.begin() as connection:
        drop = (
            f"DROP TRIGGER {ledger}_no_update"
            if engine.dialect.name == "sqlite"
            else f"DROP TRIGGER append_only ON {ledger}"
        )
        connection.execute(text(drop))
    assert at_risk(doctor("--json"), f"ledgers can be changed: no trigger keeps {ledger}.")


@pytest.mark.backends("sqlite")
def test_keys_are_looked_at_and_where_they_lie(doctor: Doctor, engine: Engine) -> None:
    fill(engine, 1)
    assert at_risk(doctor("--json"), "not wrapped")
    keys = Keyring.generate()
    keys.rotate_lookup()
    database = Path(str(engine.url.database))
    keys.save(database.with_name("keys.json"))
    ran = doctor("--json", "--keys", str(database.with_name("keys.json")))
    assert at_risk(ran, "lies beside the database")
    assert at_risk(ran, "half way (adding)")
    Path("apart/keys.json").chmod(0o644)
    ran = doctor("--json")
    assert ran.exit_code == 1
    assert at_risk(ran, "is open to others than its owner")
    assert at_risk(doctor("--json", "--keys", "none.json"), "no keyring in none.json")


@pytest.mark.backends("sqlite")
def test_the_log_is_looked_at(doctor: Doctor, engine: Engine) -> None:
    fill(engine, 1)
    AccessLog.open("log").close()
    assert "no checkpoint, 0 reviews waiting" in doctor("--log", "log").stdout
    assert at_risk(doctor("--json", "--log", "log"), "no checkpoint")
    Path("log").chmod(0o755)
    assert at_risk(doctor("--json", "--log", "log"), "open to other users")
    assert doctor("--log", "nowhere").exit_code == 2


@pytest.mark.backends("postgresql")
def test_a_wall_that_is_not_up_is_at_risk(doctor: Doctor, engine: Engine) -> None:
    fill(engine, 1)
    assert "wall: not asked (--login)" in doctor().stdout
    assert at_risk(doctor("--json", "--login", "shop_web"), "the wall differs from the policy")


@pytest.mark.backends("sqlite")
def test_of_a_hundred_tables_it_is_one_screen(doctor: Doctor, engine: Engine) -> None:
    WIDE.create_all(engine)
    Path("privacy.toml").write_text(
        '[policy]\nid = "x"\nversion = "1"\n[categories]\nemail = {}\n[columns]\n'
        + "".join(f'"{table}.email_address_of_somebody" = "email"\n' for table in list(WIDE.tables)[:50])
    )
    lines = doctor(models=f"{__name__}:WIDE").stdout.splitlines()
    assert len(lines) <= 40
    assert max(map(cell_len, lines)) <= 80
    assert not any(line.endswith(" ") for line in lines)


@pytest.mark.backends("sqlite")
def test_without_a_database_it_says_what_it_can(doctor: Doctor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SA_PRIVACY_URL")
    ran = doctor()
    assert "not asked: no database is named (--url)" in ran.stdout
    assert ran.exit_code == 0, ran.output


@pytest.mark.backends("sqlite")
def test_a_column_that_looks_personal_is_told_and_fails_where_a_team_decides_every_column(
    doctor: Doctor, engine: Engine
) -> None:
    WIDE.create_all(engine)
    Path("privacy.toml").write_text('[policy]\nid = "x"\nversion = "1"\n[categories]\nemail = {}\n')
    weights = []
    for decided in (False, True):
        if decided:
            Path("columns.toml").write_text('[not_personal]\nkinds = ["primary key"]\n')
        found = told(doctor("--json", models=f"{__name__}:WIDE"))
        weights += [one["weight"] for one in found["at_risk"] if "not annotated" in one["what"]]
        assert len(found["protected"]["look_personal"]) == 100
    assert weights == ["mind", "leaks"]


def test_the_worst_comes_first_and_no_more_than_a_few(capsys: pytest.CaptureFixture[str]) -> None:
    risks = [Risk(weight, f"{weight} {number}", "way out") for weight in (MIND, LEAKS, BREAKS) for number in range(4)]
    section = Section("stored", ("fine",), {}, [*risks, risks[0]])
    assert [one.weight for one in worst_first([section])] == [LEAKS] * 4 + [BREAKS] * 4 + [MIND] * 4
    show([section])
    said = capsys.readouterr().out
    assert said.count("-> way out") == 8
    assert said.endswith("and 4 more: --details\n")
    show([section], everything=True)
    assert capsys.readouterr().out.count("-> way out") == 12


def test_the_extras_are_those_of_the_package() -> None:
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]
    assert set(EXTRAS) == set(project["optional-dependencies"]) - {
        "bench",
        "demo",
        "dev",
        "docs",
        "mutation",
        "shop",
        "test",
    }
