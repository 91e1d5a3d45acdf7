"""Who was granted a role acts in it, and for as long; nobody grants to themselves."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from sqlalchemy import delete, insert, select, text, update
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.orm import Session

from sa_privacy import NoAccess, NotGranted, PolicyError, PurposeDenied, SealedColumn, StaffRefused
from sa_privacy.staff.tables import ACCOUNTS, ATTEMPTS, GRANTS, SIGNATURES
from tests.staff.world import START, Customer, Office, policy

BOTH = ["Ann", "Bo"]


def test_a_role_that_is_granted_takes_a_grant(office: Office) -> None:
    with pytest.raises(NotGranted, match='role "support" is granted by name') as caught:
        office.names("staff:2")
    assert "officer" in (caught.value.hint or "")
    assert "staff:2" not in str(caught.value)
    office.grant("staff:2", "support")
    assert office.names("staff:2") == BOTH
    with pytest.raises(NotGranted):
        office.names("staff:3")


def test_a_role_that_is_granted_takes_an_actor(office: Office) -> None:
    with pytest.raises(NotGranted, match="no actor is declared"):
        office.names(None)


def test_a_grant_ends_with_its_time_on_the_very_next_statement(office: Office) -> None:
    office.grant("staff:2", "support", until=START + timedelta(hours=1))
    office.settle()
    with office.as_("staff:2", "support"), Session(office.engine) as session:
        assert session.query(Customer.name).count() == 2
        office.clock.advance(minutes=59, seconds=59, microseconds=999_999)
        assert session.query(Customer.name).count() == 2
        office.clock.advance(microseconds=1)
        with pytest.raises(NotGranted):
            session.query(Customer.name).count()


def test_a_revocation_counts_for_the_very_next_statement(office: Office) -> None:
    office.grant("staff:2", "support")
    with office.as_("staff:2", "support"), Session(office.engine) as session:
        assert session.query(Customer.name).count() == 2
        session.rollback()
        office.revoke("staff:2", "support")
        with pytest.raises(NotGranted):
            session.query(Customer.name).count()
    office.grant("staff:2", "support")
    assert office.names("staff:2") == BOTH


def test_a_grant_to_come_counts_when_it_has_come(office: Office) -> None:
    office.grant("staff:2", "support", starts=START + timedelta(days=1))
    with pytest.raises(NotGranted):
        office.names("staff:2")
    office.clock.advance(days=1)
    assert office.names("staff:2") == BOTH


def test_a_grant_that_was_rolled_back_never_counted(office: Office) -> None:
    with office.officer(), Session(office.engine) as session:
        office.privacy.staff.grant(session, "staff:2", "support", reason="not to be")
        with office.as_("staff:2", "support"):  # in the same transaction it is there
            assert session.query(Customer.name).count() == 2
        session.rollback()
    with pytest.raises(NotGranted):
        office.names("staff:2")


def test_a_revocation_that_is_not_committed_is_seen_by_its_own_transaction_alone(office: Office) -> None:
    office.grant("staff:2", "support")
    assert office.names("staff:2") == BOTH
    with office.officer(), Session(office.engine) as session:
        office.privacy.staff.revoke(session, "staff:2", "support", reason="perhaps")
        with office.as_("staff:2", "support"), pytest.raises(NotGranted):
            session.query(Customer.name).count()
        session.rollback()
    assert office.names("staff:2") == BOTH


@pytest.mark.parametrize("name", ["staff:1", "STAFF:1", "staff :1", "ｓｔａｆｆ：１", "staff:\u200b1"])
def test_nobody_grants_to_themselves(office: Office, name: str) -> None:
    with office.officer(), Session(office.engine) as session, pytest.raises(StaffRefused, match="to themselves"):
        office.privacy.staff.grant(session, name, "support", reason="for me")


def test_a_name_in_other_letters_is_another_actor_to_the_gate(office: Office) -> None:
    office.grant("staff:anna", "support")
    assert office.names("staff:anna") == BOTH
    with pytest.raises(NotGranted):
        office.names("staff:Anna")


def test_who_grants_acts_in_a_role_that_does(office: Office) -> None:
    office.grant("staff:2", "support")
    with office.as_("staff:2", "support"), Session(office.engine) as session:
        with pytest.raises(StaffRefused, match="may not grant or revoke"):
            office.privacy.staff.grant(session, "staff:3", "support", reason="a friend")
        with pytest.raises(StaffRefused, match="may not grant or revoke"):
            office.privacy.staff.revoke(session, "staff:1", "officer", reason="a foe")
    with office.officer("staff:2"), Session(office.engine) as session, pytest.raises(NotGranted):
        office.privacy.staff.grant(session, "staff:3", "support", reason="a friend")
    with office.privacy.access(role="officer"), Session(office.engine) as session, pytest.raises(NoAccess):
        office.privacy.staff.grant(session, "staff:3", "support", reason="a friend")
    with pytest.raises(NotGranted):
        office.names("staff:3")


def test_anybody_gives_up_their_own_role(office: Office) -> None:
    office.grant("staff:2", "support")
    with office.as_("staff:2", "support"), Session(office.engine) as session:
        office.privacy.staff.revoke(session, "staff:2", "support", reason="enough")
        session.commit()
    with pytest.raises(NotGranted):
        office.names("staff:2")


def test_the_first_grant_is_the_first(office: Office) -> None:
    with office.privacy.access(actor="operator"), Session(office.engine) as session:
        with pytest.raises(StaffRefused, match="there are grants already"):
            office.privacy.staff.bootstrap(session, "staff:9", "officer", reason="again")
        with pytest.raises(StaffRefused, match="has to be one that grants"):
            office.privacy.staff.bootstrap(session, "staff:9", "support", reason="again")


def test_of_two_first_grants_at_once_one_is(office: Office) -> None:
    """The unique column decides, where neither has seen the other."""
    entry: dict[str, object] = {"actor": "staff:9", "role": "officer", "revokes": False, "at": START, "reason": "r"}
    entry |= {"grantor": "x", "grantor_roles": "", "policy": "p"}
    with office.privacy.access(actor="t"), office.engine.connect() as c, office.privacy._desk.open(c, asked=False):
        c.execute(GRANTS.insert().values(**entry))
        with pytest.raises(IntegrityError):
            c.execute(GRANTS.insert().values(**entry, first=True))


@pytest.mark.parametrize(
    ("said", "match"),
    [
        ({"role": "nobody"}, "knows no role"),
        ({"role": "clerk"}, "not granted by name"),
        ({"actor": " \u200b"}, "an actor is named by"),
        ({"actor": "x" * 201}, "an actor is named by"),
        ({"actor": "a\0b"}, "an actor is named by"),
        ({"actor": "\u0455taff:1"}, "letters of several alphabets"),
        ({"actor": "s\u200btaff:\u0430nn"}, "letters of several alphabets"),
        ({"role": None}, "a role is named by text"),
        ({"role": ["support"]}, "a role is named by text"),
        ({"until": datetime.max.replace(tzinfo=timezone(timedelta(hours=-12)))}, "no such time"),
        ({"reason": " "}, "a reason is needed"),
        ({"until": START}, "over before it begins"),
        ({"until": START + timedelta(1), "starts": START + timedelta(2)}, "over before it begins"),
        ({"until": START.replace(tzinfo=None)}, "time zone"),
    ],
)
def test_what_cannot_be_entered_is_not(office: Office, said: dict[str, object], match: str) -> None:
    given: dict[str, object] = {"actor": "staff:2", "role": "support", "reason": "r", **said}
    with office.officer(), Session(office.engine) as session:
        with pytest.raises(StaffRefused, match=match):
            office.privacy.staff.grant(session, **given)  # type: ignore[arg-type]
        with pytest.raises(StaffRefused, match="not granted to them"):
            office.privacy.staff.revoke(session, "staff:2", "support", reason="r")


def test_the_ledger_only_grows(office: Office) -> None:
    desk = office.privacy._desk
    with office.privacy.access(actor="t"):
        for change in (update(GRANTS).values(role="support"), GRANTS.delete()):
            with (
                office.engine.connect() as connection,
                desk.open(connection, deletes=(GRANTS.name,), asked=False),
                pytest.raises(DBAPIError, match=r"Integrity|InsufficientPriv"),
            ):
                connection.execute(change)


def test_a_role_that_is_not_held_counts_as_if_it_had_not_been_declared(office: Office) -> None:
    assert office.names("staff:2", ["support", "clerk"], "shipping") == BOTH
    with pytest.raises(NotGranted):
        office.names("staff:2", ["support", "clerk"], ["shipping", "inquiries"])


def test_a_maintenance_role_that_is_granted_takes_a_grant(office: Office) -> None:
    def count() -> int:
        with (
            office.privacy.access(maintenance=True, actor="staff:2", role="engineer", reason="r"),
            Session(office.engine) as s,
        ):
            return s.query(Customer).count() and len(s.query(Customer).all())

    with pytest.raises(NotGranted):
        count()
    office.grant("staff:2", "engineer")
    assert count() == 2


def test_break_glass_takes_the_role(office: Office) -> None:
    def read() -> int:
        with (
            office.privacy.access(
                "audit", actor="staff:2", role="support", break_glass=True, reason="fire", ticket="INC-1"
            ),
            Session(office.engine) as session,
        ):
            return len(session.query(Customer.name).all())

    with pytest.raises(NotGranted):
        read()
    office.grant("staff:2", "support")
    assert read() == 2


def test_what_the_policy_refuses_anyway_is_refused_for_that(office: Office) -> None:
    with (
        office.as_("staff:2", ["clerk", "support"], "shipping"),
        Session(office.engine) as session,
        pytest.raises(PurposeDenied),
    ):
        session.scalars(text("SELECT email FROM staff_customers"))


def test_a_refusal_is_in_the_log(office: Office) -> None:
    with pytest.raises(NotGranted):
        office.names("staff:2")
    log = office.privacy.log
    assert log is not None
    (denied,) = [event for event in log.events() if event.decision == "denied"]
    assert (denied.actor, denied.denials, denied.reads) == ("staff:2", ["not granted"], ["staff_customers.name"])


def test_grants_name_roles_that_are_granted() -> None:
    roles = {"a": {"purposes": ["signup"]}, "b": {"grants": ["a", "c"]}, "d": {"anonymous": True, "grants": ["a"]}}
    with pytest.raises(PolicyError) as caught:
        policy(roles=roles)
    told = str(caught.value)
    assert '"a" is not granted by name' in told
    assert 'there is no role "c"' in told
    assert "stands beside anonymous" in told


@pytest.mark.parametrize(
    "said", [{"reason": None}, {"reason": 7}, {"reason": "r", "until": "2027-01-01"}, {"reason": "r", "starts": 7}]
)
def test_a_grant_that_cannot_be_meant_is_refused(office: Office, said: dict[str, Any]) -> None:
    with office.officer(), Session(office.engine) as session, pytest.raises(StaffRefused):
        office.privacy.staff.grant(session, "staff:77", "support", **said)


def test_who_maintains_the_database_writes_no_grant_and_removes_no_count(office: Office) -> None:
    """Everything is open to them, but what others are trusted by is written by those whom the policy lets."""
    entry = {"actor": "staff:5", "role": "support", "revokes": False, "at": office.clock.now, "reason": "r"}
    entry |= {"grantor": "staff:1", "grantor_roles": "officer", "policy": "p"}
    signed = {"actor": "staff:5", "wording": "handling", "version": "1", "language": "en", "sha256": "x"}
    chosen = {"secret": "0" * 64, "secret_until": office.clock.now + timedelta(hours=1)}
    statements: list[Any] = [
        insert(GRANTS).values(entry),
        insert(GRANTS).from_select(list(entry), select(*(GRANTS.c[name] for name in entry))),
        insert(SIGNATURES).values(**signed, at=office.clock.now, policy="p"),
        update(ACCOUNTS).values(chosen),
        update(ATTEMPTS).values(failures=0),
        delete(ATTEMPTS),
        delete(ACCOUNTS),
        text("DELETE FROM sa_privacy_consent_state"),
        text("UPDATE sa_privacy_staff_accounts SET secret = 'x'"),
    ]
    for statement in statements:
        with (
            office.privacy.request(maintenance=True, role="setup", actor="staff:5", reason="t"),
            Session(office.engine) as session,
            pytest.raises((PurposeDenied, SealedColumn)),
        ):
            session.execute(statement)
    with pytest.raises(NotGranted):
        office.names("staff:5")
    maintaining = office.privacy.request(maintenance=True, role="setup", actor="staff:5", reason="t")
    with maintaining, Session(office.engine) as session:
        assert len(session.execute(select(GRANTS)).all()) == 1, "and reads all"


@pytest.mark.parametrize("name", ["staff:Иван", "idp|太郎 Yamada", "µ-team", "α:7", "Zoë|カナ1"])
def test_a_name_in_any_one_alphabet_is_a_name(office: Office, name: str) -> None:
    """Latin before a colon and Cyrillic after it are two words; Japanese stands beside Latin."""
    office.grant(name, "support")
    assert office.names(name) == BOTH
