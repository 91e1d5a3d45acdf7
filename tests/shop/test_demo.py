"""The demo runs from nothing to the end, and what it shows is what the published policy says."""

from __future__ import annotations

import io
import os
import re
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.cells import cell_len
from rich.console import Console
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from examples.shop_app.__main__ import main
from examples.shop_app.data import fill
from examples.shop_app.demo.asking import show_asking
from examples.shop_app.demo.campaign import show_campaign
from examples.shop_app.demo.giving import show_giving
from examples.shop_app.demo.pledge import answer_an_inquiry, sign
from examples.shop_app.demo.promise import matrix
from examples.shop_app.demo.record import change_one_byte, show_log
from examples.shop_app.demo.refusals import REFUSED
from examples.shop_app.demo.stage import ACTING, Stage, open_shop
from examples.shop_app.demo.storage import occurrences
from examples.shop_app.demo.walk import tour
from examples.shop_app.demo.wall import REFUSED as PAST_THE_GATE
from examples.shop_app.demo.wall_postgresql import ASKED, Unsuitable, ask_psql, look_at, wall_of_shop
from examples.shop_app.models import Customer
from sa_privacy import AccessLog, NotGranted, NotPledged, PrivacyError
from sa_privacy.cli.app import app
from tests.support.command import CliRunner
from tests.support.databases import Database
from tests.support.postgres import wheel_programs

REPOSITORY = Path(__file__).parents[2]
CUSTOMERS = 30
CATEGORIES = (
    "name", "address", "phone", "email", "birthday", "login_secret", "order_items", "amount", "usage_history", "opinions",
)  # fmt: skip
# Article 1 of the published policy, by hand; the last three are the shop's own, outside the clauses.
PUBLISHED = {
    "shipping": {"name", "address", "phone"},  # 1-1
    "order_confirmation": {"name", "address", "email", "order_items", "amount"},  # 1-2
    "campaigns": {"usage_history", "name", "address", "email"},  # 1-3
    "service_improvement": {"usage_history", "opinions"},  # 1-4
    "inquiries": {"name", "address", "email"},  # 1-5
    "account": {"name", "address", "phone", "email", "birthday", "login_secret", "order_items", "amount"},
    "sign_in": {"login_secret"},
    "registration": set[str](),
}
ERRORS = {
    "A column that the purpose does not cover": "PurposeDenied",
    "Choosing people by such a column": "PurposeDenied",
    "SQL written by hand": "PurposeDenied",
    "No purpose at all": "NoAccess",
    "A purpose that is not the role's": "RoleDenied",
    "Other people's rows": "RowsDenied",
    "Sorting by sealed values": "SealedColumn",
    "A function that nobody knows": "UnreadableStatement",
}
#: What the chapters on staff, consent, giving away and requests are refused with.
OTHERS = {
    "NotGranted",
    "NotPledged",
    "DisclosureRefused",
    "RequestRefused",
    "UnderHold",
    "ErasureRefused",
    "UnknownPerson",
}


@pytest.fixture(scope="module")
def furnished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A shop with its customers. Making one takes a second, so each test has a copy."""
    directory = tmp_path_factory.mktemp("furnished")
    privacy, _, engine = open_shop(directory)
    fill(privacy, engine, CUSTOMERS)
    privacy.close()
    engine.dispose()
    return directory


@pytest.fixture
def stage(furnished: Path, tmp_path: Path) -> Iterator[Stage]:
    shutil.copytree(furnished, tmp_path, dirs_exist_ok=True)
    privacy, log, engine = open_shop(tmp_path)
    try:
        yield Stage(tmp_path, privacy, log, engine, Console(file=io.StringIO(), width=100), "en", someone=2)
    finally:
        privacy.close()
        engine.dispose()


@pytest.fixture(scope="module", params=["en", "ja"])
def shown(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    """What the demo prints, in each language."""
    printed = io.StringIO()
    console = Console(file=printed, width=100, highlight=False, markup=False)
    tour(tmp_path_factory.mktemp("shop"), console, customers=CUSTOMERS, language=request.param)
    return printed.getvalue()


def test_the_matrix_is_the_published_policy(stage: Stage) -> None:
    """Each purpose reads its own categories and no other, by what really happened."""
    happened = matrix(stage.privacy, stage.engine)
    assert {purpose: {c for c in CATEGORIES if happened[purpose, c].read} for purpose in ACTING} == PUBLISHED
    for (purpose, category), attempt in happened.items():
        assert bool(attempt.refused) is (category not in PUBLISHED[purpose])  # no category is half open
        assert set(attempt.refused) <= {"PurposeDenied"}


def test_the_matrix_counts_what_was_handed_over(stage: Stage) -> None:
    """Everybody's for the shop's purposes, one person's for their own."""
    happened = matrix(stage.privacy, stage.engine)
    assert happened["shipping", "address"].values == CUSTOMERS
    assert happened["account", "address"].values == 1
    assert happened["shipping", "opinions"].values == 0


