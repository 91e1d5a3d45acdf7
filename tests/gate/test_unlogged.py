"""Where the log cannot be written nothing runs and nothing is handed over, and it goes on by itself afterwards."""

from __future__ import annotations

import errno
import logging
import os
import resource
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

import pytest
from sqlalchemy import Engine, delete, event, insert, select, text, update
from sqlalchemy.exc import ResourceClosedError
from sqlalchemy.orm import Session

from sa_privacy import AccessLog, Keyring, LogUnavailable, Policy, Privacy
from sa_privacy.accesslog import members
from tests.gate import world
from tests.gate.trail import CLERK, Trail
from tests.gate.world import Customer, Order
from tests.support.volumes import fill, free, mount, remount, unmount

NOBODY = 65534


class Fault:
    """Something that goes wrong with the log's files.

    :param directory: where the log lives.
    :cvar opening: how the log is opened.
    """

    opening: ClassVar[dict[str, Any]] = {}

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def begin(self, log: AccessLog) -> None: ...

    def end(self) -> None: ...

    def remove(self) -> None:
        """Whatever the machine has to be freed of after the test."""


class DiskFull(Fault):
    """A volume of its own, full to the last event."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self.mounted = mount(directory)

    def begin(self, log: AccessLog) -> None:
        if not self.mounted:  # the kernel's answer to a file that may not grow is the same two steps
            fill_to_the_limit(log)
            return
        fill(self.directory)
        self.squeeze(log)

    def squeeze(self, log: AccessLog) -> None:
        """Use up what is left of the segment's last page."""
        size = 3000
        while size:
            try:
                log.append("use", members(reason="x" * size))
            except LogUnavailable:
                size //= 3

    def end(self) -> None:
        free(self.directory)
        unlimited()

    def remove(self) -> None:
        unlimited()
        if self.mounted:
            unmount(self.directory)


class DiskFullBetween(DiskFull):
    """Each event begins a segment; the closing line still fits into the old one, the opening line nowhere."""

    opening: ClassVar[dict[str, Any]] = {"segment_bytes": 1}

    def squeeze(self, log: AccessLog) -> None: ...


class ReadOnly(Fault):
    """The volume may not be written to, and a writer has to begin there: it could not become so under an open file."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self.mounted = mount(directory)

    def begin(self, log: AccessLog) -> None:
        if log._segment is not None:
            log._leave(log._segment)
        self._become("ro")

    def end(self) -> None:
        self._become("rw")

    def _become(self, how: str) -> None:
        if self.mounted:
            remount(self.directory, how)
        else:
            self.directory.chmod(0o700 if how == "rw" else 0o500)

    def remove(self) -> None:
        self.end()
        if self.mounted:
            unmount(self.directory)


class DiskBroken(Fault):
    """Lines are taken, and do not get to the disk. Only a broken disk does that; here the system call says so."""

    opening: ClassVar[dict[str, Any]] = {"fsync": "always"}

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self._patch = pytest.MonkeyPatch()

    def begin(self, log: AccessLog) -> None:
        def refuse(fd: int) -> None:
            raise OSError(errno.EIO, os.strerror(errno.EIO))

        self._patch.setattr(os, "fdatasync", refuse)

    def end(self) -> None:
        self._patch.undo()

    remove = end


def fill_to_the_limit(log: AccessLog) -> None:
    size = max((path.stat().st_size for path in log.path.glob("*.jsonl")), default=0)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size + 40, resource.RLIM_INFINITY))


def unlimited() -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


class FileLimit(Fault):
    """The file may not grow: forty bytes of a line fit, and have to be taken back."""

    def begin(self, log: AccessLog) -> None:
        fill_to_the_limit(log)

    def end(self) -> None:
        unlimited()

    remove = end


class DirectoryMoved(Fault):
    """The log's volume is gone for a while."""

    @property
    def elsewhere(self) -> Path:
        return self.directory.with_name("elsewhere")

    def begin(self, log: AccessLog) -> None:
        self.directory.rename(self.elsewhere)
        next_second(log)

    def end(self) -> None:
        self.elsewhere.rename(self.directory)


class DirectoryRemoved(Fault):
    """Somebody deleted the log, and makes its directory again later."""

    def begin(self, log: AccessLog) -> None:
        shutil.rmtree(self.directory)
        next_second(log)

    def end(self) -> None:
        self.directory.mkdir(mode=0o700)


class NoRight(Fault):
    """The process may not write there any more."""

    def begin(self, log: AccessLog) -> None:
        if os.geteuid() == 0:
            os.seteuid(NOBODY)
        else:
            self.directory.chmod(0)
        next_second(log)

    def end(self) -> None:
        if os.getuid() == 0:
            os.seteuid(0)
        else:
            self.directory.chmod(0o700)

    remove = end


class Closed(Fault):
    """Something in the process closed a file it had not opened. The next look finds out, the event after it goes on."""

    log: AccessLog | None = None

    def begin(self, log: AccessLog) -> None:
        self.log = log
        segment = log._segment
        assert segment is not None
        os.close(segment._fd)
        next_second(log)

    def end(self) -> None:
        log, self.log = self.log, None
        if log is not None:
            log.append("use", b"")


