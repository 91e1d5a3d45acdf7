"""docs/staff.md is followed by a new team: its policy is one, its Python runs, its commands answer."""

from __future__ import annotations

import re
import shlex
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from sa_privacy import AccessLog, DataSubject, Keyring, NotGranted, NotPledged, Privacy, pii_column
from sa_privacy.cli.app import app
from sa_privacy.cli.staff import app as staff_commands
from tests.staff.world import QUICK
from tests.support.command import CliRunner

GUIDE = (Path(__file__).parents[2] / "docs" / "staff.md").read_text(encoding="utf-8")
BLOCKS: list[tuple[str, str]] = re.findall(r"```(\w*)\n(.*?)```", GUIDE, flags=re.DOTALL)
[POLICY] = [block for kind, block in BLOCKS if kind == "toml"]
GRANT, SIGN, PORT, ACCOUNT, REVIEW = [block for kind, block in BLOCKS if kind == "python"]
COMMANDS = [shlex.split(line)[1:] for kind, block in BLOCKS if not kind for line in block.splitlines()]
REST = """
[policy]
id = "guide"
version = "1"
languages = ["en", "ja"]
[categories.email]
[purposes.inquiries]
use = ["email"]
"""


class Base(DeclarativeBase):
    """Registry of the guide's models."""


class Customer(Base):
    """A person."""

    __tablename__ = "guide_customers"
    __data_subject__ = DataSubject("customer", key="id")

    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str] = pii_column(category="email")


def test_the_guide_can_be_followed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("SA_PRIVACY_URL", f"sqlite:///{tmp_path / 'shop.db'}")
    (tmp_path / "privacy.toml").write_text(REST + POLICY, encoding="utf-8")
    (tmp_path / "var").mkdir()
    keys = Keyring.generate()
    keys.save("keys.json")
    engine = create_engine(f"sqlite:///{tmp_path / 'shop.db'}")
    names: dict[str, Any] = {"engine": engine, "Session": Session}
    names |= {"UTC": UTC, "datetime": datetime, "timedelta": timedelta}

    def opened(**said: Any) -> Privacy:
        log = AccessLog.open("var/access-log")
        made = Privacy("privacy.toml", keys=keys, log=log, metadata=Base, recheck=0, **said)
        made.install(engine)
        made.staff.hash_with(QUICK)
        return made

    def read(privacy: Privacy, actor: str) -> None:
        with privacy.access("inquiries", actor=actor, role="support"), Session(engine) as session:
            session.scalars(select(Customer.email)).all()

    privacy = names["privacy"] = opened()
    Base.metadata.create_all(engine)
    privacy.metadata.create_all(engine)
    first, *reports = COMMANDS
    ran = CliRunner().invoke(app, first)
    assert ran.exit_code == 0, ran.output
    with pytest.raises(NotGranted):
        read(privacy, "staff:17")
    exec(GRANT, names)
    with pytest.raises(NotPledged):
        read(privacy, "staff:17")
    exec(SIGN, names)
    read(privacy, "staff:17")
    exec(ACCOUNT, names)
    assert names["actor"] == "staff:2"
    exec(REVIEW, names)
    assert capsys.readouterr().out == ""
    for command in reports:
        ran = CliRunner().invoke(app, command)
        assert ran.exit_code == 0, ran.output
        assert "staff:17" in ran.stdout
    privacy.close()
    exec(PORT, names)
    privacy = opened(staff=names["Directory"]())
    read(privacy, "idp|9f3")
    with pytest.raises(NotGranted):
        read(privacy, "staff:17")
    privacy.close()
    engine.dispose()


def test_the_guide_names_every_command() -> None:
    known = {
        command.name or command.callback.__name__ for command in staff_commands.registered_commands if command.callback
    }
    assert {name for name in known if f"`{name}`" in GUIDE or f"staff {name}" in GUIDE} == known
