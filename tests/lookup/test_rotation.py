"""A lookup key is replaced without a gap: at every step, every row is found, and is unique."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from sqlalchemy import Engine, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session
from sqlalchemy.orm.attributes import flag_modified

from sa_privacy import Keyring, Privacy
from sa_privacy.access import AccessBlock
from tests.lookup.world import POLICY, Base, Person

STEPS: dict[str, Callable[[Keyring], object]] = {
    "rotate_lookup": Keyring.rotate_lookup,
    "switch_lookup": Keyring.switch_lookup,
    "end_lookup": Keyring.end_lookup,
}


class Process:
    """One process of the application: an engine, and the keyring as it was when the process began."""

    def __init__(self, engine: Engine, path: Path) -> None:
        self.engine = engine
        self.privacy = Privacy(POLICY, keys=Keyring.load(path), log=None, metadata=Base.metadata)
        self.privacy.install(engine)

    def add(self, number: int, email: str) -> None:
        """Writes a person; raises IntegrityError where the address is taken."""
        with self._access(), Session(self.engine) as session:
            session.add(Person(id=number, name="x", email=email))
            session.commit()

    def find(self, email: str) -> list[int]:
        """Who has the address."""
        with self._access(), Session(self.engine) as session:
            return list(session.scalars(select(Person.id).where(Person.email == email)))

    def rewrite(self, numbers: list[int]) -> None:
        """Seals rows anew: both slots are filled as the keyring says."""
        with self._access(), Session(self.engine) as session:
            for person in session.scalars(select(Person).where(Person.id.in_(numbers))):
                flag_modified(person, "email")
            session.commit()

    def end(self) -> None:
        """The process stops."""
        self.privacy.close()
        self.engine.dispose()

    def _access(self) -> AccessBlock:
        return self.privacy.access("service", role="clerk", actor="a")


@pytest.fixture
def start(engine: Engine, make_engine: Callable[..., Engine]) -> Iterator[Callable[[Path], Process]]:
    """Starts processes on one database."""
    Base.metadata.create_all(engine)
    started: list[Process] = []

    def one(path: Path) -> Process:
        started.append(Process(make_engine(), path))
        return started[-1]

    yield one
    for process in started:
        process.end()


@pytest.fixture
def rings(tmp_path: Path) -> dict[str, Path]:
    """A keyring file for each step of one rotation, and of a second one after it."""
    ring = Keyring.generate()
    paths = {"before": tmp_path / "before.json"}
    ring.save(paths["before"])
    for turn in ("", "_again"):
        for name, step in STEPS.items():
            step(ring)
            paths[name + turn] = tmp_path / f"{name}{turn}.json"
            ring.save(paths[name + turn])
    return paths


def test_every_step_finds_every_row_and_keeps_it_unique(
    start: Callable[[Path], Process], rings: dict[str, Path]
) -> None:
    number = 0
    earlier: list[str] = []
    for before, after in pairwise(rings):
        old, new = start(rings[before]), start(rings[after])
        for writer, reader in ((old, new), (new, old)):  # both run while the new keyring is handed out
            number += 1
            email = f"person.{number}@example.org"
            writer.add(number, email)
            earlier.append(email)
            with pytest.raises(IntegrityError):
                reader.add(1000 + number, email.upper())
        for process in (old, new):
            assert [process.find(email.upper()) for email in earlier] == [[n] for n in range(1, number + 1)]
        old.end()
        if after.startswith("rotate_lookup"):  # every row is sealed anew, a few at a time
            for turn in range(1, number + 1):
                new.rewrite([turn])
                assert [new.find(email) for email in earlier] == [[n] for n in range(1, number + 1)]
        for n, email in enumerate(earlier, 1):
            with pytest.raises(IntegrityError):
                new.add(2000 + n, email)
        new.end()


def test_statements_that_are_kept_compiled_follow_the_ring(engine: Engine) -> None:
    Base.metadata.create_all(engine)
    ring = Keyring.generate()
    privacy = Privacy(POLICY, keys=ring, log=None, metadata=Base.metadata)
    privacy.install(engine)
    wanted = select(Person.id).where(Person.email == "a@example.org")
    with privacy.access("service", role="clerk", actor="a"), Session(engine) as session:

        def write_and_find(number: int) -> None:
            session.query(Person).delete()
            session.add(Person(id=number, name="x", email="A@example.org"))
            session.flush()
            assert session.scalars(wanted).all() == [number]

        write_and_find(1)
        for turn in range(2):
            for at, step in enumerate(STEPS.values()):
                step(ring)
                write_and_find(10 * turn + at + 2)
    privacy.close()


def test_a_row_without_the_new_digest_is_the_jobs_to_find(
    start: Callable[[Path], Process], rings: dict[str, Path]
) -> None:
    """What switching too early would cost, so that the order of the steps is not a matter of taste."""
    old = start(rings["before"])
    old.add(1, "a@example.org")

    assert start(rings["rotate_lookup"]).find("a@example.org") == [1]
    assert start(rings["switch_lookup"]).find("a@example.org") == []
