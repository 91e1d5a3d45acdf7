"""What was touched under a break-glass access."""

from __future__ import annotations

from datetime import timedelta
from typing import Final, NamedTuple

from sa_privacy.accesslog.event import Event
from sa_privacy.accesslog.questions.people import People
from sa_privacy.accesslog.questions.statements import Part, columns_of, statement_of, steps, untold
from sa_privacy.accesslog.wanted import Source, Wanted

__all__ = ["Touched", "touched_under"]

_OPEN_END: Final = timedelta(days=1)
_CLOCKS: Final = timedelta(days=1)
"""How far a clock may have been set back meanwhile, and how long after its time a statement may end."""


class Touched(NamedTuple):
    """What one break-glass access touched.

    :ivar statements: statements and uses.
    :ivar unbounded: of how many of them nobody can tell whose data it was.
    """

    statements: int
    rows: int
    people: int
    unbounded: int
    columns: tuple[str, ...]
    deletes: tuple[str, ...]


def touched_under(source: Source, entered: Event) -> Touched:
    """What the same actor did by break glass, with the same ticket, from a ``break_glass`` event until it ended.

    :param entered: the ``break_glass`` event. Without an ``until``, a day is looked at.
    :raises LogUnavailable: the source cannot be read.
    """
    until = entered.until if entered.until is not None else entered.at + _OPEN_END
    wanted = Wanted(since=entered.at - _CLOCKS, until=until + _CLOCKS, actor=entered.actor)
    statements = rows = unbounded = 0
    people, columns, deletes = People(), dict[str, None](), dict[str, None]()
    begun: set[tuple[str, int]] = set()
    for part, event, first in steps(source, wanted):
        if not event.break_glass or event.ticket != entered.ticket or part in (Part.REFUSED, Part.UNFINISHED):
            continue
        name = statement_of(event)
        if name not in begun:
            # What it began counts to its end; within a writer the order is certain, whatever the clock said.
            since = event.seq > entered.seq if event.writer == entered.writer else event.at >= entered.at
            if not since or event.at >= until:
                continue
            begun.add(name)
        statements += first
        columns |= dict.fromkeys(columns_of(event))
        deletes |= dict.fromkeys(event.deletes)
        if part is not Part.BEGUN:
            rows += event.rows or 0
            unbounded += untold(event)
            people.add(event.subjects or (), 1)
    return Touched(statements, rows, len(people), unbounded, tuple(columns), tuple(deletes))