@pytest.mark.parametrize("title", REFUSED)
def test_each_refusal_is_the_one_it_says(stage: Stage, title: str) -> None:
    """And names a way out."""
    with Session(stage.engine) as session, pytest.raises(PrivacyError) as caught:
        REFUSED[title](stage.privacy, session)
    assert type(caught.value).__name__ == ERRORS[title]
    assert caught.value.hint


@pytest.mark.parametrize("title", PAST_THE_GATE)
def test_a_raw_cursor_is_refused_by_the_database_and_only_at_the_end(title: str, stage: Stage) -> None:
    """What stands before it in the example runs."""
    with pytest.raises(sqlite3.DatabaseError, match=r"access to (customers\.email|usage_events\.page) is prohibited"):
        PAST_THE_GATE[title](stage.privacy, stage.engine)


@pytest.fixture
def _psql(monkeypatch: pytest.MonkeyPatch) -> None:
    """The machine's psql, or the wheel's where it has none."""
    if shutil.which("psql") is None:
        monkeypatch.setenv("PATH", str(wheel_programs().bin), prepend=os.pathsep)


@pytest.mark.usefixtures("_psql")
@pytest.mark.backends("postgresql")
def test_psql_is_refused_by_the_server_and_everything_is_taken_down_again(database: Database, stage: Stage) -> None:
    look_at(database.url)
    with wall_of_shop(stage, database.url) as (_, login):
        with pytest.raises(Unsuitable, match="already"):
            look_at(database.url)
        for sql, answered in ASKED.values():
            status, printed = ask_psql(login, sql)
            assert (status == 0) is answered, printed
            assert answered or "ERROR:  permission denied" in printed
            assert "@example" not in printed
    look_at(database.url)  # nothing is left


@pytest.mark.usefixtures("_psql")
@pytest.mark.backends("postgresql")
def test_the_demo_shows_what_psql_said(database: Database, capsys: pytest.CaptureFixture[str]) -> None:
    """And where nothing is to be kept, that it is not."""
    main(["demo", "--customers", "2", "--postgresql", database.url.render_as_string(hide_password=False)])
    said = capsys.readouterr().out
    assert "temporary folder" in said
    assert said.count("ERROR:  permission denied") == len([a for _, a in ASKED.values() if not a])


def test_a_database_that_is_not_postgresql_is_not_touched(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["demo", "--postgresql", f"sqlite:///{tmp_path / 'other.db'}"])
    assert ended.value.code == 2
    assert "name a PostgreSQL database" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_names_are_nowhere_in_the_database_file(stage: Stage) -> None:
    """While an unsealed value is found there, so the search does search."""
    access = stage.privacy.access("order_confirmation", actor="staff:21", role="order_desk")
    with access, Session(stage.engine) as session:
        for number in range(1, CUSTOMERS + 1):
            customer = session.get_one(Customer, number)
            assert occurrences(stage, customer.name) == 0
            assert occurrences(stage, customer.email) == 0
    assert occurrences(stage, "checkout") > 0


def test_a_changed_byte_is_found_where_it_is(stage: Stage, tmp_path: Path) -> None:
    matrix(stage.privacy, stage.engine)
    copy = tmp_path / "copy"
    shutil.copytree(stage.log.path, copy)
    assert AccessLog.open(copy).verify().ok
    segment, line = change_one_byte(copy)
    (problem,) = AccessLog.open(copy).verify().problems
    assert (problem.segment, problem.line) == (segment.name, line)
    assert stage.log.verify().ok


def test_the_demo_shows_every_chapter(shown: str) -> None:
    chapters = re.findall(r"^ (\d+)\. ", shown, re.MULTILINE) or re.findall(r"^\W*(\d+)\. \w", shown, re.MULTILINE)
    assert chapters == [str(number) for number in range(1, 21)]
    for error in {*ERRORS.values(), *OTHERS}:
        assert f"{error} [SP-" in shown
    assert shown.count("hint:") >= len(REFUSED)
    assert "the chain holds" in shown
    assert "the chain is broken" in shown


def test_the_event_shown_is_the_very_line_of_the_file(stage: Stage) -> None:
    matrix(stage.privacy, stage.engine)
    show_log(stage)
    printed = stage.console.file.getvalue()  # type: ignore[attr-defined]
    shown = re.search(r"^    \{.*?\"\}$", printed, flags=re.MULTILINE | re.DOTALL)
    assert shown is not None
    line = "".join(part.removeprefix("    ") for part in shown[0].split("\n"))
    assert line in [line for segment in stage.log.path.glob("*.jsonl") for line in segment.read_text().splitlines()]


