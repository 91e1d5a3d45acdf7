"""``sa-privacy staff bootstrap``, ``grant`` and ``revoke``: who may act in which role."""

from __future__ import annotations

from typing import Annotated

import typer

from sa_privacy.cli.spread import spread
from sa_privacy.cli.staff.acting import Grants, ReasonOption, Staff, UntilOption, moment
from sa_privacy.cli.telling import say

__all__ = ["bootstrap", "grant", "revoke"]

WhomArgument = Annotated[str, typer.Argument(help="Whom, as your application names them: staff:17.", metavar="ACTOR")]
RoleArgument = Annotated[str, typer.Argument(help="The role.", metavar="ROLE")]


@spread
def bootstrap(
    *,
    whom: WhomArgument,
    what: RoleArgument,
    reason: ReasonOption,
    desk: Grants,
) -> None:
    """Grant the first role of all, one that grants others. Only while there are no grants."""
    with desk.session(reason) as (privacy, session):
        privacy.staff.bootstrap(session, whom, what, reason=reason)
    say(f"{whom} acts as {what} from now on. Everything else is granted by them.")


@spread
def grant(
    *,
    whom: WhomArgument,
    what: RoleArgument,
    reason: ReasonOption,
    until: UntilOption = None,
    desk: Staff,
) -> None:
    """Grant a role to somebody, not to yourself."""
    ends = moment(until)
    with desk.session(reason) as (privacy, session):
        privacy.staff.grant(session, whom, what, reason=reason, until=ends)
    say(f"{whom} acts as {what} {f'until {ends:%Y-%m-%d %H:%M} UTC' if ends is not None else 'until it is revoked'}.")


@spread
def revoke(
    *,
    whom: WhomArgument,
    what: RoleArgument,
    reason: ReasonOption,
    desk: Staff,
) -> None:
    """Revoke every grant of a role to somebody."""
    with desk.session(reason) as (privacy, session):
        privacy.staff.revoke(session, whom, what, reason=reason)
    say(f"{whom} acts as {what} no more.")
