"""What nobody can undercut who seals four columns, one of them searchable: plain SQLAlchemy with bytes as long as the cells,
and as many bare calls of AES-GCM, of the system's random source and of HMAC. On SQLite in memory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count
from os import urandom
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hmac import HMAC
from sqlalchemy import Index, Integer, String, Text, insert, select, text
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column
from sqlalchemy.types import UserDefinedType

from benchmarks.overhead.models import PEOPLE, PERSONAL, person
from benchmarks.overhead.operations import BULK
from benchmarks.report import row
from benchmarks.timing import interleaved, memory_engine

__all__ = ["floors"]

_AEAD, _AAD, _HEADER = AESGCM(bytes(32)), bytes(48), bytes((1, 1, 0, 0, 0, 1))
_SLOTTED, _EMPTY, _KEYED = bytes((1, 2, 0, 0, 0, 1)), bytes(20), HMAC(bytes(32), SHA256())
_join = bytearray().join  # sqlite3 takes these as they are


class _Raw(UserDefinedType[Any]):
    """Bytes, handed to the driver as they are."""

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        return "BLOB"


class _Base(DeclarativeBase):
    pass


class _Plain(_Base):
    __tablename__ = "floor_plain"
    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    name: Mapped[str] = mapped_column(Text)
    address: Mapped[str] = mapped_column(Text)
    phone: Mapped[str] = mapped_column(Text)
    email: Mapped[str] = mapped_column(String(320), unique=True)


class _Cells(_Base):
    __tablename__ = "floor_cells"
    __table_args__ = (Index("ix_floor_digest", text("substr(email, 7, 20)"), unique=True),)
    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    name: Mapped[Any] = mapped_column(_Raw)
    address: Mapped[Any] = mapped_column(_Raw)
    phone: Mapped[Any] = mapped_column(_Raw)
    email: Mapped[Any] = mapped_column(_Raw)


def _sealed(values: dict[str, str]) -> dict[str, Any]:
    """What four cells take: a nonce and a call for each, and the digest of one."""
    encrypt, cells = _AEAD.encrypt, dict[str, Any]()
    for key, value in values.items():
        plaintext, header = value.encode(), _HEADER
        if key == "email":
            keyed = _KEYED.copy()
            keyed.update(plaintext)
            header = _SLOTTED + b"\0\0\0\1" + keyed.finalize()[:16] + _EMPTY
        nonce = urandom(12)
        cells[key] = _join((header, nonce, encrypt(nonce, plaintext, _AAD)))
    return cells


def floors(rounds: int, repeat: int) -> Iterator[dict[str, Any]]:
    """Their lines; each stands for an operation of the matrix."""
    engine = memory_engine()
    _Base.metadata.create_all(engine)
    numbers = count(PEOPLE + 1)
    known = range(1, PEOPLE + 1)
    with Session(engine) as session:
        session.execute(insert(_Plain), [{"id": number, **person(number)} for number in known])
        session.commit()
    cells = [bytes(12) + _AEAD.encrypt(bytes(12), each.encode(), _AAD) for n in known for each in person(n).values()]

    def opening(run: Callable[[Session], Any], some: int) -> Callable[[Session], Any]:
        decrypt, few = _AEAD.decrypt, cells[:some]

        def opened(session: Session) -> None:
            run(session)
            for cell in few:
                decrypt(cell[:12], cell[12:], _AAD)

        return opened

    def get(session: Session) -> Any:
        found = session.get_one(_Plain, 1)
        return [getattr(found, key) for key in PERSONAL]

    def columns(session: Session) -> Any:
        return session.execute(
            select(_Plain.name, _Plain.address, _Plain.phone, _Plain.email).where(_Plain.id <= PEOPLE)
        ).all()

    def adding(model: Any, made: Callable[[dict[str, str]], dict[str, Any]]) -> Callable[[Session], Any]:
        def add(session: Session) -> None:
            session.add(model(**made(person(next(numbers)))))
            session.commit()

        return add

    def inserting(model: Any, made: Callable[[dict[str, str]], dict[str, Any]]) -> Callable[[Session], Any]:
        def insert_many(session: Session) -> None:
            session.execute(insert(model), [made(person(next(numbers))) for _ in range(BULK)])
            session.commit()

        return insert_many

    def work(run: Callable[[Session], Any]) -> Callable[[], None]:
        def done() -> None:
            with Session(engine) as session:
                run(session)

        return done

    for label, plain, floor, times in (
        ("get by key: plain, and 4 bare openings", get, opening(get, 4), 10 * repeat),
        ("4 columns of 100 rows: plain, and 400 bare openings", columns, opening(columns, len(cells)), repeat),
        ("insert one: as many bytes, 4 bare sealings, a digest", adding(_Plain, dict), adding(_Cells, _sealed), repeat),
        (
            f"bulk insert of {BULK:,}: as many bytes, {4 * BULK:,} bare sealings, {BULK:,} digests",
            inserting(_Plain, dict),
            inserting(_Cells, _sealed),
            max(1, repeat // 10),
        ),
    ):
        found = interleaved({"plain": work(plain), "floor": work(floor)}, rounds, times)
        yield row(f"  {label}", "x plain", None, [b / a for a, b in zip(found["plain"], found["floor"], strict=True)])
    engine.dispose()
