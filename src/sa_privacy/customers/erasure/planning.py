"""Working out the plan of one erasure: what becomes of the person's rows, of what goes with them, and of the ledgers."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from sqlalchemy import Connection

from sa_privacy.crypto.pseudonym import Pseudonyms
from sa_privacy.customers.destruction import Graph, Key, Step, Survey
from sa_privacy.customers.destruction.graph import identity_of
from sa_privacy.customers.erasure.endings import Found, Holding, endings_of, endings_with
from sa_privacy.customers.erasure.ledgers import in_ledgers
from sa_privacy.customers.erasure.plan import ErasurePlan, plan_hash
from sa_privacy.customers.owned import Owned
from sa_privacy.customers.requests.identity import name_of_checked
from sa_privacy.errors import RetentionRefused
from sa_privacy.ledger import Desk, Person

__all__ = ["Planner"]


class Planner:
    """Makes plans. Reads, and changes nothing.

    :param ledger: a ledger apart from the data will know of the erasure.
    """

    def __init__(
        self,
        desk: Desk,
        owned: Owned,
        graph: Graph,
        pseudonyms: Pseudonyms | None,
        holding: Holding | None,
        ledger: bool,
    ) -> None:
        self._policy, self._catalogue = desk.policy, desk.live.current()
        self._owned, self._graph = owned, graph
        self._pseudonyms, self._holding, self._ledger = pseudonyms, holding, ledger
        values = {one.table: one.values for one in desk.policy.retention.values() if one.table is not None}
        self._survey = Survey(graph, self._catalogue, values)

    def plan(self, connection: Connection, person: Person, salt: str, moment: datetime) -> ErasurePlan:
        """The plan for a person, as of a moment.

        :param connection: of a desk that reaches everything.
        :raises RetentionRefused: the policy's schedules cannot be carried out.
        """
        tables = self._owned.tables(person.kind)
        found = endings_of(connection, self._policy, tables, person.key, moment, self._holding)
        steps = self._survey.steps(connection, found.endings)
        while self._look_at(connection, found, steps, moment):
            steps = self._survey.steps(connection, found.endings)
        self._must_say_nothing(found, steps)
        checked = None if self._pseudonyms is None else name_of_checked(self._pseudonyms, person.kind, person.text)
        own = in_ledgers(connection, person, moment, checked)
        steps += own.steps
        kept, held = (*found.kept, *own.kept), (*found.held, *own.held)
        return ErasurePlan(
            person.kind,
            person.text,
            moment,
            steps,
            kept,
            held,
            tuple(column.name for column in self._owned.nobodys()),
            salt,
            plan_hash(self._policy.hash, person.kind, steps, kept, held, salt),
            self._ledger,
        )

    def _look_at(self, connection: Connection, found: Found, steps: tuple[Step, ...], moment: datetime) -> bool:
        """Asks the policy and the holds about rows that would go, and that nobody asked about yet: a reason, a guard or a
        hold on a row that is nobody's counts as much as one on a person's.

        :returns: whether there were any of which something is said.
        """
        some = False
        for table, keys in [*self._unasked(found, steps)]:
            known = self._catalogue.by_name.get(table)
            columns = known.columns.values() if known is not None else ()
            more = endings_with(
                connection, self._policy, self._graph.tables[table], columns, keys, moment, self._holding
            )
            if more is not None:
                some = True
                found.endings += more.endings
                found.kept += more.kept
                found.held += more.held
                found.looked |= more.looked
        return some

    def _must_say_nothing(self, found: Found, steps: tuple[Step, ...]) -> None:
        """A row of a person that stays must not have a key that is personal itself.

        :raises RetentionRefused: it has, and no row can be made up to take its place.
        """
        kept = {(one.table, column) for one in found.kept for column in one.columns}
        going = {(one.table, key) for one in steps if one.verb == "delete" for key in one.keys}
        emptied = {(one.table, column) for one in steps if one.verb == "anonymise" for column in one.columns}
        for name in sorted({table for table, _ in found.looked - going}):
            known, table = self._catalogue.by_name.get(name), self._graph.tables[name]
            if known is None or known.subject is None or not known.subject.person:
                continue
            for key in sorted({str(known.subject.key), *(str(column.name) for column in identity_of(table))}):
                personal = known.columns.get(key.lower())
                if personal is not None and not {(name, key)} & (emptied | kept):
                    raise RetentionRefused(
                        f"a row of {name} has to stay, and {personal.name}, by which others refer to it, is personal.",
                        hint="no row can be made up to take its place: say under [retention.NAME.values] what stands in "
                        "columns that take no NULL and no value twice, or let rows that are kept refer to another key.",
                        columns=(personal.name,),
                    )

    def _unasked(self, found: Found, steps: tuple[Step, ...]) -> Iterator[tuple[str, list[Key]]]:
        for step in steps:
            keys = [key for key in step.keys if (step.table, key) not in found.looked] if step.verb == "delete" else []
            if keys:
                yield step.table, keys
