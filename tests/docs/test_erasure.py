"""The page about erasure is run as it stands, on the shop of the examples; and what a person is shown there is what ends."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine
from sqlalchemy.orm import Session

from examples.shop_app.models import Base, Customer, Inquiry, Order, OrderItem, Questionnaire, UsageEvent
from sa_privacy import AccessLog, Keyring, Privacy
from sa_privacy.cli.app import app
from sa_privacy.crypto import SigningKey
from sa_privacy.customers.owned import Owned
from tests.support.command import CliRunner, Result

REPOSITORY = Path(__file__).parents[2]
POLICY = REPOSITORY / "examples" / "shop_app" / "privacy.toml"
PAGE = (REPOSITORY / "docs" / "erasure.md").read_text(encoding="utf-8")
BLOCKS: list[tuple[str, str]] = re.findall(r"```(\w*)\n(.*?)```", PAGE, flags=re.DOTALL)
PYTHON = [block for kind, block in BLOCKS if kind == "python"]
[PRINTED] = [block for kind, block in BLOCKS if not kind]
KEYS = Keyring.generate()

Command = Callable[..., Result]


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    made = create_engine(f"sqlite:///{tmp_path / 'shop.db'}")
    yield made
    made.dispose()


@pytest.fixture
def privacy(tmp_path: Path, engine: Engine) -> Iterator[Privacy]:
    made = Privacy(POLICY, keys=KEYS, log=AccessLog.open(tmp_path / "log"), metadata=Base)
    made.install(engine)
    Base.metadata.create_all(engine)
    made.metadata.create_all(engine)
    with (
        made.access(maintenance=True, actor="tests", role="engineer", reason="rows"),
        Session(engine) as session,
    ):
        session.add_all(customer(number) for number in (17, 18, 19))
        session.commit()
    yield made
    made.close()


def customer(number: int) -> Customer:
    """Somebody of whom there is something in every table."""
    return Customer(
        id=number,
        name=f"Name {number}",
        address=f"Address {number}",
        email=f"c{number}@example.org",
        birthday=date(1980, 1, number),
        language="en",
        joined_on=date(2026, 1, 1),
        orders=[
            Order(
                status="shipped",
                ordered_on=date(2026, 10, 1),
                amount=1000 + number,
                items=[OrderItem(product=f"Product {number}", quantity=7000 + number)],
            )
        ],
        usage=[UsageEvent(page=f"Page {number}-{at}", seen_on=date(2026, 10, number)) for at in (1, 2)],
        questionnaires=[Questionnaire(answered_on=date(2026, 10, 2), score=5, comment=f"Comment {number}")],
        inquiries=[
            Inquiry(
                topic="goods",
                received_on=date(2026, 10, 3),
                answered_on=date(2026, 10, 4),
                reply_to=f"reply{number}@example.org",
            )
        ],
    )


def shown(privacy: Privacy, engine: Engine, number: int) -> set[str]:
    """What belongs to a person."""
    with privacy.access(maintenance=True, actor="tests", role="engineer", reason="rows"), engine.connect() as plain:
        return {
            str(value)
            for owned in Owned(privacy._desk.live).tables("customer")
            for row in owned.rows(plain, [number], [column.column for column in owned.columns])
            for value in row.values.values()
            if value is not None
        }


def everything(privacy: Privacy, engine: Engine) -> set[str]:
    """Every value of every table of the shop, opened."""
    with privacy.access(maintenance=True, actor="tests", role="engineer", reason="rows"), engine.connect() as plain:
        return {
            str(value)
            for table in Base.metadata.sorted_tables
            for row in plain.execute(table.select())
            for value in tuple(row)
        }


def test_the_page_can_be_followed(privacy: Privacy, engine: Engine) -> None:
    with privacy.access(actor="staff:7", role="privacy_officer"), Session(engine) as session:
        reference = privacy.requests.receive(session, "erasure", claimed="Somebody").reference
        privacy.requests.identify(session, reference, ("customer", 18), method="identity_card", evidence="seen")
        privacy.requests.begin(session, reference)
        session.commit()
    printed: list[str] = []
    names: dict[str, Any] = {
        "privacy": privacy,
        "engine": engine,
        "Session": Session,
        "signing_key": SigningKey.generate(),
        "reference": reference,
        "print": printed.append,
    }
    mine, others = shown(privacy, engine, 17), shown(privacy, engine, 19)
    exec(PYTHON[0], names)
    assert PRINTED.strip() in printed[0]
    (kept,) = [one for one in names["plan"].kept if one.table == "orders"]
    assert kept.columns == ("amount",)
    left = everything(privacy, engine)
    assert mine & left == {"1017", "5"}, "the amount is kept; a score of 5 is others', too"
    assert others <= left
    exec(PYTHON[1], names)
    exec(PYTHON[2], names)
    with privacy.access(actor="staff:7", role="privacy_officer"), Session(engine) as session:
        assert privacy.requests.show(session, reference).state == "answered"
    assert not shown(privacy, engine, 18)


@pytest.fixture
def command(privacy: Privacy, tmp_path: Path) -> Command:
    KEYS.save(tmp_path / "keys.json")

    def run(*words: str, bare: bool = False) -> Result:
        places = ["--policy", str(POLICY), "--keys", str(tmp_path / "keys.json"), "--log", str(tmp_path / "cli-log")]
        places += ["--url", f"sqlite:///{tmp_path / 'shop.db'}", "--models", "examples.shop_app.models:Base"]
        return CliRunner().invoke(app, ["erase", *words, *([] if bare else places)])

    return run


def test_the_plan_is_handed_on_by_its_hash(privacy: Privacy, engine: Engine, command: Command, tmp_path: Path) -> None:
    planned = command("plan", "17", "--json")
    assert planned.exit_code == 0, planned.output
    said = json.loads(planned.stdout)
    told = command("plan", "17", "--lang", "ja").stdout
    assert "帳簿書類の保存" in told or "books" in told
    assert said["plan"] in told
    key = SigningKey.generate()
    key.save(tmp_path / "key.pem")
    (tmp_path / "key.pem.pub").write_bytes(key.public.pem())
    out = ["--sign", str(tmp_path / "key.pem"), "--out", str(tmp_path / "certificate.json")]
    unsaid = command("run", "17", "--plan", said["plan"], *out)
    assert (unsaid.exit_code, "--no-erasures" in unsaid.stderr) == (2, True)
    out += ["--erasures", str(tmp_path / "erasures")]
    AccessLog.open(tmp_path / "erasures").close()
    other = command("run", "18", "--plan", said["plan"], *out)
    assert other.exit_code == 2
    assert "nothing was erased" in other.stderr
    assert shown(privacy, engine, 17)
    done = command("run", "17", "--plan", said["plan"], *out)
    assert done.exit_code == 0, done.output
    assert not shown(privacy, engine, 17)
    with AccessLog.open(tmp_path / "erasures") as ledger:
        assert [event.state for event in ledger.events() if event.kind == "erasure"] == ["begun", "done"]
    check = ["verify", str(tmp_path / "certificate.json"), "--key", str(tmp_path / "key.pem.pub")]
    assert command(*check, bare=True).exit_code == 0
    text = (tmp_path / "certificate.json").read_text(encoding="utf-8")
    (tmp_path / "certificate.json").write_text(text.replace('"delete": 1', '"delete": 2', 1), encoding="utf-8")
    wrong = command(*check, bare=True)
    assert wrong.exit_code == 1
    assert "NOT" in wrong.stdout


def test_what_stands_against_it_is_told(privacy: Privacy, engine: Engine, command: Command) -> None:
    with (
        privacy.access(maintenance=True, actor="tests", role="engineer", reason="rows"),
        Session(engine) as session,
    ):
        session.add(Order(customer_id=17, status="open", ordered_on=date(2026, 11, 1), amount=3))
        session.commit()
    planned = command("plan", "17")
    assert planned.exit_code == 1
    assert "The order is not shipped yet" in planned.stdout
    assert "when the order is shipped" in planned.stdout


def test_its_lines_are_short_enough_to_read() -> None:
    assert not [line for line in PAGE.splitlines() if len(line) > 150 and not line.startswith("|")]
