"""Agents: who speaks for a person whose data it is (代理人)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Literal, get_args

from sa_privacy.errors import PolicyError

__all__ = ["AUTHORITIES", "Agent", "Authority"]

Authority = Literal["statutory", "entrusted"]
"""Why somebody may speak for a person: by law, for a minor or an adult ward (法定代理人), or because the person has entrusted
them with it (委任による代理人). Source: APPI Article 37(3), Cabinet Order Article 13."""
AUTHORITIES: Final[tuple[Authority, ...]] = get_args(Authority)


@dataclass(frozen=True, slots=True)
class Agent:
    """Somebody who speaks for the person.

    :param name: who they are; kept sealed.
    :param authority: why they may.
    :param evidence: what showed it, e.g. the number of the letter of attorney; kept sealed.
    :raises PolicyError: there is no such kind of authority, or something is missing.
    """

    name: str = field(repr=False)
    authority: Authority
    evidence: str = field(repr=False)

    def __post_init__(self) -> None:
        if self.authority not in AUTHORITIES:
            raise PolicyError(
                "there is no such kind of authority for an agent.", hint=f"kinds: {', '.join(AUTHORITIES)}."
            )
        for what in ("name", "evidence"):
            said: object = getattr(self, what)
            if not isinstance(said, str) or not said.strip():
                raise PolicyError(
                    f"an agent needs {'a name' if what == 'name' else 'evidence'}.",
                    hint="Agent(name=..., authority=..., evidence=...): say who speaks, and what shows that they may.",
                )
