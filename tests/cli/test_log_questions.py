"""`sa-privacy log who|by|denied|breach|tail|review|status`, over a log that the gate wrote."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from sa_privacy import AccessLog, Keyring, Privacy, PurposeDenied
from sa_privacy.accesslog import members
from sa_privacy.cli.app import app
from sa_privacy.policy.writing import as_sections, as_toml
from tests.accesslog.events import ENVIRONMENT
from tests.gate import world
from tests.gate.world import Customer, Order
from tests.support.command import INTERRUPTIBLE, CliRunner, Result

RUN = CliRunner()
pytestmark = pytest.mark.backends("sqlite")
TITLES = """
[purposes.shipping]
title = {en = "Sending the goods", ja = "商品の発送"}
clause = "1-1"
"""


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with a keyring, a policy and a log: made once, and copied by nobody, as questions change nothing."""
    from sqlalchemy import create_engine

    place = tmp_path_factory.mktemp("questions")
    keys = Keyring.generate()
    keys.save(place / "keys.json")
    policy = as_toml(as_sections(world.POLICY)).replace("[purposes.shipping]\n", TITLES)
    (place / "privacy.toml").write_text(policy.replace('["en"]', '["en", "ja"]'))
    engine = create_engine(f"sqlite:///{place / 'shop.db'}")
    with AccessLog.open(place / "var" / "access-log") as log:
        privacy = Privacy(place / "privacy.toml", keys=keys, log=log, metadata=world.Base)
        privacy.install(engine)
        world.fill(privacy, engine)
        with (
            privacy.access("shipping", actor="staff:17", role="warehouse", reason="order 1001"),
            Session(engine) as session,
        ):
            session.get_one(Customer, 1)
            session.scalars(select(Customer).order_by(Customer.id)).all()
            with pytest.raises(PurposeDenied):
                session.execute(select(Customer.email)).all()
        with privacy.access("billing", actor="staff:18", role="clerk"), Session(engine) as session:
            session.scalars(select(Order).where(Order.customer_id == 1)).all()
        privacy.close()
    engine.dispose()
    return place


