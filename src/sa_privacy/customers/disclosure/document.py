"""What a recipient gets: a document in JSON, or a table in CSV. Described in docs/disclosure.md.

People are told apart by a number, their place in what the application asked for: the keys of its tables go to nobody.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

import msgspec

from sa_privacy.columns.catalogue import PersonalColumn
from sa_privacy.customers.disclosure.terms import Terms
from sa_privacy.policy import Policy

__all__ = ["FORMATS", "Document", "PersonGiven", "safe_in_a_spreadsheet"]

#: How a spreadsheet knows a formula, in the widths that Japanese keyboards make too.
_FORMULA: Final = ("=", "+", "-", "@", "＝", "＋", "－", "＠")
#: In front of which some of them still see it.
_BLANK: Final = ("\t", "\r", "\n")


@dataclass(frozen=True, slots=True)
class PersonGiven:
    """What is given of one person.

    :param number: their place in what was asked for, from 1.
    :param tables: the values that are there, by table, row by row.
    """

    number: int
    kind: str
    tables: Mapping[str, Sequence[Mapping[str, Any]]] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Document:
    """All that is given at one time.

    :param columns: what was looked at, in order: their own tables first.
    :param flat: all of it is in tables with one row for each person.
    """

    record: str
    at: datetime
    policy: Policy
    terms: Terms
    columns: Sequence[PersonalColumn]
    people: Sequence[PersonGiven] = field(repr=False)
    flat: bool

    def as_json(self) -> bytes:
        """UTF-8. Dates and times as in ISO 8601, decimal numbers as text, bytes in Base64."""
        ground = self.terms.proof
        categories = {column.category for column in self.columns}
        said = {
            "format": "sa-privacy-disclosure/1",
            "id": self.record,
            "at": self.at,
            "from": dict(self.policy.controller),
            "to": {"name": self.terms.recipient.name, "title": dict(self.terms.recipient.title)},
            "ground": None
            if ground is None
            else {"title": dict(ground.ground.title), "clause": ground.ground.clause, "article": ground.article},
            "categories": {
                name: {"title": dict(category.title), **({"dpv": category.dpv} if category.dpv else {})}
                for name, category in self.policy.categories.items()
                if name in categories
            },
            "columns": [{"table": c.table, "column": c.column, "category": c.category} for c in self.columns],
            "people": [{"number": one.number, "kind": one.kind, "data": one.tables} for one in self.people],
        }
        return msgspec.json.encode(said, enc_hook=str)

    def as_csv(self) -> bytes:
        """UTF-8, comma, RFC 4180 line breaks, a header. One line for each person where the data is flat, else for each value.

        A text that a spreadsheet would take for a formula gets an apostrophe in front.
        """
        text = io.StringIO()
        writer = csv.writer(text)
        for line in self._flat() if self.flat else self._long():
            writer.writerow([safe_in_a_spreadsheet(cell) for cell in line])
        return text.getvalue().encode()

    def _flat(self) -> Iterator[Sequence[Any]]:
        names = [column.column for column in self.columns]
        yield ["number", *(c.name if names.count(c.column) > 1 else c.column for c in self.columns)]
        for one in self.people:
            rows = {table: rows[0] for table, rows in one.tables.items()}
            yield [one.number, *(rows.get(column.table, {}).get(column.column) for column in self.columns)]

    def _long(self) -> Iterator[Sequence[Any]]:
        yield ["number", "kind", "table", "row", "column", "category", "value"]
        categories = {(column.table, column.column): column.category for column in self.columns}
        for one in self.people:
            for table, rows in one.tables.items():
                for at, row in enumerate(rows, 1):
                    for column, value in row.items():
                        yield [one.number, one.kind, table, at, column, categories[table, column], value]


FORMATS: Final[Mapping[str, Callable[[Document], bytes]]] = {"json": Document.as_json, "csv": Document.as_csv}


def safe_in_a_spreadsheet(value: Any) -> str:
    """A value as text that no spreadsheet takes for a formula. Numbers are none."""
    plain = msgspec.to_builtins(value, enc_hook=str)
    if plain is None:
        return ""
    if isinstance(plain, bool):
        return "true" if plain else "false"
    if isinstance(plain, (dict, list)):
        plain = json.dumps(plain, ensure_ascii=False)
    text = str(plain)
    is_number = isinstance(plain, (int, float)) or (isinstance(value, Decimal) and value.is_finite())
    return f"'{text}" if not is_number and (text[:1] in _BLANK or text.lstrip().startswith(_FORMULA)) else text
