"""``sa-privacy retention``: what is due is shown, and done."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from rich.cells import cell_len
from sqlalchemy import create_engine
from sqlalchemy.orm import Session

from sa_privacy.accesslog import read_events
from sa_privacy.cli.app import app
from sa_privacy.cli.retention import show
from sa_privacy.customers.retention.plan import Due, RetentionPlan, Waiting
from sa_privacy.policy.writing import as_sections, as_toml
from tests.customers.retention import world
from tests.customers.retention.test_kept import OPEN, TAX
from tests.support.command import CliRunner, Result

Ask = Callable[..., Result]
POLICY = world.policy(
    {
        "orders": {
            "table": "orders",
            "title": {"en": "Orders", "ja": "注文"},
            "clock": "at",
            "period": "P2Y",
            "action": "delete",
            "reasons": {"tax": TAX},
            "guards": {"open": OPEN},
        },
        "visits": {"table": "visits", "clock": "at", "period": "P6M", "action": "delete"},
    }
)


@pytest.fixture
def ask(tmp_path: Path) -> Ask:
    world.KEYS.save(tmp_path / "keys.json")
    (tmp_path / "privacy.toml").write_text(as_toml(as_sections(POLICY)))
    engine = create_engine(f"sqlite:///{tmp_path / 'shop.db'}")
    with world.made(engine, POLICY) as privacy, world.engineer(privacy), Session(engine) as session:
        world.Base.metadata.create_all(session.connection())
        privacy.metadata.create_all(session.connection())
        for row in world.rows():
            session.add(row)
            session.flush()
        session.commit()
    engine.dispose()

    def run(*words: str, url: str = f"sqlite:///{tmp_path / 'shop.db'}") -> Result:
        places = ["--policy", str(tmp_path / "privacy.toml"), "--keys", str(tmp_path / "keys.json"), "--url", url]
        places += [] if "--no-log" in words else ["--log", str(tmp_path / "log")]
        return CliRunner().invoke(
            app, ["retention", *words, "--models", "tests.customers.retention.world:Base", *places]
        )

    return run


def test_the_plan_is_a_table(ask: Ask) -> None:
    done = ask("plan", "--as-of", "2026-11-26")
    assert done.exit_code == 0, done.output
    assert "As of 2026-11-26 (UTC):" in done.stdout
    assert "2 kept: Tax (Books Act), until 2029-06-01 for the last" in done.stdout
    japanese = ask("plan", "--as-of", "2026-11-26", "--lang", "ja")
    assert "注文" in japanese.stdout
    assert "配達後" in japanese.stdout


def test_the_plan_as_json_of_one_schedule(ask: Ask) -> None:
    said = json.loads(ask("plan", "--as-of", "2026-11-26", "--schedule", "visits", "--json", "--no-log").stdout)
    assert [(one["schedule"], one["ends"]) for one in said["due"]] == [("visits", 3)]


def test_the_run_does_it_once_and_stands_in_the_log(ask: Ask, tmp_path: Path) -> None:
    done = ask(
        "run", "--as-of", "2026-11-26", "--as", "staff:9", "--reason", "the night", "--chunk", "2", "--workers", "2"
    )
    assert done.exit_code == 0, done.output
    assert "orders in orders: 4 rows" in done.stdout
    assert "\n  1 wait: " in done.stdout
    events = [event for event in read_events(tmp_path / "log") if str(event.statement).startswith("job:retention:")]
    intents = [event for event in events if event.kind == "intent"]
    outcomes = [event for event in events if event.kind == "outcome"]
    assert len(intents) == len(outcomes) > 2
    assert {event.actor for event in events} == {"staff:9"}
    assert sum(event.rows or 0 for event in outcomes) == 4 + 3
    assert "Nothing was due." in ask("run", "--as-of", "2026-11-26").stdout


def test_a_run_ahead_of_its_time_is_refused(ask: Ask) -> None:
    done = ask("run", "--as-of", "2999-01-01")
    assert done.exit_code == 2
    assert "ahead" in done.stderr
    assert "no day" in ask("plan", "--as-of", "soon").stderr


def test_a_system_may_and_a_schedule_that_is_not_there_is_named(ask: Ask) -> None:
    assert ask("run", "--system", "nightly", "--json").exit_code == 0
    done = ask("plan", "--schedule", "nothing")
    assert done.exit_code == 2
    assert "orders, visits" in done.stderr


def test_the_doctor_names_a_schedule_that_does_not_fit(ask: Ask, tmp_path: Path) -> None:
    policy = tmp_path / "privacy.toml"
    words = ["doctor", "--models", "tests.customers.retention.world:Base", "--policy", str(policy)]
    words += ["--url", f"sqlite:///{tmp_path / 'shop.db'}"]
    assert "[retention." not in CliRunner().invoke(app, words).stdout
    policy.write_text(policy.read_text().replace('clock = "at"', 'clock = "made_at"'))
    for more in ([], ["--json"]):
        done = CliRunner().invoke(app, [*words, *more])
        assert done.exit_code == 1, done.output
        assert "[retention.orders] clock:" in done.stdout
        assert "made_at" in done.stdout
    assert ask("plan").exit_code == 2


@pytest.mark.parametrize("columns", [80, 100])
def test_in_a_terminal_the_plan_is_as_wide_as_it(
    columns: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    now = datetime(2026, 11, 26, 3, 30, tzinfo=UTC)
    kept = Waiting("reason", "tax", 12, {"ja": "帳簿書類の保存のため"}, "法人税法第百二十六条、同施行規則", now)
    due = Due("o", {"ja": "ご注文の記録"}, "orders_of_customers", "delete", "at", "P2Y", now, now, 16, 4, 2, (kept,))
    show(RetentionPlan(now, (due,)), "ja")
    told = capsys.readouterr().out
    assert max(cell_len(line) for line in told.splitlines()) <= columns
    assert all(word in told for word in ("ご注文の記録", "orders_of_customers", "12"))
