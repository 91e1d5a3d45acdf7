"""What is said of consent, as values, and what may follow what."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Literal, get_args

from sa_privacy.customers.agent import Authority
from sa_privacy.customers.consent.matters import Matter
from sa_privacy.errors import ConsentRefused

__all__ = [
    "HOW",
    "ConsentCount",
    "ConsentEntry",
    "ConsentState",
    "How",
    "Said",
    "StateRow",
    "must_follow",
    "must_not_be_twice",
]

Said = Literal["given", "refused", "withdrawn"]

How = Literal["web", "app", "form", "letter", "call", "email", "counter"]
"""In what way it was said; ``"form"`` is on paper, ``"counter"`` by word of mouth to somebody present."""
HOW: Final[tuple[How, ...]] = get_args(How)

_A_MOMENT: Final = timedelta(seconds=2)
"""Within which the same is not said twice: a button was pressed twice, or a request was sent again."""


@dataclass(frozen=True, slots=True)
class ConsentEntry:
    """One entry of the ledger.

    :param id: by which it is known outside (UUID 4).
    :param to: the purpose or recipient it is about.
    :param what: which of the two: ``"purpose:NAME"`` or ``"recipient:NAME"``.
    :param at: when it was said.
    :param entered: when it was written down.
    :param wording: the text that was shown, its version and language.
    :param valid_until: how long an agreement holds; None: until it is withdrawn.
    :param evidence: what shows it.
    :param authority: of the agent who said it; None: the person did.
    :param actor: who wrote it down, in the application's words.
    :param policy: the hash of the policy of that moment.
    :param previous: the entry before it, of the same person and matter.
    """

    id: str
    to: str
    what: str
    said: Said
    at: datetime
    entered: datetime
    how: How
    wording: str | None
    version: str
    language: str | None
    valid_until: datetime | None
    policy: str
    previous: str | None
    actor: str | None = field(default=None, repr=False)
    evidence: str | None = field(default=None, repr=False)
    authority: Authority | None = None
    agent: str | None = field(default=None, repr=False)
    agent_evidence: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class ConsentState:
    """What counts now for one person and one matter.

    :param said: the last that was said; None: nothing.
    :param agreed: whether their data may be used, or given away, for it: the current wording was agreed to and the agreement
        still holds; where silence means yes, nobody objected.
    :param version: of the wording that was agreed to.
    """

    to: str
    said: Said | None
    agreed: bool
    at: datetime | None = None
    version: str | None = None
    valid_until: datetime | None = None
    entry: str | None = None

    @classmethod
    def of(cls, matter: Matter, row: StateRow | None, now: datetime) -> ConsentState:
        """What a row of the state table means."""
        if row is None:
            return cls(matter.name, None, matter.consent == "opt_out")
        if matter.consent == "opt_out":
            agreed = row.said == "given"
        else:
            holds = row.valid_until is None or row.valid_until > now
            agreed = row.said == "given" and row.version == matter.version and holds
        return cls(matter.name, row.said, agreed, row.at, row.version, row.valid_until, row.record)


@dataclass(frozen=True, slots=True)
class StateRow:
    """A row of the state table."""

    id: int
    said: Said
    version: str
    valid_until: datetime | None
    at: datetime
    entered: datetime
    record: str


@dataclass(frozen=True, slots=True)
class ConsentCount:
    """How many people said what of one matter, last. Who said nothing is not counted.

    :param agreed: whose word counts as yes now.
    :param lapsed: who gave a consent that counts no more: to an older wording, or too long ago.
    """

    to: str
    what: str
    agreed: int = 0
    lapsed: int = 0
    refused: int = 0
    withdrawn: int = 0


def must_follow(matter: Matter, before: Said | None, said: Said) -> None:
    """Makes sure that something may be said after what was said before.

    Giving and refusing may always be said. There is something to withdraw after a consent, be it one that has run out, and
    where silence means yes, also when nothing was said.

    :raises ConsentRefused: there is nothing to withdraw.
    """
    if said != "withdrawn" or before == "given" or (before is None and matter.consent == "opt_out"):
        return
    last = "nothing was said" if before is None else f"the last that was said is that it is {before}"
    raise ConsentRefused(
        f'there is no consent to "{matter.name}" to withdraw: {last}.',
        hint="nothing was changed; a person who does not agree refuses: privacy.consents.refuse(...).",
    )


def must_not_be_twice(matter: Matter, before: StateRow | None, said: Said, version: str, now: datetime) -> None:
    """Makes sure that the same is not entered twice within a moment.

    :raises ConsentRefused: it is.
    """
    if (
        before is not None
        and (before.said, before.version) == (said, version)
        and abs(now - before.entered) <= _A_MOMENT
    ):
        raise ConsentRefused(
            f'the same was entered of "{matter.name}" a moment ago.',
            hint="it is in the ledger once, and counts. Where requests are sent again, give idempotency_key=....",
        )
