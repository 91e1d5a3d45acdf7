"""``sa-privacy log keep``: the log's own retention schedule."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from sa_privacy.accesslog.proof.checkpoints import Checkpoints
from sa_privacy.accesslog.proof.keeping import Kept, Shipped, Unreviewed, keep_log
from sa_privacy.accesslog.questions import Journal
from sa_privacy.accesslog.reviews import open_reviews
from sa_privacy.cli.log.place import DEFAULT, DirectoryOption, directory, is_url, place
from sa_privacy.cli.log.proving import SecondOption, TrustOption, load_keys
from sa_privacy.cli.options import JsonOption
from sa_privacy.cli.telling import fail, print_json, say, telling
from sa_privacy.crypto import SigningKey
from sa_privacy.policy import Policy

__all__ = ["keep"]


def keep(
    *,
    log: DirectoryOption = DEFAULT,
    policy: Annotated[Path, typer.Option(help="The policy; its section log says how long.", metavar="FILE")] = Path(
        "privacy.toml"
    ),
    key: Annotated[
        Path | None, typer.Option(help="The private PEM that signs what is kept of removed segments.", metavar="FILE")
    ] = None,
    second: SecondOption = None,
    trust: TrustOption = None,
    shipped_to: Annotated[
        str | None,
        typer.Option(
            help="Remove nothing that this database does not have yet; a review in there counts too.",
            metavar="URL",
            envvar="SA_PRIVACY_LOG_URL",
        ),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Change nothing; say what would be done.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Compress old segments of the log, and remove those past their time, as the section log of the policy says.

    Segments are removed only with a signing key: a checkpoint keeps their first and last hash, so that the rest verifies.
    None is removed that holds a break-glass access without a review. Compressed segments are shipped like others.
    """
    path = directory(log, "keeping is of files; a month of a table is detached and dropped (log ship --ddl).")
    if shipped_to is not None and not is_url(shipped_to):
        fail(f'"{shipped_to}" is no database.', "write a database URL: --shipped-to URL.")
    with telling():
        rules = Policy.load(policy).log
        if rules.compress_after is None and rules.keep is None:
            fail(f"{policy} does not say how long the log is kept.", 'add [log] compress_after = "P7D", keep = "P3Y".')
        checkpoints = None
        if key is not None:
            checkpoints = Checkpoints(path, SigningKey.load(key), second, trusted=load_keys(trust))
        quiet = as_json or not sys.stderr.isatty()
        columns = (TextColumn("keeping"), BarColumn(), TextColumn("{task.completed}/{task.total}"))
        with (
            _elsewhere(path, shipped_to) as (shipped, unreviewed),
            Progress(*columns, console=Console(stderr=True), transient=True, disable=quiet) as bar,
        ):
            task = bar.add_task("", total=None)
            done = keep_log(
                path,
                compress_after=rules.compress_after,
                keep=rules.keep,
                checkpoints=checkpoints,
                shipped=shipped,
                unreviewed=unreviewed,
                dry_run=dry_run,
                progress=lambda done, total: bar.update(task, completed=done, total=total),
            )
    _say(done, dry_run=dry_run, as_json=as_json)


@contextmanager
def _elsewhere(path: Path, to: str | None) -> Iterator[tuple[Shipped | None, Unreviewed | None]]:
    """What of a segment is known in the database: whether it arrived there, and what was reviewed there."""
    if to is None:
        yield None, None
        return
    from sa_privacy.accesslog.sinks import Shipper  # noqa: PLC0415 - only who asks a table waits for it

    with place(to) as table, Shipper(path, to) as shipper:
        waiting = {one.id for one in open_reviews(Journal(path))} & {one.id for one in open_reviews(table)}
        yield shipper.shipped, lambda writer, seq: f"{writer}:{seq}" in waiting


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
