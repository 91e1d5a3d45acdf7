"""What people can agree to: a purpose that needs consent, or a third party that their data may be given to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from sa_privacy.errors import PolicyError
from sa_privacy.policy import Policy, Wording
from sa_privacy.policy.faults import nearest

__all__ = ["Matter", "matter_of", "matters_of"]


@dataclass(frozen=True, slots=True)
class Matter:
    """One thing that people can agree to.

    :param what: as ledgers write it: ``"purpose:NAME"`` or ``"recipient:NAME"``.
    :param name: as the policy names it.
    :param consent: whether silence means yes (``"opt_out"``) or no.
    :param wording: the text that they agree to.
    """

    what: str
    name: str
    title: Mapping[str, str]
    consent: Literal["opt_in", "opt_out"]
    wording: Wording | None

    @property
    def version(self) -> str:
        """The version of the wording; empty where there is none."""
        return self.wording.version if self.wording is not None else ""


def matters_of(policy: Policy) -> dict[str, Matter]:
    """Everything that the policy needs consent for, by what ledgers call it."""
    found: dict[str, Matter] = {}
    for purpose in policy.purposes.values():
        if purpose.consent != "none":
            wording = policy.wordings[purpose.wording] if purpose.wording is not None else None
            what = f"purpose:{purpose.name}"
            found[what] = Matter(what, purpose.name, purpose.title, purpose.consent, wording)
    for recipient in policy.recipients.values():
        if recipient.kind in ("third_party", "third_party_abroad"):
            wording = policy.wordings[recipient.wording] if recipient.wording is not None else None
            what = f"recipient:{recipient.name}"
            found[what] = Matter(what, recipient.name, recipient.title, "opt_in", wording)
    return found


def matter_of(policy: Policy, to: str) -> Matter:
    """What an argument means.

    :param to: the name of a purpose or a recipient; ``"purpose:NAME"`` or ``"recipient:NAME"`` where there are both.
    :raises PolicyError: it is neither, or nobody needs consent for it, or it is both.
    """
    every = matters_of(policy)
    if not isinstance(to, str):
        raise PolicyError(
            f"a {type(to).__name__} is nothing to agree to.", hint="give the name of a purpose or recipient."
        )
    found = [every[what] for what in (to, f"purpose:{to}", f"recipient:{to}") if what in every]
    if len(found) == 1:
        return found[0]
    if found:
        raise PolicyError(
            f'"{to}" is a purpose and a recipient.', hint=f'say which: "purpose:{to}" or "recipient:{to}".'
        )
    names = sorted(matter.name for matter in every.values())
    if to in policy.purposes or to in policy.recipients:
        raise PolicyError(
            f'nobody is asked for consent to "{to}".',
            hint='purposes with consent = "opt_in" or "opt_out" need it, and recipients that are third parties'
            + (f": {', '.join(names)}." if names else "."),
        )
    raise PolicyError(
        "the policy knows no such purpose or recipient to agree to.",  # what was said may be anything, a name too
        hint=nearest(to, names) if names else "nothing in it needs consent.",
    )
