"""How a person's data was used, as their file tells it: counted by day, purpose and role.

Employees are not named: their names are personal data too, the law does not ask for them, and the role says whose work it was.
Statements of which the log cannot tell whose data they touched are counted apart, as what may have been about the person.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from datetime import datetime
from typing import Any

from sa_privacy.accesslog import AccessLog
from sa_privacy.accesslog.event import Event
from sa_privacy.accesslog.eventlog import EventLog
from sa_privacy.accesslog.questions import Journal, who
from sa_privacy.accesslog.unbounded import Tally, Unbounded, is_unbounded
from sa_privacy.accesslog.wanted import Source, Wanted
from sa_privacy.ledger import OWN_TABLES
from sa_privacy.policy import Policy, Purpose, Role

__all__ = ["uses_of"]


def uses_of(log: EventLog | None, pseudonym: str | None, policy: Policy) -> dict[str, Any] | None:
    """The uses of one person's data, as the file has them; None where no log is kept.

    What was done in the library's own ledgers is left out: it stands in the file itself.

    :param pseudonym: of the person; None: there are no keys to make it with.
    :param policy: has titles of roles and purposes.
    :raises LogUnavailable: the log cannot be read.
    """
    if log is None or pseudonym is None:
        return None
    found = who(Journal(log.path) if isinstance(log, AccessLog) else _Every(log), pseudonym)
    counted: Counter[tuple[str, tuple[str, ...], tuple[str, ...], bool]] = Counter()
    for use in found.uses:
        touched = {column.rpartition(".")[0] for column in (*use.reads, *use.matches, *use.writes)} | {*use.deletes}
        if use.state != "refused" and not _are_own(touched):
            changed = not _are_own({column.rpartition(".")[0] for column in use.writes} | {*use.deletes})
            counted[use.at.date().isoformat(), use.purposes, use.roles, changed] += 1
    return {
        "counts": [
            {
                "day": day,
                "purposes": [_titled(name, policy.purposes) for name in purposes],
                "roles": [_titled(name, policy.roles) for name in roles],
                "changed": changed,
                "times": times,
            }
            for (day, purposes, roles, changed), times in sorted(counted.items())
        ],
        "maybe": sum(one.times for one in found.unbounded if not _are_own(one.tables)),
    }


def _are_own(tables: Collection[str]) -> bool:
    return all(table in OWN_TABLES.tables for table in tables)


def _titled(name: str, known: Mapping[str, Purpose] | Mapping[str, Role]) -> dict[str, Any]:
    """A name of an earlier policy has no title any more."""
    return {"name": name, "title": dict(known[name].title) if name in known else {}}


class _Every(Source):
    """A log of which no more is known than its events."""

    def __init__(self, log: EventLog) -> None:
        self._log = log

    def find(self, wanted: Wanted) -> Iterator[Event]:
        return filter(wanted.takes, self._log.events())

    def unbounded(
        self, *, since: datetime | None = None, until: datetime | None = None, besides: str | None = None
    ) -> tuple[Unbounded, ...]:
        tally = Tally()
        for event in self.find(Wanted(kinds=frozenset({"outcome", "use"}), since=since, until=until)):
            if is_unbounded(event) and besides not in (event.subjects or ()):
                tally.add(event)
        return tally.found
