"""Roles and purposes: so many pairs, all of them in use by turns. Together they cover 64 different sets of columns."""

from __future__ import annotations

import gc
import time
import tracemalloc
from collections.abc import Callable, Iterator, Sequence
from itertools import count
from typing import Any

from sqlalchemy import Engine, Integer, Text, insert, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from benchmarks.growth.curves import compared
from benchmarks.growth.world import right
from benchmarks.results import curve
from benchmarks.timing import interleaved, memory_engine
from sa_privacy import DataSubject, Keyring, Policy, Privacy, pii_column

__all__ = ["FULL", "QUICK", "measure"]

FULL, QUICK = (1, 10, 100, 1000), (1, 10, 30)
X = "roles x purposes"
BITS = 6  # of the number of a pair: which columns it covers
COLUMNS = [f"value_{n}" for n in range(BITS)]


class PlainBase(DeclarativeBase):
    """The model as it is without the library."""


class PlainFile(PlainBase):
    """Six columns, and one that everybody reads."""

    __tablename__ = "plain_files"

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    shared: Mapped[str] = mapped_column(Text)


class Base(DeclarativeBase):
    """The same, annotated: each column has a category of its own."""


class File(Base):
    """Six columns, and one that everybody reads."""

    __tablename__ = "files"
    __data_subject__ = DataSubject("customer", key="id")

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    shared: Mapped[str] = pii_column(Text, category="shared", encrypt=False)


for _name in COLUMNS:
    setattr(PlainFile, _name, mapped_column(_name, Text))
    setattr(File, _name, pii_column(Text, category=_name, encrypt=False))


def document(pairs: int) -> str:
    """A policy with so many purposes, and a role for each."""
    lines = ['[policy]\nid = "growth-roles"\nversion = "1"', *(f"[categories.{name}]" for name in ("shared", *COLUMNS))]
    for number in range(pairs):
        use = ", ".join(f'"{name}"' for name in ("shared", *covered(number)))
        lines.append(f"[purposes.purpose-{number}]\nuse = [{use}]")
        lines.append(f'[roles.role-{number}]\npurposes = ["purpose-{number}"]')
    lines.append("[roles.engineer]\nmaintenance = true")
    return "\n".join(lines)


def covered(number: int) -> list[str]:
    """The columns that a pair covers besides the shared one: the bits of its number."""
    return [name for bit, name in enumerate(COLUMNS) if number >> bit & 1]


class Side:
    """An engine with one row, and what is asked of it by each pair in turn."""

    def __init__(self, engine: Engine, model: type[Any], privacy: Privacy | None, pairs: int) -> None:
        self.engine, self.model, self.privacy, self.pairs = engine, model, privacy, pairs
        self.turn = count()

    def column(self) -> None:
        """What everybody reads."""
        statement = select(self.model.id, self.model.shared)
        self.ask(lambda session, _: right(session.execute(statement).all(), [(1, "shared")]))

    def entity(self) -> None:
        """An entity, of which each pair gets what it covers."""
        statement = select(self.model)

        def ask(session: Session, number: int) -> None:
            got = vars(session.scalars(statement).one())
            right([name for name in COLUMNS if name in got], COLUMNS if self.privacy is None else covered(number))

        self.ask(ask)

    def ask(self, question: Callable[[Session, int], None]) -> None:
        """Under the access of the pair whose turn it is."""
        number = next(self.turn) % self.pairs
        if self.privacy is None:
            with Session(self.engine) as session:
                question(session, number)
            return
        access = self.privacy.access(f"purpose-{number}", role=f"role-{number}", actor="growth")
        with access, Session(self.engine) as session:
            question(session, number)

    def nothing(self) -> None:
        """Opens an access, and closes it."""
        number = next(self.turn) % self.pairs
        if self.privacy is not None:
            with self.privacy.access(f"purpose-{number}", role=f"role-{number}", actor="growth"):
                pass


def measure(sizes: Sequence[int], rounds: int) -> Iterator[dict[str, Any]]:
    """Curves of loading a policy, of accesses and statements under them, and of memory.

    :param sizes: numbers of pairs.
    """
    found: dict[str, dict[float, dict[str, list[float]]]] = {"column": {}, "entity": {}}
    loading: dict[float, list[float]] = {}
    opening: dict[float, list[float]] = {}
    memory: dict[float, list[float]] = {}
    for pairs in sizes:
        written = document(pairs)
        loading[pairs] = [_timed(lambda: Policy.loads(written)) * 1e3 for _ in range(rounds)]  # noqa: B023 - called at once
        with _sides(written, pairs) as sides:
            for side in sides.values():
                for _ in range(pairs):
                    side.column()
                    side.entity()
            opened = interleaved({"ours": sides["ours"].nothing}, rounds, max(200, pairs))
            opening[pairs] = [each * 1e6 for each in opened["ours"]]
            for what, at in found.items():
                at[pairs] = interleaved({name: getattr(side, what) for name, side in sides.items()}, rounds, 200)
        memory[pairs] = [_held(written, pairs)]
    yield curve("loading the policy", X, "ms", loading, aim="linear")
    yield curve("opening an access, and closing it", X, "us", opening, aim="flat")
    yield from compared("an access and a column", X, "us", found["column"])
    yield from compared("an access and a narrowed entity", X, "us", found["entity"])
    yield curve("memory of all of them in use", X, "KiB", memory, aim="linear")


class _sides:  # noqa: N801 - a context manager
    """Both sides, with one row."""

    def __init__(self, written: str, pairs: int) -> None:
        engines = memory_engine(), memory_engine()
        PlainBase.metadata.create_all(engines[0])
        Base.metadata.create_all(engines[1])
        self.privacy = Privacy(Policy.loads(written), keys=Keyring.generate(), log=None, metadata=Base)
        self.privacy.install(engines[1])
        row = {"id": 1, "shared": "shared"} | {name: name for name in COLUMNS}
        with Session(engines[0]) as session:
            session.execute(insert(PlainFile), [row])
            session.commit()
        access = self.privacy.access(maintenance=True, actor="growth", role="engineer", reason="growth")
        with access, Session(engines[1]) as session:
            session.execute(insert(File), [row])
            session.commit()
        self.sides = {
            "plain": Side(engines[0], PlainFile, None, pairs),
            "ours": Side(engines[1], File, self.privacy, pairs),
        }

    def __enter__(self) -> dict[str, Side]:
        return self.sides

    def __exit__(self, *_: object) -> None:
        self.privacy.close()
        for side in self.sides.values():
            side.engine.dispose()


def _held(written: str, pairs: int) -> float:
    """KiB that a Privacy holds of so many pairs that all have asked for both."""
    with _sides(written, pairs) as sides:
        gc.collect()
        tracemalloc.start()
        try:
            for _ in range(pairs):
                sides["ours"].column()
                sides["ours"].entity()
            gc.collect()
            return tracemalloc.get_traced_memory()[0] / 1024
        finally:
            tracemalloc.stop()


def _timed(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start
