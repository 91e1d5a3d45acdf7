"""``sa-privacy staff bootstrap``, ``grant`` and ``revoke``: who may act in which role."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sa_privacy.cli.keys import ServiceOption
from sa_privacy.cli.sealing import KeysOption, PolicyOption, UrlOption
from sa_privacy.cli.staff.acting import ActorOption, ReasonOption, RoleOption, UntilOption, acting, moment
from sa_privacy.cli.telling import say
from sa_privacy.cli.written import LogOption, NoLogOption

__all__ = ["bootstrap", "grant", "revoke"]

WhomArgument = Annotated[str, typer.Argument(help="Whom, as your application names them: staff:17.", metavar="ACTOR")]
RoleArgument = Annotated[str, typer.Argument(help="The role.", metavar="ROLE")]


def bootstrap(
    *,
    whom: WhomArgument,
    what: RoleArgument,
    reason: ReasonOption,
    policy: PolicyOption = Path("privacy.toml"),
    keys: KeysOption = Path("keys.json"),
    service: ServiceOption = None,
    url: UrlOption = None,
    log: LogOption = None,
    no_log: NoLogOption = False,
) -> None:
    """Grant the first role of all, one that grants others. Only while there are no grants."""
    with acting(policy, keys, service, url, log, None, None, reason, no_log=no_log, officer=False) as (
        privacy,
        session,
    ):
        privacy.staff.bootstrap(session, whom, what, reason=reason)
    say(f"{whom} acts as {what} from now on. Everything else is granted by them.")


def grant(
    *,
    whom: WhomArgument,
    what: RoleArgument,
    reason: ReasonOption,
    until: UntilOption = None,
    actor: ActorOption = None,
    role: RoleOption = None,
    policy: PolicyOption = Path("privacy.toml"),
    keys: KeysOption = Path("keys.json"),
    service: ServiceOption = None,
    url: UrlOption = None,
    log: LogOption = None,
    no_log: NoLogOption = False,
) -> None:
    """Grant a role to somebody, not to yourself."""
    ends = moment(until)
    with acting(policy, keys, service, url, log, actor, role, reason, no_log=no_log) as (privacy, session):
        privacy.staff.grant(session, whom, what, reason=reason, until=ends)
    say(f"{whom} acts as {what} {f'until {ends:%Y-%m-%d %H:%M} UTC' if ends is not None else 'until it is revoked'}.")


def revoke(
    *,
    whom: WhomArgument,
    what: RoleArgument,
    reason: ReasonOption,
    actor: ActorOption = None,
    role: RoleOption = None,
    policy: PolicyOption = Path("privacy.toml"),
    keys: KeysOption = Path("keys.json"),
    service: ServiceOption = None,
    url: UrlOption = None,
    log: LogOption = None,
    no_log: NoLogOption = False,
) -> None:
    """Revoke every grant of a role to somebody."""
    with acting(policy, keys, service, url, log, actor, role, reason, no_log=no_log) as (privacy, session):
        privacy.staff.revoke(session, whom, what, reason=reason)
    say(f"{whom} acts as {what} no more.")
