"""A person's request as those see it who deal with it, or who made it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime

from sa_privacy.customers.agent import Agent, Authority
from sa_privacy.customers.requests.states import OPEN, Kind, Progress, State, Step

__all__ = ["Request", "Taken", "progress_of"]


@dataclass(frozen=True, slots=True)
class Taken:
    """A step that was taken.

    :param number: from 1 on.
    :param state: of the request after it.
    :param by: who took it; None where the reader is not to know, or nobody was named.
    :param by_person: the person themselves took it, signed in.
    :param policy: the hash of the policy that was in force.
    :param method: how it was checked who they are.
    :param valid_until: how long a successful check holds.
    :param article: by which something was refused, e.g. ``"33-2-1"``.
    :param what: the columns that were corrected or left out, the purposes or recipients that were ceased.
    """

    number: int
    at: datetime
    step: Step
    state: State
    by: str | None
    by_person: bool
    policy: str
    method: str | None = None
    valid_until: datetime | None = None
    article: str | None = None
    what: tuple[str, ...] = ()
    reason: str | None = field(default=None, repr=False)
    evidence: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Request:
    """A request, and how far it is.

    :param reference: names it; random.
    :param due_on: the last day for the answer, in UTC.
    :param language: that the answer is wanted in.
    :param claimed: who they say they are; for those who deal with requests only.
    :param about: what they ask for, in their words.
    :param agent: who asks in the person's place, and what shows that they may.
    :param authority: why the agent may.
    :param person: whose it is, as ``(kind, key)``, by the last check that succeeded; None: nobody knows.
    :param failures: how often the check has failed.
    :param identified_until: when the check stops counting; None: nobody knows who it is.
    """

    reference: str
    kind: Kind
    state: State
    received_at: datetime
    due_on: date
    language: str
    authority: Authority | None
    failures: int
    identified_until: datetime | None
    steps: tuple[Taken, ...]
    claimed: str | None = field(default=None, repr=False)
    about: str | None = field(default=None, repr=False)
    agent: Agent | None = field(default=None, repr=False)
    person: tuple[str, str] | None = field(default=None, repr=False)

    @property
    def is_open(self) -> bool:
        """Whether it waits for somebody to do something."""
        return self.state in OPEN

    @property
    def was_signed_in(self) -> bool:
        """Whether it was last made sure who it is by their being signed in."""
        checks = [taken for taken in self.steps if taken.step == "identify"]
        return bool(checks) and checks[-1].by_person

    @property
    def progress(self) -> Progress:
        """How far it is, for the table of states."""
        done = frozenset(taken.step for taken in self.steps)
        return Progress(self.kind, self.state, self.failures, self.identified_until, done)

    def for_the_person(self) -> Request:
        """The same without who dealt with it, and without what was noted of the check."""
        steps = tuple(replace(taken, by=None, evidence=None) for taken in self.steps)
        return replace(self, steps=steps, claimed=None)

    def __repr__(self) -> str:
        return f"<Request {self.kind} {self.state}, due {self.due_on}>"


def progress_of(steps: Sequence[Taken]) -> tuple[State, int, datetime | None]:
    """The state, the failures and how long the identity holds, after these steps."""
    state: State = "received"
    failures, until = 0, None
    for taken in steps:
        state = taken.state
        if taken.step == "fail":
            failures, until = failures + 1, None
        elif taken.step == "identify":
            until = taken.valid_until
    return state, failures, until
