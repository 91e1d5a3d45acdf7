"""``sa-privacy hold``: placed, listed without names, and released; doctor says where the triggers are missing."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import text

from sa_privacy.cli.app import app
from sa_privacy.columns.own_tables import guard_name
from sa_privacy.policy.writing import as_sections, as_toml
from tests.customers.holds import world
from tests.support.command import CliRunner, Result
from tests.support.databases import Database

Command = Callable[..., Result]


@pytest.fixture
def run(database: Database, tmp_path: Path) -> Command:
    """Runs a command on the shop's database."""
    world.filled(database)
    document, keys = tmp_path / "privacy.toml", tmp_path / "keys.json"
    document.write_text(as_toml(as_sections(world.POLICY)), encoding="utf-8")
    world.KEYS.save(keys)
    what = ["--models", "tests.customers.holds.world:Base", "--policy", str(document)]
    url = database.url.render_as_string(hide_password=False)

    def ran(*said: str) -> Result:
        own = ["--keys", str(keys), "--log", str(tmp_path / "log")] if said[0] == "hold" else []
        return CliRunner().invoke(app, [*said, *what, "--url", url, *own])

    return ran


CASE = ("--case", "2026-17", "--reason", "a claim", "--review-by", "2027-01-31")


@pytest.mark.parametrize(
    "what",
    [
        ("--subject", "1", "--kind", "customer"),
        ("--row", "items:11,1"),
        ("--table", "orders"),
        ("--query", "orders:orders.total > 75"),
    ],
    ids=["subject", "row", "table", "query"],
)
def test_a_hold_is_placed_listed_reviewed_and_released(run: Command, what: tuple[str, ...]) -> None:
    placed = run("hold", "place", *what, *CASE)
    assert placed.exit_code == 0, placed.output
    listed = run("hold", "list", "--json")
    assert listed.exit_code == 0, listed.output
    (hold,) = json.loads(listed.stdout)
    assert (hold["case"], hold["review_by"]) == ("2026-17", "2027-01-31")
    assert "person" not in hold
    assert "2026-17" in run("hold", "list").stdout
    reviewed = run("hold", "review", hold["id"], "--reason", "goes on", "--review-by", "2027-06-30")
    assert reviewed.exit_code == 0, reviewed.output
    released = run("hold", "release", hold["id"][:8], "--reason", "settled")
    assert released.exit_code == 0, released.output
    assert "Nothing is held" in run("hold", "list").stdout


def test_what_is_missing_is_said_by_doctor_and_made_by_guard(run: Command, database: Database) -> None:
    assert "no hold can be placed" not in run("doctor").output
    with database.engine().begin() as connection:
        if connection.dialect.name == "sqlite":
            name = "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'items'"
            for (trigger,) in connection.execute(text(name)).all():
                connection.execute(text(f"DROP TRIGGER {trigger}"))
        else:
            connection.execute(text(f"DROP TRIGGER zz_{guard_name('items')} ON items"))
    assert "no hold can be placed on rows of items" in run("doctor").output
    refused = run("hold", "place", "--subject", "1", *CASE)
    assert refused.exit_code == 2
    assert "sa-privacy hold guard" in refused.output
    assert "guarded: items." in run("hold", "guard").output
    assert "current" in run("hold", "guard").output


def test_the_triggers_that_keep_held_rows_are_no_findings(run: Command, database: Database) -> None:
    """They are the library's own. Somebody else's trigger on the same table is one."""
    assert " trigger: " not in run("doctor", "customers.city").output
    with database.engine().begin() as connection:
        if connection.dialect.name == "sqlite":
            connection.execute(text("CREATE TRIGGER thing AFTER UPDATE ON customers BEGIN SELECT 1; END"))
        else:
            connection.execute(text("CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'"))
            connection.execute(text("CREATE TRIGGER thing BEFORE UPDATE ON customers EXECUTE FUNCTION f()"))
    assert run("doctor", "customers.city").output.count(" trigger: ") == 1


def test_a_wrong_word_is_answered_with_the_options_of_the_command(run: Command) -> None:
    """Not with the names that Python has for them."""
    for what in ((), ("--subject", "1", "--table", "orders")):
        refused = run("hold", "place", *what, *CASE)
        assert refused.exit_code == 2
        assert "--subject, --row, --table and --query" in refused.output
    assert "articles is no table" in run("hold", "place", "--table", "articles", *CASE).output
    assert "sa-privacy hold list" in run("hold", "release", "0123456789", "--reason", "settled").output


def test_a_review_lies_ahead(run: Command) -> None:
    """A year that was mistyped would never be looked at, or at once."""
    over = run("hold", "place", "--subject", "1", *CASE[:-1], "2017-01-31")
    assert (over.exit_code, "2017-01-31 is over" in over.output) == (2, True)
    assert run("hold", "place", "--subject", "1", *CASE).exit_code == 0
    (hold,) = json.loads(run("hold", "list", "--json").stdout)
    again = run("hold", "review", hold["id"], "--reason", "goes on", "--review-by", "2017-01-31")
    assert again.exit_code == 2
