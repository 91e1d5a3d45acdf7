"""``sa-privacy report``: what an observed application needs, and a draft of a policy that says so."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.text import Text

from sa_privacy.accesslog import read_events
from sa_privacy.cli.log.asking import new_table, plain, show_table
from sa_privacy.cli.log.widths import keeps_words
from sa_privacy.cli.telling import fail, print_json, say, telling
from sa_privacy.policy import Policy
from sa_privacy.publish import Place, Report, Use, covering, draft_policy, read_uses

__all__ = ["report"]

_MARGIN = len("  Covered by  ")

LogArgument = Annotated[Path, typer.Argument(help="The access log's directory.", metavar="LOG_DIR", show_default=False)]
PolicyOption = Annotated[Path, typer.Option(help="The policy document to measure by.", metavar="FILE")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]


def _read(log: Path, policy: Path) -> tuple[Policy, Report]:
    loaded = Policy.load(policy)
    if not log.is_dir():
        fail(f"there is no access log in {log}.", 'name the directory that AccessLog.open("...") was given.')
    return loaded, read_uses(read_events(log), loaded)


def report(
    *,
    log: LogArgument,
    policy: PolicyOption = Path("privacy.toml"),
    as_json: JsonOption = False,
    draft: Annotated[
        bool,
        typer.Option("--draft", help="Print a draft of a policy that would refuse none of it, as TOML to be read."),
    ] = False,
) -> None:
    """Show which routes and call sites touch what, and for which purposes they would have to be declared.

    "Would refuse" counts the events that this policy does not cover: while observing they ran, while enforcing they did not.
    Call sites are noted by a Privacy that observes, and wherever something was refused.
    """
    with telling():
        loaded, found = _read(log, policy)
        drafted = draft_policy(loaded, found, source=policy.name) if draft else None
    if drafted is not None:
        typer.echo(drafted.text, nl=False)
        return
    if as_json:
        print_json(
            {
                "policy": loaded.hash,
                "events": found.events,
                "places": [_as_json(loaded, found, place) for place in found.places],
            }
        )
        return
    if not found.places:
        say(f"{found.events} events, and nothing personal was touched in any.")
        return
    _tell(loaded, found)
    refused = sum(1 for place in found.places if place.refused)
    say(f"{found.events} events, {len(found.places)} places; at {refused} of them something was, or would be, refused.")
    if refused:
        say("With --draft it prints a draft of a policy that would not refuse it.")


def _tell(policy: Policy, found: Report) -> None:
    """As a table; where the terminal has no room for whole names, one place under the other."""
    titles = ("Where", "Events", "Would refuse", "Touches", "So far", "Covered by")
    table = new_table(*titles, right=("Events",))
    table.columns[2].justify = "right"
    for place in found.places:
        cover = _cover(policy, found, place)
        table.add_row(
            plain(_where(place)),
            str(place.times),
            Text(str(place.refused), style="red" if place.refused else ""),
            plain("\n".join(_touches(place))),
            plain("\n".join(dict.fromkeys(map(_so_far, place.uses.values())))),
            Text(cover, style="red" if cover == "none" else ""),
        )
    width = Console().width
    if keeps_words(table, width):
        show_table(table)
        return
    cells = zip(*(column.cells for column in table.columns), strict=True)
    for where, times, refused, *more in cells:
        for line in str(where).splitlines():
            say(line, "bold")
        _row("", Text.assemble(f"{times} events, would refuse ", refused), width)
        for title, cell in zip(titles[3:], more, strict=True):
            for number, line in enumerate(cell.split("\n")):
                _row(title if number == 0 else "", line, width)
        say()


def _row(title: str, said: Text, width: int) -> None:
    """A line under a title of its own; broken between words, if at all."""
    for number, line in enumerate(said.wrap(Console(), max(width - _MARGIN, _MARGIN))):
        line.rstrip()
        Console(highlight=False, soft_wrap=True).print(
            Text.assemble((f"  {title if number == 0 else ''}".ljust(_MARGIN), "dim"), line)
        )


def _where(place: Place) -> str:
    return "\n".join(part for part in (place.route, place.site) if part) or "(not noted)"


def _touches(place: Place) -> list[str]:
    verbs: dict[str, list[str]] = {}
    for need in sorted(place.needs):
        verbs.setdefault(need.verb, []).append(need.name)
    lines = [f"{verb} {', '.join(verbs[verb])}" for verb in ("read", "match", "write", "delete") if verb in verbs]
    lines += sorted(place.obstacles)
    if place.loaded and not lines:
        lines.append(f"loads {len(place.loaded)} columns, reads none")
    return lines


def _so_far(use: Use) -> str:
    purposes, roles, system = use.under
    whom = f" as {', '.join(roles)}" if roles else f" as system {system}" if system else ""
    return f"{', '.join(purposes) or 'no purpose'}{whom}"


def _cover(policy: Policy, found: Report, place: Place) -> str:
    if not place.needs:
        return "-"
    several = covering(policy, place.needs, found.known)
    if several:
        return "\n".join(" + ".join(names) for names in several)
    return "none" if place.refused else "as declared"


def _as_json(policy: Policy, found: Report, place: Place) -> dict[str, Any]:
    verbs: dict[str, list[str]] = {"read": [], "match": [], "write": [], "delete": []}
    for need in sorted(place.needs):
        verbs[need.verb].append(need.name)
    return {
        "route": place.route,
        "site": place.site,
        "events": place.times,
        "would_refuse": place.refused,
        "rows": place.rows,
        **verbs,
        "loaded": sorted(place.loaded),
        "obstacles": sorted(place.obstacles),
        "so_far": [
            {
                "purposes": list(use.under.purposes),
                "roles": list(use.under.roles),
                "system": use.under.system,
                "events": use.times,
                "would_refuse": use.refused,
                "lacks": [str(need) for need in sorted(use.lacks)],
            }
            for use in place.uses.values()
        ],
        "covered_by": [list(names) for names in covering(policy, place.needs, found.known)],
    }
