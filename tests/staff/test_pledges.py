"""Where a role takes a pledge, nobody acts in it without having signed its current version themselves."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from sa_privacy import AccessLog, NoAccess, NotGranted, NotPledged, Privacy, StaffRefused
from sa_privacy.staff.tables import SIGNATURES
from tests.staff import world
from tests.staff.world import Office

BOTH = ["Ann", "Bo"]
PACK = ("warehouse", "shipping")


def test_no_current_pledge_no_access(office: Office) -> None:
    with pytest.raises(NotPledged, match='takes the pledge "handling"') as caught:
        office.names("staff:2", *PACK)
    assert "privacy.staff.sign" in (caught.value.hint or "")
    office.sign("staff:2")
    assert office.names("staff:2", *PACK) == BOTH
    with pytest.raises(NotPledged):
        office.names("staff:3", *PACK)


def test_a_signature_runs_out(office: Office) -> None:
    office.sign("staff:2")
    office.clock.advance(days=364, hours=23)
    assert office.names("staff:2", *PACK) == BOTH
    office.clock.advance(hours=1)
    with pytest.raises(NotPledged):
        office.names("staff:2", *PACK)
    office.sign("staff:2")
    assert office.names("staff:2", *PACK) == BOTH


@pytest.mark.parametrize(
    "wording",
    [
        {"version": "2", "text": {"en": "I shall handle data with care.", "ja": "データを適切に取り扱います。"}},
        {"version": "1", "text": {"en": "I shall do as I like.", "ja": "データを適切に取り扱います。"}},
    ],
    ids=["another version", "another text of the same version"],
)
def test_who_signed_something_else_signs_again(
    office: Office, engine: Engine, tmp_path: Path, wording: dict[str, object]
) -> None:
    office.sign("staff:2")
    office.privacy.uninstall(engine)
    later = Privacy(
        world.policy(wordings={"handling": wording}),
        keys=world.KEYS,
        log=AccessLog.open(tmp_path / "later"),
        metadata=world.Base,
    )
    later.install(engine)
    second = Office(engine, later)
    with pytest.raises(NotPledged):
        second.names("staff:2", *PACK)
    second.sign("staff:2")
    assert second.names("staff:2", *PACK) == BOTH
    later.close()


def test_a_role_may_take_both(office: Office) -> None:
    with pytest.raises(NotGranted):
        office.names("staff:2", "auditor", "audit")
    office.grant("staff:2", "auditor")
    with pytest.raises(NotPledged):
        office.names("staff:2", "auditor", "audit")
    office.sign("staff:2", "ja")
    assert office.names("staff:2", "auditor", "audit") == BOTH
    office.clock.advance(days=366)
    with pytest.raises(NotPledged):
        office.names("staff:2", "auditor", "audit")


def test_what_was_signed_is_kept(office: Office) -> None:
    office.sign("staff:2", "ja")
    with office.privacy.access(maintenance=True, role="setup", actor="t", reason="t"), office.engine.connect() as c:
        (row,) = c.execute(select(SIGNATURES)).mappings()
    assert dict(row) == {
        "id": 1,
        "actor": "staff:2",
        "wording": "handling",
        "version": "1",
        "language": "ja",
        "sha256": hashlib.sha256("データを適切に取り扱います。".encode()).hexdigest(),
        "at": office.clock.now,
        "policy": office.privacy.policy.hash,
    }


def test_everybody_signs_for_themselves(office: Office) -> None:
    sign = office.privacy.staff.sign
    with Session(office.engine) as session:
        with office.privacy.access(actor="staff:1"), pytest.raises(StaffRefused, match="by the person themselves"):
            sign(session, "staff:2", "handling")
        with office.privacy.access(), pytest.raises(NoAccess):
            sign(session, "staff:2", "handling")
        with office.privacy.access(actor="staff:2"), pytest.raises(StaffRefused, match="no wording"):
            sign(session, "staff:2", "handing")
        for said in ({"wording": ["handling"]}, {"wording": None}, {"wording": "handling", "language": 5}):
            with office.privacy.access(actor="staff:2"), pytest.raises(StaffRefused, match="is named by text"):
                sign(session, "staff:2", **said)
        with office.privacy.access(actor="staff:2"), pytest.raises(StaffRefused, match="no text in"):
            sign(session, "staff:2", "handling", language="fr")
    with pytest.raises(NotPledged):
        office.names("staff:2", *PACK)


def test_a_signature_that_was_rolled_back_never_counted(office: Office) -> None:
    with office.privacy.request(actor="staff:2"), Session(office.engine) as session:
        office.privacy.staff.sign(session, "staff:2", "handling")
    with pytest.raises(NotPledged):
        office.names("staff:2", *PACK)


def test_the_desk_keeps_to_it_too(office: Office) -> None:
    """What the library writes for somebody is written for one who stands in the role, or not at all."""
    office.grant("staff:2", "officer", until=world.START + timedelta(days=1))
    office.clock.advance(days=1)
    with office.officer("staff:2"), Session(office.engine) as session, pytest.raises(NotGranted):
        office.privacy.staff.grant(session, "staff:3", "support", reason="late")
