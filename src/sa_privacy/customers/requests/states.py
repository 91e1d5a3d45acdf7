"""The course of a person's request, as a table. No clock, no database: what was done goes in, what is so now comes out.

A step that a state does not know is refused, and so is one that lacks what it needs: somebody whose identity was made sure
of and is still, or what the answer is about.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, Literal, get_args

from sa_privacy.errors import RequestRefused
from sa_privacy.policy import RequestRules

__all__ = ["KINDS", "OPEN", "STATES", "TABLE", "Kind", "Progress", "State", "Step", "advance", "may"]

Kind = Literal["disclosure", "correction", "cease_use", "cease_provision", "erasure"]
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)

State = Literal["received", "identified", "in_work", "handed_on", "answered", "refused", "withdrawn", "closed"]
STATES: Final[tuple[State, ...]] = get_args(State)

OPEN: Final[tuple[State, ...]] = ("received", "identified", "in_work", "handed_on")
"""States that wait for somebody to do something."""

Step = Literal["fail", "identify", "begin", "correct", "cease", "hand_on", "answer", "refuse", "withdraw", "close"]

TABLE: Final[Mapping[State, Mapping[Step, State]]] = {
    "received": {"fail": "received", "identify": "identified", "withdraw": "withdrawn", "close": "closed"},
    "identified": {
        "fail": "received",
        "identify": "identified",
        "begin": "in_work",
        "refuse": "refused",
        "withdraw": "withdrawn",
    },
    "in_work": {
        "fail": "received",
        "identify": "in_work",
        "correct": "in_work",
        "cease": "in_work",
        "hand_on": "handed_on",
        "answer": "answered",
        "refuse": "refused",
        "withdraw": "withdrawn",
    },
    "handed_on": {"answer": "answered", "refuse": "refused"},
    "answered": {},
    "refused": {},
    "withdrawn": {},
    "closed": {},
}
"""From which state which step leads where. A check that fails takes back the one that succeeded."""

_ONLY: Final[Mapping[Step, tuple[Kind, ...]]] = {
    "correct": ("correction",),
    "cease": ("cease_use", "cease_provision"),
    "hand_on": ("erasure",),
}
_FIRST: Final[Mapping[Kind, Step]] = {
    "correction": "correct",
    "cease_use": "cease",
    "cease_provision": "cease",
    "erasure": "hand_on",
}
"""What has to be done before a request of the kind is answered."""

_SHOWS_OR_CHANGES: Final[tuple[Step, ...]] = ("begin", "correct", "cease", "hand_on")
_SAID: Final[Mapping[Step, str]] = {
    "fail": "checked for identity",
    "identify": "checked for identity",
    "begin": "begun",
    "correct": "corrected",
    "cease": "ceased",
    "hand_on": "handed on",
    "answer": "answered",
    "refuse": "refused",
    "withdraw": "withdrawn",
    "close": "closed",
}


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a request is.

    :param failures: how often its identity check has failed.
    :param identified_until: when the last successful check stops counting; None: there is none that counts.
    :param done: the steps that were taken.
    """

    kind: Kind
    state: State = "received"
    failures: int = 0
    identified_until: datetime | None = None
    done: frozenset[Step] = frozenset()


def advance(progress: Progress, step: Step, at: datetime, rules: RequestRules) -> Progress:
    """What is so after a step.

    :param at: when it is taken.
    :raises RequestRefused: the request is not in a state for it, is of another kind, or lacks what the step needs.
    """
    after = TABLE[progress.state].get(step)
    if after is None:
        raise _wrong(progress, step)
    if progress.kind not in _ONLY.get(step, KINDS):
        raise RequestRefused(
            f"a request for {_words(progress.kind)} is not one that anything is {_SAID[step]} for.",
            hint=f"receive another request: {' or '.join(map(_words, _ONLY[step]))}.",
        )
    needs = step in _SHOWS_OR_CHANGES or (step == "answer" and progress.kind == "disclosure")
    if needs and (progress.identified_until is None or at >= progress.identified_until):
        raise RequestRefused(
            f"the identity check has run out; nothing can be {_SAID[step]} before another one.",
            hint="privacy.requests.identify(...) once more.",
        )
    if step == "answer" and (first := _FIRST.get(progress.kind)) is not None and first not in progress.done:
        raise RequestRefused(
            f"the request for {_words(progress.kind)} has nothing to answer yet.",
            hint=f"privacy.requests.{first}(...) first, or refuse(...) with the article.",
        )
    progress = replace(progress, state=after, done=progress.done | {step})
    if step == "identify":
        return replace(progress, identified_until=rules.identity_valid_for.after(at))
    if step == "fail":
        failures = progress.failures + 1
        state: State = "closed" if failures >= rules.attempts else after
        return replace(progress, state=state, failures=failures, identified_until=None)
    return progress


def may(progress: Progress, step: Step) -> bool:
    """Whether the table has the step for this state and kind; time and what it needs are not looked at."""
    return step in TABLE[progress.state] and progress.kind in _ONLY.get(step, KINDS)


def _wrong(progress: Progress, step: Step) -> RequestRefused:
    can = [one for one in TABLE[progress.state] if one != "fail" and may(progress, one)]
    if progress.state == "received" and step not in ("close", "withdraw"):
        hint = "make sure who it is first: privacy.requests.identify(...)."
    elif can:
        hint = f"what can be done now: {', '.join(can)}."
    else:
        hint = "it is over; whoever asks again makes a new request."
    return RequestRefused(f"a request that is {_words(progress.state)} cannot be {_SAID[step]}.", hint=hint)


def _words(name: str) -> str:
    return name.replace("_", " ")
