"""Finishes the cells of a statement: once it is let through, each is sealed under the key of the person whose row it is.

A new row says whose it is by the values it is given, or by the row that these lead to. Of rows that are there already the
database is asked, by their key. What cannot be told is refused, and says how it can be.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, NoReturn

from sa_privacy.access import AccessScopes
from sa_privacy.columns.catalogue import PersonalTable
from sa_privacy.columns.live import LiveCatalogue
from sa_privacy.columns.pending import PendingCell
from sa_privacy.crypto import SubjectKey
from sa_privacy.errors import SealedColumn
from sa_privacy.gate.people.keyed import Keyed
from sa_privacy.gate.people.people_keys import Owner, PeopleKeys, owner_of
from sa_privacy.gate.rows.own_conditions import table_named
from sa_privacy.gate.statements.statement import bound_list, bound_values

if TYPE_CHECKING:
    from sa_privacy.gate.statements.plan import Plan

__all__ = ["Finishing"]

Values = Mapping[str | int, Any]
Cells = list[PendingCell]


class Finishing:
    """Finishes the cells of one policy's statements.

    :ivar said: whom ``privacy.for_subject(...)`` names, as kind and key.
    """

    def __init__(self, scopes: AccessScopes, live: LiveCatalogue) -> None:
        self.keys = PeopleKeys(scopes, live)
        self.said: ContextVar[tuple[str | None, Any] | None] = ContextVar("sa_privacy_for_subject", default=None)
        self._scopes = scopes
        self._live = live

    def finish(self, plan: Plan, parameters: Any, context: Any) -> tuple[Any, tuple[str, ...]]:
        """The parameters as the driver gets them, and the kinds of new people whose number the database chooses.

        :raises PersonErased: a row is that of a person who was erased.
        :raises SealedColumn: whose a row is cannot be told, or a row would change hands and keep cells of who had it.
        """
        keyed = plan.keyed
        kinds: tuple[str, ...] = ()
        if keyed is not None and not _is_finished(parameters):
            kinds = _Statement(self, plan, keyed, context, parameters).finish()
        return _given(parameters), kinds


class _Statement:
    """One execution of a statement that writes cells."""

    def __init__(self, finishing: Finishing, plan: Plan, keyed: Keyed, context: Any, parameters: Any) -> None:
        self.keys, self.said, self.live = finishing.keys, finishing.said.get(), finishing._live
        self.catalogue, self.keyed, self.context = plan.catalogue, keyed, context
        self.connection = context.root_connection
        self.values: Sequence[Values] = bound_values(context, parameters)
        sets = context.parameters if context.compiled is not None else []
        self.pending: list[Any] = [*sets] or [() for _ in self.values]
        if len(keyed.tables) != 1:
            self.refuse("it writes to several tables at once", "write to each in a statement of its own.")
        self.table: PersonalTable = self.catalogue.by_name[keyed.table]
        scope = finishing._scopes.get()
        #: The library's own destruction moves rows away from people whose keys it destroys.
        self.ends_data = scope is not None and scope.access.grant.everything and not scope.access.maintenance

    def finish(self) -> tuple[str, ...]:
        keyed, waiting = self.keyed, list[tuple[Owner, Any, Cells]]()
        new: list[Cells] = []
        if keyed.rows and keyed.mentions:
            self.refuse(
                "a row that is there already may be another person's than the new one",
                "look for the row first, then INSERT or UPDATE it; or ON CONFLICT DO NOTHING.",
            )
        if keyed.rows:
            self.new_rows(waiting, new)
        else:
            self.rows_there(waiting)
        if waiting:
            found = self.keys.of(self.connection, {owner: key for owner, key, _ in waiting})
            for owner, _, cells in waiting:
                _seal(cells, found[owner])
        if new:
            kind = self.kind
            for cells, key in zip(new, self.keys.fresh(self.connection, [kind] * len(new)), strict=True):
                _seal(cells, key)
        left = [one for cells in self.pending for one in _cells(cells) if one.cell is None]
        if left:
            self.refuse("whose row it is cannot be told", _SAY)
        return (self.kind,) * len(new)

    @property
    def kind(self) -> str:
        return self.catalogue.holders[self.table.name][1]

    # -- new rows -----------------------------------------------------------------------------------------------------

    def new_rows(self, waiting: list[tuple[Owner, Any, Cells]], new: list[Cells]) -> None:
        subject, keyed = self.table.subject, self.keyed
        assert subject is not None  # noqa: S101 - the catalogue made sure
        rows: list[tuple[Cells, Any, bool]] = []
        for values, given in zip(self.values, self.pending, strict=True):
            for row in keyed.rows:
                cells = _cells(given) if len(keyed.rows) == 1 else self.cells_of(given, row)
                column = subject.key or subject.steps[0][0]
                bind = row.get(column)
                if cells:
                    rows.append((cells, None if bind is None else values.get(bind), bind is not None))
        led = {} if subject.key is not None else self.led_to(subject.steps[0], [key for _, key, _ in rows])
        claimed = self.claimed()
        for cells, key, told in rows:
            if subject.key is not None:
                owner = None if key is None else self.owner(key)
            else:
                owner, key = led.get(str(key), (None, None))  # noqa: PLW2901 - the person's key, not the row's
            if claimed is not None and (owner is None or owner == claimed[0]):
                waiting.append((*claimed, cells))
            elif claimed is not None:
                self.refuse("for_subject(...) names somebody else than the row does", "leave for_subject(...) out.")
            elif owner is not None:
                waiting.append((owner, key, cells))
            elif subject.person and subject.key is not None:
                new.append(cells)
            elif told:
                self.refuse(
                    "the row belongs to nobody who is there",
                    f"give {self.table.name}.{subject.key or subject.steps[0][0]} a value that leads to a person.",
                )
            else:
                self.refuse("whose row it is cannot be told", _SAY)

    def cells_of(self, given: Any, row: Mapping[str, str | int]) -> Cells:
        """The pending cells of one of several rows of VALUES."""
        names = {row[column.column] for column in self.table.columns.values() if column.column in row}
        compiled = self.context.compiled
        if isinstance(given, Mapping):
            spelled = {compiled.escaped_bind_names.get(name, name) for name in names}
            found = [value for name, value in given.items() if name in spelled]
        else:
            order = compiled.positiontup or ()
            if len(order) != len(given):
                self.refuse("whose rows they are cannot be told apart", "insert them as a list of rows.")
            found = [value for name, value in zip(order, given, strict=True) if name in names]
        return [value for value in found if type(value) is PendingCell]

    def led_to(self, step: tuple[str, str, str], keys: Iterable[Any]) -> dict[str, tuple[Owner | None, Any]]:
        """Whose the rows are that new rows lead to."""
        _, there, column = step
        wanted = [(key,) for key in keys if key is not None]
        return {
            str(values[0]): (owner, key)
            for values, owner, key in self.keys.owners(self.connection, there, (column,), wanted)
        }

    # -- rows that are there already ----------------------------------------------------------------------------------

    def rows_there(self, waiting: list[tuple[Owner, Any, Cells]]) -> None:
        if self.keyed.moves and self.ends_data:
            return
        holder = self.catalogue.holders[self.table.name][0]
        predicates = self.keyed.mentions[0] if len(self.keyed.mentions) == 1 else ()
        own = [one for one in predicates if one.column == holder]
        if self.keyed.moves:
            self.moved(waiting, predicates)
            return
        if own:
            for values, given in zip(self.values, self.pending, strict=True):
                keys = bound_list(values, own[0].bind) if own[0].many else (values[own[0].bind],)
                owners = {owner: key for key in keys if key is not None for owner in [self.owner(key)]}
                self.take(waiting, owners, _cells(given))
            return
        named = self.rows_named(predicates)
        asked = self.keys.owners(
            self.connection, self.table.name, self.primary, {row for rows in named for row in rows}
        )
        by_row: dict[tuple[Any, ...], tuple[Owner | None, Any]] = {row: (owner, key) for row, owner, key in asked}
        for rows, given in zip(named, self.pending, strict=True):
            there = [by_row[row] for row in rows if row in by_row]
            if any(owner is None for owner, _ in there) and _cells(given):
                if self.ends_data and len(there) == 1:  # what was somebody's, and is emptied
                    _seal(_cells(given), *self.keys.fresh(self.connection, [self.kind]))
                    continue
                self.refuse("the row belongs to nobody", "give it to a person first, or in the same statement.")
            self.take(waiting, {owner: key for owner, key in there if owner is not None}, _cells(given))

    def take(self, waiting: list[tuple[Owner, Any, Cells]], owners: Mapping[Owner, Any], cells: Cells) -> None:
        """Cells of rows that are there, of these people."""
        if len(owners) > 1 and cells:
            self.refuse(
                "one value would be sealed for several people",
                f"change the rows of each person in a statement of their own: WHERE {self.catalogue.holders[self.table.name][0]} "
                "= their key.",
            )
        for owner, key in owners.items():
            waiting.append((owner, key, cells))
        if not owners:  # no such row: nothing will be written
            for cell in cells:
                cell.cell = b""

    @property
    def primary(self) -> tuple[str, ...]:
        """The columns of the table's primary key."""
        table = table_named(self.table.name, self.live.metadata)
        return tuple(str(column.name) for column in table.primary_key.columns) if table is not None else ()

    def rows_named(self, predicates: Sequence[Any]) -> list[list[tuple[Any, ...]]]:
        """For each parameter set, the primary keys of the rows that the conditions name."""
        by_column = {one.column: one for one in predicates}
        pins = [by_column.get(f"{self.table.name}.{name}") for name in self.primary]
        if not pins or any(pin is None for pin in pins):
            holder = self.catalogue.holders[self.table.name][0]
            self.refuse(
                "whose rows they are cannot be told",
                f"name the rows by their primary key, or bind the statement to a person: WHERE {holder} = their key.",
            )
        found = []
        for values in self.values:
            rows: list[tuple[Any, ...]] = [()]
            for pin in pins:
                keys = bound_list(values, pin.bind) if pin.many else (values[pin.bind],)  # type: ignore[union-attr]
                rows = [(*row, key) for row in rows for key in keys]
            found.append(rows)
        return found

    def moved(self, waiting: list[tuple[Owner, Any, Cells]], predicates: Sequence[Any]) -> None:
        """Rows that may change hands: what they keep must not be sealed under the key of who had them."""
        subject, moves = self.table.subject, dict(self.keyed.moves)
        assert subject is not None  # noqa: S101 - the catalogue made sure
        column = subject.key or subject.steps[0][0]
        named = self.rows_named(predicates)
        if column not in moves or moves[column] is None:
            self.refuse("whose the rows will be cannot be told", f"give {self.table.name}.{column} a bound value.")
        bind = moves[column]
        kept = [
            one.column for one in self.table.columns.values() if one.by_subject and one.name not in self.keyed.columns
        ]
        news = [values.get(bind) for values in self.values]  # type: ignore[arg-type]
        led = {} if subject.key is not None else self.led_to(subject.steps[0], news)
        asked = self.keys.owners(
            self.connection, self.table.name, self.primary, {row for rows in named for row in rows}
        )
        had = {row: owner for row, owner, _ in asked}
        for rows, given, key in zip(named, self.pending, news, strict=True):
            if subject.key is None:
                owner, key = led.get(str(key), (None, None))  # noqa: PLW2901 - the person's key, not the row's
            else:
                owner = None if key is None else self.owner(key)
            there = [row for row in rows if row in had]
            if owner is not None:
                waiting.append((owner, key, _cells(given)))
            elif _cells(given):
                self.refuse("the row will belong to nobody", f"give {self.table.name}.{column} a value of a person's.")
            for row in there:
                if had[row] != owner:
                    self.changes_hands(row, owner, key, kept)

    def changes_hands(self, row: tuple[Any, ...], owner: Owner | None, key: Any, kept: Collection[str]) -> None:
        if self.keyed.others:
            self.refuse(
                f"rows of {', '.join(self.keyed.others)} would change hands with it, and their cells stay sealed under the "
                "key of who had them",
                "make new rows for the other person, and delete these.",
            )
        if owner is None:
            return  # the cells stay the former owner's, and are noise once they are erased
        ids = self.keys.cells(self.connection, self.table.name, kept, self.primary, row)
        if ids and ids != {self.keys.of(self.connection, {owner: key})[owner].id}:
            self.refuse(
                f"{', '.join(f'{self.table.name}.{name}' for name in kept)} would stay sealed under the key of who had the row",
                "write these columns in the same statement (read them, then assign them: flag_modified(row, column)), or "
                "make a new row for the other person.",
            )

    # -- words --------------------------------------------------------------------------------------------------------

    def owner(self, key: Any) -> Owner:
        return owner_of(self.kind, key, self.catalogue, self.connection.dialect)

    def claimed(self) -> tuple[Owner, Any] | None:
        """Whom the application says that it is about."""
        if self.said is None or self.said[0] not in {None, self.kind}:
            return None
        return self.owner(self.said[1]), self.said[1]

    def refuse(self, why: str, hint: str) -> NoReturn:
        columns = sorted(self.keyed.columns) or sorted(
            one.name
            for name in self.keyed.tables
            for one in self.catalogue.by_name[name].columns.values()
            if one.by_subject
        )
        names = ", ".join(columns or self.keyed.others)
        raise SealedColumn(f"{names}: sealed under people's keys, and {why}.", hint=hint, columns=columns)


