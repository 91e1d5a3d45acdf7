"""``sa-privacy staff create``, ``recover``, ``unlock``, ``tidy`` and ``close``: accounts."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sa_privacy.cli.keys import ServiceOption
from sa_privacy.cli.log.asking import JsonOption
from sa_privacy.cli.sealing import KeysOption, PolicyOption, UrlOption
from sa_privacy.cli.staff.acting import ActorOption, ReasonOption, RoleOption, acting, ask_password
from sa_privacy.cli.telling import print_json, say
from sa_privacy.cli.written import LogOption, NoLogOption

__all__ = ["close", "create", "recover", "tidy", "unlock"]

AccountArgument = Annotated[str, typer.Argument(help="The account: staff:17.", metavar="ACTOR")]


def create(
    *,
    name: Annotated[str, typer.Argument(help="The name to log in with.", metavar="NAME")],
    actor: ActorOption = None,
    role: RoleOption = None,
    no_password: Annotated[
        bool, typer.Option("--no-password", help="The person chooses one, with the secret of `recover`.")
    ] = False,
    policy: PolicyOption = Path("privacy.toml"),
    keys: KeysOption = Path("keys.json"),
    service: ServiceOption = None,
    url: UrlOption = None,
    log: LogOption = None,
    no_log: NoLogOption = False,
    json: JsonOption = False,
) -> None:
    """Make an account. The password is asked for, or is the first line of what is piped in."""
    password = None if no_password else ask_password("Password")
    with acting(policy, keys, service, url, log, actor, role, "new account", no_log=no_log) as (privacy, session):
        made = privacy.staff.create(session, name, password=password)
    if json:
        print_json({"actor": made})
    else:
        say(f"{made} may log in. It has no role yet: sa-privacy staff grant {made} ROLE")


def recover(
    *,
    account: AccountArgument,
    actor: ActorOption = None,
    role: RoleOption = None,
    policy: PolicyOption = Path("privacy.toml"),
    keys: KeysOption = Path("keys.json"),
    service: ServiceOption = None,
    url: UrlOption = None,
    log: LogOption = None,
    no_log: NoLogOption = False,
    json: JsonOption = False,
) -> None:
    """Show a secret, once, with which the person chooses a new password within the hour."""
    with acting(policy, keys, service, url, log, actor, role, "recovery", no_log=no_log) as (privacy, session):
        secret = privacy.staff.recover(session, account)
    if json:
        print_json({"actor": account, "secret": secret})
    else:
        say(secret)


def unlock(
    *,
    account: AccountArgument,
    actor: ActorOption = None,
    role: RoleOption = None,
    policy: PolicyOption = Path("privacy.toml"),
    keys: KeysOption = Path("keys.json"),
    service: ServiceOption = None,
    url: UrlOption = None,
    log: LogOption = None,
    no_log: NoLogOption = False,
) -> None:
    """Forget failed attempts to log in."""
    with acting(policy, keys, service, url, log, actor, role, "unlock", no_log=no_log) as (privacy, session):
        privacy.staff.unlock(session, account)
    say(f"{account} may try again.")


def tidy(
    *,
    actor: ActorOption = None,
    role: RoleOption = None,
    policy: PolicyOption = Path("privacy.toml"),
    keys: KeysOption = Path("keys.json"),
    service: ServiceOption = None,
    url: UrlOption = None,
    log: LogOption = None,
    no_log: NoLogOption = False,
) -> None:
    """Remove counts of attempts that are of more than a day ago. For a timer."""
    with acting(policy, keys, service, url, log, actor, role, "tidy", no_log=no_log) as (privacy, session):
        removed = privacy.staff.tidy(session)
    say(f"{removed:,} names that somebody tried are forgotten.")


def close(
    *,
    account: AccountArgument,
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
    """Close an account for good, and revoke its roles."""
    with acting(policy, keys, service, url, log, actor, role, reason, no_log=no_log) as (privacy, session):
        privacy.staff.close(session, account, reason=reason)
    say(f"{account} is closed.")
