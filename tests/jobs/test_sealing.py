"""Sealing, resealing and unsealing what a table holds."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, select, text

from sa_privacy import AccessLog, Keyring, NoAccess, PolicyError
from sa_privacy.crypto import FieldCipher
from sa_privacy.crypto.cell import is_cell
from sa_privacy.jobs import Progress, reseal, seal, unseal
from tests.jobs import world
from tests.jobs.world import FAR, Customer, fill, maintaining, opened, raw

BOTH = ["customers.email", "customers.name"]


def test_every_value_becomes_a_cell_that_reads_as_before(engine: Engine, make_engine: Callable[..., Engine]) -> None:
    fill(engine, 50)
    before = raw(engine)
    with maintaining() as privacy:
        [report] = seal(engine, privacy, BOTH, batch=7)
        assert report.complete
        assert report.tally is not None
        assert (report.tally.changed, report.tally.values) == (50, 93)
        after = raw(engine)
        assert all(is_cell(email) and (name is None or is_cell(name)) for _, name, email in after)
        assert opened(privacy, make_engine, select(Customer.id, Customer.name, Customer.email)) == before


def test_doing_it_again_changes_nothing(engine: Engine) -> None:
    fill(engine, 20)
    with maintaining() as privacy:
        seal(engine, privacy, BOTH)
        before = raw(engine)
        [report] = seal(engine, privacy, BOTH)
        assert report.tally is not None
        assert report.tally.changed == 0
        assert raw(engine) == before


def test_columns_can_be_sealed_one_after_the_other(engine: Engine, make_engine: Callable[..., Engine]) -> None:
    fill(engine, 20)
    before = raw(engine)
    with maintaining(accept=dict.fromkeys(BOTH, FAR)) as privacy:
        seal(engine, privacy, ["customers.email"])
        assert opened(privacy, make_engine, select(Customer.id, Customer.name, Customer.email)) == before
        seal(engine, privacy, BOTH)
        assert opened(privacy, make_engine, select(Customer.id, Customer.name, Customer.email)) == before


def test_a_dry_run_counts_and_changes_nothing(engine: Engine) -> None:
    fill(engine, 20)
    before = raw(engine)
    with maintaining() as privacy:
        [report] = seal(engine, privacy, BOTH, dry_run=True)
        assert report.tally is None
        assert not report.complete
        assert (report.counted.rows, report.counted.to_do) == (20, 20)
        email, name = report.counted.columns
        assert (email.plain, email.cells, email.nulls) == (20, 0, 0)
        assert (name.plain, name.nulls) == (18, 2)
        assert raw(engine) == before
        [report] = seal(engine, privacy, BOTH)
        [after] = seal(engine, privacy, BOTH, dry_run=True)
        assert after.counted.columns[0].cell_bytes == email.sealed_bytes  # the estimate was right
        assert list(after.counted.columns[0].keys.values()) == [20]


def test_a_rotation_is_followed(engine: Engine, make_engine: Callable[..., Engine]) -> None:
    fill(engine, 20)
    before = raw(engine)
    keys = Keyring.generate()
    with maintaining(keys) as privacy:
        seal(engine, privacy, BOTH)
        sealed = raw(engine)
        keys.rotate()
        [report] = reseal(engine, privacy, BOTH, batch=3)
        assert report.tally is not None
        assert report.tally.changed == 20
        assert {email[2:6] for _, _, email in raw(engine)} == {keys.primary_id.to_bytes(4, "big")}
        assert {row[2] for row in raw(engine)}.isdisjoint({row[2] for row in sealed})
        assert opened(privacy, make_engine, select(Customer.id, Customer.name, Customer.email)) == before
        [report] = reseal(engine, privacy, BOTH)
        assert report.tally is not None
        assert report.tally.changed == 0


def test_the_way_back_leads_to_what_was_there(engine: Engine) -> None:
    fill(engine, 20)
    before = raw(engine)
    with maintaining() as privacy:
        seal(engine, privacy, BOTH)
        assert raw(engine) != before
        [report] = unseal(engine, privacy, BOTH, batch=3)
        assert report.complete
    assert raw(engine) == before
    with engine.begin() as connection:  # and the old release writes again
        connection.execute(world.plain_table().update().values(email="x"))


def test_composite_keys_come_in_ranges(engine: Engine, make_engine: Callable[..., Engine]) -> None:
    rows = [(guest, room, f"{guest}{room}") for guest in range(5) for room in ("a", "B", "ä", "%", "'")]
    with engine.begin() as connection:
        connection.exec_driver_sql(
            "CREATE TABLE stays (guest INTEGER, room VARCHAR(20), wish VARCHAR(100), PRIMARY KEY (guest, room))"
        )
        connection.execute(
            text("INSERT INTO stays VALUES (:g, :r, :w)"),
            [{"g": g, "r": r, "w": w} for g, r, w in rows],
        )
    with maintaining() as privacy:
        [report] = seal(engine, privacy, ["stays.wish"], batch=3)
        assert report.tally is not None
        assert report.tally.changed == len(rows)
        found = opened(privacy, make_engine, select(world.Stay.guest, world.Stay.room, world.Stay.wish))
        assert sorted(found) == sorted(rows)


def test_a_job_is_in_the_access_log(engine: Engine, tmp_path: Path) -> None:
    fill(engine, 20)
    log = AccessLog.open(tmp_path / "log")
    with maintaining(log=log) as privacy:
        seal(engine, privacy, BOTH, batch=10)
        events = [event for event in log.events() if event.kind in ("intent", "outcome")]
        assert {event.statement for event in events} == {"job:seal"}
        assert all(event.actor == "staff:1" and event.maintenance and event.writes == BOTH for event in events)
        outcomes = [event for event in events if event.kind == "outcome"]
        assert sum(event.rows or 0 for event in outcomes if event.rows != -1) == 20
        assert {event.intent for event in outcomes} == {event.seq for event in events if event.kind == "intent"}
        assert log.verify().ok
    assert "example.org" not in "".join(path.read_text() for path in (tmp_path / "log").iterdir())


def test_it_is_maintenance(engine: Engine) -> None:
    fill(engine, 1)
    before = raw(engine)
    with (
        maintaining() as privacy,
        privacy.access("all", role="staff", actor="x"),
        pytest.raises(NoAccess, match="maintenance"),
    ):
        seal(engine, privacy, BOTH)
    with pytest.raises(NoAccess):
        seal(engine, privacy, BOTH)
    assert raw(engine) == before


def test_progress_and_rate(engine: Engine) -> None:
    fill(engine, 40)
    told: list[Progress] = []
    with maintaining() as privacy:
        [report] = seal(engine, privacy, BOTH, batch=100, rate=20, progress=told.append)
    assert [one.done for one in told] == [20, 40]
    assert told[-1].total == 40
    assert told[-1].seconds_left == 0
    assert report.seconds >= 1.0  # the second twenty had to wait


def test_a_protected_engine_is_refused(engine: Engine) -> None:
    fill(engine, 1)
    with maintaining() as privacy:
        privacy.install(engine)
        with pytest.raises(PolicyError, match="protected") as refused:
            seal(engine, privacy, BOTH)
        assert "engine of its own" in str(refused.value.hint)


@pytest.mark.parametrize("name", ["customers.tier", "customers.emial", "x.y"])
def test_columns_that_no_model_seals_are_refused(engine: Engine, name: str) -> None:
    fill(engine, 1)
    with maintaining() as privacy, pytest.raises(PolicyError, match=name):
        seal(engine, privacy, ["customers.email", name])
    assert raw(engine, "email") == [("p1@example.org",)]


def test_a_cell_that_does_not_open_is_not_put_in_place_of_a_value(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Memory, or a library, may fail: each cell is opened before its plain value goes."""
    fill(engine, 3)
    sound, made = FieldCipher.sealer, 0

    def sealing_badly(*given: Any, **said: Any) -> Callable[[Any], bytes | None]:
        seal_value = sound(*given, **said)

        def seal_badly(value: Any) -> bytes | None:
            nonlocal made
            cell = seal_value(value)
            if cell is None:
                return None
            made += 1
            return cell if made % 3 else cell[:-1] + bytes([cell[-1] ^ 1])

        return seal_badly

    monkeypatch.setattr(FieldCipher, "sealer", sealing_badly)
    with maintaining() as privacy:
        [report] = seal(engine, privacy, ["customers.email"])
        assert report.tally is not None
        assert (report.tally.changed, report.tally.remaining) == (2, 1)
        assert report.tally.rejected == {"customers.email": 1}
    text_of_third = raw(engine, "id, email")[2][1]
    assert text_of_third in ("p3@example.org", b"p3@example.org")
