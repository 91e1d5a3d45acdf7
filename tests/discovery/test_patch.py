"""The patch of `sa-privacy scan --patch`: it applies, and the models then import, map, and pass mypy as before."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib import invalidate_caches
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import create_engine
from sqlalchemy.orm import configure_mappers

from sa_privacy import Keyring, Policy, Privacy
from sa_privacy.cli.app import app
from sa_privacy.cli.models import load_models
from sa_privacy.columns import annotation_of
from tests.support.command import CliRunner

STYLES = Path(__file__).with_name("styles")
BASES = {"typed": "Base", "fields": "Base", "classical": "Base", "fielded": "Base"}
POLICY = """[policy]
id = "x"
version = "1"
languages = ["en"]

[categories]
e_mail = {title = {en = "E-mail"}, dpv = "pd:EmailAddress"}
"""


class Application:
    """A directory with models, a policy, and somebody who scans and patches them in this process."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.package = f"app_{uuid4().hex}"
        (root / self.package).mkdir()
        (root / "privacy.toml").write_text(POLICY, encoding="utf-8")

    def has(self, style: str, change: Callable[[str], str] = str) -> Path:
        """Takes over a file of models."""
        path = self.root / self.package / f"{style}.py"
        path.write_bytes(change((STYLES / path.name).read_text(encoding="utf-8")).encode())
        return path

    def scan(self, style: str, *options: str) -> str:
        name = f"{self.package}.{style}:Base"
        ran = CliRunner().invoke(app, ["scan", name, "--policy", "privacy.toml", "--patch", f"{style}.diff", *options])
        assert ran.exit_code == 0, ran.stderr
        return ran.stdout

    def apply(self, style: str) -> None:
        subprocess.run(["git", "apply", "--whitespace=nowarn", f"{style}.diff"], cwd=self.root, check=True)
        self.forget()

    def forget(self) -> None:
        for name in [name for name in sys.modules if name.startswith(self.package)]:
            del sys.modules[name]
        invalidate_caches()

    def personal(self, style: str) -> list[str]:
        """What the models say, once they are protected and their tables made."""
        (metadata,) = load_models([f"{self.package}.{style}:{BASES[style]}"])
        configure_mappers()
        engine = create_engine("sqlite://")
        privacy = Privacy("privacy.toml", keys=Keyring.generate(), log=None, metadata=metadata)
        privacy.install(engine)
        metadata.create_all(engine)
        try:
            return sorted(
                f"{one.name}={one.category}{' sealed' * one.sealed}{' found' * one.searchable} of {whose.kind}"
                for table in privacy.catalogue
                for one in table.columns.values()
                if (whose := table.subject) is not None
            )
        finally:
            privacy.close()
            engine.dispose()

    def columns_said(self, style: str) -> dict[str, str]:
        """Where it is said what a column is, once the models are imported: in the model, or the policy."""
        (metadata,) = load_models([f"{self.package}.{style}:Base"])
        configure_mappers()
        in_policy = Policy.load("privacy.toml").columns
        every = [(f"{table.fullname}.{one.name}", one) for table in metadata.tables.values() for one in table.columns]
        said = {name: "model" for name, one in every if annotation_of(one) is not None}
        return dict(sorted((said | dict.fromkeys(in_policy, "policy")).items()))

    def patched(self, style: str, *options: str) -> list[str]:
        self.scan(style, *options)
        self.apply(style)
        return self.personal(style)


@pytest.fixture
def application(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Application]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    made = Application(tmp_path)
    yield made
    made.forget()


def test_typed_models(application: Application) -> None:
    application.has("typed")
    assert application.patched("typed") == [
        "guests.contact_email=e_mail sealed found of guest",
        "orders.shipping_address=address sealed of user",
        "users.city=address sealed found of user",
        "users.contact_email=e_mail sealed found of user",
        "users.dob=birthday sealed of user",
        "users.email=e_mail sealed found of user",
        "users.first_name=name sealed of user",
        "users.gender=gender of user",
        "users.home_phone=phone sealed of user",
        "users.ip=ip_address sealed of user",
        "users.last_name=name sealed of user",
        "users.name=name of user",
        "users.password_hash=credential sealed of user",
        "users.phone_no=phone sealed found of user",
        "users.username=account of user",
        "users.住所=address sealed of user",
    ]


def test_dataclasses(application: Application) -> None:
    application.has("fields")
    assert application.patched("fields") == [
        "guests.birthday=birthday sealed of guest",
        "guests.email=e_mail sealed found of guest",
        "guests.full_name=name sealed of guest",
        "guests.nickname=name sealed of guest",
        "guests.username=account of guest",
    ]


def test_columns_and_tables(application: Application) -> None:
    application.has("classical")
    assert application.patched("classical") == [
        "customer.about_me=profile of customer",
        "customer.dob=birthday sealed of customer",
        "customer.email=e_mail sealed found of customer",
        "customer.login=account of customer",
        "customer.name=name sealed of customer",
        "customer.tel_no=phone sealed of customer",
        "letter.delivery_address=address sealed of customer",
        "members.furigana=name sealed of member",
        "members.seinengappi=birthday sealed of member",
        "staff.family_name=name sealed of staff",
    ]