@pytest.fixture
def place(kept: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(kept)
    monkeypatch.setenv("COLUMNS", "100")
    return kept


def told(*arguments: str) -> str:
    ran = RUN.invoke(app, ["log", *arguments])
    assert ran.exit_code == 0, ran.output
    return ran.stdout


def asked(*arguments: str) -> Any:
    return json.loads(told(*arguments, "--json"))


def refused(*arguments: str) -> tuple[str, str]:
    ran: Result = RUN.invoke(app, ["log", *arguments])
    assert (ran.exit_code, ran.stdout) == (2, ""), ran.output
    error, _, hint = ran.stderr.partition("\nhint: ")
    return error, hint


VERDICT = ("--verdict", "justified", "--by", "dpo", "--note", "x")
ANN = ("1", "--kind", "customer", "--keys", "keys.json")


def test_who_answers_in_the_words_of_the_policy(place: Path) -> None:
    said = told("who", *ANN)
    assert "Sending the goods" in said
    assert "(clause 1-1)" in said
    assert "staff:17" in said
    assert "“order 1001”" in said
    assert max(map(len, said.splitlines())) <= 100
    assert re.search(r"\d uses of this person's data, all times; times are UTC\.", said)
    japanese = told("who", *ANN, "--lang", "ja")
    assert "商品の発送" in japanese
    assert "条項" in japanese
    assert "「order 1001」" in japanese


def test_who_takes_a_key_or_its_pseudonym_and_prints_no_key(place: Path) -> None:
    pseudonym = Keyring.load("keys.json").pseudonym_key().of("customer", 1)
    by_key, by_pseudonym = asked("who", *ANN), asked("who", pseudonym)
    assert by_key == by_pseudonym
    assert by_key["subject"] == pseudonym
    shipping = [use for use in by_key["uses"] if use["purposes"] == ["shipping"]]
    assert len(shipping) == 2
    assert shipping[0]["basis"] == [
        {"purpose": "shipping", "clause": "1-1", "title": {"en": "Sending the goods", "ja": "商品の発送"}}
    ]
    assert {use["state"] for use in by_key["uses"]} == {"done"}
    assert [use["actor"] for use in by_key["uses"]][-1] == "staff:18"
    assert by_key["reviews_waiting"] == []
    assert "names this person" in told("who", "7" * 26)
    assert "この期間" in told("who", "7" * 26, "--lang", "ja")


def test_times_narrow_every_answer(place: Path) -> None:
    assert asked("who", *ANN, "--since", "1h")["uses"] == asked("who", *ANN)["uses"]
    assert asked("who", *ANN, "--until", "1h")["uses"] == []
    today = datetime.now(UTC).date().isoformat()
    assert asked("who", *ANN, "--from", today, "--to", today)["uses"] == asked("who", *ANN)["uses"]
    assert asked("by", "staff:17", "--until", "2026-01-01T00:00+09:00")["groups"] == []
    assert asked("denied", "--until", "2w")["denied"] == 0
    assert asked("breach", "--since", "now")["people"] == 0


def test_by_tells_what_an_account_did(place: Path) -> None:
    found = asked("by", "staff:17")
    assert found["people"] == 3
    [customers] = [one for one in found["groups"] if one["table"] == "customers"]
    assert (customers["statements"], customers["rows"], customers["people"], customers["refused"]) == (2, 4, 3, 1)
    said = told("by", "staff:17")
    assert "as warehouse" in said
    assert "staff:17 touched data of 3 people, all times" in said
    assert "staff:99: nothing" in told("by", "staff:99")


def test_denied_tells_where_it_was(place: Path) -> None:
    found = asked("denied")
    assert (found["denied"], found["would_deny"]) == (1, 0)
    [one] = found["groups"]
    assert one["denials"] == {"read customers.email": 1}
    assert "test_log_questions.py:" in one["site"]
    said = told("denied")
    assert {"read", "customers:", "email"} <= set(said.split())
    assert "1 refused, all times" in said
    assert "Nothing was refused" in told("denied", "--actor", "staff:18")


def test_breach_fills_the_report_in_as_far_as_the_log_knows(place: Path) -> None:
    found = asked("breach", "--actor", "staff:17", "--noticed", "2026-11-26", "--malicious")
    assert (found["people"], found["statements"], found["rows"], found["refused"]) == (3, 2, 4, 1)
    report = found["report"]
    assert report["due"] == {
        "noticed": "2026-11-26",
        "preliminary": ["2026-11-28", "2026-11-30"],
        "final": "2027-01-24",
    }
    assert report["over_1000"] is False
    assert [item["name"] for item in report["items"]] == [
        "overview", "data", "people", "cause", "damage", "response", "publication", "prevention", "other",
    ]  # fmt: skip
    assert [item["name"] for item in report["items"] if item["missing"]] == [
        "overview", "cause", "damage", "response", "publication", "prevention",
    ]  # fmt: skip
    told_by_column = {one["column"]: one for one in found["columns"]}
    assert told_by_column["customers.name"]["people"] == 3
    assert "customers.email" not in told_by_column


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", ["# Report of a leak of personal data: draft", "People named by the log: 3.", "**To be filled in**"]),
        ("ja", ["# 個人データの漏えい等の報告（案）", "本人の数 3人", "**要記入**"]),
    ],
)
def test_breach_as_markdown(language: str, words: list[str], place: Path) -> None:
    said = told("breach", "--actor", "staff:17", "--markdown", "--lang", language)
    for one in words:
        assert one in said
    assert len(re.findall(r"^### \d\. ", said, flags=re.MULTILINE)) == 9
    assert told("breach", "--actor", "staff:17", "--lang", language)


def test_breach_writes_the_pseudonyms_into_a_file_of_their_own(place: Path) -> None:
    target = place / "people.txt"
    told("breach", "--people", str(target))
    of = Keyring.load("keys.json").pseudonym_key().of
    assert set(target.read_text().split()) == {of("customer", key) for key in (1, 2, 3)}
    assert target.stat().st_mode & 0o777 == 0o600
    assert refused("breach", "--people", str(target))[0].endswith("people.txt is there already.")
    target.unlink()


