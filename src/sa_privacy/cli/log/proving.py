"""``sa-privacy log verify``, ``checkpoint`` and ``keygen``: the log as evidence."""

from __future__ import annotations

import os
import signal
import sys
import threading
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from sa_privacy.accesslog import LogPlace
from sa_privacy.accesslog.proof.checkpoint import Checkpoint
from sa_privacy.accesslog.proof.checkpoints import Checkpoints
from sa_privacy.accesslog.proof.verify import Problem, Verification
from sa_privacy.cli.executors import Workers, WorkersOption, executor
from sa_privacy.cli.log.place import DEFAULT, DirectoryOption, LogOption, directory, is_url, place
from sa_privacy.cli.options import JsonOption
from sa_privacy.cli.spread import spread
from sa_privacy.cli.telling import FOUND, IMPOSSIBLE, fail, print_json, say, telling
from sa_privacy.crypto import SigningKey, VerifyingKey
from sa_privacy.errors import LogChanged, LogUnavailable

__all__ = ["SecondOption", "TrustOption", "checkpoint", "keygen", "load_keys", "verify"]

SecondOption = Annotated[
    str | None, typer.Option(help="Where checkpoints are copied to: a directory or a database URL.", metavar="PLACE")
]
TrustOption = Annotated[
    list[Path] | None, typer.Option(help="Public PEM of a key that signed before. May be repeated.", metavar="FILE")
]


def load_keys(paths: list[Path] | None) -> list[VerifyingKey]:
    """The public keys in files."""
    return [VerifyingKey.load(path) for path in paths or ()]


