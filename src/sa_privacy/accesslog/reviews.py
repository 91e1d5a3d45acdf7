"""Four eyes: what was done by break glass waits for somebody else's verdict.

The queue is the log itself. A ``break_glass`` event waits until a ``review`` event names it; nothing else keeps a list
that could say otherwise.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final, Literal, NamedTuple, get_args

from sa_privacy.access import as_text
from sa_privacy.access.names import is_same
from sa_privacy.accesslog.event import Event, members
from sa_privacy.accesslog.eventlog import EventLog
from sa_privacy.accesslog.wanted import Finds, Wanted
from sa_privacy.errors import ReviewRefused

__all__ = ["BreakGlass", "Verdict", "break_glasses", "event_id", "open_reviews", "review"]

Verdict = Literal["justified", "unjustified"]
_KINDS: Final = frozenset({"break_glass", "review"})


class BreakGlass(NamedTuple):
    """One break-glass access.

    :param id: ``"writer:seq"`` of its event, which names it for ever; what a review says it is ``of``.
    :param event: who entered it, for what, why, with which ticket, and until when.
    :param review: the event that closed it; None while it waits.
    """

    id: str
    event: Event
    review: Event | None = None


def event_id(event: Event) -> str:
    """``"writer:seq"``."""
    return f"{event.writer}:{event.seq}"


def break_glasses(source: Finds | EventLog) -> list[BreakGlass]:
    """All break-glass accesses, the oldest first, with the review of each.

    Of several reviews the first counts. What is no review counts for nothing, whoever wrote it: one by the actor, by
    nobody, or without a verdict.

    :param source: where events can be asked for; a log is read from its start.
    :raises LogUnavailable: the log cannot be read.
    """
    return _joined(_events(source))


def open_reviews(source: Finds | EventLog) -> list[BreakGlass]:
    """The break-glass accesses that nobody has reviewed yet, the oldest first.

    :raises LogUnavailable: the log cannot be read.
    """
    return [one for one in break_glasses(source) if one.review is None]


def review(log: EventLog, *, of: str, verdict: Verdict, by: str, reason: str, source: Finds | None = None) -> int:
    """Closes a break-glass access with a verdict. On the disk when this returns, whatever the log's ``fsync`` says.

    :param of: ``"writer:seq"`` of the ``break_glass`` event.
    :param by: who looked at it, as the application names people who act; somebody else than who broke the glass.
    :param reason: their note, in human words; it must name no one.
    :param source: where the event is looked for; `log` itself, read from its start, where it is left out.
    :returns: the ``seq`` of the ``review`` event.
    :raises ReviewRefused: there is no such break-glass access, it has its review already, `by` is who broke the glass,
        or something is not said.
    :raises LogUnavailable: the log cannot be read, or the review not be written.
    """
    if verdict not in get_args(Verdict):
        raise ReviewRefused("a verdict is needed.", hint='"justified" or "unjustified".')
    for name, said in (("by", by), ("reason", reason)):
        if not said or not said.strip():
            raise ReviewRefused(f"{name} is needed.", hint="say who has looked at it, and what they found.")
    found = next((one for one in break_glasses(source or log) if one.id == of), None)
    if found is None:
        raise ReviewRefused(
            "the log knows no break-glass access of that id.",
            hint="name it as the list of open reviews does: writer:seq of its event.",
        )
    if found.review is not None:
        raise ReviewRefused(
            f"{found.id} was reviewed already, at {found.review.at:%Y-%m-%d %H:%M} UTC.",
            hint="a verdict stands; what is to be said later belongs to the ticket.",
        )
    if is_same(by, found.event.actor):
        raise ReviewRefused(
            f"{found.id} cannot be reviewed by who broke the glass.",
            hint="it takes a second person: have another look.",
        )
    event = members(actor=as_text(by), reason=as_text(reason), of=found.id, verdict=verdict, ticket=found.event.ticket)
    return log.append("review", event, sync=True)


def _events(source: Finds | EventLog) -> Iterator[Event]:
    find: Callable[[Wanted], Iterator[Event]] | None = getattr(source, "find", None)
    return source.events() if find is None else find(Wanted(kinds=_KINDS))  # type: ignore[union-attr] # it is a log


def _joined(events: Iterator[Event]) -> list[BreakGlass]:
    entered: dict[str, Event] = {}
    reviews: dict[str, list[Event]] = {}
    for event in events:
        if event.kind == "break_glass":
            entered[event_id(event)] = event
        elif event.kind == "review" and event.of is not None:
            reviews.setdefault(event.of, []).append(event)
    found = []
    for name, event in entered.items():
        valid = [
            one for one in reviews.get(name, ()) if one.verdict and one.actor and not is_same(one.actor, event.actor)
        ]
        found.append(BreakGlass(name, event, min(valid, key=lambda one: one.at, default=None)))
    return sorted(found, key=lambda one: one.event.at)
