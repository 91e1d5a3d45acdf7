"""The log says under which policy, with which columns sealed and which keys at hand its events were written."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import Engine, Integer, MetaData, Table, select
from sqlalchemy.orm import Session

from sa_privacy import AccessLog, Keyring, Privacy
from tests.gate import world
from tests.gate.trail import CLERK, Trail
from tests.gate.world import Customer


def test_the_first_events_of_a_log_say_what_is_personal_sealed_and_under_which_keys(
    session: Session, privacy: Privacy, log: AccessLog
) -> None:
    with privacy.access(**CLERK):
        session.execute(select(Customer.name)).all()
    last = Trail(log.path)
    last._seen = 0
    context = last.of("context")[-1]
    assert context["policy"] == privacy.policy.hash
    assert context["categories"]["customers.name"] == "name"
    assert set(context["categories"]) == set(privacy.catalogue.columns)
    assert context["sealed"] == ["customers.birthday", "customers.email", "customers.name", "customers.phone"]
    assert context["keys"] == [f"{world.KEYS.primary_id:08x}"]
    assert log.verify().ok


def test_a_change_of_the_keys_is_written_once_and_the_sealing_one_stands_first(tmp_path: Path) -> None:
    keys, log = Keyring.generate(), AccessLog.open(tmp_path / "log")
    privacy = Privacy(world.POLICY, keys=keys, log=log, metadata=world.Base)
    trail = Trail(log)
    keys.rotate()
    assert trail.of("context") == [], "nothing was written yet, and nothing is"
    log.append("note", b"")
    first = keys.infos[0].id if hasattr(keys, "infos") else None
    new = keys.rotate()
    keys.promote(new)
    found = trail.of("context")
    assert [line["keys"][0] for line in found][-1] == f"{new:08x}"
    assert len(found[-1]["keys"]) == 3
    assert first is None or f"{first:08x}" in found[-1]["keys"]
    privacy.close()
    assert log.preamble is None


def test_a_column_that_comes_later_is_written_before_it_is_used(tmp_path: Path) -> None:
    metadata, log = MetaData(), AccessLog.open(tmp_path / "log")
    privacy = Privacy(world.POLICY, keys=Keyring.generate(), log=log, metadata=metadata)
    log.append("note", b"")
    trail = Trail(log)
    _ = privacy.catalogue
    assert trail.of("context") == [], "the catalogue is as empty as it was"
    from sqlalchemy import Column

    from sa_privacy import Encrypted

    Table("notes", metadata, Column("id", Integer, primary_key=True), Column("text", Encrypted(category="name")))
    _ = privacy.catalogue
    [context] = trail.of("context")
    assert (context["categories"], context["sealed"]) == ({"notes.text": "name"}, ["notes.text"])
    privacy.close()


def test_a_column_that_still_accepts_plain_values_is_not_called_sealed(tmp_path: Path, engine: Engine) -> None:
    log = AccessLog.open(tmp_path / "log")
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).date()
    privacy = Privacy(
        world.POLICY, keys=world.KEYS, log=log, metadata=world.Base, accept_plaintext={"customers.email": tomorrow}
    )
    privacy.install(engine)
    log.append("note", b"")
    trail = Trail(log)
    trail._seen = 0
    assert "customers.email" not in trail.of("context")[-1]["sealed"]
    assert "customers.name" in trail.of("context")[-1]["sealed"]
    privacy.close()


def test_two_policies_on_one_log_each_say_their_own(tmp_path: Path) -> None:
    log = AccessLog.open(tmp_path / "log")
    one = Privacy(world.POLICY, keys=world.KEYS, log=log, metadata=world.Base)
    other = Privacy(world.POLICY, keys=Keyring.generate(), log=log, metadata=world.Base)
    for privacy in (one, other):
        _ = privacy.catalogue
    log.append("note", b"")
    trail = Trail(log)
    trail._seen = 0
    assert len({tuple(line["keys"]) for line in trail.of("context") if line.get("categories")}) == 2
    other.close()
    one.close()