def keygen(
    *,
    file: Annotated[Path, typer.Argument(help="The private key is written here, mode 0600.", metavar="FILE")],
    public: Annotated[
        Path | None, typer.Option(help="The public half; by default FILE with .pub after it.", metavar="FILE")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Make the key pair that signs checkpoints (Ed25519).

    Give the public half to whoever is to check the log, and let nobody but the checkpointing process read the private one.
    """
    beside = public if public is not None else file.with_name(file.name + ".pub")
    with telling():
        if beside.exists():
            fail(f"{beside} exists already. Nothing was made.", "name another file.")
        key = SigningKey.generate()
        key.save(file)
        try:
            beside.write_bytes(key.public.pem())
        except OSError as error:
            fail(
                f"{beside} cannot be written ({error.strerror}); the private key is in {file}.", "remove it, try again."
            )
    if as_json:
        print_json({"id": key.id, "private": str(file), "public": str(beside)})
        return
    say(f"key {key.id}: private half in {file} (mode 0600), public half in {beside}")


def checkpoint(
    *,
    key: Annotated[Path, typer.Option(help="The private PEM that signs.", metavar="FILE")],
    log: DirectoryOption = DEFAULT,
    second: SecondOption = None,
    trust: TrustOption = None,
    every: Annotated[
        float | None, typer.Option(help="Go on, with one every so many seconds, until interrupted.", min=0.1)
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Prove what is new in the log, and sign how far each writer is. Exit status 1: the log does not hold."""
    path = directory(log, "checkpoints vouch for files.")
    with telling():
        making = Checkpoints(path, SigningKey.load(key), second, trusted=load_keys(trust))
    if every is None:
        try:
            made = making.write()
        except LogChanged as error:
            _say_error(error)
            raise typer.Exit(FOUND) from None
        except LogUnavailable as error:
            fail(error.message, error.hint)
        _say_checkpoint(made, as_json)
        return
    end = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: end.set())
    with making.every(every) as repeating:
        end.wait()
    if repeating.failure is not None:
        _say_error(repeating.failure)
        raise typer.Exit(FOUND if isinstance(repeating.failure, LogChanged) else IMPOSSIBLE)


def _say_error(error: Any) -> None:
    console = Console(stderr=True, highlight=False, markup=False, soft_wrap=True)
    console.print(f"error: {error.message}")
    console.print(f"hint: {error.hint}")


def _say_checkpoint(made: Checkpoint | None, as_json: bool) -> None:
    if as_json:
        print_json(None if made is None else {"number": made.number, "at": made.at, "heads": len(made.heads)})
    elif made is None:
        say("nothing is new since the last checkpoint.")
    else:
        say(f"checkpoint {made.number}, {made.at}: {len(made.heads)} writer(s) had written.")


@dataclass(frozen=True, kw_only=True)
class _Workers(Workers):
    """As many as there are processors: nothing but time depends on it."""

    workers: WorkersOption = os.cpu_count() or 1


@spread
def verify(
    *,
    log: LogOption = DEFAULT,
    key: Annotated[
        list[Path] | None,
        typer.Option(help="Public PEM of a key that signs checkpoints. May be repeated.", metavar="FILE"),
    ] = None,
    second: SecondOption = None,
    how: _Workers,
    resume: Annotated[
        Path | None,
        typer.Option(
            help="Note here what holds: after an interruption, the same command goes on there.",
            metavar="FILE",
            show_default=False,
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Prove that nothing in the log was changed, added, removed or moved; name the first event where something was.

    Exit status 0: the log holds. 1: it does not. 2: it could not be looked at.
    """
    if resume is not None and is_url(log):
        fail("only files are verified from where it was broken off: a table is read as a whole.", "leave --resume out.")
    with telling(), place(log, written=False) as asked, executor(Workers(dask=how.dask)) as cluster:
        keys = load_keys(key) or None
        found = _verified(asked, keys, second, how.workers, cluster, resume, quiet=as_json)
    if as_json:
        print_json(_as_json(found))
    else:
        _say_found(found)
    if not found.ok:
        raise typer.Exit(FOUND)


def _verified(
    log: LogPlace,
    keys: list[VerifyingKey] | None,
    second: str | None,
    workers: int,
    cluster: Executor | None,
    resume: Path | None,
    *,
    quiet: bool,
) -> Verification:
    if quiet or not sys.stderr.isatty():
        return log.verify(key=keys, second=second, workers=workers, executor=cluster, resume=resume)
    columns = (TextColumn("verifying"), BarColumn(), TextColumn("{task.percentage:>3.0f} %"), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=None)
        return log.verify(
            key=keys,
            second=second,
            workers=workers,
            executor=cluster,
            resume=resume,
            progress=lambda done, total: bar.update(task, completed=done, total=total),
        )


def _say_found(found: Verification) -> None:
    for problem in found.problems:
        say(f"{problem}", "red")
    for one in found.torn:
        say(f"{one}")
    covered = found.covered
    if covered is not None:
        signed = "signed" if covered.signed else "signature not checked"
        say(
            f"last checkpoint: {covered.number}, {covered.at.isoformat()} ({signed}); {covered.after} event(s) after it"
        )
    for said in found.unshown:
        say(f"not shown: {said}", "yellow")
    if found.unclosed:
        say(f"{len(found.unclosed)} segment(s) without a closing line: in use, or their process was killed.")
    counted = f"{found.events} events in {found.segments} segments"
    if found.ok:
        say(f"{counted}: the log holds.", "green")
    else:
        say(f"{counted}: the log does not hold. Keep it as it is.", "bold red")


def _as_json(found: Verification) -> dict[str, Any]:
    covered = found.covered
    return {
        "ok": found.ok,
        "events": found.events,
        "segments": found.segments,
        "problems": [_problem(one) for one in found.problems],
        "torn": [_problem(one) for one in found.torn],
        "unclosed": list(found.unclosed),
        "covered": None
        if covered is None
        else {
            "checkpoint": covered.number,
            "at": covered.at.isoformat(),
            "signed": covered.signed,
            "events_after": covered.after,
            "second_place_lacks": covered.behind,
        },
        "not_shown": list(found.unshown),
    }


def _problem(one: Problem) -> dict[str, Any]:
    return {"segment": one.segment, "line": one.line, "writer": one.writer or None, "seq": one.seq, "what": one.what}
