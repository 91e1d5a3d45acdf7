"""`sa-privacy doctor`, `seal`, `reseal` and `unseal`, on an application's table."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine, select

from sa_privacy import AccessLog, Keyring
from sa_privacy.cli.app import app
from sa_privacy.cli.database import url_for_workers
from sa_privacy.crypto.cell import is_cell
from sa_privacy.policy.writing import as_sections, as_toml
from tests.jobs import world
from tests.jobs.world import Customer, fill, maintaining, opened, raw
from tests.support.command import CliRunner, Result

COLUMNS = ["customers.email", "customers.name"]


@pytest.fixture
def run(engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Runs the command in a directory with a policy and keys, on the test's database."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("SA_PRIVACY_URL", engine.url.render_as_string(hide_password=False))
    (tmp_path / "privacy.toml").write_text(as_toml(as_sections(world.POLICY)))
    Keyring.generate().save("keys.json")

    def invoke(command: str, *words: str) -> Result:
        return CliRunner().invoke(app, [command, *words, "--models", "tests.jobs.world:Base"])

    return invoke


def test_from_the_dry_run_to_the_way_back(
    run: Callable[..., Result], engine: Engine, make_engine: Callable[..., Engine]
) -> None:
    fill(engine, 30)
    before = raw(engine)
    dry = run("seal", *COLUMNS, "--dry-run")
    assert dry.exit_code == 0, dry.output
    assert "30 of them to look at. Nothing was changed." in dry.stdout
    assert ("becomes BYTEA first" in dry.stdout) is (engine.dialect.name == "postgresql")
    assert raw(engine) == before
    sealed = run("seal", *COLUMNS, "--log", "log", "--actor", "staff:9", "--batch", "7", "--rate", "9000/s")
    assert sealed.exit_code == 0, sealed.output
    assert "customers: 30 rows, 56 values" in sealed.stdout
    assert {event.actor for event in AccessLog.open("log").events() if event.kind == "intent"} == {"staff:9"}
    with maintaining(Keyring.load("keys.json")) as privacy:
        assert opened(privacy, make_engine, select(Customer.id, Customer.name, Customer.email)) == before
    keys = Keyring.load("keys.json")
    keys.rotate()
    keys.save("keys.json")
    told = json.loads(run("reseal", *COLUMNS, "--no-log", "--json").stdout)
    assert told[0]["done"]["rows"] == 30
    assert {bytes(email)[2:6] for _, _, email in raw(engine)} == {keys.primary_id.to_bytes(4, "big")}
    assert run("unseal", *COLUMNS, "--no-log").exit_code == 0
    assert raw(engine) == before


APPLICATION = """
import os

from sqlalchemy import make_url

from sa_privacy import AccessLog, Privacy
from tests.jobs.world import POLICY, Base

privacy = Privacy(POLICY, log=AccessLog.open("application-log"), metadata=Base)
stop = privacy.install_all(match=lambda engine: engine.url == make_url(os.environ["SA_PRIVACY_URL"]))
"""


def test_an_application_that_protects_every_engine_leaves_the_command_its_own(
    run: Callable[..., Result], engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It does so when its models are loaded; the command's engine is the command's to protect."""
    fill(engine, 3)
    Path("installing.py").write_text(APPLICATION)
    monkeypatch.syspath_prepend(Path.cwd())
    try:
        sealed = run("seal", *COLUMNS, "--no-log", "--models", "installing:Base")
        assert sealed.exit_code == 0, sealed.output
    finally:
        installing = sys.modules.pop("installing")
        installing.stop()
        installing.privacy.close()


@pytest.mark.backends("sqlite")
def test_worker_processes_load_the_keys_themselves(run: Callable[..., Result], engine: Engine) -> None:
    fill(engine, 30)
    ran = run("seal", *COLUMNS, "--no-log", "--batch", "10", "--workers", "2")
    assert ran.exit_code == 0, ran.output
    assert all(is_cell(email) for _, _, email in raw(engine))


