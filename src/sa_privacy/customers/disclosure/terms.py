"""On which terms a recipient may be given data: what the policy says before anybody's data is looked at.

Pure: the policy, what is declared and what is asked go in, the terms or an error come out.
"""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from sa_privacy.access import Access
from sa_privacy.customers.disclosure.evidence import Proof, prove
from sa_privacy.errors import DisclosureRefused
from sa_privacy.policy import Policy, Recipient, RecordRules
from sa_privacy.policy.periods import Period

__all__ = ["THE_PERSON", "Terms", "categories_meant", "kept_until", "terms_of"]

THE_PERSON: Final = "the person"
"""Who is no recipient of the policy: people are given their own data on a request of theirs."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What may be given to whom, and what it rests on.

    :param categories: what is asked for.
    :param purposes: of a processor, what it does for us in this case; people must not have refused these.
    :param proof: the ground; None: each person's consent, or that it is a processor.
    :param keep: how long the record is kept.
    """

    recipient: Recipient
    categories: frozenset[str]
    purposes: tuple[str, ...]
    proof: Proof | None
    keep: Period

    @property
    def needs_consent(self) -> bool:
        """Whether each person must have agreed to this recipient."""
        return self.recipient.kind != "processor" and self.proof is None


def terms_of(
    policy: Policy,
    access: Access,
    roles: Collection[str],
    *,
    to: object,
    categories: str | Iterable[str],
    ground: object,
    evidence: object,
    now: datetime,
) -> Terms:
    """The terms, if the policy has any for this.

    :param roles: those that the actor stands in.
    :raises DisclosureRefused: it has none; says what is in the way.
    """
    if to == THE_PERSON:
        raise DisclosureRefused(
            "people are given their own data on a request of theirs, once it is sure that it is they.",
            hint="privacy.requests.receive(...), .identify(...), .answer(...).",
        )
    recipient = policy.recipients.get(to) if isinstance(to, str) else None
    if recipient is None:
        raise _unknown("recipient", to, policy.recipients)
    if not access.actor:
        raise DisclosureRefused(
            "nobody is said to act, and a disclosure is somebody's.", hint='privacy.access(actor="staff:17", ...).'
        )
    _must_be_allowed(policy, roles, recipient)
    wanted = _categories(policy, recipient, categories)
    proof = None
    if ground is not None:
        if not isinstance(ground, str) or ground not in policy.grounds:
            raise _unknown("ground", ground, policy.grounds)
        if recipient.kind == "processor" or recipient.kind not in policy.grounds[ground].to:
            kinds = ", ".join(sorted(policy.grounds[ground].to - {"processor"}))
            raise DisclosureRefused(
                f'the ground "{ground}" does not hold for "{recipient.name}", of the kind {recipient.kind}.',
                hint=f"it holds for: {kinds}.",
            )
        proof = prove(policy.grounds[ground], evidence, actor=access.actor, now=now)
    elif evidence:
        raise DisclosureRefused(
            "evidence was given and no ground that it is for.", hint="say which ground: ground=..., or leave it out."
        )
    elif recipient.kind == "authority":
        grounds = ", ".join(sorted(one.name for one in policy.grounds.values() if "authority" in one.to)) or "none"
        raise DisclosureRefused(
            f'"{recipient.name}" is an authority, which is given data on a ground.',
            hint=f"ground=... with its evidence; grounds for authorities: {grounds}.",
        )
    purposes = _entrusted(policy, access, recipient, wanted, now) if recipient.kind == "processor" else ()
    rules = policy.records or RecordRules()
    stands_in = recipient.contract is not None and recipient.kind in {"third_party", "third_party_abroad"}
    keep = rules.keep_with_contract if stands_in and proof is None else rules.keep
    return Terms(recipient, wanted, purposes, proof, keep)


def kept_until(keep: Period, at: datetime) -> datetime:
    """Until when a record of that moment is kept: for ever, where the period leads out of the calendar."""
    try:
        return keep.after(at)
    except OverflowError:
        return datetime(9999, 12, 30, tzinfo=UTC)  # on no clock on earth is it the year 10000 then


def _must_be_allowed(policy: Policy, roles: Collection[str], recipient: Recipient) -> None:
    if any(recipient.name in policy.roles[role].disclose for role in roles if role in policy.roles):
        return
    able = sorted(role.name for role in policy.roles.values() if recipient.name in role.disclose)
    raise DisclosureRefused(
        f'{_who(roles)} may not give data to "{recipient.name}".',
        hint=f"{', '.join(able)} may." if able else f'give a role disclose = ["{recipient.name}"] in the policy.',
        roles=roles,
    )


def _who(roles: Collection[str]) -> str:
    return f"role {', '.join(sorted(roles))}" if roles else "who stands in no role"


def categories_meant(policy: Policy, said: Any) -> frozenset[str]:
    """The categories that an argument names.

    :raises DisclosureRefused: it names none, or the policy knows one of them not.
    """
    try:
        wanted: frozenset[str] = frozenset((said,) if isinstance(said, str) else said)
    except TypeError:
        raise DisclosureRefused("those are no categories.", hint='categories=["name", "address"].') from None
    if not wanted:
        raise DisclosureRefused("no categories are asked for.", hint='categories=["name", "address"].')
    for name in wanted:
        if name not in policy.categories:
            raise _unknown("category", name, policy.categories)
    return wanted


def _categories(policy: Policy, recipient: Recipient, said: object) -> frozenset[str]:
    wanted = categories_meant(policy, said)
    beyond = sorted(wanted - recipient.categories)
    if beyond:
        raise DisclosureRefused(
            f'"{recipient.name}" may not be given {", ".join(beyond)}.',
            hint=f"it may be given: {', '.join(sorted(recipient.categories))}.",
        )
    return wanted


def _entrusted(
    policy: Policy, access: Access, recipient: Recipient, wanted: frozenset[str], now: datetime
) -> tuple[str, ...]:
    """The purposes that a processor works for in this case.

    A purpose limits what a processor is given as it limits our own use.
    """
    if recipient.review_by is None or now.astimezone(UTC).date() > recipient.review_by:
        raise DisclosureRefused(
            f'"{recipient.name}" was to be looked at again by {recipient.review_by}, and gets nothing until then.',
            hint=f"look at it, and set review_by under [recipients.{recipient.name}] in the policy.",
        )
    if not access.purposes or not recipient.purposes.issuperset(access.purposes):
        beyond = ", ".join(sorted(set(access.purposes) - recipient.purposes)) or "no purpose"
        raise DisclosureRefused(
            f'"{recipient.name}" does not work for what is declared: {beyond}.',
            hint=f"it works for: {', '.join(sorted(recipient.purposes))}.",
            purpose=access.purposes,
        )
    open_to = frozenset[str]().union(*(policy.purposes[name].read for name in access.purposes))
    beyond_purpose = sorted(wanted - open_to)
    if beyond_purpose:
        raise DisclosureRefused(
            f"what is declared does not cover {', '.join(beyond_purpose)}, for a processor no more than for us.",
            hint=f"covered: {', '.join(sorted(open_to)) or 'nothing'}.",
            purpose=access.purposes,
        )
    return access.purposes


def _unknown(what: str, said: object, known: Collection[str]) -> DisclosureRefused:
    """Not told what was said: it may be anything, a name too."""
    near = difflib.get_close_matches(str(said), known, 1)
    hint = f'did you mean "{near[0]}"? ' if near else ""
    names = ", ".join(sorted(known)) or f"none; it would stand there as [{what}s.NAME]"
    return DisclosureRefused(f"the policy knows no such {what}.", hint=f"{hint}it knows: {names}.")
