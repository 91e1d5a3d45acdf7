"""What every operation has to answer: the records in dictionaries, and nothing shared with the systems under test."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from benchmarks.gdprbench.records import FIELDS, METADATA, OBJECTED
from benchmarks.gdprbench.trace import Operation

__all__ = ["Answer", "Oracle", "WrongAnswer", "compare"]

#: Rows in order of their keys; how many were changed; how many rows each use handed over; whether there is no such record.
Answer = list[tuple[Any, ...]] | int | list[int] | bool

_SOUGHT = ("key", "usr", "pur", "obj", "dec", "shr")


class WrongAnswer(AssertionError):
    """A system did not answer what the oracle says. Names keys and fields, and no value."""


class Oracle:
    """Holds all records, and answers operations in their order."""

    def __init__(self, records: Iterable[dict[str, Any]]) -> None:
        self._records: dict[str, dict[str, Any]] = {}
        self._keys: defaultdict[tuple[str, Any], set[str]] = defaultdict(set)  # by field and value
        self._uses: defaultdict[str, list[int]] = defaultdict(list)  # of whose records metadata was read
        for one in records:
            self._add(one)

    def answer(self, operation: Operation) -> Answer:
        """What the operation has to return; it is carried out here, too."""
        if operation.verb == "create":
            self._add(dict(operation.change))
            return 1
        if operation.verb == "verify":
            return operation.value not in self._records
        if operation.verb == "logs":
            return list(self._uses[operation.value])
        found = self._find(operation)
        if operation.verb == "read":
            return self._rows(found, FIELDS)
        if operation.verb == "read-metadata":
            if operation.role == "regulator":
                self._uses[operation.value].append(len(found))
            return self._rows(found, METADATA)
        for key in found:
            one = self._remove(key)
            if operation.verb == "update":
                self._add({**one, **operation.change})
        return len(found)

    def rows(self) -> list[tuple[Any, ...]]:
        """All records, in order of their keys."""
        return self._rows(self._records, FIELDS)

    def _find(self, operation: Operation) -> list[str]:
        if operation.by == "expires_at":
            return [key for key, one in self._records.items() if one["expires_at"] < operation.value]
        found = self._keys[operation.by, operation.value]
        if operation.subject is not None:
            found = found & self._keys["usr", operation.subject]
        if operation.purpose is not None:
            found = (found & self._keys["pur", operation.purpose]) - self._keys["obj", OBJECTED]
        return list(found)

    def _rows(self, keys: Iterable[str], fields: Sequence[str]) -> list[tuple[Any, ...]]:
        return [tuple(self._records[key][field] for field in fields) for key in sorted(keys)]

    def _add(self, one: dict[str, Any]) -> None:
        self._records[one["key"]] = one
        for field in _SOUGHT:
            self._keys[field, one[field]].add(one["key"])

    def _remove(self, key: str) -> dict[str, Any]:
        one = self._records.pop(key)
        for field in _SOUGHT:
            self._keys[field, one[field]].discard(key)
        return one


def compare(what: str, expected: Answer, got: Answer, fields: Sequence[str] = FIELDS) -> None:
    """Whether an answer is the one that the oracle gives.

    :param what: names the operation and the system in the error.
    :param fields: what stands in the rows.
    :raises WrongAnswer: it is not; says the first difference.
    """
    if expected == got and type(expected) is type(got):
        return
    if not (isinstance(expected, list) and isinstance(got, list)):
        raise WrongAnswer(f"{what}: {_told(got)} instead of {_told(expected)}")
    here, there = ({row[0]: row for row in rows if isinstance(row, tuple)} for rows in (expected, got))
    for key, row in sorted(here.items()):
        if key not in there:
            raise WrongAnswer(f"{what}: {key} is missing")
        for field, wanted, value in zip(fields, row, there[key], strict=True):
            if wanted != value:
                raise WrongAnswer(f"{what}: {field} of {key} differs")
    for key in sorted(there.keys() - here.keys()):
        raise WrongAnswer(f"{what}: {key} is not to be there")
    raise WrongAnswer(f"{what}: {len(got)} entries, not the {len(expected)} that were expected")


def _told(answer: Answer) -> str:
    return f"{len(answer)} rows" if isinstance(answer, list) else str(answer)
