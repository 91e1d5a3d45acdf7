"""What else is touched when some rows end, and what then has to stay: from rows to steps."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from sqlalchemy import Connection, Table, not_, select

from sa_privacy.columns.catalogue import Catalogue
from sa_privacy.columns.sealed import Encrypted
from sa_privacy.customers.destruction.emptied import NOBODYS, is_marked
from sa_privacy.customers.destruction.graph import Graph, Reference, identity_of
from sa_privacy.customers.destruction.rows import in_batches, matching
from sa_privacy.customers.destruction.shells import class_of, takes_shells
from sa_privacy.customers.destruction.steps import Key, Shell, Step
from sa_privacy.errors import RetentionRefused

__all__ = ["OTHERS", "Ending", "Survey"]

OTHERS: Final = "others"
"""Why a row stays emptied: rows of other people, or such as stay themselves, cannot do without it."""

_NO_VALUES: Final[Mapping[str, object]] = {}


@dataclass(frozen=True, slots=True)
class Ending:
    """Some rows of a table, and what becomes of them.

    :param keys: of the rows, see :func:`identity_of`.
    :param fate: *delete*; or they stay, and are emptied (*anonymise*), and lead to the person no more (*pseudonymise*).
    :param columns: what is emptied; None: every personal column.
    :param keeps: columns that stay as they are.
    :param values: what stands in an emptied column, where a neutral value will not do.
    :param why: the name of the reason for which they stay.
    """

    table: str
    keys: tuple[Key, ...] = field(repr=False)
    fate: Literal["delete", "anonymise", "pseudonymise"]
    columns: tuple[str, ...] | None = None
    keeps: frozenset[str] = frozenset()
    values: Mapping[str, object] = field(default_factory=dict, repr=False)
    why: str = ""


class Survey:
    """Works out the steps by which rows end. Reads, and changes nothing.

    Rows that cannot be without one that goes, and are nobody's or of the same person, go with it. Of others the link is cut,
    or leads to a :class:`Shell` where it must lead somewhere; and what is no person's row then stays itself, emptied.

    :param values: by table, what the policy says of single columns.
    """

    def __init__(
        self,
        graph: Graph,
        catalogue: Catalogue,
        values: Mapping[str, Mapping[str, object]] = _NO_VALUES,  # type: ignore[assignment]
    ) -> None:
        self._graph = graph
        self._catalogue = catalogue
        self._values = values

    def steps(self, connection: Connection, endings: Sequence[Ending]) -> tuple[Step, ...]:
        """The steps, in order.

        :param connection: of a desk that reads everything.
        :raises RetentionRefused: rows of a table cannot be told apart, or a column cannot be emptied.
        """
        staying = {(one.table, key): one for one in endings if one.fate != "delete" for key in one.keys}
        first = {(one.table, key): one for one in endings if one.fate == "delete" for key in one.keys}
        for name in {table for table, _ in (*staying, *first)}:
            self._must_be_told_apart(self._graph.tables[name])
        while True:
            going, links, needed = self._spread(connection, first, staying)
            if not needed:
                break
            for one in needed:
                ending = first.pop(one, None)
                values = self._values.get(one[0], _NO_VALUES) if ending is None else ending.values
                staying[one] = Ending(one[0], (one[1],), "anonymise", values=values, why=OTHERS)
        links += self._parted(connection, staying, going, links)
        return (*self._linked(links), *self._emptied(staying), *self._removed(going))

    def _spread(
        self, connection: Connection, first: Collection[tuple[str, Key]], staying: Mapping[tuple[str, Key], Ending]
    ) -> tuple[set[tuple[str, Key]], list[_Link], set[tuple[str, Key]]]:
        """What goes with the first rows; the links of what stays to what goes; and what of it has to stay."""
        going, links, needed = set(first), list[_Link](), set[tuple[str, Key]]()
        pending: list[tuple[str, list[Key]]] = list(_by_table(going).items())
        while pending:
            name, keys = pending.pop()
            parent = self._graph.tables[name]
            for reference in self._graph.into(parent):
                found: list[Key] = []
                for child_key, parent_key in self._referring(connection, reference, keys):
                    child = (reference.child.fullname, child_key)
                    if child in going:
                        continue
                    if child not in staying and self.hangs(reference):
                        going.add(child)
                        found.append(child_key)
                    elif reference.optional and not self._kept_link(reference, staying.get(child)):
                        links.append(_Link(reference, child_key, None, staying.get(child)))
                    elif self.leads_to_shell(reference):
                        links.append(_Link(reference, child_key, Shell(name, parent_key), staying.get(child)))
                    else:
                        needed.add((name, parent_key))
                if found:
                    self._must_be_told_apart(reference.child)
                    pending.append((reference.child.fullname, found))
        return going, [one for one in links if (one.reference.child.fullname, one.key) not in going], needed

    def _referring(
        self, connection: Connection, reference: Reference, keys: Collection[Key]
    ) -> Iterator[tuple[Key, Key]]:
        """The rows that refer to these, each with the one that it refers to."""
        identity = identity_of(reference.child)
        for targets in in_batches(self._targets(connection, reference, keys).items(), len(reference.columns)):
            wanted = dict(targets)
            rows = select(*identity, *reference.columns).where(matching(reference.columns, wanted))
            for row in connection.execute(rows).all():
                values = tuple(row)
                parent = wanted.get(values[len(identity) :])
                if parent is not None:
                    yield values[: len(identity)], parent

    def _targets(
        self, connection: Connection, reference: Reference, keys: Collection[Key]
    ) -> dict[tuple[Any, ...], Key]:
        """What the rows are referred to by, and which row that is."""
        identity = identity_of(reference.parent)
        if all(target in identity for target in reference.targets):
            at = [identity.index(target) for target in reference.targets]
            return {tuple(key[i] for i in at): key for key in keys}
        found: dict[tuple[Any, ...], Key] = {}
        for some in in_batches(keys, len(identity)):
            rows = select(*identity, *reference.targets).where(matching(identity, some))
            for row in connection.execute(rows).all():
                values = tuple(row)
                found[values[len(identity) :]] = values[: len(identity)]
        return found

    def hangs(self, reference: Reference) -> bool:
        """Whether a row goes with the one that it refers to: it is part of it, or cannot be without it and is nobody's."""
        known = self._catalogue.by_name.get(reference.child.fullname)
        if known is None or known.subject is None:
            return not reference.optional
        subject = known.subject
        link = subject.key if subject.key is not None else subject.steps[0][0]
        if subject.person and link in {str(column.name) for column in identity_of(reference.child)}:
            # The rest of a person's row in another table, as with joined inheritance; or another person who names them.
            return tuple(reference.columns) == identity_of(reference.child)
        return [str(column.name) for column in reference.columns] == [link]

    def leads_to_shell(self, reference: Reference) -> bool:
        """Whether a link can lead to a shell: one can be made, with all that it goes on from, and the link can be changed."""
        return (
            self._is_person(reference.parent) and self._takes_shells(reference.parent) and self._graph.moves(reference)
        )

    def _takes_shells(self, table: Table) -> bool:
        above = self._graph.goes_on_from(table)
        made = takes_shells(table, self._values.get(table.fullname, _NO_VALUES))
        return made and (above is None or self._takes_shells(above.parent))

    def _is_person(self, table: Table) -> bool:
        known = self._catalogue.by_name.get(table.fullname)
        return known is not None and known.subject is not None and known.subject.person

    def _kept_link(self, reference: Reference, ending: Ending | None) -> bool:
        """Whether a reason wants to know which rows belong together."""
        return ending is not None and any(str(column.name) in ending.keeps for column in reference.columns)

    def _parted(
        self,
        connection: Connection,
        staying: Mapping[tuple[str, Key], Ending],
        going: Collection[tuple[str, Key]],
        links: Collection[_Link],
    ) -> list[_Link]:
        """The links to people who stay, of rows that are to lead to nobody."""
        done = {(str(one.reference), one.key) for one in links}
        parted: list[_Link] = []
        wanted = _by_table(one for one, ending in staying.items() if ending.fate == "pseudonymise")
        for name, keys in wanted.items():
            for reference in self.to_person(name):
                if not self.leads_to_shell(reference):
                    continue
                for key, parent in self._named(connection, reference, keys):
                    ending = staying[name, key]
                    if (str(reference), key) in done or (reference.parent.fullname, parent) in going:
                        continue
                    cut = reference.optional and not self._kept_link(reference, ending)
                    shell = None if cut else Shell(reference.parent.fullname, parent)
                    parted.append(_Link(reference, key, shell, ending))
        return parted

    def to_person(self, name: str) -> Iterator[Reference]:
        """The link of a table to the people whose its rows are."""
        known = self._catalogue.by_name.get(name)
        subject = known.subject if known is not None else None
        if subject is None or subject.key is None or subject.person:
            return
        for table in self._graph.tables.values():
            for reference in self._graph.into(table) if self._is_person(table) else ():
                if reference.child.fullname == name and [str(c.name) for c in reference.columns] == [subject.key]:
                    yield reference

    def _named(self, connection: Connection, reference: Reference, keys: Collection[Key]) -> Iterator[tuple[Key, Key]]:
        """Rows that refer to somebody, each with whom it refers to."""
        child, parent = identity_of(reference.child), identity_of(reference.parent)
        source = reference.child.join(
            reference.parent,
            onclause=_equal(reference),
        )
        for some in in_batches(keys, len(child)):
            somebody = not_(is_marked(reference.parent, *NOBODYS))  # who was erased keeps one shell
            rows = select(*child, *parent).select_from(source).where(matching(child, some), somebody)
            for row in connection.execute(rows).all():
                values = tuple(row)
                yield values[: len(child)], values[len(child) :]

    def _linked(self, links: Iterable[_Link]) -> Iterator[Step]:
        """Shells first, then what leads to them, then what leads nowhere any more."""
        cut: dict[tuple[str, tuple[str, ...], str], list[Key]] = {}
        led: dict[tuple[str, tuple[str, ...], str, Shell], list[Key]] = {}
        for one in links:
            why = one.ending.why if one.ending is not None else OTHERS
            name = one.reference.child.fullname
            if one.shell is None:
                free = [c for c in one.reference.columns if c.nullable and not c.primary_key]
                cut.setdefault((name, tuple(str(c.name) for c in free), why), []).append(one.key)
            else:
                columns = tuple(str(c.name) for c in one.reference.columns)
                led.setdefault((name, columns, why, one.shell), []).append(one.key)
        yield from self._shells(dict.fromkeys(shell for *_, shell in led))
        for (name, columns, why, shell), keys in led.items():
            yield Step("relink", name, tuple(keys), columns, why=why, shell=shell)
        for (name, columns, why), keys in cut.items():
            yield Step("unlink", name, tuple(keys), columns, why=why)

    def _shells(self, wanted: Iterable[Shell]) -> Iterator[Step]:
        """Shells, each after the one that it goes on from."""
        made: dict[Shell, Mapping[str, object]] = {}
        for shell in wanted:
            chain = [shell]
            while above := self._graph.goes_on_from(self._graph.tables[chain[0].table]):
                if not self._is_person(above.parent):
                    break
                chain.insert(0, Shell(str(above.parent.fullname), chain[0].key))
            for at, one in enumerate(chain):
                of_class = class_of(self._graph.tables[shell.table]) if at == 0 and len(chain) > 1 else _NO_VALUES
                made[one] = {**made.get(one, self._values.get(one.table, _NO_VALUES)), **of_class}
        for one, values in made.items():
            yield Step("shell", one.table, (one.key,), values=values, shell=one)

    def _emptied(self, staying: Mapping[tuple[str, Key], Ending]) -> Iterator[Step]:
        groups: dict[tuple[str, tuple[str, ...], str], tuple[Ending, list[Key]]] = {}
        for (name, key), ending in staying.items():
            columns = self._to_empty(name, ending)
            if columns:
                groups.setdefault((name, columns, ending.why), (ending, []))[1].append(key)
        for (name, columns, why), (ending, keys) in groups.items():
            yield Step("anonymise", name, tuple(keys), columns, values=ending.values, why=why)

    def _to_empty(self, name: str, ending: Ending) -> tuple[str, ...]:
        """The columns that hold something of the person, but what rows are told apart and held together by."""
        known = self._catalogue.by_name.get(name)
        if known is None:
            return ()
        table = self._graph.tables[name]
        apart = {str(column.name) for column in identity_of(table)} | ending.keeps
        if known.subject is not None:
            link = known.subject.key or known.subject.steps[0][0]
            led_to = {str(target.name) for one in self._graph.into(table) for target in one.targets}
            if not known.subject.person or link in led_to:
                apart.add(link)
        personal = {column.column for column in known.columns.values()}
        wanted = personal if ending.columns is None else set(ending.columns)
        return tuple(
            str(column.name) for column in table.columns if column.name in wanted - apart and column.computed is None
        )

    def _removed(self, going: Iterable[tuple[str, Key]]) -> Iterator[Step]:
        tables = _by_table(going)
        order, cut = self._graph.children_first(tables)
        inside = [one for name in order for one in self._graph.into(self._graph.tables[name])]
        inside = [one for one in inside if one.child.fullname == one.parent.fullname and one.optional]
        for reference in (*cut, *inside):
            columns = tuple(str(c.name) for c in reference.columns if c.nullable and not c.primary_key)
            name = reference.child.fullname
            yield Step("unlink", name, tuple(tables[name]), columns)
        for name in order:
            yield Step("delete", name, tuple(tables[name]))

    def _must_be_told_apart(self, table: Table) -> None:
        sealed = [column for column in identity_of(table) if isinstance(column.type, Encrypted)]
        if sealed:
            raise RetentionRefused(
                f"rows of {table.fullname} cannot be told apart: there is no primary key, and not all columns can be compared.",
                hint="give the table a primary key.",
                columns=(f"{table.fullname}.{sealed[0].name}",),
            )


@dataclass(frozen=True, slots=True)
class _Link:
    """A row that refers to one that goes."""

    reference: Reference
    key: Key
    shell: Shell | None
    ending: Ending | None


def _by_table(rows: Iterable[tuple[str, Key]]) -> dict[str, list[Key]]:
    found: dict[str, list[Key]] = {}
    for name, key in rows:
        found.setdefault(name, []).append(key)
    return {name: sorted(keys, key=repr) for name, keys in sorted(found.items())}


def _equal(reference: Reference) -> Any:
    pairs = [one == other for one, other in zip(reference.columns, reference.targets, strict=True)]
    condition = pairs[0]
    for pair in pairs[1:]:
        condition = condition & pair
    return condition
