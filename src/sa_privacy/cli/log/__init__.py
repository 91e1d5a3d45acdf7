"""``sa-privacy log``: proving, keeping, shipping the access log, and asking it."""

from __future__ import annotations

import typer

from sa_privacy.cli.log import breach, by, denied, keeping, proving, review, ship, status, tail, who

__all__ = ["app"]

app = typer.Typer(name="log", help="The access log: prove it, keep it, ship it, ask it.", no_args_is_help=True)
app.command()(who.who)
app.command()(by.by)
app.command()(denied.denied)
app.command()(breach.breach)
app.command()(tail.tail)
app.command()(review.review)
app.command()(status.status)
app.command()(proving.verify)
app.command()(proving.checkpoint)
app.command()(proving.keygen)
app.command()(keeping.keep)
app.command()(ship.ship)