def next_second(log: AccessLog) -> None:
    """The log looks at its file with its first event in each second; here the second is over at once."""
    if log._segment is not None:
        log._segment._second = 0


#: These strike the log alone; without a right to write, the database's files would be out of reach as well.
LOG_ONLY = (DiskFull, DiskFullBetween, FileLimit, ReadOnly, DiskBroken, DirectoryMoved, DirectoryRemoved, Closed)
FAULTS = (*LOG_ONLY, NoRight)


@pytest.fixture(params=FAULTS, ids=lambda fault: fault.__name__)
def fault(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Fault]:
    made: Fault = request.param(tmp_path / "log")
    try:
        yield made
    finally:
        made.remove()


@pytest.fixture
def log(fault: Fault) -> AccessLog:
    opened = AccessLog.open(fault.directory, **fault.opening)
    if not getattr(fault, "mounted", False):  # a limit on all files must not strike the database's smaller ones
        opened.append("use", members(reason="x" * 300_000))
    return opened


@contextmanager
def admitted(engine: Engine, seen: Callable[[int], None]) -> Iterator[None]:
    """Tells of each statement that came past the gate, by its number, right before the driver gets it."""
    count = 0

    def note(cursor: Any, statement: str, *rest: Any) -> None:
        nonlocal count
        count += 1
        seen(count)

    names = ("do_execute", "do_executemany", "do_execute_no_params")
    for name in names:
        event.listen(engine, name, note)
    try:
        yield
    finally:
        for name in names:
            event.remove(engine, name, note)


def at(number: int, act: Callable[[], None]) -> Callable[[int], None]:
    return lambda count: act() if count == number else None


def stored(plain: Engine) -> tuple[Any, ...]:
    """What the tables hold, past the gate."""
    with plain.connect() as connection:
        people = connection.execute(text("SELECT id, tier, segment FROM customers ORDER BY id")).all()
        return (*people, *connection.execute(text("SELECT id, customer_id, amount FROM orders ORDER BY id")).all())


STATEMENTS: dict[str, Callable[[Session], Any]] = {
    "entities": lambda s: s.scalars(select(Customer)).all(),
    "columns": lambda s: s.execute(select(Customer.id, Customer.name)).all(),
    "text": lambda s: s.execute(text("SELECT name FROM customers")).all(),
    "driver SQL": lambda s: s.connection().exec_driver_sql("SELECT name FROM customers").all(),
    "streamed": lambda s: s.connection().execute(select(Customer.name), execution_options={"yield_per": 1}).all(),
    "update": lambda s: s.execute(update(Customer).values(segment="x")),
    "returning": lambda s: s.execute(insert(Customer).values(name="n", email="e").returning(Customer.name)).all(),
    "executemany": lambda s: s.execute(insert(Order), [{"customer_id": 1, "amount": i} for i in range(3)]),
    "delete": lambda s: s.execute(delete(Order)),
    "text write": lambda s: s.execute(text("UPDATE customers SET segment = 'x'")),
}


def test_a_statement_whose_intent_cannot_be_written_does_not_run(
    shop: Engine, privacy: Privacy, log: AccessLog, fault: Fault, make_engine: Callable[..., Engine]
) -> None:
    plain = make_engine()
    before = stored(plain)
    with Session(shop) as session, privacy.access(**CLERK):
        session.connection()
        for name, run in STATEMENTS.items():
            reached: list[int] = []
            with admitted(shop, reached.append):
                fault.begin(log)
                try:
                    with pytest.raises(LogUnavailable) as caught:
                        run(session)
                finally:
                    fault.end()
            assert reached == [], name
            assert caught.value.hint, name
            session.commit()  # whoever goes on regardless has nothing to commit
            assert stored(plain) == before, name
        trail = Trail(log)
        assert len(session.scalars(select(Customer)).all()) == 3, "it goes on by itself"
        assert (len(trail.intents), trail.rows) == (1, 3)
    assert log.verify().ok, str(log.verify())


@pytest.mark.parametrize("fault", LOG_ONLY, indirect=True)
def test_rows_whose_outcome_cannot_be_written_are_not_handed_over(
    shop: Engine, privacy: Privacy, log: AccessLog, fault: Fault, make_engine: Callable[..., Engine]
) -> None:
    plain = make_engine()
    before = stored(plain)
    with Session(shop) as session, privacy.access(**CLERK):
        session.connection()
        for name, run in STATEMENTS.items():
            handed: list[Any] = []
            try:
                with admitted(shop, at(1, lambda: fault.begin(log))), pytest.raises(LogUnavailable):
                    handed.append(run(session))
            finally:
                fault.end()
            assert handed == [], name
            session.rollback()
            assert stored(plain) == before, name
        trail = Trail(log)
        assert len(session.scalars(select(Customer)).all()) == 3, "it goes on by itself"
        assert trail.rows == 3
    assert log.verify().ok, str(log.verify())


