"""``sa-privacy log keep``: the log's own retention schedule."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from sa_privacy.accesslog.proof.checkpoints import Checkpoints
from sa_privacy.accesslog.proof.keeping import Kept, keep_log
from sa_privacy.cli.log.proving import JsonOption, LogArgument, SecondOption, TrustOption, load_keys
from sa_privacy.cli.telling import fail, print_json, say, telling
from sa_privacy.crypto import SigningKey
from sa_privacy.policy import Policy

__all__ = ["keep"]


def keep(
    *,
    log: LogArgument,
    policy: Annotated[Path, typer.Option(help="The policy; its [log] says how long.", metavar="FILE")] = Path(
        "privacy.toml"
    ),
    key: Annotated[
        Path | None, typer.Option(help="The private PEM that signs what is kept of removed segments.", metavar="FILE")
    ] = None,
    second: SecondOption = None,
    trust: TrustOption = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Change nothing; say what would be done.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Compress old segments of the log, and remove those past their time, as the policy's [log] section says.

    Segments are removed only with a signing key: a checkpoint keeps their first and last hash, so that the rest verifies.
    """
    if not log.is_dir():
        fail(f"there is no access log in {log}.", 'name the directory that AccessLog.open("...") was given.')
    with telling():
        rules = Policy.load(policy).log
        if rules.compress_after is None and rules.keep is None:
            fail(f"{policy} does not say how long the log is kept.", 'add [log] compress_after = "P7D", keep = "P3Y".')
        checkpoints = None
        if key is not None:
            checkpoints = Checkpoints(log, SigningKey.load(key), second, trusted=load_keys(trust))
        quiet = as_json or not sys.stderr.isatty()
        columns = (TextColumn("keeping"), BarColumn(), TextColumn("{task.completed}/{task.total}"))
        with Progress(*columns, console=Console(stderr=True), transient=True, disable=quiet) as bar:
            task = bar.add_task("", total=None)
            done = keep_log(
                log,
                compress_after=rules.compress_after,
                keep=rules.keep,
                checkpoints=checkpoints,
                dry_run=dry_run,
                progress=lambda done, total: bar.update(task, completed=done, total=total),
            )
    _say(done, dry_run=dry_run, as_json=as_json)


def _say(done: Kept, *, dry_run: bool, as_json: bool) -> None:
    if as_json:
        print_json(
            {
                "dry_run": dry_run,
                "compressed": done.compressed,
                "removed": done.removed,
                "left": done.left,
                "freed": done.freed,
            }
        )
        return
    would = "would be " if dry_run else ""
    for name in done.compressed:
        say(f"{would}compressed: {name}")
    for name in done.removed:
        say(f"{would}removed: {name}")
    for name, why in done.left.items():
        say(f"left: {name}: {why}", "yellow")
    freed = "" if dry_run else f", {done.freed / 1e6:.1f} MB freed"
    say(f"{len(done.compressed)} {would}compressed, {len(done.removed)} {would}removed{freed}.")
