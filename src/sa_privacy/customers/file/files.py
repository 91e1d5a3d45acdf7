"""A person's file: all that is kept about them, what for, who got it, and how it was used. The answer to a request for disclosure.

As JSON (``sa-privacy-person-file``, version 1; docs/requests.md says what it is made of) and as a page that people can read and
print. It is made when it is asked for, and kept nowhere.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import Connection
from sqlalchemy.orm import Session

from sa_privacy.accesslog.eventlog import EventLog
from sa_privacy.crypto.pseudonym import Pseudonyms
from sa_privacy.customers.disclosure.until_committed import Awaited
from sa_privacy.customers.file.rows import ShownTable, as_json, rows_of
from sa_privacy.customers.file.uses import uses_of
from sa_privacy.customers.owned import Owned, OwnedTable, categories_read
from sa_privacy.customers.requests.articles import REFUSALS
from sa_privacy.customers.requests.book import find_all, references
from sa_privacy.customers.requests.view import Request
from sa_privacy.errors import PolicyError, RequestRefused
from sa_privacy.ledger import Desk, Person, find_person
from sa_privacy.policy import Policy

__all__ = ["FORMAT", "FileMaker", "PersonFile", "Records"]

FORMAT: Final = "sa-privacy-person-file"
VERSION: Final = 1

#: What a ledger holds of a person, each entry as plain values; asked at an open desk.
Records = Callable[[Connection, Person], Iterable[Mapping[str, Any]]]


_WHY_NOT: Final = {
    "pending": "the answer is not committed, so its file cannot be had.",
    "void": "the answer was rolled back, so there is no file.",
    "unknown": "the session is part of a transaction that somebody else ends, so that its commit is none.",
}


@dataclass(frozen=True, slots=True)
class PersonFile:
    """A person's file.

    :param made: its content, as JSON has it.
    :param language: that it was asked for in.
    :param awaited: the step of the answer, which has to be committed before anything is handed over; None: there is none.
    """

    made: Mapping[str, Any] = field(repr=False)
    language: str = "en"
    awaited: Awaited | None = field(default=None, repr=False, compare=False)

    @property
    def content(self) -> Mapping[str, Any]:
        """The file as JSON has it.

        :raises RequestRefused: the answer has not been committed, or was rolled back. So do the methods.
        """
        if self.awaited is not None and self.awaited.state != "committed":
            raise RequestRefused(
                _WHY_NOT[self.awaited.state],
                hint="session.commit() first, of a session of its own; to look through a file before: preview(...).",
            )
        return self.made

    def json(self) -> str:
        """The file as JSON, UTF-8."""
        return json.dumps(self.content, ensure_ascii=False, indent=2) + "\n"

    def html(self, language: str | None = None) -> str:
        """The file as a page of its own: nothing is loaded from anywhere.

        :param language: ``"en"`` or ``"ja"``; the one it was asked for in, if left out.
        """
        from sa_privacy.customers.file.page import page  # noqa: PLC0415 - its templates are for who wants a page

        return page(self.content, language or self.language)


class FileMaker:
    """Makes files.

    :param log: the access log.
    :param pseudonyms: how the log names people; None: it cannot be asked.
    :param consents: what people agreed to.
    :param provisions: to whom their data was given.
    :param received: from whom their data was received.
    """

    def __init__(
        self,
        desk: Desk,
        owned: Owned,
        *,
        log: EventLog | None = None,
        pseudonyms: Pseudonyms | None = None,
        consents: Records | None = None,
        provisions: Records | None = None,
        received: Records | None = None,
    ) -> None:
        self.owned = owned
        self._desk = desk
        self._log = log
        self._pseudonyms = pseudonyms
        self._records = {"consents": consents, "provisions": provisions, "received": received}
        self._about_owner: set[str] = set()
        self._withheld: set[str] = set()

    def tell(self, *columns: str) -> None:
        """Says of columns that they are about the person whose row it is, also where the row leads to somebody else.

        :raises PolicyError: one of them is no personal column.
        """
        self._known(columns)
        self._about_owner |= set(columns)

    def withhold(self, *columns: str) -> None:
        """Says of columns, personal or not, that no file shows them: a hash of a password, a token.

        :param columns: ``"table.column"``.
        """
        self._withheld |= set(columns)

    def make(
        self,
        session: Session | Connection,
        subject: tuple[str, str],
        request: Request,
        *,
        at: datetime,
        leave_out: Collection[str] = (),
        article: str | None = None,
        reason: str | None = None,
    ) -> PersonFile:
        """The file of one person.

        :param subject: kind and key.
        :param request: that it answers.
        :param leave_out: columns that are not disclosed this time.
        :raises PolicyError: one of these is not of the person's tables.
        """
        kind = subject[0]
        tables = self.owned.tables(kind)
        self._must_be_theirs(tables, leave_out)
        reads = frozenset[str]().union(*(categories_read(table, table.columns) for table in tables))
        with self._desk.open(session, reads=reads, subjects=[subject], reading=True) as connection:
            person = find_person(self._desk, connection, subject)
            shown = rows_of(
                connection,
                tables,
                person,
                catalogue=self._desk.live.current(),
                about_owner=self._about_owner,
                leave_out={*leave_out, *self._withheld},
            )
            requests = [found.request for found in find_all(connection, references(connection, subject=subject))]
            records = {
                name: None if ask is None else [as_json(one) for one in ask(connection, person)]
                for name, ask in self._records.items()
            }
        policy = self._desk.policy
        names = self._pseudonyms
        content = {
            "format": FORMAT,
            "version": VERSION,
            "made_at": at.astimezone(UTC).isoformat(timespec="seconds"),
            "controller": dict(policy.controller),
            "policy": {"id": policy.id, "version": policy.version, "hash": policy.hash},
            "person": {"kind": person.kind, "key": person.text},
            "request": {**_request(request), "state": "answered"},
            "categories": _categories(policy, tables),
            "data": [_table(table) for table in shown if table.rows or table.mentions],
            **records,
            "uses": uses_of(self._log, None if names is None else names.of(person.kind, person.key), policy),
            "requests": [_request(one) for one in requests if one.reference != request.reference],
            "not_disclosed": None if not leave_out else _not_disclosed(leave_out, article, reason),
        }
        return PersonFile(content, request.language)

    def _known(self, columns: Collection[str]) -> None:
        unknown = sorted(set(columns) - self._desk.live.current().columns.keys())
        if unknown:
            raise PolicyError(f"{', '.join(unknown)}: no personal columns.", hint='write "table.column".')

    def _must_be_theirs(self, tables: Sequence[OwnedTable], columns: Collection[str]) -> None:
        known = {
            f"{table.name}.{name}" for table in tables for name in (*table.plain(), *(c.column for c in table.columns))
        }
        if not known >= set(columns):
            raise PolicyError(
                "there is no such column in a person's file.", hint=f"columns: {', '.join(sorted(known))}."
            )


def _categories(policy: Policy, tables: Sequence[OwnedTable]) -> list[dict[str, Any]]:
    """What is kept, what each of it is for, and who may get it."""
    kept = dict.fromkeys(column.category for table in tables for column in table.columns)
    return [
        {
            "name": name,
            "title": dict(policy.categories[name].title),
            "columns": [c.name for table in tables for c in table.columns if c.category == name],
            "purposes": [
                {"name": one.name, "title": dict(one.title), "clause": one.clause, "consent": one.consent}
                for one in policy.purposes.values()
                if name in one.read | one.match | one.write
            ],
            "recipients": [
                {"name": one.name, "title": dict(one.title), "kind": one.kind, "country": one.country}
                for one in policy.recipients.values()
                if name in one.categories
            ],
            "retention": None,
        }
        for name in policy.categories
        if name in kept
    ]


def _table(shown: ShownTable) -> dict[str, Any]:
    categories = {column.column: column.category for column in shown.table.columns}
    return {
        "table": shown.table.name,
        "rows": [
            {
                "row": as_json(row.identity),
                "values": [
                    {"column": name, "category": categories.get(name), "value": as_json(value)}
                    for name, value in row.values.items()
                ],
                "about_others": list(row.left_out),
            }
            for row in shown.rows
        ],
        "mentioned_in": shown.mentions,
    }


def _request(request: Request) -> dict[str, Any]:
    return {
        "reference": request.reference,
        "kind": request.kind,
        "received_at": request.received_at.astimezone(UTC).isoformat(timespec="seconds"),
        "due_on": request.due_on.isoformat(),
        "state": request.state,
        "by_agent": request.authority,
    }


def _not_disclosed(columns: Collection[str], article: str | None, reason: str | None) -> dict[str, Any]:
    refusal = REFUSALS.get(article or "")
    return {
        "columns": sorted(columns),
        "article": article,
        "words": None if refusal is None else dict(refusal.words),
        "reason": reason,
    }