@pytest.mark.parametrize("fault", [FileLimit], indirect=True)
def test_a_result_that_lost_rows_gives_no_others(shop: Engine, privacy: Privacy, log: AccessLog, fault: Fault) -> None:
    with shop.connect() as connection, privacy.access(**CLERK):
        for take in ("fetchone", "fetchall", "fetchmany"):
            result = connection.execute(select(Customer.id, Customer.name).order_by(Customer.id))
            assert result.fetchone() is not None
            fault.begin(log)
            with pytest.raises(LogUnavailable):
                getattr(result, take)()
            fault.end()
            with pytest.raises(ResourceClosedError):  # not: the rows after the lost ones, or none
                getattr(result, take)()
    assert log.verify().ok


@pytest.mark.parametrize("fault", LOG_ONLY, indirect=True)
@pytest.mark.parametrize("moment", ["before the first statement", "after the first", "before the second's rows"])
def test_a_flush_that_cannot_be_written_down_leaves_nothing_half_written(
    moment: str,
    shop: Engine,
    privacy: Privacy,
    log: AccessLog,
    fault: Fault,
    make_engine: Callable[..., Engine],
) -> None:
    plain = make_engine()
    before = stored(plain)
    with Session(shop) as session, privacy.access(**CLERK):
        session.connection()
        found = session.get(Customer, 1)
        assert found is not None
        found.segment = "changed"
        orders = [Order(amount=i) for i in range(3)]
        session.add(Customer(name="New", email="new@example.com", orders=orders))
        try:
            if moment == "before the first statement":
                fault.begin(log)
                with pytest.raises(LogUnavailable):
                    session.flush()
            else:
                wanted = 1 if moment == "after the first" else 2
                with admitted(shop, at(wanted, lambda: fault.begin(log))), pytest.raises(LogUnavailable):
                    session.flush()
        finally:
            fault.end()
        session.rollback()
        assert stored(plain) == before
        assert found.segment == "gold"
        session.add(Customer(name="New", email="new@example.com", orders=[Order(amount=1)]))
        session.commit()
    assert len(stored(plain)) == len(before) + 2
    assert log.verify().ok, str(log.verify())


@pytest.mark.parametrize("fault", [FileLimit, DirectoryMoved], indirect=True)
def test_a_value_in_memory_whose_use_cannot_be_written_is_not_given(
    shop: Engine, privacy: Privacy, log: AccessLog, fault: Fault
) -> None:
    with Session(shop) as session:
        with privacy.access("campaigns", role="marketing"):
            found = session.get(Customer, 1)
            assert found is not None
        with privacy.access("shipping", role="warehouse"):
            pass
        with privacy.access("campaigns", role="marketing"):
            assert found.name == "Ann Arbor"
            with privacy.access("shipping", role="warehouse"):
                fault.begin(log)
                with pytest.raises(LogUnavailable):
                    _ = found.name
                fault.end()
                assert found.name == "Ann Arbor"
    assert log.verify().ok


@pytest.mark.parametrize("fault", [DiskFull, FileLimit, DirectoryMoved, Closed], indirect=True)
def test_a_denial_stands_whether_or_not_it_can_be_written(
    shop: Engine, privacy: Privacy, log: AccessLog, fault: Fault
) -> None:
    with Session(shop) as session, privacy.access("shipping", role="warehouse"):
        session.connection()
        fault.begin(log)
        with pytest.raises((PermissionError, LogUnavailable)):
            session.scalars(select(Customer.segment)).all()
        fault.end()


@pytest.fixture
def lenient(log: AccessLog) -> Iterator[Privacy]:
    """The shop's policy, but for ``[log] on_failure = "continue"``."""
    policy = Policy(
        policy={"id": "gate-tests", "version": "1"},
        categories={category: {} for category in world.POLICY.categories},
        purposes={"everything": {"use": [*world.POLICY.categories]}, "shipping": {"use": ["name", "address", "phone"]}},
        roles={
            "clerk": {"purposes": ["everything"]},
            "warehouse": {"purposes": ["shipping"]},
            "engineer": {"maintenance": True},
        },
        log={"on_failure": "continue"},
    )
    made = Privacy(policy, keys=Keyring.generate(), log=log, metadata=world.Base)
    yield made
    made.close()


def test_where_the_policy_says_so_statements_run_unlogged_with_a_warning(
    engine: Engine, lenient: Privacy, log: AccessLog, fault: Fault, caplog: pytest.LogCaptureFixture
) -> None:
    lenient.install(engine)
    world.fill(lenient, engine)
    with Session(engine) as session, lenient.access(**CLERK):
        session.connection()
        fault.begin(log)
        try:
            with caplog.at_level(logging.WARNING, "sa_privacy"):
                assert len(session.execute(select(Customer.id, Customer.name)).all()) == 3
            with pytest.raises(PermissionError), lenient.access("shipping", role="warehouse"):
                session.scalars(select(Customer.segment)).all()
        finally:
            fault.end()
        said = [record.getMessage() for record in caplog.records if record.name == "sa_privacy"]
        assert any("access log unavailable" in message for message in said)
        assert not any("Ann" in message for message in said)
        trail = Trail(log)
        session.add(Customer(name="New", email="e"))
        session.commit()
        assert len(trail.intents) == 1, "it writes again"
    assert log.verify().ok, str(log.verify())
