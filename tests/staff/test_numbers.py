"""An account is nobody's but the person's it was made for: it gets a number that no entry of the ledgers names."""

from __future__ import annotations

import threading

import pytest
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from sa_privacy import NotGranted, StaffRefused
from sa_privacy.staff.tables import ACCOUNTS
from tests.staff.test_accounts import account
from tests.staff.world import Office


def test_the_first_account_is_not_the_first_officer(office: Office) -> None:
    """The officer was bootstrapped as staff:1, before there was any account."""
    actor = account(office, "Mallory")
    assert actor == "staff:2"
    with office.officer(actor), Session(office.engine) as session, pytest.raises(NotGranted):
        office.privacy.staff.grant(session, "staff:8", "support", reason="r")


def test_no_account_takes_over_what_was_said_of_its_name_before(office: Office) -> None:
    office.grant("staff:2", "support")
    office.grant("staff:3", "support")
    office.revoke("staff:3", "support")
    office.sign("staff:4")
    office.grant("staff:5", "officer")
    for actor in ("staff:05", "staff:6 ", "Staff:6", "staff:6b", "staff:999999999", "staff:" + "9" * 50):
        office.grant(actor, "support")  # no account's name, or far away
    assert [account(office, name) for name in ("Ann", "Bo", "Cy")] == ["staff:6", "staff:7", "staff:8"]
    office.grant("staff:9", "support")
    assert account(office, "Di") == "staff:10"


def test_who_granted_is_named_as_well(office: Office) -> None:
    office.grant("staff:3", "officer")
    with office.officer("staff:3"), Session(office.engine) as session:
        office.privacy.staff.grant(session, "ann", "support", reason="r")
        session.commit()
    assert [account(office, name) for name in ("Ann", "Bo")] == ["staff:2", "staff:4"]


def test_a_number_is_not_given_twice(office: Office) -> None:
    """Not of an account that was deleted by hand either."""
    assert [account(office, "Ann"), account(office, "Bo")] == ["staff:2", "staff:3"]
    office.privacy.uninstall(office.engine)
    with office.engine.begin() as connection:
        connection.execute(delete(ACCOUNTS).where(ACCOUNTS.c.id == 3))
    office.privacy.install(office.engine)
    assert account(office, "Cy") == "staff:4"


def test_the_name_is_taken_whatever_the_number(office: Office) -> None:
    account(office, "Ann")
    office.grant("staff:3", "support")
    with pytest.raises(StaffRefused, match="of that name already"):
        account(office, "ann")
    assert account(office, "Bo") == "staff:4"


def test_two_officers_at_once_make_two_accounts(office: Office) -> None:
    for number in range(2, 6):
        office.grant(f"staff:{number}", "support")
    made: list[str] = []
    start = threading.Barrier(4)

    def make(name: str) -> None:
        start.wait()
        made.append(account(office, name))

    threads = [threading.Thread(target=make, args=(f"Person {number}",)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(made) == ["staff:6", "staff:7", "staff:8", "staff:9"]
    with office.privacy.request(maintenance=True, role="setup", actor="t", reason="t"), office.engine.connect() as c:
        assert sorted(c.scalars(select(ACCOUNTS.c.id))) == [6, 7, 8, 9]
