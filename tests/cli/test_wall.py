"""``sa-privacy wall``: plan, apply, check, on a real server."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from examples.shop_app.models import Base
from sa_privacy.cli.app import app
from sa_privacy.columns.own_tables import OWN_TABLES
from tests.support.command import CliRunner, Result
from tests.support.databases import Database
from tests.walls.owner import dropped

POLICY = Path(__file__).parents[2] / "examples/shop_app/privacy.toml"
WHAT = ["--policy", str(POLICY), "--models", "examples.shop_app.models:Base"]
ZONES = ["--login", "shop_web=customer,visitor", "--login", "shop_jobs=system:nightly-usage-report"]

Command = Callable[..., Result]


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["wall", *arguments])


@pytest.fixture
def owner(database: Database) -> Iterator[Engine]:
    """The owner's engine, on a database with the shop's tables."""
    engine = database.engine()
    Base.metadata.create_all(engine)
    OWN_TABLES.create_all(engine)
    yield engine
    dropped(engine)


@pytest.fixture
def wall(owner: Engine) -> Command:
    """Runs a command on that database."""
    url = owner.url.render_as_string(hide_password=False)
    return lambda command, *more: run(command, *WHAT, *ZONES, "--url", url, *more)


def test_a_plan_without_a_database_is_sql_and_what_it_cannot_say() -> None:
    ran = run("plan", *WHAT, *ZONES)
    assert ran.exit_code == 0, ran.stderr
    lines = ran.stdout.splitlines()
    assert all(line.startswith("--") or line.endswith(";") for line in lines)
    assert lines.count("BEGIN;") == lines.count("COMMIT;") == 1
    grant = 'GRANT SELECT ("email") ON "public"."customers" TO "sap/belue-shop/sign_in";'
    assert grant in lines
    assert "Not walled" in ran.stdout
    assert "customers.email, inquiries.reply_to: may be matched but not read" in ran.stdout


def test_a_plan_names_the_absence_of_a_login() -> None:
    assert "No login is named" in run("plan", *WHAT).stdout


def test_a_plan_for_sqlite_says_that_there_is_nothing_to_apply() -> None:
    ran = run("plan", *WHAT, "--url", "sqlite:///shop.db")
    assert ran.exit_code == 0
    assert "SQLite keeps no roles" in ran.stdout
    assert "GRANT" not in ran.stdout


@pytest.mark.backends("postgresql")
def test_the_plan_of_a_database_brings_up_what_check_asks_for(wall: Command, owner: Engine) -> None:
    assert wall("check").exit_code == 1
    shown = wall("plan").stdout
    with owner.connect() as connection:
        plain = connection.connection.dbapi_connection
        assert plain is not None
        plain.execute(shown)
        plain.commit()
    ran = wall("check")
    assert (ran.exit_code, ran.stdout) == (0, "The wall stands as planned.\n")
    assert "nothing to do" in wall("plan").stdout


@pytest.mark.backends("postgresql")
def test_the_plan_of_the_models_brings_up_the_same(wall: Command, owner: Engine) -> None:
    with owner.connect() as connection:
        plain = connection.connection.dbapi_connection
        assert plain is not None
        for _ in range(2):
            plain.execute(run("plan", *WHAT, *ZONES).stdout)
            plain.commit()
    assert wall("check").exit_code == 0


@pytest.mark.backends("postgresql")
def test_apply_puts_it_up_once(wall: Command) -> None:
    first = wall("apply")
    assert first.exit_code == 0, first.stdout
    assert "statements run" in first.stdout
    assert "nothing to do" in wall("apply").stdout
    assert wall("check").exit_code == 0


@pytest.mark.backends("postgresql")
def test_check_lists_what_differs_and_apply_mends_it(wall: Command, owner: Engine) -> None:
    wall("apply")
    with owner.begin() as connection:
        connection.exec_driver_sql("GRANT SELECT ON customers TO shop_web")
        connection.exec_driver_sql('REVOKE "sap/belue-shop/account" FROM shop_web')
    ran = wall("check")
    assert ran.exit_code == 1
    assert "extra    shop_web: SELECT on public.customers" in ran.stdout
    assert "missing  shop_web: member of sap/belue-shop/account" in ran.stdout
    assert "2 differences; sa-privacy wall apply mends 2." in ran.stdout
    assert wall("apply").exit_code == 0
    assert wall("check").exit_code == 0


@pytest.mark.backends("postgresql")
def test_what_a_person_must_mend_keeps_the_exit_status_at_1(wall: Command, owner: Engine) -> None:
    wall("apply")
    with owner.begin() as connection:
        connection.exec_driver_sql("ALTER ROLE shop_web CREATEROLE")
    for command in ("check", "apply"):
        ran = wall(command)
        assert ran.exit_code == 1
        assert "allowed to make roles: no wall holds it  (by hand)" in ran.stdout


@pytest.mark.backends("postgresql")
def test_programs_get_json(wall: Command) -> None:
    found: dict[str, Any] = json.loads(wall("plan", "--json").stdout)
    assert found["policy"] == "belue-shop"
    assert found["logins"]["shop_web"] == [
        *("sap/belue-shop", "sap/belue-shop/account", "sap/belue-shop/sign_in"),
        *("sap/belue-shop/registration", "sap/belue-shop+ledger"),
    ]
    assert {entry["kind"] for entry in found["drift"]} == {"missing"}
    assert {entry["kind"] for entry in found["not_walled"]} == {"insert", "match", "read"}
    assert {tuple(entry["roles"]) for entry in found["row_policies"]} == {
        (),
        ("sap/belue-shop/account",),
        ("sap/belue-shop/campaigns",),
    }
    applied = json.loads(wall("apply", "--json").stdout)
    assert applied["sql"]
    assert applied["drift"] == []
    assert json.loads(wall("check", "--json").stdout)["sql"] == []


@pytest.mark.backends("postgresql")
def test_the_url_may_come_from_the_environment_with_any_driver(
    wall: Command, owner: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    wall("apply")
    url = owner.url.set(drivername="postgresql+asyncpg").render_as_string(hide_password=False)
    monkeypatch.setenv("SA_PRIVACY_URL", url)
    assert run("check", *WHAT, *ZONES).exit_code == 0


@pytest.mark.backends("postgresql")
def test_a_password_is_never_printed(owner: Engine) -> None:
    url = owner.url.set(password="s3cr3t", host="127.0.0.1", port=1, query={}).render_as_string(hide_password=False)
    assert "s3cr3t" in url
    ran = run("check", *WHAT, "--url", url)
    assert ran.exit_code == 2
    assert ran.stderr.startswith("error: the database says:")
    assert "s3cr3t" not in ran.output


@pytest.mark.backends("postgresql")
def test_who_may_not_make_roles_is_told_to_connect_as_the_owner(wall: Command, owner: Engine) -> None:
    wall("apply")
    url = owner.url.set(username="shop_web").render_as_string(hide_password=False)
    ran = run("apply", *WHAT, *ZONES, "--login", "another", "--url", url)
    assert ran.exit_code == 2
    assert "permission denied" in ran.stderr
    assert "hint: connect as the owner" in ran.stderr