def test_what_a_model_cannot_say_goes_to_the_policy(application: Application) -> None:
    application.has("fielded")
    assert application.patched("fielded") == [
        "people.email=e_mail of people",
        "people.full_name=name of people",
        "people.phone=phone sealed of people",
    ]


def test_nothing_is_sealed_where_nothing_is_to_be(application: Application) -> None:
    application.has("typed")
    said = application.patched("typed", "--no-seal")
    assert len(said) == 16
    assert not [line for line in said if "sealed" in line]


@pytest.mark.parametrize("style", BASES)
def test_the_patched_text(application: Application, style: str) -> None:
    """Both folders are part of what mypy checks, strictly, in this project: what passed before passes after."""
    file = application.has(style)
    application.scan(style)
    application.apply(style)
    assert file.read_text(encoding="utf-8") == (STYLES / "patched" / file.name).read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "change",
    [lambda text: text.replace("\n", "\r\n"), lambda text: text.rstrip("\n"), lambda text: "\ufeff" + text],
    ids=["CR LF", "no last line end", "byte order mark"],
)
def test_the_ends_of_lines_stay_as_they_are(application: Application, change: Callable[[str], str]) -> None:
    file = application.has("classical", change)
    before = file.read_bytes()
    assert application.patched("classical")
    after = file.read_bytes()
    assert after.count(b"\r\n") == (after.count(b"\n") if b"\r\n" in before else 0)
    assert after.startswith(b"\xef\xbb\xbf") == before.startswith(b"\xef\xbb\xbf")
    assert after.endswith(b"\n") == before.endswith(b"\n")


def test_the_scan_changes_nothing_and_finds_nothing_more_once_it_is_patched(application: Application) -> None:
    file = application.has("classical")
    before = file.read_bytes()
    application.scan("classical")
    assert file.read_bytes() == before
    assert (application.root / "privacy.toml").read_text(encoding="utf-8") == POLICY
    application.apply("classical")
    again = application.scan("classical")
    assert "0 of 17 columns look personal; 10 are annotated already" in again
    assert "Whose" not in again
    assert (application.root / "classical.diff").read_text(encoding="utf-8") == ""


def test_what_the_database_has_on_a_column_keeps_it_unsealed(application: Application) -> None:
    application.has("classical")
    (metadata,) = load_models([f"{application.package}.classical:Base"])
    engine = create_engine("sqlite:///shop.db")
    metadata.create_all(engine)
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE VIEW labels AS SELECT delivery_address FROM letter")
    engine.dispose()
    said = application.scan("classical", "sqlite:///shop.db")
    assert "letter.delivery_address is not sealed: the database has a view on it" in said
    application.apply("classical")
    assert "letter.delivery_address=address of customer" in application.personal("classical")


ODD = """{cookie}from sqlalchemy import Column, Integer, String, Table
from sqlalchemy.orm import DeclarativeBase, Mapped, declared_attr, mapped_column


class DataSubject:
    "Ours, and not the library's."


class Base(DeclarativeBase):
    pass


class Phone(Base):
    # 電話
    @declared_attr.directive
    def __tablename__(cls):
        return "guests"

    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(  # (the mail
        String(320),
        unique=True  # no comma ) here
    )
    phone: Mapped[str] = mapped_column(
        String(20)  # c
        , index=True,
    )
    full_name: Mapped[str] = mapped_column(String(10), nullable=(
        True
        )
    )
    nickname: Mapped[str] = mapped_column(*(String(20),), **{{"index": True}})
    last_name: Mapped[str] = mapped_column(String(4)) if Base else mapped_column(String(5))


class Twice(Base):
    __tablename__ = "users"
    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(String(320))


class Twice(Base):
    __tablename__ = "people"
    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(String(100))


class Short(Base): __tablename__ = "members"; id: Mapped[int] = mapped_column(primary_key=True); dob = Column(String)


Table("staff", Base.metadata, Column("id", Integer, primary_key=True), Column("phone", String(5)), schema="a")
Table("staff", Base.metadata, Column("id", Integer, primary_key=True), Column("email", String(9)), schema="b")
"""


@pytest.mark.filterwarnings("ignore:This declarative base already contains")
@pytest.mark.parametrize("encoding", ["utf-8", "cp932"])
def test_oddly_written_models_are_edited_rightly_or_left_to_the_policy(application: Application, encoding: str) -> None:
    """What could be meant in two ways is not edited, and the class of that name never in place of another."""
    file = application.root / application.package / "odd.py"
    cookie = "" if encoding == "utf-8" else f"# -*- coding: {encoding} -*-\n"
    file.write_bytes(ODD.format(cookie=cookie).encode(encoding))
    said = application.scan("odd", "--no-seal")
    assert 'members: say whose the rows are: DataSubject("member", key="id")' in said
    application.apply("odd")
    assert application.columns_said("odd") == {
        "a.staff.phone": "policy",
        "b.staff.email": "policy",
        "guests.email": "model",
        "guests.full_name": "model",
        "guests.last_name": "policy",
        "guests.nickname": "policy",
        "guests.phone": "model",
        "members.dob": "model",
        "people.email": "policy",
        "users.email": "policy",
    }
    assert "import DataSubject as sa_privacy_DataSubject, pii_column\n" in file.read_text(encoding)
