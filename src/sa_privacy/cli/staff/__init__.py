"""``sa-privacy staff``: who may act, in which role, and the review of it."""

from __future__ import annotations

import typer

from sa_privacy.cli.staff import accounts, authority, report

__all__ = ["app"]

app = typer.Typer(name="staff", help="Accounts, granted roles and pledges, and their review.", no_args_is_help=True)
app.command()(authority.bootstrap)
app.command()(authority.grant)
app.command()(authority.revoke)
app.command()(report.report)
app.command()(accounts.create)
app.command()(accounts.recover)
app.command()(accounts.unlock)
app.command()(accounts.close)
app.command()(accounts.tidy)
