"""What can be ceased because somebody asks: that to which people's consent is asked.

Ceasing use, or provision, becomes a withdrawal in the ledger of consents, so that the next statement does not reach the person
any more. Where no consent is asked for, the law gives a right to have the use ceased only where the law was broken, or the data
is not needed any more, or the person's rights and legitimate interests are at risk (APPI Article 35(1), (3), (5)): whether that
is so is for people to decide. Either it is put right, which ends as a request for erasure or a correction, or the request is
refused by the article. An objection that no statement obeys is not recorded: it would be a promise that is not kept.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Literal, Protocol

from sqlalchemy import Connection
from sqlalchemy.orm import Session

from sa_privacy.customers.requests.states import Kind
from sa_privacy.errors import RequestRefused
from sa_privacy.policy import Policy

__all__ = ["Consenting", "Stop", "must_be_ceasable", "stop_by"]


class Stop(Protocol):
    """Withdraws, or refuses, what a person agreed to; the ledger of consents is one."""

    def __call__(
        self,
        session: Session | Connection,
        subject: tuple[str, str],
        to: str,
        how: Literal["web", "letter"],
        evidence: str,
        /,
    ) -> None:
        """From the next statement on, the person's data does not go to that purpose or recipient.

        :param subject: kind and key.
        :param to: ``"purpose:NAME"`` or ``"recipient:NAME"``, as the policy names it.
        :param how: in what way they said so.
        :param evidence: on whose word: the request.
        """
        ...


class Consenting(Protocol):
    """What a ledger of consents can do: ``privacy.consents``."""

    def state(self, session: Session | Connection, subject: object, to: str) -> Any:
        """``.said``: the last that was said; ``.agreed``: whether it counts as a yes."""
        ...

    def withdraw(
        self, session: Session | Connection, subject: object, to: str, *, how: Literal["web", "letter"], evidence: str
    ) -> Any:
        """A consent is taken back."""
        ...

    def refuse(
        self, session: Session | Connection, subject: object, to: str, *, how: Literal["web", "letter"], evidence: str
    ) -> Any:
        """The person says no."""
        ...


def stop_by(consents: Consenting) -> Stop:
    """Ceases by the ledger of consents: what was agreed to is withdrawn, and to what was not the person says no."""

    def stop(
        session: Session | Connection,
        subject: tuple[str, str],
        to: str,
        how: Literal["web", "letter"],
        evidence: str,
        /,
    ) -> None:
        state = consents.state(session, subject, to)
        say = consents.withdraw if state.agreed or state.said == "given" else consents.refuse
        say(session, subject, to, how=how, evidence=evidence)

    return stop


def must_be_ceasable(policy: Policy, kind: Kind, names: Collection[str]) -> None:
    """Refuses what no withdrawal would cease.

    :param kind: ``"cease_use"`` of purposes, or ``"cease_provision"`` to recipients.
    :raises RequestRefused: a name is none of the policy's, or consent has no say there.
    """
    use = kind == "cease_use"
    what = "purpose" if use else "recipient"
    known: Mapping[str, object] = policy.purposes if use else policy.recipients
    if not names or not all(name in list(known) for name in names):
        raise RequestRefused(f"it has to be said which {what} is meant.", hint=f"{what}s: {', '.join(sorted(known))}.")
    for name in names:
        if use and policy.purposes[name].consent == "none":
            raise RequestRefused(
                f'the purpose "{name}" does not depend on consent, so that there is nothing to withdraw.',
                hint="refuse the request by Article 35-1 or 35-5; or, if the person is right, put it right: a new request for erasure.",
                purpose=(name,),
            )
        if not use and policy.recipients[name].kind not in ("third_party", "third_party_abroad"):
            raise RequestRefused(
                f'"{name}" is no third party: what it gets does not depend on consent.',
                hint="refuse the request by Article 35-3 or 35-5.",
            )
