"""Checkpoints in a database: one table, one row each, written once (docs/spec/log.md, "The second place")."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from sqlalchemy import BigInteger, Column, Integer, MetaData, String, Table, Text, create_engine, func, inspect, select
from sqlalchemy.engine import URL, Connection, Engine
from sqlalchemy.exc import ArgumentError, DBAPIError, IntegrityError, NoSuchModuleError

from sa_privacy.accesslog.proof.chain import Bad
from sa_privacy.accesslog.proof.checkpoint import read_checkpoint
from sa_privacy.accesslog.proof.places import Line
from sa_privacy.errors import LogUnavailable

__all__ = ["CheckpointTable"]

_PAGE = 500
_HINT = "see that the database is up, and that its user may write the table sa_privacy_checkpoints; the next one catches up."

_TABLE = Table(
    "sa_privacy_checkpoints",
    MetaData(),
    Column("number", BigInteger().with_variant(Integer(), "sqlite"), primary_key=True, autoincrement=False),
    Column("file", String(32), nullable=False),
    Column("line", Text(), nullable=False),
)


class CheckpointTable:
    """The table ``sa_privacy_checkpoints`` of a database; it is made if it is missing.

    Its user needs INSERT and SELECT and, so that nothing can be taken back, should have no more.

    :param place: a database URL of a synchronous driver, or an engine.
    """

    def __init__(self, place: str | URL | Engine) -> None:
        try:
            self._engine = place if isinstance(place, Engine) else create_engine(place, hide_parameters=True)
        except (ArgumentError, NoSuchModuleError):
            raise LogUnavailable(
                "The URL of the second place is no database URL.", hint="write postgresql://..."
            ) from None

    def last(self) -> Line | None:
        with self._begin() as connection:
            if not inspect(connection).has_table(_TABLE.name):
                return None
            newest = select(func.max(_TABLE.c.number)).scalar_subquery()
            row = connection.execute(select(_TABLE.c.file, _TABLE.c.line).where(_TABLE.c.number == newest)).first()
        return None if row is None else Line(row.file, 1, row.line.encode())

    def lines(self, after: int = 0) -> Iterator[Line]:
        last = self.last()
        return iter(()) if last is None else self._lines(after, last)

    def _lines(self, after: int, last: Line) -> Iterator[Line]:
        file, count = "", 0
        columns = select(_TABLE.c.number, _TABLE.c.file, _TABLE.c.line).order_by(_TABLE.c.number).limit(_PAGE)
        while True:  # page by page: no connection is held while somebody looks at them
            with self._begin() as connection:
                rows = connection.execute(columns.where(_TABLE.c.number > after)).all()
            for row in rows:
                count = count + 1 if row.file == file else 1
                after, file = row.number, row.file
                line = Line(file, count, row.line.encode())
                yield line
                if line.text == last.text:
                    return
            if not rows:
                return

    def add(self, lines: Iterable[Line]) -> None:
        try:
            with self._begin() as connection:
                if not inspect(connection).has_table(_TABLE.name):
                    _TABLE.create(connection)
                known = connection.scalar(select(func.coalesce(func.max(_TABLE.c.number), 0))) or 0
                for line in lines:
                    number = _number(line)
                    if number > known:
                        connection.execute(
                            _TABLE.insert(), {"number": number, "file": line.file, "line": line.text.decode()}
                        )
        except IntegrityError:
            return  # another process copied them in the same moment; a difference is found when they are compared

    def _begin(self) -> _Transaction:
        return _Transaction(self._engine)


class _Transaction:
    """A transaction whose errors are those of a place."""

    def __init__(self, engine: Engine) -> None:
        self._context = engine.begin()
        self._where = engine.dialect.name

    def __enter__(self) -> Connection:
        try:
            return self._context.__enter__()
        except DBAPIError as error:
            raise self._away(error) from error

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: object) -> None:
        try:
            self._context.__exit__(kind, error, at)  # type: ignore[arg-type]
        except DBAPIError as failure:
            raise self._away(failure) from failure
        if isinstance(error, DBAPIError) and not isinstance(error, IntegrityError):
            raise self._away(error) from error

    def _away(self, error: DBAPIError) -> LogUnavailable:
        said = type(error.orig).__name__
        return LogUnavailable(f"The {self._where} database for checkpoints cannot be used ({said}).", hint=_HINT)


def _number(line: Line) -> int:
    try:
        return read_checkpoint(line.text, number=None, prev=None, keys=None)[0].number
    except Bad:
        return 0