def test_status_for_people_programs_and_prometheus(place: Path) -> None:
    assert "in 1 segments" in told("status")
    found = asked("status")
    assert (found["segments"], found["writers"], found["unclosed"], found["reviews_waiting"]) == (1, 1, 0, [])
    metrics = told("status", "--prometheus")
    assert f"\nsa_privacy_log_bytes {found['bytes']}\n" in metrics
    for line in metrics.splitlines():
        assert re.fullmatch(r"# (HELP|TYPE) sa_privacy_log_\w+ .+|sa_privacy_log_\w+ [\d.]+", line), line


def test_tail_tells_the_last_events(place: Path) -> None:
    assert len(told("tail", "-n", "3").splitlines()) == 3
    [refusal] = told("tail", "--denied").splitlines()
    assert "DENIED: read customers.email" in refusal
    events = [json.loads(line) for line in told("tail", "-n", "2", "--json", "--actor", "staff:18").splitlines()]
    assert [event["kind"] for event in events] == ["intent", "outcome"]


@pytest.mark.parametrize(
    ("arguments", "message", "hint"),
    [
        (["who", "42"], "that is no pseudonym", "--kind customer --keys"),
        (["who", "42", "--kind", "customer"], "by its kind and the keyring", "give both"),
        (["who", "42", "--kind", "customer", "--keys", "none.json"], "none.json", ""),
        (["by", "x", "--since", "yesterday"], "--since is no time: 'yesterday'", "24h"),
        (["by", "x", "--since", "1h", "--until", "2h"], "--until is not after --since", "first"),
        (["denied", "--log", "nowhere"], "no access log in nowhere", "AccessLog.open"),
        (["status", "--log", "nowhere"], "no access log in nowhere", "AccessLog.open"),
        (["tail", "--log", "nowhere"], "no access log in nowhere", "directory"),
        (["status", "--log", "postgresql://log:secret@/x?host=/nowhere"], "cannot use", "reachable"),
        (["verify", "--log", "sqlite:///empty.db"], "no access log in", "ship"),
        (["review", "a:1", "--log", "sqlite://", *VERDICT], "share one connection", "file of its own"),
        (["checkpoint", "--key", "k", "--log", "postgresql://log:secret@/x"], "vouch for files", "directory"),
        (["keep", "--log", "postgresql://log:secret@/x"], "keeping is of files", "directory"),
        (["ship", "--to", "stdout", "--log", "postgresql://log:secret@/x"], "shipped are files", "directory"),
        (["keep", "--shipped-to", "elsewhere"], "is no database", "--shipped-to URL"),
        (["breach", "--noticed", "soon"], "--noticed is no time", "2026-11-26"),
        (["breach", "--policy", "none.toml"], "none.toml", "path"),
        (["review", "a:1", "--by", "x"], "--verdict, --note", "--verdict justified"),
        (["review", "--by", "x"], "which one", "review lists them"),
    ],
)
def test_a_mistake_is_told_with_its_way_out(arguments: list[str], message: str, hint: str, place: Path) -> None:
    said, way_out = refused(*arguments)
    assert message in said
    assert hint in way_out
    assert "secret" not in said + way_out


@pytest.mark.filterwarnings("default")
def test_a_line_that_is_no_event_is_a_warning_in_words(tmp_path: Path) -> None:
    with AccessLog.open(tmp_path / "log") as log:
        log.append("note", members(actor="x"))
    [segment] = (tmp_path / "log").glob("*.jsonl")
    with segment.open("ab") as file:
        file.write(b'{"subjects":["%b"]}\n' % (b"a" * 26))
    ran = RUN.invoke(app, ["log", "who", "a" * 26, "--log", str(tmp_path / "log")])
    assert ran.exit_code == 0
    assert re.fullmatch(rf"warning: {segment.name} byte \d+ begins no event; run verify\(\)\n", ran.stderr)