@pytest.mark.backends("sqlite")
def test_what_cannot_be_sealed_is_told_with_the_way_to_find_it(run: Callable[..., Result], engine: Engine) -> None:
    fill(engine, 3)
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE customers SET email = x'00ff' WHERE id = 2")
    ran = run("seal", *COLUMNS, "--no-log")
    assert ran.exit_code == 1
    assert "customers.email: 1 values are none of the column's type" in ran.stdout
    _, _, statement = ran.stdout.partition("1 rows are left: ")
    with engine.connect() as connection:
        assert connection.exec_driver_sql(statement.strip()).all() == [(2,)]


MISTAKES: dict[str, tuple[list[str], str, str]] = {
    "no log": (["seal", *COLUMNS], "in the access log", "--no-log"),
    "no such column": (["seal", "customers.emial", "--no-log"], '"customers.emial"', "customers.email"),
    "not sealed": (["seal", "customers.tier", "--no-log"], '"customers.tier"', "customers.email"),
    "no rate": (["seal", *COLUMNS, "--no-log", "--rate", "fast"], '"fast" is no rate', "500/s"),
    "no type": (["seal", *COLUMNS, "--no-log", "--stored-as", "x"], "says no type", "package.module:TYPE"),
    "no such type": (
        ["seal", *COLUMNS, "--no-log", "--stored-as", "customers.email=tests.jobs.world:Old"],
        'no "Old"',
        "SQLAlchemy type",
    ),
    "no keys": (["seal", *COLUMNS, "--no-log", "--keys", "x.json"], "x.json", "keyring"),
    "no role": (["seal", *COLUMNS, "--no-log", "--role", "staff"], "staff", "engineer"),
    "no column to look at": (["doctor", "customers.emial"], '"customers.emial"', "customers.email"),
}


@pytest.mark.backends("sqlite")
@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_told_with_its_way_out(name: str, run: Callable[..., Result], engine: Engine) -> None:
    fill(engine, 1)
    words, message, hint = MISTAKES[name]
    ran = run(*words)
    assert ran.exit_code == 2, ran.output
    error, _, way_out = ran.stderr.partition("\nhint: ")
    assert error.startswith("error: ")
    assert message in error
    assert hint.lower() in way_out.lower()


@pytest.mark.backends("sqlite")
def test_without_a_database_it_asks_for_one(run: Callable[..., Result], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SA_PRIVACY_URL")
    assert "which database" in run("seal", *COLUMNS, "--no-log").stderr


def test_doctor_says_what_stands_against_it(run: Callable[..., Result], engine: Engine) -> None:
    fill(engine, 1)
    assert run("doctor", "customers.email", "customers.name").exit_code == 0
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE INDEX one_email ON customers (lower(email))")
    ran = run("doctor", "customers.email", "customers.name")
    assert ran.exit_code == 1
    assert "customers.email: can be sealed in place: no" in ran.stdout
    assert "one_email" in ran.stdout
    assert "Drop it: it would be made of cells" in ran.stdout
    assert "customers.name: can be sealed in place: yes" in ran.stdout
    told: list[dict[str, Any]] = json.loads(run("doctor", "customers.email", "--json").stdout)
    assert told[0]["sealable"] is False
    assert told[0]["findings"][0]["kind"] == "expression index"
    refused = run("seal", "customers.email", "--no-log")
    assert refused.exit_code == 2
    assert "one_email" in refused.stderr
    assert raw(engine, "email") == [("p1@example.org",)]


def test_a_cluster_is_told_no_password() -> None:
    engine = create_engine("postgresql+psycopg://owner:secret@db:5432/shop?sslmode=require&password=other")
    told = url_for_workers(engine, "tcp://scheduler:8786")
    assert told == "postgresql+psycopg://owner@db:5432/shop?sslmode=require"
    assert "owner:secret@db" in url_for_workers(engine, None)
