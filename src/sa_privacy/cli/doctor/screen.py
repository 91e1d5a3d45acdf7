"""Tells an overview on one screen, as wide as the terminal is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from rich.console import Console
from rich.text import Text

from sa_privacy.cli.doctor.section import BREAKS, LEAKS, MIND, Risk, Section, many
from sa_privacy.cli.telling import say

__all__ = ["as_json", "show", "worst_first"]

_SHOWN: Final = 8
_MARGIN: Final = len("protected  ")
_WORDS: Final = {LEAKS: ("leaks", "bold red"), BREAKS: ("breaks", "red"), MIND: ("mind", "yellow")}


def worst_first(sections: Sequence[Section]) -> list[Risk]:
    """What is at risk; said twice, it is told once."""
    return sorted(dict.fromkeys(risk for one in sections for risk in one.risks), key=lambda risk: -risk.weight)


def show(sections: Sequence[Section], *, everything: bool = False) -> None:
    """Prints it.

    :param everything: all that is at risk, however much that is.
    """
    for section in sections:
        for number, line in enumerate(section.lines):
            _row(section.name if number == 0 else "", "bold", line)
    risks = worst_first(sections)
    if not risks:
        say("at risk: nothing that was looked at", "bold green")
        return
    say(f"at risk: {many(len(risks), 'thing')}, worst first", "bold")
    shown = risks if everything else risks[:_SHOWN]
    for risk in shown:
        word, style = _WORDS[risk.weight]
        _row(word, style, risk.what)
        _row("", "", f"-> {risk.way_out}")
    if len(shown) < len(risks):
        say(f"and {len(risks) - len(shown)} more: --details")


def _row(name: str, style: str, said: str) -> None:
    """A name, and beside it what is said, in as many lines as it takes."""
    console = Console(highlight=False, markup=False, soft_wrap=True)
    for line in Text(said).wrap(console, max(console.width - _MARGIN, _MARGIN)):
        line.rstrip()
        console.print(Text.assemble((name.ljust(_MARGIN), style), line))
        name = ""


def as_json(sections: Sequence[Section]) -> dict[str, Any]:
    """The same for programs."""
    return {section.name: dict(section.facts) for section in sections} | {
        "at_risk": [
            {"weight": _WORDS[risk.weight][0], "what": risk.what, "way_out": risk.way_out}
            for risk in worst_first(sections)
        ]
    }
