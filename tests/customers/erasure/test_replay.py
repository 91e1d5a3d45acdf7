"""After a restore nobody is back: those of the ledger are erased anew, and nobody else."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor, ThreadPoolExecutor
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine, insert, select, update
from sqlalchemy.orm import Session

from sa_privacy import AccessLog, ErasureRefused, Keyring, PolicyError, Privacy
from sa_privacy.columns.subject_keys import SUBJECT_KEYS
from sa_privacy.customers.erasure import replay as replaying
from tests.customers.destruction import world
from tests.customers.erasure.test_erasures import ORDERS, policy
from tests.customers.erasure.test_ledger import erase, officer, states
from tests.support.databases import Database


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "erasures"


@pytest.fixture
def made(database: Database, engine: Engine, place: Path) -> Iterator[Privacy]:
    world.filled(database)
    with world.protected(engine, erasures=AccessLog.open(place)) as privacy:
        yield privacy


@pytest.fixture
def restore(database: Database, engine: Engine) -> Callable[[], None]:
    """Makes the database what it was when it was filled."""

    def back() -> None:
        engine.dispose()
        world.filled(database)

    return back


def people(privacy: Privacy, engine: Engine) -> list[int]:
    return [row[0] for row in world.state(privacy, engine)["people"]]


def replay(privacy: Privacy, engine: Engine, **more: Any) -> Any:
    with officer(privacy):
        return privacy.erasure.replay(engine, **more)


def unknown(privacy: Privacy, engine: Engine) -> int:
    with officer(privacy):
        return privacy.erasure.unknown(engine)


def test_who_is_back_is_erased_as_before_and_nobody_else(
    made: Privacy, engine: Engine, restore: Callable[[], None], place: Path
) -> None:
    record = erase(made, engine)
    gone = world.state(made, engine)
    assert unknown(made, engine) == 0
    restore()
    assert people(made, engine) == [1, 2]
    assert unknown(made, engine) == 1
    told: list[tuple[str, int]] = []
    report = replay(made, engine, progress=lambda kind, count: told.append((kind, count)))
    assert (report.entries, report.looked_at, report.found, report.erased) == (1, {"person": 2}, 1, 1)
    assert told[-1] == ("person", 2)
    assert (report.refused, report.problems, report.dry_run) == ((), (), False)
    again = world.state(made, engine)
    assert [row[0] for row in again["orders"]] == [row[0] for row in gone["orders"]]
    assert {table: len(rows) for table, rows in again.items()} == {table: len(rows) for table, rows in gone.items()}
    assert "ann" not in repr(again["people"]).replace("Ann", "ann").lower().replace("for ann", "")
    assert unknown(made, engine) == 0
    assert states(place) == ["begun", "done"]
    with engine.connect() as connection:
        records = connection.connection.cursor().execute("SELECT record FROM sa_privacy_erasures").fetchall()
    assert [tuple(one) for one in records] == [(record,)]


def test_a_dry_run_changes_nothing_and_tells_the_same(
    made: Privacy, engine: Engine, restore: Callable[[], None]
) -> None:
    erase(made, engine)
    restore()
    before = world.state(made, engine)
    report = replay(made, engine, dry_run=True)
    assert (report.dry_run, report.entries, report.found, report.erased) == (True, 1, 1, 1)
    assert world.state(made, engine) == before
    assert unknown(made, engine) == 1


def test_doing_it_twice_does_nothing(made: Privacy, engine: Engine, restore: Callable[[], None]) -> None:
    erase(made, engine)
    restore()
    replay(made, engine)
    after = world.state(made, engine)
    report = replay(made, engine)
    assert (report.entries, report.looked_at, report.found) == (0, {}, 0)
    assert world.state(made, engine) == after


def come(privacy: Privacy, engine: Engine, key: int = 1) -> None:
    """Somebody new is given a key that somebody else had."""
    with world.maintenance(privacy), Session(engine) as session:
        session.add(world.Person(id=key, shop_id=1, name="Cy", email="cy@example.com", handle="cy"))
        session.commit()


def test_a_new_customer_with_an_old_key_is_not_erased_on_the_live_database(made: Privacy, engine: Engine) -> None:
    erase(made, engine)
    come(made, engine)
    before = world.state(made, engine)
    report = replay(made, engine)
    assert (report.entries, report.found) == (0, 0)
    assert world.state(made, engine) == before


def test_nor_after_a_replay_in_a_backup_of_before_the_person_came(
    made: Privacy, engine: Engine, restore: Callable[[], None]
) -> None:
    come(made, engine, 7)
    erase(made, engine, 7)
    restore()  # to before 7 was there
    report = replay(made, engine)
    assert (report.entries, report.found) == (1, 0)
    come(made, engine, 7)
    report = replay(made, engine)
    assert (report.entries, report.found) == (0, 0)
    assert 7 in people(made, engine)


def test_a_key_that_several_erased_people_had_is_erased_once(
    made: Privacy, engine: Engine, restore: Callable[[], None]
) -> None:
    erase(made, engine)
    come(made, engine)
    erase(made, engine)
    restore()
    again, asked = made.erasure._again, list[object]()

    def asking(*given: Any, **more: Any) -> None:
        asked.append(given[2])
        again(*given, **more)

    made.erasure._again = asking  # type: ignore[method-assign]
    tried = replay(made, engine, dry_run=True)
    assert (tried.found, tried.erased, asked) == (1, 1, [1])
    report = replay(made, engine)
    assert (report.entries, report.found, report.erased) == (2, 1, 1)
    assert 1 not in people(made, engine)
    assert unknown(made, engine) == 0


def test_an_erasure_of_which_nobody_knows_the_end_is_carried_out(
    made: Privacy, engine: Engine, restore: Callable[[], None], place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(made.erasure, "_say_done", lambda _: None)
        erase(made, engine)
    restore()
    assert states(place) == ["begun"]
    assert replay(made, engine).erased == 1
    assert states(place) == ["begun", "done"]


def test_an_erasure_that_was_given_up_is_not(
    made: Privacy, engine: Engine, restore: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError

    with monkeypatch.context() as patched:
        patched.setattr(made.erasure, "_erase", fail)
        with pytest.raises(RuntimeError):
            erase(made, engine)
    restore()
    assert replay(made, engine).entries == 0
    assert 1 in people(made, engine)


def test_entries_are_not_closed_by_a_database_that_was_restored(
    made: Privacy, engine: Engine, restore: Callable[[], None]
) -> None:
    erase(made, engine)
    restore()
    with officer(made), pytest.raises(ErasureRefused, match=r"does not know 1 erasure.*restored"):
        made.erasure.resume(engine)


def test_another_keyring_recognises_nobody_and_says_so(
    made: Privacy, engine: Engine, restore: Callable[[], None], place: Path
) -> None:
    erase(made, engine)
    restore()
    made.close()
    with (
        world.protected(engine, keys=Keyring.generate(), erasures=AccessLog.open(place)) as other,
        pytest.raises(PolicyError, match="another keyring"),
    ):
        replay(other, engine)


def test_the_ledger_of_another_database_erases_nobody(
    database: Database, engine: Engine, place: Path, restore: Callable[[], None]
) -> None:
    world.filled(database)
    with world.protected(engine, erasures=AccessLog.open(place)) as first:
        erase(first, engine, 1)
    restore()
    with world.protected(engine, erasures=AccessLog.open(place.with_name("others"))) as other:
        erase(other, engine, 2)
    with world.protected(engine, erasures=AccessLog.open(place)) as first:
        tried = replay(first, engine, dry_run=True)
        assert len(tried.problems) == 1
        assert "knows 1 erasures that the ledger does not" in tried.problems[0]
        with pytest.raises(ErasureRefused, match="another database"):
            replay(first, engine)
        assert 1 in people(first, engine)
        assert replay(first, engine, sure=True).erased == 1
        assert 1 not in people(first, engine)
        assert len(replay(first, engine).problems) == 1


def test_what_ended_in_the_middle_goes_on(
    made: Privacy, engine: Engine, restore: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    erase(made, engine, 1)
    erase(made, engine, 2)
    restore()
    again, done = made.erasure._again, list[int]()

    def until_the_second(*arguments: Any, **more: Any) -> None:
        if done:
            raise KeyboardInterrupt
        done.append(1)
        again(*arguments, **more)

    with monkeypatch.context() as patched:
        patched.setattr(made.erasure, "_again", until_the_second)
        with pytest.raises(KeyboardInterrupt):
            replay(made, engine)
    assert unknown(made, engine) == 1
    report = replay(made, engine)
    assert (report.entries, report.found, report.erased) == (1, 1, 1)
    assert not {1, 2} & set(people(made, engine))


def killed(url: Any, place: str, keys: str) -> None:
    """In a process of its own: a replay that ends with the second person, before that is committed."""
    engine = Database(url.get_backend_name(), url).engine()
    with world.protected(engine, keys=Keyring.load(keys), erasures=AccessLog.open(place)) as privacy:
        again, done = privacy.erasure._again, list[int]()

        def die_at_the_second(*given: Any, **more: Any) -> None:
            again(*given, **more)
            done.append(1)
            if len(done) == 2:
                os.kill(os.getpid(), signal.SIGKILL)

        privacy.erasure._again = die_at_the_second  # type: ignore[method-assign]
        replay(privacy, engine)


def test_a_replay_that_is_killed_goes_on(
    database: Database, engine: Engine, place: Path, tmp_path: Path, restore: Callable[[], None]
) -> None:
    world.filled(database)
    with world.protected(engine, erasures=AccessLog.open(place)) as privacy:
        erase(privacy, engine, 1)
        erase(privacy, engine, 2)
    restore()
    world.KEYS.save(tmp_path / "keys.json")
    spawn = multiprocessing.get_context("spawn")
    process = spawn.Process(target=killed, args=(database.url, str(place), str(tmp_path / "keys.json")))
    process.start()
    process.join(60)
    assert process.exitcode == -signal.SIGKILL
    with world.protected(engine, erasures=AccessLog.open(place)) as privacy:
        assert unknown(privacy, engine) == 1
        assert len({1, 2} & set(people(privacy, engine))) == 1
        report = replay(privacy, engine)
        assert (report.entries, report.found, report.erased) == (1, 1, 1)
        assert not {1, 2} & set(people(privacy, engine))
        assert unknown(privacy, engine) == 0


@pytest.fixture
def scheduled(database: Database, engine: Engine, place: Path) -> Iterator[Privacy]:
    world.filled(database)
    with world.protected(engine, policy(retention={"orders": ORDERS}), erasures=AccessLog.open(place)) as privacy:
        yield privacy


def test_what_a_reason_kept_is_kept_again(scheduled: Privacy, engine: Engine, restore: Callable[[], None]) -> None:
    erase(scheduled, engine)
    restore()
    replay(scheduled, engine)
    after = world.state(scheduled, engine)
    assert [row[4] for row in after["orders"]] == [10, 20, 30]
    assert 1 not in {row[1] for row in after["orders"]}
    assert 1 not in people(scheduled, engine)


def test_who_is_held_back_is_told_and_found_again(
    scheduled: Privacy, engine: Engine, restore: Callable[[], None]
) -> None:
    record = erase(scheduled, engine)
    restore()
    with world.maintenance(scheduled), engine.begin() as connection:
        connection.execute(update(world.Order).where(world.Order.id == 1).values(status="open"))
    for dry_run in (True, False):
        report = replay(scheduled, engine, dry_run=dry_run)
        (refused,) = report.refused
        assert (refused.record, refused.kind) == (record, "person")
        assert 'guard "open" on orders' in refused.why
        assert (report.found, report.erased) == (1, 0)
    assert 1 in people(scheduled, engine)
    assert unknown(scheduled, engine) == 1
    with world.maintenance(scheduled), engine.begin() as connection:
        connection.execute(update(world.Order).where(world.Order.id == 1).values(status="delivered"))
    assert replay(scheduled, engine).erased == 1


class DiesAfterwards(ThreadPoolExecutor):
    """Its first worker ends when it has done its piece, and has not told of it."""

    died = False

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Any:
        def work() -> Any:
            done = fn(*args, **kwargs)
            if not self.died:
                self.died = True
                raise BrokenExecutor
            return done

        return super().submit(work)


def test_who_is_held_back_is_found_again_though_the_worker_died_that_knew(
    scheduled: Privacy, engine: Engine, restore: Callable[[], None]
) -> None:
    erase(scheduled, engine)
    restore()
    with world.maintenance(scheduled), engine.begin() as connection:
        connection.execute(update(world.Order).where(world.Order.id == 1).values(status="open"))
    there = replay(scheduled, engine, dry_run=True).looked_at
    with DiesAfterwards(1) as pool:
        report = replay(scheduled, engine, executor=pool)
        assert pool.died
    assert (report.looked_at, report.found, report.erased) == (there, 1, 0)
    assert len(report.refused) == unknown(scheduled, engine) == 1


def test_all_people_are_looked_at_some_at_a_time(
    made: Privacy, engine: Engine, restore: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replaying, "_AT_ONCE", 2)
    come(made, engine, 7)
    erase(made, engine, 1)
    restore()
    come(made, engine, 8)
    come_again: list[int] = []
    report = replay(made, engine, progress=lambda _, count: come_again.append(count))
    assert report.looked_at["person"] == 3
    assert come_again == [2, 3]
    assert sorted(people(made, engine))[:2] == [2, 8]


def test_restored_keys_of_erased_people_are_destroyed_and_nobody_elses(
    made: Privacy, engine: Engine, restore: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The table of keys has backups of its own: it may know people of whom the data knows nothing."""
    monkeypatch.setattr(replaying, "_AT_ONCE", 1)
    come(made, engine, 7)
    erase(made, engine, 7)
    restore()
    now = datetime.now(UTC)
    rows = [
        {"id": bytes([at] * 16), "kind": "person", "subject": subject, "wrapped": b"w" * 65, "made": now}
        for at, subject in enumerate(["2", "7", None, "8"], 1)
    ]
    plain = create_engine(engine.url)  # a restore knows nothing of the gate
    with plain.begin() as connection:
        connection.execute(insert(SUBJECT_KEYS), rows)
    assert replay(made, engine, dry_run=True).keys == 1
    report = replay(made, engine)
    assert (report.found, report.keys) == (0, 1)
    with plain.connect() as connection:
        keys = SUBJECT_KEYS.c
        left = connection.execute(select(keys.subject, keys.wrapped, keys.destroyed_at).order_by(keys.id)).all()
    plain.dispose()
    assert [one.subject for one in left if one.wrapped is None] == ["7"]
    assert [one.subject for one in left if one.destroyed_at is not None] == ["7"]


def test_a_hold_on_the_restored_data_is_respected_and_told(
    made: Privacy, engine: Engine, restore: Callable[[], None]
) -> None:
    record = erase(made, engine)
    restore()
    with officer(made):
        made.holds.guard(engine)
        with Session(engine) as session:
            made.holds.place(session, case="2026-77", reason="a court asked", review_by=date(2027, 6, 1), subject=1)
            session.commit()
        report = made.erasure.replay(engine)
    (refused,) = report.refused
    assert (refused.record, report.erased) == (record, 0)
    assert 'hold "2026-77"' in refused.why
    assert 1 in people(made, engine)
