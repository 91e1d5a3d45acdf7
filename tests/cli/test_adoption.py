"""`sa-privacy report` and its `--draft`, over the log of an application that was observed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from sa_privacy import AccessLog, Keyring, Policy, Privacy
from sa_privacy.cli.app import app
from sa_privacy.policy.writing import as_sections, as_toml
from tests.gate import world
from tests.gate.world import Customer
from tests.support.command import CliRunner

RUN = CliRunner()
pytestmark = pytest.mark.backends("sqlite")


@pytest.fixture
def place(engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory with a policy and the log of what was observed."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    (tmp_path / "privacy.toml").write_text(as_toml(as_sections(world.POLICY)))
    with AccessLog.open(tmp_path / "log") as log:
        privacy = Privacy("privacy.toml", keys=Keyring.generate(), log=log, mode="observe", metadata=world.Base)
        privacy.install(engine)
        world.Base.metadata.create_all(engine)
        with Session(engine) as session, privacy.request(route="GET /towns"):
            session.execute(select(Customer.town)).all()
            with privacy.access("segmenting", role="warehouse"):
                session.execute(select(Customer.birthday)).all()
        privacy.close()
    return tmp_path


def test_the_report_is_a_table_for_people(place: Path) -> None:
    ran = RUN.invoke(app, ["report", "log"])
    assert ran.exit_code == 0, ran.stderr
    for words in (
        "GET /towns",
        "test_adoption.py:",
        "read customers.town",
        "no purpose",
        "shipping",
        "Would refuse",
        "Covered by",
    ):
        assert words in ran.stdout
    assert "2 places; at 2 of them something was, or would be, refused" in ran.stdout


@pytest.mark.parametrize("width", [40, 60, 80, 200])
def test_names_stay_whole_however_narrow_the_terminal_is(
    width: int, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One place stands under the other where a table has no room for them."""
    monkeypatch.setenv("COLUMNS", str(width))
    said = RUN.invoke(app, ["report", "log"]).stdout
    for name in ("GET /towns", "test_adoption.py:", "customers.town", "customers.birthday", "Covered by", "segmenting"):
        assert name in said
    assert ("Would refuse" in said) is (width == 200)
    table = said[: said.index("events, 2 places")]
    assert width < 60 or max(map(len, table.splitlines())) <= width


def test_and_json_for_programs(place: Path) -> None:
    ran = RUN.invoke(app, ["report", "log", "--json"])
    said = json.loads(ran.stdout)
    towns, birthdays = sorted(said["places"], key=lambda one: one["read"], reverse=True)
    assert (towns["route"], towns["events"], towns["would_refuse"]) == ("GET /towns", 1, 1)
    assert (towns["read"], towns["match"], towns["write"]) == (["customers.town"], [], [])
    assert towns["covered_by"][0] == ["shipping"]
    assert towns["so_far"] == [
        {"purposes": [], "roles": [], "system": None, "events": 1, "would_refuse": 1, "lacks": ["read customers.town"]}
    ]
    assert birthdays["so_far"][0]["purposes"] == ["segmenting"]


def test_the_draft_is_a_policy_that_loads(place: Path) -> None:
    before = sorted(path.name for path in place.rglob("*"))
    ran = RUN.invoke(app, ["report", "log", "--draft", "--policy", "privacy.toml"])
    assert ran.exit_code == 0, ran.stderr
    draft = Policy.loads(ran.stdout)
    assert draft.purposes == world.POLICY.purposes  # some purpose covers everything that was seen
    assert 'or widen "segmenting" by read customers.birthday' in ran.stdout
    assert "GET /towns" in ran.stdout
    assert "test_adoption.py:" in ran.stdout
    assert 'purpose="shipping"' in ran.stdout
    assert sorted(path.name for path in place.rglob("*")) == before
    assert Policy.load("privacy.toml").hash == world.POLICY.hash


def test_an_empty_log_is_no_mistake(place: Path) -> None:
    (place / "empty").mkdir(mode=0o700)
    ran = RUN.invoke(app, ["report", "empty"])
    assert (ran.exit_code, ran.stdout) == (0, "0 events, and nothing personal was touched in any.\n")
    assert Policy.loads(RUN.invoke(app, ["report", "empty", "--draft"]).stdout).hash == world.POLICY.hash


@pytest.mark.parametrize("option", ["--json", "--draft"])
@pytest.mark.parametrize(
    ("arguments", "message", "hint"),
    [
        (["nowhere"], "no access log in nowhere", "AccessLog.open"),
        (["log", "--policy", "none.toml"], "none.toml", "path"),
    ],
)
def test_a_mistake_is_told_with_its_way_out(
    option: str, arguments: list[str], message: str, hint: str, place: Path
) -> None:
    ran = RUN.invoke(app, ["report", *arguments, option])
    assert ran.exit_code == 2
    assert ran.stdout == ""
    error, _, way_out = ran.stderr.partition("\nhint: ")
    assert message in error
    assert hint in way_out
