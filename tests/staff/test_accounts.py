"""Accounts: a name and a password tell who acts; attempts are few, and nothing tells who has an account."""

from __future__ import annotations

import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from argon2 import PasswordHasher
from sqlalchemy import Engine, create_engine, select
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from sqlalchemy.orm import Session
from sqlalchemy.pool import StaticPool

from sa_privacy import KeyUnavailable, LoginRefused, NotGranted, Privacy, StaffRefused
from sa_privacy.staff.attempts import delay_after
from sa_privacy.staff.passwords import Passwords
from sa_privacy.staff.tables import ACCOUNTS, ATTEMPTS
from tests.staff import world
from tests.staff.world import Office

NAME, PASSWORD = "Hanako Yamada", "correct horse battery"


def account(office: Office, name: str = NAME, password: str | None = PASSWORD) -> str:
    """An account, made by the officer."""
    with office.officer(), Session(office.engine) as session:
        actor = office.privacy.staff.create(session, name, password=password)
        session.commit()
    return actor


def log_in(office: Office, name: str = NAME, password: str = PASSWORD) -> str:
    """At the login page nobody is known."""
    with office.privacy.request(), Session(office.engine) as session:
        return office.privacy.staff.log_in(session, name, password)


def stored(office: Office, column: Any) -> Any:
    """What stands in the one account, opened."""
    with office.privacy.request(maintenance=True, role="setup", actor="t", reason="t"), office.engine.connect() as c:
        return c.scalar(select(column))


def test_from_the_account_to_the_data(office: Office) -> None:
    actor = account(office)
    assert actor == "staff:2", "staff:1 is the officer"
    assert log_in(office) == log_in(office, "  ＨＡＮＡＫＯ yamada ") == actor
    office.grant(actor, "support")
    assert office.names(log_in(office)) == ["Ann", "Bo"]


@pytest.mark.parametrize(
    ("name", "password"),
    [(NAME, "wrong"), ("Nobody", PASSWORD), (NAME, ""), (NAME, "x" * 9000), ("", PASSWORD), ("x" * 9000, PASSWORD)],
)
def test_who_is_not_known_is_told_the_same(office: Office, name: str, password: str) -> None:
    account(office)
    with pytest.raises(LoginRefused) as caught:
        log_in(office, name, password)
    with pytest.raises(LoginRefused) as other:
        log_in(office, "Somebody else", "something else")
    assert str(caught.value) == str(other.value)