def test_signing_in_finds_and_does_not_read(stage: Stage, shown: str) -> None:
    with stage.privacy.access("sign_in", role="visitor"), Session(stage.engine) as session:
        assert not session.scalars(select(Customer.id).where(Customer.email == "someone@example.org")).all()
    assert "USING INDEX ix_customers_email_lookup" in shown
    assert "IntegrityError" in shown


def test_the_demo_stays_within_100_columns(shown: str) -> None:
    """Full-width letters count for two."""
    assert max(cell_len(line) for line in shown.splitlines()) <= 100


def test_the_command_runs_and_leaves_what_it_is_asked_to_and_says_how_to_ask_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a newcomer calls it: exit status 0, nothing on stderr, and then the commands that it names at its end."""
    kept = tmp_path / "kept"
    command = [sys.executable, "-m", "examples.shop_app", "demo", "--customers", "5", "--keep", str(kept)]
    ran = subprocess.run(
        command,
        cwd=REPOSITORY,
        env={"PYTHONPATH": f"{REPOSITORY / 'src'}:{REPOSITORY}", "PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    assert ran.stderr == ""
    assert {path.name for path in kept.iterdir()} >= {"shop.db", "keys.json", "access-log"}
    assert "What next" in ran.stdout
    assert "temporary folder" not in ran.stdout
    *_, questions = ran.stdout.partition("Ask the log")
    commands = [line.split()[1:] for line in questions.splitlines() if line.startswith("  sa-privacy ")]
    assert len(commands) == 8
    assert f"export SA_PRIVACY_URL=sqlite:///{kept / 'shop.db'}" in questions
    monkeypatch.chdir(REPOSITORY)
    monkeypatch.setenv("SA_PRIVACY_URL", f"sqlite:///{kept / 'shop.db'}")
    monkeypatch.setenv("SA_PRIVACY_LOG", str(kept / "access-log"))
    for said in commands:
        answered = CliRunner().invoke(app, said)
        assert answered.exit_code == 0, said
        assert len(answered.stdout.splitlines()) > 4, said  # a table, not "nothing"


def test_the_command_does_not_write_over_a_shop_that_is_kept(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "shop.db").touch()
    with pytest.raises(SystemExit) as ended:
        main(["demo", "--keep", str(tmp_path)])
    assert ended.value.code == 2
    assert "is there already" in capsys.readouterr().err


def test_the_engine_of_the_demo_is_sqlite_in_a_file(stage: Stage) -> None:
    """What the chapter on the file looks at is the database that the others used."""
    engine: Engine = stage.engine
    assert engine.url.database == str(stage.database)
    assert stage.database.stat().st_size > 0


def test_a_campaign_reaches_who_said_yes(stage: Stage) -> None:
    """Every third of those who were asked said no."""

    def reached() -> set[int]:
        with stage.privacy.access("campaigns", actor="staff:34", role="marketing"), Session(stage.engine) as session:
            return {customer.id for customer in session.scalars(select(Customer)) if customer.email}

    agreed = {number for number in range(1, CUSTOMERS + 1) if number % 3}
    assert reached() == agreed
    show_campaign(stage)
    assert reached() == agreed - {2}


def test_what_left_is_on_record_and_nothing_else(stage: Stage) -> None:
    show_giving(stage)
    with stage.privacy.access(actor="staff:2", role="privacy_officer"), Session(stage.engine) as session:
        records = stage.privacy.provisions.list(session)
    assert [(one.recipient, one.people, one.clause) for one in records] == [
        ("delivery_company", 2, None),
        ("advertising_partner", 1, None),
        ("police_and_courts", 1, "4-1"),
    ]


def test_the_file_of_a_customer_holds_their_own_data_and_nobody_elses(stage: Stage) -> None:
    show_asking(stage)
    page = (stage.directory / "file-of-customer-2.html").read_text(encoding="utf-8")
    access = stage.privacy.access("order_confirmation", actor="staff:21", role="order_desk")
    with access, Session(stage.engine) as session:
        told = {customer.id for customer in session.scalars(select(Customer)) if customer.email in page}
    assert told == {2}


def test_who_was_not_granted_or_has_not_signed_is_refused(stage: Stage) -> None:
    for actor, error in (("staff:60", NotGranted), ("staff:59", NotPledged)):
        with Session(stage.engine) as session, pytest.raises(error):
            answer_an_inquiry(stage.privacy, session, actor)
    with Session(stage.engine) as session:
        sign(stage.privacy, session)
        assert "@example" in answer_an_inquiry(stage.privacy, session, "staff:59")