_SAY = (
    "give the column that leads to the person a bound value; or say whose the new rows are: "
    "with privacy.for_subject(key): ..."
)


def _cells(given: Any) -> Cells:
    values = given if isinstance(given, (tuple, list)) else given.values()
    return [value for value in values if type(value) is PendingCell]


def _seal(cells: Cells, key: SubjectKey) -> None:
    for cell in cells:
        cell.cell = cell.sealed(key)


def _sets(parameters: Any) -> list[Any]:
    many = isinstance(parameters, list) and (not parameters or isinstance(parameters[0], (tuple, list, Mapping)))
    return parameters if many else [parameters]


def _is_finished(parameters: Any) -> bool:
    """Whether all cells, of which there are some, were finished with an earlier batch."""
    cells = [cell for given in _sets(parameters) for cell in _cells(given or ())]
    return bool(cells) and all(cell.cell is not None for cell in cells)


def _given(parameters: Any) -> Any:
    if not any(_cells(given or ()) for given in _sets(parameters)):
        return parameters
    finished = [_one(given) for given in _sets(parameters)]
    return finished if _sets(parameters) is parameters else finished[0]


def _one(given: Any) -> Any:
    if isinstance(given, Mapping):
        return {name: value.cell if type(value) is PendingCell else value for name, value in given.items()}
    return tuple(value.cell if type(value) is PendingCell else value for value in given)
