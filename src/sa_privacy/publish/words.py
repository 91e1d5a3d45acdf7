"""How places, accesses and proposals are told, each on one line."""

from __future__ import annotations

from collections.abc import Sequence

from sa_privacy.publish.uses import Place, Use

__all__ = ["asked", "clean", "declare", "where"]


def declare(use: Use, purposes: Sequence[str], roles: Sequence[str]) -> str:
    """What to write in the application.

    :param roles: who may act, where the log does not say who did.
    """
    if use.under.system:
        return clean(f'privacy.system("{use.under.system}")')
    role, may = "", ""
    if use.under.roles:
        role = f", role={_quoted(use.under.roles)}"
    elif roles:
        role, may = ", role=...", f"; {roles[0]} may act for it"
    return clean(f"privacy.access(purpose={_quoted(purposes)}{role}){may}")


def asked(place: Place, use: Use) -> str:
    """Where something was done, how often, and under which access."""
    under = use.under
    access = f'for "{", ".join(under.purposes)}"' if under.purposes else "without a purpose"
    whom = f" as {', '.join(under.roles)}" if under.roles else f" as system {under.system}" if under.system else ""
    times = "once" if use.times == 1 else f"{use.times} times"
    return clean(f"{where(place)}: {times} {access}{whom}")


def where(place: Place) -> str:
    """The route and the call site, as far as they are known."""
    return " ".join(part for part in (place.route, place.site) if part) or "a place that was not noted"


def clean(text: str) -> str:
    """On one line, as a comment has to be."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)


def _quoted(names: Sequence[str]) -> str:
    quoted = [f'"{name}"' for name in names]
    return quoted[0] if len(quoted) == 1 else f"[{', '.join(quoted)}]"
