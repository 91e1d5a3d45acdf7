"""``sa-privacy staff create``, ``recover``, ``unlock``, ``tidy`` and ``close``: accounts."""

from __future__ import annotations

from typing import Annotated

import typer

from sa_privacy.cli.options import JsonOption
from sa_privacy.cli.spread import spread
from sa_privacy.cli.staff.acting import ReasonOption, Staff, ask_password
from sa_privacy.cli.telling import print_json, say

__all__ = ["close", "create", "recover", "tidy", "unlock"]

AccountArgument = Annotated[str, typer.Argument(help="The account: staff:17.", metavar="ACTOR")]


@spread
def create(
    *,
    name: Annotated[str, typer.Argument(help="The name to log in with.", metavar="NAME")],
    no_password: Annotated[
        bool, typer.Option("--no-password", help="The person chooses one, with the secret of `recover`.")
    ] = False,
    desk: Staff,
    json: JsonOption = False,
) -> None:
    """Make an account. The password is asked for, or is the first line of what is piped in."""
    password = None if no_password else ask_password("Password")
    with desk.session("new account") as (privacy, session):
        made = privacy.staff.create(session, name, password=password)
    if json:
        print_json({"actor": made})
    else:
        say(f"{made} may log in. It has no role yet: sa-privacy staff grant {made} ROLE")


@spread
def recover(
    *,
    account: AccountArgument,
    desk: Staff,
    json: JsonOption = False,
) -> None:
    """Show a secret, once, with which the person chooses a new password within the hour."""
    with desk.session("recovery") as (privacy, session):
        secret = privacy.staff.recover(session, account)
    if json:
        print_json({"actor": account, "secret": secret})
    else:
        say(secret)


@spread
def unlock(
    *,
    account: AccountArgument,
    desk: Staff,
) -> None:
    """Forget failed attempts to log in."""
    with desk.session("unlock") as (privacy, session):
        privacy.staff.unlock(session, account)
    say(f"{account} may try again.")


@spread
def tidy(
    *,
    desk: Staff,
) -> None:
    """Remove counts of attempts that are of more than a day ago. For a timer."""
    with desk.session("tidy") as (privacy, session):
        removed = privacy.staff.tidy(session)
    say(f"{removed:,} names that somebody tried are forgotten.")


@spread
def close(
    *,
    account: AccountArgument,
    reason: ReasonOption,
    desk: Staff,
) -> None:
    """Close an account for good, and revoke its roles."""
    with desk.session(reason) as (privacy, session):
        privacy.staff.close(session, account, reason=reason)
    say(f"{account} is closed.")
