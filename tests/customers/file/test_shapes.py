"""Files of people in models of other shapes: keys of other types, inheritance, rows that are keyed by their person."""

from __future__ import annotations

import json
import uuid
from contextlib import closing
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, ForeignKey, String
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from sa_privacy import AccessLog, DataSubject, Keyring, Policy, Privacy, pii_column
from tests.gate import owned

REQUESTS: dict[str, Any] = {"roles": ["officer"]}
POLICY = Policy(
    policy={"id": "shapes", "version": "1"},
    categories={"name": {}, "amount": {}, "items": {}},
    purposes={"account": {"use": ["name", "amount", "items"], "rows": "own"}},
    roles={"customer": {"purposes": ["account"]}, "officer": {}, "engineer": {"maintenance": True}},
    requests=REQUESTS,
)


class Base(DeclarativeBase):
    """Registry of these models."""


class Member(Base):
    """A person with a key that nobody guesses."""

    __tablename__ = "members"
    __data_subject__ = DataSubject("member", key="id")

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    name: Mapped[str] = pii_column(category="name")


class Friendship(Base):
    """Keyed by the person and a friend."""

    __tablename__ = "friendships"
    __data_subject__ = DataSubject("member", via="member_id")

    member_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("members.id"), primary_key=True)
    friend_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("members.id"), primary_key=True)
    note: Mapped[str] = pii_column(String(40), category="items", encrypt=False)


def content_of(privacy: Privacy, engine: Engine, subject: tuple[str, object]) -> Any:
    with Session(engine) as session:
        with privacy.access("account", role="customer", subject=subject):
            reference = privacy.requests.receive(session, "disclosure").reference
        with privacy.access(role="officer", actor="staff:1"):
            privacy.requests.begin(session, reference)
            file = privacy.requests.answer(session, reference).file
        session.commit()
    assert file is not None
    return file.content


def shown(content: Any) -> dict[str, list[dict[str, Any]]]:
    return {
        table["table"]: [{one["column"]: one["value"] for one in row["values"]} for row in table["rows"]]
        for table in content["data"]
    }


def test_inheritance_and_composite_keys(engine: Engine, tmp_path: Path) -> None:
    log = AccessLog.open(tmp_path / "log")
    with closing(Privacy(POLICY, keys=Keyring.generate(), log=log, metadata=owned.Base)) as privacy:
        privacy.install(engine)
        with privacy.access(maintenance=True, role="engineer", actor="tests", reason="tables"), engine.begin() as rows:
            privacy.metadata.create_all(rows)
        owned.fill(privacy, engine)
        ann, bo = (shown(content_of(privacy, engine, ("customer", key))) for key in (1, 2))
    assert [row["amount"] for row in ann["orders"]] == [10, 20, 30]
    assert [row["note"] for row in ann["gifts"]] == ["for Eve"]
    assert [row["product"] for row in ann["items"]] == ["soap", "rope", "lamp", "ring"]
    assert [row["why"] for row in ann["returns"]] == ["torn"]
    assert [row["text"] for row in ann["letters"]] == ["Dear shop", "Sirs"]
    assert [row["comment"] for row in ann["ratings"]] == ["good"]
    assert [row["name"] for row in bo["customers"]] == ["Bo"]  # whom Ann referred: the row is Bo's own, whole
    assert "Ann" not in json.dumps(bo)


def test_keys_that_are_uuids_and_keys_of_others_in_a_key(engine: Engine, tmp_path: Path) -> None:
    log = AccessLog.open(tmp_path / "log")
    ann, bo = uuid.uuid4(), uuid.uuid4()
    with closing(Privacy(POLICY, keys=Keyring.generate(), log=log, metadata=Base)) as privacy:
        privacy.install(engine)
        with privacy.access(maintenance=True, role="engineer", actor="t", reason="rows"), Session(engine) as session:
            Base.metadata.create_all(session.connection())
            privacy.metadata.create_all(session.connection())
            session.add_all([Member(id=ann, name="Ann"), Member(id=bo, name="Bo")])
            session.flush()
            session.add_all(
                [
                    Friendship(member_id=ann, friend_id=bo, note="from school"),
                    Friendship(member_id=ann, friend_id=ann, note="my own best"),
                ]
            )
            session.commit()
        content = content_of(privacy, engine, ("member", ann))
        others = content_of(privacy, engine, ("member", str(bo)))
    text = json.dumps(content)
    assert "my own best" in text
    assert "from school" not in text
    assert str(bo) not in text
    assert bo.hex not in text
    assert shown(others)["members"] == [{"name": "Bo"}]
    assert {one["table"]: one["mentioned_in"] for one in others["data"]} == {"members": 0, "friendships": 1}
    assert str(ann) not in json.dumps(others)