def test_a_name_that_nobody_has_costs_a_hash_too(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    account(office)
    verified: list[str] = []
    plain = PasswordHasher.verify

    def verify(self: PasswordHasher, stored: str, password: Any) -> Any:
        verified.append(stored.rpartition("$")[0].rpartition("$")[0])  # without salt and digest
        return plain(self, stored, password)

    monkeypatch.setattr(PasswordHasher, "verify", verify)
    for name in (NAME, "Nobody"):
        with pytest.raises(LoginRefused):
            log_in(office, name, "wrong")
    assert len(verified) == 2
    assert len(set(verified)) == 1, "with the same parameters"


@pytest.mark.parametrize("name", [NAME, "Nobody"])
def test_attempts_come_further_and_further_apart_for_every_name(
    office: Office, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    account(office)
    looked: list[bool] = []
    plain = Passwords.check

    def look(self: Passwords, stored: str | None, password: object) -> bool:
        looked.append(True)
        return plain(self, stored, password)

    monkeypatch.setattr(Passwords, "check", look)

    def attempt(password: str = "wrong") -> bool:
        """Whether the password was looked at."""
        looked.clear()
        with pytest.raises(LoginRefused):
            log_in(office, name, password)
        return bool(looked)

    assert [attempt() for _ in range(6)] == [True] * 5 + [False]
    for seconds in (1, 2, 4, 8):
        office.clock.advance(seconds=seconds, microseconds=-1)
        assert not attempt(PASSWORD), "too early, and right"
        office.clock.advance(microseconds=1)
        assert attempt()


def test_the_delay_grows_to_a_quarter_of_an_hour() -> None:
    delays = [delay_after(failures).total_seconds() for failures in range(1, 18)]
    assert delays == [0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900]


def test_the_stored_delay_is_the_one_that_is_said(office: Office) -> None:
    for failures in range(1, 20):
        with pytest.raises(LoginRefused):
            log_in(office, "Nobody", "wrong")
        wait: datetime = stored(office, ATTEMPTS.c.not_before)
        assert wait - office.clock.now == delay_after(failures)
        office.clock.now = wait


def test_a_success_forgets_failures_and_an_officer_does(office: Office) -> None:
    actor = account(office)
    for _ in range(4):
        with pytest.raises(LoginRefused):
            log_in(office, password="wrong")
    log_in(office)
    assert stored(office, ATTEMPTS.c.failures) == 0
    for _ in range(5):
        with pytest.raises(LoginRefused):
            log_in(office, password="wrong")
    with pytest.raises(LoginRefused):
        log_in(office)
    with office.officer(), Session(office.engine) as session:
        office.privacy.staff.unlock(session, actor)
        session.commit()
    assert log_in(office) == actor


def test_failures_of_long_ago_are_forgotten(office: Office) -> None:
    for _ in range(5):
        with pytest.raises(LoginRefused):
            log_in(office, "Nobody", "wrong")
    office.clock.advance(days=1)
    assert tidied(office) == 0
    office.clock.advance(seconds=1, microseconds=1)
    with pytest.raises(LoginRefused):
        log_in(office, "Nobody", "wrong")
    assert stored(office, ATTEMPTS.c.failures) == 1
    office.clock.advance(days=1, microseconds=1)
    assert tidied(office) == 1
    assert stored(office, ATTEMPTS.c.login) is None


def tidied(office: Office) -> int:
    """How many counts an officer removed."""
    with office.officer(), Session(office.engine) as session:
        removed = office.privacy.staff.tidy(session)
        session.commit()
    return removed


def test_a_failure_counts_whatever_becomes_of_the_callers_transaction(office: Office) -> None:
    account(office)
    with office.privacy.request(), Session(office.engine) as session:
        with pytest.raises(LoginRefused):
            office.privacy.staff.log_in(session, NAME, "wrong")
        session.rollback()
    assert stored(office, ATTEMPTS.c.failures) == 1


@pytest.mark.backends("sqlite")
def test_a_database_of_one_connection_says_so(office: Office) -> None:
    """Counting on it would commit what the caller has not."""
    engine = create_engine("sqlite://", poolclass=StaticPool)
    office.privacy.install(engine)
    there = Office(engine, office.privacy)
    there.fill()
    account(there)
    assert log_in(there) == "staff:2"
    with office.privacy.request(), Session(engine) as session:
        session.connection()
        with pytest.raises(StaffRefused, match="has but one connection"):
            office.privacy.staff.log_in(session, NAME, PASSWORD)
        assert office.privacy.staff.log_in(engine, NAME, PASSWORD) == "staff:2"
    office.privacy.uninstall(engine)
    engine.dispose()


def test_a_hash_with_other_parameters_is_made_anew(office: Office) -> None:
    account(office)
    before = stored(office, ACCOUNTS.c.password)
    assert log_in(office) == log_in(office)
    assert stored(office, ACCOUNTS.c.password) == before
    office.privacy.staff.hash_with(PasswordHasher(time_cost=2, memory_cost=16, parallelism=1))
    with pytest.raises(LoginRefused):
        log_in(office, password="wrong")
    assert stored(office, ACCOUNTS.c.password) == before
    log_in(office)
    after = stored(office, ACCOUNTS.c.password)
    assert "$m=8,t=1,p=1$" in before
    assert "$m=16,t=2,p=1$" in after
    assert log_in(office) == "staff:2"


def test_a_new_password_takes_the_old_one(office: Office) -> None:
    account(office)
    with office.privacy.request():
        change = office.privacy.staff.change_password
        with pytest.raises(LoginRefused):
            change(office.engine, NAME, "wrong", "another long password")
        with pytest.raises(StaffRefused, match="12 to 1,024 characters"):
            change(office.engine, NAME, PASSWORD, "short")
        assert change(office.engine, NAME, PASSWORD, "another long password") == "staff:2"
    with pytest.raises(LoginRefused):
        log_in(office)
    assert log_in(office, password="another long password") == "staff:2"


def test_a_lost_password_takes_a_secret_that_works_once_and_not_for_long(office: Office) -> None:
    actor, staff = account(office), office.privacy.staff
    new = "yet another password"

    def secret() -> str:
        with office.officer("staff:9"), Session(office.engine) as session:
            made = staff.recover(session, actor, valid_for=timedelta(minutes=10))
            session.commit()
        return made

    office.grant("staff:9", "officer")
    with office.officer("staff:1"), Session(office.engine) as session, pytest.raises(StaffRefused, match="their own"):
        staff.recover(session, "staff:1")
    for valid_for in (timedelta(0), timedelta(days=2), timedelta.max, 5):
        with office.officer("staff:9"), Session(office.engine) as session, pytest.raises(StaffRefused, match="a day"):
            staff.recover(session, actor, valid_for=valid_for)  # type: ignore[arg-type]
    old = secret()
    office.clock.advance(minutes=10)
    with office.privacy.request():
        for wrong in (old, "", "x" * 43, None):
            with pytest.raises(LoginRefused):
                staff.redeem(office.engine, NAME, wrong, new)  # type: ignore[arg-type]
        good = secret()
        assert log_in(office) == actor, "the old password is theirs until then"
        assert staff.redeem(office.engine, NAME, good, new) == actor
        with pytest.raises(LoginRefused):
            staff.redeem(office.engine, NAME, good, new)
    assert log_in(office, password=new) == actor
    with pytest.raises(LoginRefused):
        log_in(office)


def test_guessing_secrets_is_counted_too(office: Office) -> None:
    account(office, password=None)
    for _ in range(5):
        with office.privacy.request(), pytest.raises(LoginRefused):
            office.privacy.staff.redeem(office.engine, NAME, "guess", "a good password")
    assert stored(office, ATTEMPTS.c.failures) == 5
    with pytest.raises(LoginRefused):
        log_in(office, password="")


def test_a_closed_account_is_nobodys(office: Office) -> None:
    account(office, "Other")
    actor = account(office)
    office.grant(actor, "support")
    office.grant(actor, "auditor", starts=world.START + timedelta(days=9))
    assert office.names(actor) == ["Ann", "Bo"]
    with office.officer(), Session(office.engine) as session:
        office.privacy.staff.close(session, actor, reason="left")
        session.commit()
    with pytest.raises(LoginRefused):
        log_in(office)
    with pytest.raises(NotGranted):
        office.names(actor)
    with office.officer(), Session(office.engine) as session:
        assert [one.state for one in office.privacy.staff.report(session).holdings if one.actor == actor] == [
            "revoked"
        ] * 2
        with pytest.raises(StaffRefused, match="no such account"):
            office.privacy.staff.recover(session, actor)
        with pytest.raises(StaffRefused, match="of that name already"):
            office.privacy.staff.create(session, NAME)


def test_only_an_officer_looks_after_accounts(office: Office) -> None:
    account(office, "Other")
    actor = account(office)
    office.grant("staff:8", "support")
    staff = office.privacy.staff
    with office.as_("staff:8", "support"), Session(office.engine) as session:
        for attempt in (
            lambda: staff.create(session, "Mallory"),
            lambda: staff.recover(session, actor),
            lambda: staff.unlock(session, actor),
            lambda: staff.close(session, actor, reason="r"),
            lambda: staff.report(session),
            lambda: staff.tidy(session),
        ):
            with pytest.raises(StaffRefused, match="may not look after staff"):
                attempt()
    with office.officer("staff:8"), Session(office.engine) as session, pytest.raises(NotGranted):
        staff.recover(session, actor)


@pytest.mark.parametrize("actor", ["17", "staff:", "staff:-1", "staff:0x1", "staff:99999999999", "staff:٣", "staff:01"])
def test_what_names_no_account_is_refused(office: Office, actor: str) -> None:
    with office.officer(), Session(office.engine) as session, pytest.raises(StaffRefused):
        office.privacy.staff.unlock(session, actor)


def test_accounts_need_keys(engine: Engine) -> None:
    privacy = Privacy(world.policy(), log=None, metadata=[])
    with privacy.request(), pytest.raises(KeyUnavailable, match="accounts need keys"):
        privacy.staff.log_in(engine, NAME, PASSWORD)
    privacy.close()


@pytest.mark.parametrize("given", [None, 5, "sqlite://"])
def test_it_takes_a_database(office: Office, given: Any) -> None:
    with office.privacy.request(), pytest.raises(StaffRefused, match="is no database"):
        office.privacy.staff.log_in(given, NAME, PASSWORD)


@pytest.mark.parametrize("name", ["\u041danako", "Y\u0430mada"])
def test_no_account_has_a_name_that_reads_like_anothers(office: Office, name: str) -> None:
    with pytest.raises(StaffRefused, match="letters of several alphabets"):
        account(office, name)


async def test_under_asyncio(office: Office, async_engine: AsyncEngine) -> None:
    account(office)
    office.privacy.install(async_engine)
    async with AsyncSession(async_engine) as session:
        with office.privacy.request():
            assert await session.run_sync(lambda s: office.privacy.staff.log_in(s, NAME, PASSWORD)) == "staff:2"
            with pytest.raises(LoginRefused):
                await session.run_sync(lambda s: office.privacy.staff.log_in(s, NAME, "wrong"))


def test_argon2_is_imported_only_for_accounts_and_its_absence_is_said() -> None:
    code = """
import sys
sys.modules["argon2"] = None
import sa_privacy
from sa_privacy.staff.passwords import Passwords
try:
    Passwords().hash("a long password")
except sa_privacy.StaffRefused as error:
    print(error)
"""
    env = {"PYTHONPATH": ":".join(sys.path)}
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=env)
    assert 'pip install "sa-privacy[staff]"' in ran.stdout


def test_nothing_secret_is_said_anywhere(
    office: Office, tmp_path: Path, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    """Not by events, errors, reprs or logging, SQLAlchemy's own of statements and parameters among it."""
    with caplog.at_level("DEBUG"), caplog.at_level("DEBUG", logger="sqlalchemy.engine"):
        actor = account(office)
        log_in(office)
        said = []
        for wrong in ("wrong password", PASSWORD[:-1]):
            with pytest.raises(LoginRefused) as caught:
                log_in(office, password=wrong)
            said.append(repr(caught.value) + str(caught.value) + str(caught.value.__cause__))
        with office.officer("staff:9"), Session(office.engine) as session, pytest.raises(NotGranted):
            office.privacy.staff.recover(session, actor)
        office.grant("staff:9", "officer")
        with office.officer("staff:9"), Session(office.engine) as session:
            secret = office.privacy.staff.recover(session, actor)
            with pytest.raises(StaffRefused) as taken:
                office.privacy.staff.create(session, NAME)
            said.append(str(taken.value) + str(taken.value.__cause__))
            session.commit()
        with office.privacy.request():
            office.privacy.staff.redeem(office.engine, NAME, secret, "the next password")
    hashed = stored(office, ACCOUNTS.c.password)
    said += [repr(office.privacy.staff), repr(office.privacy.staff._accounts.passwords), caplog.text]
    said += [file.read_bytes().decode("utf-8", "replace") for file in (tmp_path / "log").iterdir()]
    said += list(capsys.readouterr())
    everything = "\n".join(said)
    assert "INSERT INTO sa_privacy_staff_accounts" in everything, "statements were shown"
    for word in (
        NAME,
        "Yamada",
        PASSWORD,
        PASSWORD[:-1],
        "wrong password",
        secret,
        "the next password",
        hashed,
        "argon2id",
    ):
        assert word not in everything
    raw = b"".join(file.read_bytes() for file in tmp_path.glob("*.db*"))
    for word in (NAME, PASSWORD, secret, hashed, "argon2id"):
        assert word.encode() not in raw