@pytest.fixture
def glass(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], str]]:
    """A log in which somebody broke the glass, and a writer that is at work."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("SA_PRIVACY_LOG", "log")
    with AccessLog.open("log") as log:
        until = datetime.now(UTC) + timedelta(minutes=15)
        said = {"actor": "staff:1", "roles": ["engineer"], "ticket": "T-7", "break_glass": True}
        seq = log.append("break_glass", members(reason="site down", until=until, **said))
        intent = log.append("intent", members(reads=["customers.name"], decision="allowed", **said))
        log.append("outcome", members(reads=["customers.name"], intent=intent, rows=2, subjects=["a" * 26], **said))
        log.append("intent", members(actor="staff:1", reads=["customers.email"], decision="allowed"))
        other = said | {"ticket": "T-8"}
        log.append("use", members(reads=["customers.phone"], subjects=["b" * 26], decision="allowed", **other))
        yield lambda: f"{log.writer}:{seq}"


def test_what_nobody_reviewed_stands_at_the_top_of_every_report(glass: Callable[[], str]) -> None:
    for command in (["who", "a" * 26], ["by", "staff:1"], ["denied"], ["breach"], ["status"], ["tail"]):
        first = told(*command).splitlines()[0]
        assert first.startswith("1 break-glass access waits for a review"), command
    for command in (["who", "a" * 26], ["by", "staff:1"], ["denied"], ["breach"], ["status"]):
        [waiting] = asked(*command)["reviews_waiting"]
        assert (waiting["id"], waiting["ticket"], waiting["reason"]) == (glass(), "T-7", "site down"), command
    assert f"wait for a review: 1 ({glass()})" in told("breach", "--markdown")
    assert "\nsa_privacy_log_reviews_waiting 1\n" in told("status", "--prometheus")
    assert "BREAK GLASS" in told("who", "a" * 26)
    assert "BREAK GLASS" in told("by", "staff:1")


def test_a_second_person_closes_it(glass: Callable[[], str]) -> None:
    said = told("review")
    for words in ("staff:1", "site down", "ticket T-7", "customers: name", "2 rows, 1 person"):
        assert words in " ".join(said.split()), said
    [entry] = asked("review")["reviews_waiting"]
    assert (entry["id"], entry["touched"]["people"], entry["touched"]["columns"]) == (glass(), 1, ["customers.name"])
    close = ["review", glass(), "--verdict", "justified", "--note", "as the ticket says", "--by"]
    assert "who broke the glass" in refused(*close, "staff:1")[0]
    assert "justified, reviewed by dpo" in told(*close, "dpo")
    assert "No break-glass access waits" in told("review")
    assert "wait" not in told("who", "a" * 26)
    assert asked("who", "a" * 26)["reviews_waiting"] == []
    assert "reviewed already" in refused(*close, "dpo")[0]


def test_tail_follows_until_it_is_interrupted(tmp_path: Path) -> None:
    with AccessLog.open(tmp_path / "log") as log:
        log.append("note", members(actor="before"))
        command = [
            sys.executable,
            "-c",
            INTERRUPTIBLE,
            "log",
            "tail",
            "-f",
            "--json",
            "-n",
            "1",
            "--log",
            str(tmp_path / "log"),
        ]
        with subprocess.Popen(
            command,
            env=dict(ENVIRONMENT) | {"PYTHONUNBUFFERED": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as tail:
            assert tail.stdout is not None
            assert tail.stderr is not None
            assert json.loads(tail.stdout.readline())["actor"] == "before"
            log.append("note", members(actor="after"))
            assert json.loads(tail.stdout.readline())["actor"] == "after"
            with AccessLog.open(tmp_path / "log") as another:
                another.append("note", members(actor="of another writer"))
                lines = [json.loads(tail.stdout.readline()) for _ in range(2)]
            assert [line["kind"] for line in lines] == ["opened", "note"]
            time.sleep(0.1)
            os.kill(tail.pid, signal.SIGINT)
            assert tail.wait(10) == 0
            assert tail.stderr.read() == ""
