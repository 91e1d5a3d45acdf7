"""The page about giving data away is run as it stands, on the shop of the examples."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine
from sqlalchemy.orm import Session

from examples.shop_app.models import Base, Customer, Order, OrderItem
from sa_privacy import Giver, Keyring, Privacy

REPOSITORY = Path(__file__).parents[2]
PAGE = (REPOSITORY / "docs" / "disclosure.md").read_text(encoding="utf-8")
BLOCKS: list[tuple[str, str]] = re.findall(r"```(\w*)\n(.*?)```", PAGE, flags=re.DOTALL)
PYTHON = [block for kind, block in BLOCKS if kind == "python"]
[PRINTED] = [block for kind, block in BLOCKS if not kind]


def test_the_page_can_be_followed(tmp_path: Path) -> None:
    privacy = Privacy(
        REPOSITORY / "examples" / "shop_app" / "privacy.toml", keys=Keyring.generate(), log=None, metadata=Base
    )
    engine = create_engine(f"sqlite:///{tmp_path / 'shop.db'}")
    privacy.install(engine)
    Base.metadata.create_all(engine)
    privacy.metadata.create_all(engine)
    with (
        privacy.access(maintenance=True, actor="tests", role="engineer", reason="rows"),
        Session(engine) as session,
    ):
        for number in (1, 2, 3):
            person = Customer(
                name=f"Customer {number}", address=f"{number} High Street", email=f"c{number}@example.org"
            )
            person.language, person.joined_on, person.phone = "en", date(2026, 1, 1), "072-1"
            order = Order(
                status="open", ordered_on=date(2026, 2, 3), amount=5, items=[OrderItem(product="Tea", quantity=1)]
            )
            person.orders = [order]
            session.add(person)
        session.commit()
        privacy.consents.give(session, 2, "advertising_partner", how="web", language="en")
        session.commit()
    sent: list[bytes] = []
    printed: list[str] = []
    names: dict[str, Any] = {
        "privacy": privacy,
        "engine": engine,
        "Session": Session,
        "Giver": Giver,
        "send": sent.append,
        "print": lambda said: printed.append(str(said)),
    }
    for block in PYTHON:
        exec(block, names)
    assert sent[0].decode().splitlines() == [
        "number,name,name_kana,address,phone",
        "1,Customer 1,,1 High Street,072-1",
        "2,Customer 2,,2 High Street,072-1",
    ]
    assert b"Tea" in sent[1]
    assert printed == [PRINTED.strip()]
    assert [one.recipient for one in names["of_one"]] == ["police_and_courts"]
    assert names["to_police"][0].clause == "4-1"
    assert len(names["as_table"].splitlines()) == 1 + 2 + 1 + 1
    assert names["past_their_time"] == ()
    assert [one.giver for one in names["received"]] == ["Sakai Trade Fair"]
    privacy.close()
    engine.dispose()


def test_its_lines_are_short_enough_to_read() -> None:
    assert not [line for line in PAGE.splitlines() if len(line) > 140 and not line.startswith("|")]
