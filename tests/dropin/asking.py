"""A workload: ordinary queries, each with what it is for, and what is to become of it once a policy is enforced."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Engine, event, inspect
from sqlalchemy.orm import Session

from sa_privacy import Privacy
from sa_privacy.errors import PrivacyError
from tests.support.databases import Backend

__all__ = ["Answer", "Query", "Workload", "plain", "recorded"]

#: What a query does, given a session and the mapped classes and tables by name.
Ask = Callable[[Session, Any], Any]
Access = dict[str, Any] | None


@dataclass(frozen=True)
class Query:
    """One query.

    :param access: what it declares: arguments of ``privacy.access``; None: nothing, as code does that knows of no policy.
    :param refused: the code of the denial that it ends in; None: it gives what it gave unprotected.
    :param narrowed: what it does not use is left out of its SQL; its rows are the same.
    :param blank: keys of its rows that read as None under ``withheld="none"``.
    """

    name: str
    ask: Ask
    access: Access
    refused: str | None
    narrowed: bool
    blank: frozenset[str]
    only: Backend | None


@dataclass(frozen=True)
class Answer:
    """What came of a query: its rows, or the code of its denial; and the SQL that was run."""

    rows: Any
    refused: str | None
    sql: tuple[str, ...]


class Workload:
    """The queries of one schema, in the order in which they were written down."""

    def __init__(self) -> None:
        self.queries: list[Query] = []

    def __call__(
        self,
        access: Access = None,
        *,
        refused: str | None = None,
        narrowed: bool = False,
        blank: tuple[str, ...] = (),
        only: Backend | None = None,
    ) -> Callable[[Ask], Ask]:
        def keep(ask: Ask) -> Ask:
            self.queries.append(Query(ask.__name__, ask, access, refused, narrowed, frozenset(blank), only))
            return ask

        return keep

    def run(self, engine: Engine, models: Any, privacy: Privacy | None = None) -> dict[str, Answer]:
        """Asks everything, each in a session of its own that is rolled back."""
        answers = {}
        for query in self.queries:
            if query.only not in (None, engine.dialect.name):
                continue
            declared = privacy.access(**query.access) if privacy is not None and query.access else nullcontext()
            with declared, Session(engine) as session, recorded(engine) as sql:
                rows, refused = None, None
                try:
                    rows = query.ask(session, models)
                except PrivacyError as denial:
                    refused = denial.code
                session.rollback()
            answers[query.name] = Answer(rows, refused, tuple(sql))
        return answers


@contextmanager
def recorded(engine: Engine) -> Iterator[list[str]]:
    """The statements that reach the driver."""
    sql: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        sql.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    try:
        yield sql
    finally:
        event.remove(engine, "before_cursor_execute", note)


def plain(thing: Any) -> dict[str, Any]:
    """All that is in an object, by attribute, as a serialiser of whole objects takes it."""
    return {attribute.key: getattr(thing, attribute.key) for attribute in inspect(thing).mapper.column_attrs}
