"""``sa-privacy staff report``: who may use what, and what somebody should look at."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, timedelta
from typing import Annotated

import typer

from sa_privacy.cli.log.asking import as_json, new_table, plain, show_table
from sa_privacy.cli.log.times import Clock, LocalOption, ago
from sa_privacy.cli.options import JsonOption
from sa_privacy.cli.spread import spread
from sa_privacy.cli.staff.acting import Staff
from sa_privacy.cli.telling import print_json, say
from sa_privacy.staff import Holding, Report

__all__ = ["report"]


@spread
def report(
    *,
    unused: Annotated[int, typer.Option(help="Flag what nobody used for so many days.", min=1)] = 90,
    expiring: Annotated[int, typer.Option(help="Flag what ends within so many days.", min=0)] = 30,
    everything: Annotated[bool, typer.Option("--all", help="Show what has ended, too.")] = False,
    desk: Staff,
    local: LocalOption = False,
    json: JsonOption = False,
) -> None:
    """Who may use what: granted by whom, why, until when, last used when. Reads the whole log."""
    with desk.session("review") as (privacy, session):
        made = privacy.staff.report(
            session, unused_after=timedelta(days=unused), expiring_within=timedelta(days=expiring)
        )
    if json:
        print_json(_as_json(made))
        return
    _show_roles(made)
    _show_holdings(made, Clock(None, None, None if local else UTC), everything=everything)


def _as_json(made: Report) -> object:
    return as_json(asdict(made) | {"roles": [one._asdict() for one in made.roles]})


def _show_roles(made: Report) -> None:
    shown = new_table("Role", "Purposes", "Categories", "Who")
    for one in made.roles:
        who = ["whom it was granted to" if one.granted else "whom the application lets"]
        who += [f"who signed {one.pledge}"] if one.pledge is not None else []
        what = ", ".join(one.purposes) or ("maintenance" if one.maintenance else "none")
        opens = f"grants {', '.join(one.grants)}" if one.grants else ""
        shown.add_row(
            plain(one.role),
            plain("\n".join(filter(None, (what, opens)))),
            plain(", ".join(one.categories)),
            plain("\n".join(who)),
        )
    show_table(shown)


def _show_holdings(made: Report, clock: Clock, *, everything: bool) -> None:
    current = [one for one in made.holdings if everything or one.state in ("in force", "to come")]
    if not current:
        say("No role is granted to anybody.")
        return
    shown = new_table("Who", "Role", "State", "Granted", "Until", "Last used", "Look at", whole=["Until"])
    for one in current:
        shown.add_row(
            plain(one.actor),
            plain(one.role),
            plain(_state(one)),
            plain(f"by {one.granted_by}, {clock.show(one.granted_at)}\n{one.reason}"),
            plain(clock.show(one.ends) or "no end"),
            plain("not looked up" if not made.logged else ago(one.last_used, made.at) if one.last_used else "never"),
            plain("\n".join(one.flags)),
        )
    show_table(shown)
    flagged = len(made.flagged)
    say(f"{len(current)} grants; {flagged} to look at. Times are {clock.name}.", "yellow" if flagged else "")


def _state(one: Holding) -> str:
    return one.state if one.revoked_by is None else f"revoked by {one.revoked_by}\n{one.revoked_for}"
