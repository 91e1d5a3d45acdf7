"""``sa-privacy log``: proving, keeping, shipping the access log, and asking it."""

from __future__ import annotations

import typer

__all__ = ["app"]

app = typer.Typer(name="log", help="The access log: prove it, keep it, ship it, ask it.", no_args_is_help=True)
