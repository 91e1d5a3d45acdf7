"""Columns that are being sealed: until a day that was named, plain values are read beside cells.

Nothing of this stands in the way of a cell: a column's opener asks here about what it could not open, and only then.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from threading import Lock
from typing import TYPE_CHECKING, Any

from sqlalchemy.types import TypeEngine, to_instance

from sa_privacy.columns.catalogue import Catalogue
from sa_privacy.columns.stored import is_binary, plain_reader
from sa_privacy.errors import PolicyError

if TYPE_CHECKING:
    from sqlalchemy.engine import Dialect

__all__ = ["Acceptance", "Accepted", "PlainValues"]

_logger = logging.getLogger("sa_privacy")


class Acceptance:
    """One column of which plain values are accepted.

    :param column: as ``"table.column"``.
    :param until: the last day, in UTC.
    :param stored_as: the type that wrote what is stored, where it is not the column's inner type.
    """

    def __init__(self, column: str, until: date, stored_as: TypeEngine[Any] | None) -> None:
        self.column = column
        self.until = until
        self.stored_as = stored_as
        self.read = 0
        self._lock = Lock()

    @property
    def open(self) -> bool:
        """Whether it has not ended yet."""
        return datetime.now(UTC).date() <= self.until

    def count(self) -> None:
        """A plain value was read."""
        with self._lock:
            self.read += 1
            first = self.read == 1
        if first:
            _logger.warning(
                "%s: plain values are read, and accepted until %s; sa-privacy seal %s seals them",
                self.column,
                self.until.isoformat(),
                self.column,
            )


class Accepted:
    """What ``Privacy(..., accept_plaintext=..., stored_as=...)`` says.

    :param until: the last day, in UTC, for each column.
    :param stored_as: the types that wrote what is stored, where they are not the columns' inner types.
    :raises PolicyError: a day is none, or is past; a type is given for a column that is not accepted.
    """

    def __init__(self, until: Mapping[str, date], stored_as: Mapping[str, Any]) -> None:
        given: tuple[object, ...] = (until, stored_as)
        if not all(isinstance(each, Mapping) for each in given):
            raise PolicyError(
                "accept_plaintext and stored_as are dictionaries by column.",
                hint='write accept_plaintext={"customers.email": date(...)}, the last day on which plain values are read.',
            )
        today = datetime.now(UTC).date()
        for column, day in until.items():
            if type(day) is not date:
                raise PolicyError(
                    f'accept_plaintext: "{column}" needs a date, and was given {type(day).__name__}.',
                    hint=f'accept_plaintext={{"{column}": date(...)}}, the last day on which plain values are read.',
                )
            if day < today:
                raise PolicyError(
                    f'accept_plaintext: "{column}" ended on {day.isoformat()}.',
                    hint=f"take the entry out if all is sealed (sa-privacy seal {column} --dry-run says so), or name a later day.",
                    columns=(column,),
                )
        for column in stored_as:
            if column not in until:
                raise PolicyError(
                    f'stored_as: plain values of "{column}" are not accepted.',
                    hint=f'name it in accept_plaintext={{"{column}": date(...)}}, too.',
                )
        self.columns = {
            column: Acceptance(column, day, to_instance(stored_as[column]) if column in stored_as else None)
            for column, day in until.items()
        }

    def by_field(self, catalogue: Catalogue) -> dict[str, Acceptance]:
        """The same, by the field that cells are bound to: columns that share one accept together.

        :raises PolicyError: a column named is none that is sealed.
        """
        sealed = {name for name, column in catalogue.columns.items() if column.sealed}
        unknown = sorted(self.columns.keys() - sealed)
        if unknown:
            quoted = ", ".join(f'"{name}"' for name in unknown)
            raise PolicyError(
                f"accept_plaintext: {quoted} {'are no sealed columns' if len(unknown) > 1 else 'is no sealed column'}.",
                hint=f"sealed columns: {', '.join(sorted(sealed)) or 'none'}. Import the models before "
                "privacy.install(engine).",
            )
        return {catalogue.columns[name].field: acceptance for name, acceptance in self.columns.items()}

    def counts(self) -> dict[str, int]:
        """How many plain values were read of each column."""
        return {name: acceptance.read for name, acceptance in self.columns.items()}


class PlainValues:
    """How plain values of one column are read on one engine, where they are accepted at all.

    :param accepted: the engine's acceptances of the moment, by field.
    :param coltype: the driver's word for the type of the stored column.
    """

    __slots__ = ("_accepted", "_coltype", "_dialect", "_field", "_inner", "_made")

    def __init__(
        self,
        accepted: Callable[[], Mapping[str, Acceptance]],
        field: str,
        inner: TypeEngine[Any],
        dialect: Dialect,
        coltype: object,
    ) -> None:
        self._accepted = accepted
        self._field = field
        self._inner = inner
        self._dialect = dialect
        self._coltype = coltype
        self._made: tuple[Acceptance, Callable[[Any], Any], bool] | None = None

    def __call__(self) -> tuple[Callable[[Any], Any], bool] | None:
        """The reader, and whether what looks like a cell under an unknown key may be one of its values; None where plain
        values are not accepted, or no more.
        """
        acceptance = self._accepted().get(self._field)
        if acceptance is None or not acceptance.open:
            return None
        if self._made is None or self._made[0] is not acceptance:
            kind = acceptance.stored_as or self._inner
            self._made = (
                acceptance,
                self._counting(acceptance, plain_reader(kind, self._dialect, self._coltype)),
                acceptance.stored_as is not None and is_binary(kind, self._dialect),
            )
        return self._made[1:]

    @staticmethod
    def _counting(acceptance: Acceptance, read: Callable[[Any], Any]) -> Callable[[Any], Any]:
        def read_counted(value: Any) -> Any:
            found = read(value)
            acceptance.count()
            return found

        return read_counted
