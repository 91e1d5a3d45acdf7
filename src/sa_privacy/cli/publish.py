"""``sa-privacy publish``: writes what people, officers and programs are told, or says where it no longer holds."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sa_privacy.cli.models import load_models
from sa_privacy.cli.options import JsonOption, ModelsOption, PolicyOption
from sa_privacy.cli.telling import FOUND, fail, print_json, say, telling
from sa_privacy.privacy import Privacy
from sa_privacy.publish.differences import differences
from sa_privacy.publish.publication import make_publication
from sa_privacy.publish.speaker import LANGUAGES, languages_of

__all__ = ["publish"]


def publish(
    *,
    models: ModelsOption,
    out: Annotated[Path, typer.Option(help="The directory to write to, or to compare with.", metavar="DIR")],
    policy: PolicyOption = Path("privacy.toml"),
    language: Annotated[
        list[str] | None,
        typer.Option(help="A language of the policy; all of them where left out. Repeatable.", show_default=False),
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing: say what differs from what is published.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Write the notice, the record of processing, the policy for machines and the data map.

    With --check: exit status 1 where what is published no longer follows from the policy and the models.
    """
    with telling():
        privacy = Privacy(policy, log=None, metadata=load_models(models))
        try:
            known = languages_of(privacy.policy)
            for tag in language or ():
                if tag not in known:
                    fail(
                        f'the policy is not told in "{tag}".',
                        f"it has {', '.join(known)}; there are words in {' and '.join(LANGUAGES)}.",
                    )
            files = make_publication(privacy.policy, privacy.catalogue, language)
        finally:
            privacy.close()
        found = differences(out, files) if check else []
        if not check:
            _write(out, files)
    if as_json:
        print_json({"policy": privacy.policy.hash, "files": list(files), "differences": found})
    elif check:
        for line in found:
            say(line, "red")
        say(
            "run: sa-privacy publish, and publish what it writes" if found else "what is published holds.",
            "" if found else "green",
        )
    else:
        for name in files:
            say(str(out / name))
    if found:
        raise typer.Exit(FOUND)


def _write(out: Path, files: dict[str, bytes]) -> None:
    try:
        out.mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            (out / name).write_bytes(content)
    except OSError as error:
        fail(
            f"{error.filename or out} cannot be written: {error.strerror}.", "name a directory that can be written to."
        )
