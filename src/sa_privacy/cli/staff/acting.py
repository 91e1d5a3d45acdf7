"""What the commands about staff share: their options, and the access under which they work."""

from __future__ import annotations

import getpass
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy import MetaData
from sqlalchemy.orm import Session

from sa_privacy.cli.database import connecting
from sa_privacy.cli.log.times import clock_of
from sa_privacy.cli.services import find_service
from sa_privacy.cli.telling import fail, telling
from sa_privacy.cli.written import operator, written_log
from sa_privacy.crypto import Keyring
from sa_privacy.policy import Policy
from sa_privacy.policy.periods import Period
from sa_privacy.privacy import Privacy

__all__ = ["ActorOption", "ReasonOption", "RoleOption", "UntilOption", "acting", "ask_password", "moment"]

ActorOption = Annotated[
    str | None,
    typer.Option(
        "--as", help="Who you are, as your application names you: staff:1.", metavar="ACTOR", show_default=False
    ),
]
RoleOption = Annotated[
    str | None,
    typer.Option(
        "--role", help="The role you act in, one that grants; may be left out where there is one.", show_default=False
    ),
]
ReasonOption = Annotated[str, typer.Option(help="Why, for whoever reviews it.", metavar="TEXT", prompt=True)]
UntilOption = Annotated[
    str | None,
    typer.Option(help="The end: P90D from now, 2027-03-31 (that day counts), or a time of ISO 8601.", metavar="TIME"),
]


@contextmanager
def acting(
    policy: Path,
    keys: Path,
    service: str | None,
    url: str | None,
    log: Path | None,
    actor: str | None,
    role: str | None,
    reason: str,
    *,
    no_log: bool,
    officer: bool = True,
) -> Iterator[tuple[Privacy, Session]]:
    """The policy on the database, under the access of who says they act. What the block did is committed.

    :param officer: it takes a role that grants.
    """
    with telling(), connecting(url) as engine:
        loaded = Policy.load(policy)
        if officer and actor is None:
            fail("who are you?", "--as staff:1, as your application names you.")
        acted_in = (role or _granting(loaded)) if officer else None
        written = written_log(log, "what is done about staff", no_log=no_log)
        ring = Keyring.load(keys, service=find_service(service))
        privacy = Privacy(loaded, keys=ring, log=written, metadata=MetaData(), recheck=0)
        try:
            privacy.install(engine)
            with privacy.request(actor=operator(actor), role=acted_in, reason=reason), Session(engine) as session:
                yield privacy, session
                session.commit()
        finally:
            privacy.close()


def _granting(policy: Policy) -> str:
    marked = sorted(role.name for role in policy.roles.values() if role.grants)
    if len(marked) != 1:
        fail(
            "in which role do you act?",
            f"--role {' or '.join(marked)}." if marked else 'say grants = ["..."] of one in the policy.',
        )
    return marked[0]


def ask_password(what: str) -> str:
    """A password from the terminal, twice and unseen; or one line of what is piped in."""
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n")
    said = getpass.getpass(f"{what}: ")
    if getpass.getpass("Again: ") != said:
        fail("these are two passwords.", "type the same twice.")
    return said


def moment(until: str | None) -> datetime | None:
    """When something ends: after a period from now, or at a time."""
    if until is None:
        return None
    try:
        return Period.parse(until).after(datetime.now(UTC))
    except (ValueError, OverflowError):
        if not re.match(r"\d{4}-", until):  # "7d" is a week ago, to commands of the log
            fail(
                f"--until is no end: {until!r}.",
                "write P90D for 90 days from now, PT8H for hours, or a day: 2027-03-31.",
            )
        return clock_of(None, until, local=False).until
