"""The judge: what the processes were told, against the database, the access log, and its shipped copy."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import Connection, Select, select, text

from benchmarks.soak.believing import Beliefs
from benchmarks.soak.crew import Member
from benchmarks.soak.faults import Fault
from benchmarks.soak.journal import Operation, operations_of
from benchmarks.soak.models import Customer, Order, Visit
from benchmarks.soak.place import Place
from sa_privacy.accesslog import read_events, verify_directory
from sa_privacy.accesslog.journal.reading import open_segment, read_lines, segment_names
from sa_privacy.accesslog.sinks import EventTable
from sa_privacy.errors import CellRejected

__all__ = ["Judgement", "Told", "judged", "recoveries"]

_SHOWN: Final = 5
LASTING: Final = ("threads", "tasks")
"""The processes that live as long as the soak, and serve customers."""


@dataclass
class Judgement:
    """What one question came to.

    :param looked_at: how many things were looked at.
    :param faults: what is not as it has to be.
    """

    what: str
    looked_at: int = 0
    faults: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        verdict = f"{len(self.faults)} WRONG" if self.faults else "all right"
        shown = "".join(f"\n    {fault}" for fault in self.faults[:_SHOWN])
        return f"{self.what}: {self.looked_at:,} looked at, {verdict}{shown}"


@dataclass
class Told:
    """What all processes told.

    :ivar operations: by name.
    """

    members: Sequence[Member]
    faults: Sequence[Fault]
    operations: dict[str, Operation] = field(default_factory=dict)
    of_member: dict[str, list[Operation]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for member in self.members:
            if member.label != "shipper":
                mine = self.of_member[member.name] = list(operations_of(member.journal))
                self.operations.update((one.name, one) for one in mine)


def judged(place: Place, told: Told) -> list[Judgement]:
    """Answers every question. Nothing works in the place any more."""
    return [
        _said_by_processes(told),
        _rows(place, told),
        *_in_the_log(place, told),
        _chains(place),
        _shipped(place),
        _while_full(told),
        _without_keys(told),
    ]


def _said_by_processes(told: Told) -> Judgement:
    """Each read was compared on the spot with what it must be."""
    found = Judgement("reads and refusals, as they came", sum(one.rows for one in told.operations.values()))
    for member in told.members:
        found.faults += [f"{member.name}: {news}" for news in member.news]
    return found


# -- the rows ------------------------------------------------------------------------------------------------------


def _rows(place: Place, told: Told) -> Judgement:
    """Each committed row is there, with its values; none that was refused or taken back is."""
    beliefs, erased = _believed(told)
    found = Judgement("rows in the database")
    retained = any(one.kind == "retention" and one.end == "done" for one in told.operations.values())
    for table, rows in _stored(place).items():
        for tag, row in rows.items():
            found.looked_at += 1
            if isinstance(row, str):
                found.faults.append(f"{table} {tag}: {row}")
        for name, tag in beliefs.rows():
            if name != table or isinstance(row := rows.pop(tag, None), str):
                continue
            found.looked_at += row is None
            by = erased.get(tag.split("/")[0])
            may_be_gone = by is not None or (table == "orders" and "/d" in tag)
            must_be_gone = by == "done" or (table == "orders" and "/d" in tag and retained)
            if row is None and may_be_gone:
                continue
            if row is not None and must_be_gone:
                found.faults.append(f"{table} {tag}: is there, and should be gone")
            elif not beliefs.seen(table, tag, row):
                found.faults.append(f"{table} {tag}: holds {row}, and it was {beliefs.states(table, tag)}")
        found.faults += [f"{table} {tag}: is there, and nobody committed it" for tag in rows]
    return found


def _believed(told: Told) -> tuple[Beliefs, dict[str, str]]:
    beliefs = Beliefs()
    erased: dict[str, str] = {}
    for operations in told.of_member.values():
        for one in operations:
            end = one.end or "unknown"
            people = [write for write in one.writes if write[0] == "people"]
            beliefs.write([write for write in one.writes if write[0] != "people"], end)
            for _, tag, _ in people:
                if end != "failed" and erased.get(tag) != "done":
                    erased[tag] = end
    return beliefs, erased


def _stored(place: Place) -> dict[str, dict[str, Any]]:
    """By table and tag, the values as the library opens them; a text says what is wrong with the row."""
    found: dict[str, dict[str, Any]] = {"customers": {}, "orders": {}, "visits": {}, "consents": {}}
    privacy, engine = place.privacy(silent=True), place.engine(owner=True)
    privacy.install(engine)
    asked: Sequence[tuple[type, Sequence[str]]] = (
        (Customer, ("name", "email", "phone")),
        (Order, ("address", "note")),
        (Visit, ("page",)),
    )
    tags: dict[str, str] = {}
    try:
        with (
            privacy.access(maintenance=True, role="engineer", actor="judge", reason="the end"),
            engine.connect() as connection,
        ):
            for model, columns in asked:
                table: Any = model.__table__  # type: ignore[attr-defined]
                keyed: dict[int, str] = {key: tag for key, tag in connection.execute(select(table.c.id, table.c.tag))}  # noqa: C416 - rows
                if model is Customer:
                    tags = {str(key): tag for key, tag in keyed.items()}
                asking = select(table.c.id, *(table.c[column] for column in columns))
                for key, row in _opened(connection, asking, table.c.id, list(keyed)):
                    whole = isinstance(row, str) or all(row.values())
                    found[table.name][keyed[key]] = row if whole else f"holds {row}"
        plain = place.engine(owner=True)
        with plain.connect() as connection:
            state = connection.execute(text("SELECT subject, said FROM sa_privacy_consent_state"))
            agreed = {tags.get(subject, subject): said == "given" for subject, said in state}
        plain.dispose()
        found["consents"] = {tag: {"agreed": agreed.pop(tag, False)} for tag in tags.values()}
        found["consents"] |= dict.fromkeys(agreed, "somebody who is gone has a consent")
    finally:
        privacy.close()
        engine.dispose()
    return found


def _opened(connection: Connection, asking: Select[Any], key: Any, keys: list[int]) -> Iterator[tuple[int, Any]]:
    """The values of these rows, or what the library says of one that does not open."""
    for start in range(0, len(keys), 200):
        some = keys[start : start + 200]
        try:
            for number, *values in connection.execute(asking.where(key.in_(some))):
                yield number, dict(zip(asking.selected_columns.keys()[1:], values, strict=True))
        except CellRejected as error:
            if len(some) == 1:
                yield some[0], error.message
            else:
                for one in some:
                    yield from _opened(connection, asking, key, [one])


# -- the access log -------------------------------------------------------------------------------------------------


@dataclass
class _Evidence:
    """What the log says of one operation."""

    intents: int = 0
    outcomes: int = 0
    denied: int = 0
    actors: set[str | None] = field(default_factory=set)
    subjects: set[str] = field(default_factory=set)


def _in_the_log(place: Place, told: Told) -> list[Judgement]:
    """Each statement has its intent, and its outcome; and no event names another operation than its own."""
    lost = Judgement("statements and their events")
    crossed = Judgement("events and who did it")
    evidence: defaultdict[str, _Evidence] = defaultdict(_Evidence)
    intents: dict[tuple[str, int], str | None] = {}
    for event in read_events(place.log):
        if event.kind not in {"intent", "outcome", "use"}:
            continue
        crossed.looked_at += 1
        name = event.request or ""
        if name not in told.operations:
            if event.actor is not None or event.decision == "allowed":  # else: nobody asked, and was refused
                crossed.faults.append(f"{event.kind} of {event.actor} in {name!r}, which nobody did")
            continue
        one = evidence[name]
        one.actors.add(event.actor)
        one.subjects.update(event.subjects or ())
        if event.kind == "intent":
            intents[event.writer, event.seq] = name
            one.intents += event.decision == "allowed"
            one.denied += event.decision == "denied"
        elif event.kind == "outcome":
            one.outcomes += 1
            if event.intent is not None and intents.pop((event.writer, event.intent), name) != name:
                crossed.faults.append(f"an outcome of {name} is of another's intent")
    of = place.load_keys().pseudonym_key().of
    for operation in told.operations.values():
        one = evidence[operation.name]
        lost.looked_at += operation.ran
        unheard = operation.error is not None  # what the last one found was not handed over
        if one.intents < operation.ran or one.outcomes < operation.ran - unheard:
            lost.faults.append(
                f"{operation.name} ({operation.kind}, {operation.error}) ran {operation.ran}; "
                f"the log has {one.intents} intents and {one.outcomes} outcomes"
            )
        if operation.kind == "denied" and operation.end == "done" and not one.denied:
            lost.faults.append(f"{operation.name} was refused, and the log does not say so")
        if one.actors - {operation.actor}:
            crossed.faults.append(f"{operation.name} of {operation.actor} is told of {one.actors}")
        if operation.end == "done" and operation.people is not None:
            strange = one.subjects - {of("customer", key) for key in operation.people}
            if strange:
                crossed.faults.append(f"{operation.name} ({operation.kind}) names {len(strange)} people more")
    return [lost, crossed]


def _chains(place: Place) -> Judgement:
    found = Judgement("lines of the log and of the ledger of erasures")
    for directory in (place.log, place.erasures):
        verified = verify_directory(directory)
        found.looked_at += verified.events
        found.faults += [str(problem) for problem in verified.problems]
    return found


def _shipped(place: Place) -> Judgement:
    """The table holds the files' lines: each once, in order, byte by byte."""
    found = Judgement("lines in the shipped table")
    files: dict[str, tuple[int, str]] = {}
    by_writer: defaultdict[str, list[str]] = defaultdict(list)
    for name in segment_names(place.log):
        by_writer[name.removesuffix(".gz")[-22:-6]].append(name)
    for writer, names in by_writer.items():

        def lines(names: Iterable[str] = names) -> Iterable[bytes]:
            for name in names:
                with open_segment(place.log / name) as file:
                    yield from (line for line in read_lines(file) if line.endswith(b"\n"))

        files[writer] = _digest(lines())
    with EventTable(place.evidence) as table:
        held = {writer: _digest(table.lines(writer)) for writer in table.writers()}
        if not (verified := table.verify()).ok:
            found.faults.append(str(verified))
    found.looked_at = sum(count for count, _ in held.values())
    for writer in sorted(files.keys() | held.keys()):
        there, copied = files.get(writer, (0, "")), held.get(writer, (0, ""))
        if there != copied and there[0]:
            found.faults.append(
                f"writer {writer}: {there[0]} lines in files, {copied[0]} in the table, or not the same"
            )
    return found


def _digest(lines: Iterable[bytes]) -> tuple[int, str]:
    digest, count = hashlib.sha256(), 0
    for line in lines:
        digest.update(line.rstrip(b"\n") + b"\n")
        count += 1
    return count, digest.hexdigest()


# -- the faults -----------------------------------------------------------------------------------------------------


def _while_full(told: Told) -> Judgement:
    """While no event could be written, not one personal row was handed out, and none was written."""
    found = Judgement("operations while the log's disk was full")
    for fault in told.faults:
        if fault.kind != "log disk full":
            continue
        for one in told.operations.values():
            if fault.began <= one.began and one.end is not None and one.ended <= fault.ended:
                found.looked_at += 1
                if one.rows or (one.end == "done" and one.writes):
                    found.faults.append(f"{one.name} ({one.kind}) was given {one.rows} rows, and ended as {one.end}")
    return found


def _without_keys(told: Told) -> Judgement:
    """A process that started while the key service was away did nothing until it was back; those that had keys went on."""
    found = Judgement("operations while the key service was away")
    for fault in told.faults:
        if fault.kind != "key service away":
            continue
        for name, operations in told.of_member.items():
            meanwhile = [one for one in operations if fault.began <= one.began and one.ended <= fault.ended and one.end]
            found.looked_at += len(meanwhile)
            if name == fault.new:
                found.faults += [f"{one.name} ran in a process without keys" for one in meanwhile]
        if not any(
            one.end == "done"
            for member in told.members
            if member.label in LASTING
            for one in told.of_member[member.name]
            if fault.began <= one.began and one.ended <= fault.ended
        ):
            found.faults.append("nobody went on while the key service was away")
    return found


def recoveries(told: Told) -> Mapping[str, list[float]]:
    """By kind of fault, how many seconds after its end each lasting process carried something out that was begun after it."""
    found: defaultdict[str, list[float]] = defaultdict(list)
    for member in told.members:
        if member.label not in LASTING:
            continue
        done = sorted((one.began, one.ended) for one in told.of_member[member.name] if one.end == "done" and one.rows)
        for fault in told.faults:
            after = [ended for began, ended in done if began >= fault.ended]
            found[fault.kind].append(min(after) - fault.ended if after else float("inf"))
    return found
