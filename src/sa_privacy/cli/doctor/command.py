"""The command: which questions are asked, of what."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sa_privacy.cli.doctor import columns as details
from sa_privacy.cli.doctor.overview import Asked, look
from sa_privacy.cli.doctor.screen import as_json as overview_as_json
from sa_privacy.cli.doctor.screen import show, worst_first
from sa_privacy.cli.doctor.section import BREAKS, Section
from sa_privacy.cli.models import load_models
from sa_privacy.cli.options import (
    ErasuresOption,
    JsonOption,
    KeysOption,
    ModelsOption,
    PolicyOption,
    ServiceOption,
    UrlOption,
)
from sa_privacy.cli.telling import FOUND, print_json, say, telling
from sa_privacy.cli.wall import LoginOption
from sa_privacy.privacy import Privacy

__all__ = ["doctor"]


def doctor(
    *,
    columns: Annotated[
        list[str] | None,
        typer.Argument(
            help="What stands against sealing these columns; without any, the overview.",
            metavar="[TABLE.COLUMN]...",
            show_default=False,
        ),
    ] = None,
    models: ModelsOption,
    policy: PolicyOption = Path("privacy.toml"),
    decisions: Annotated[
        Path, typer.Option("--columns", help="What is not personal (sa-privacy check).", metavar="FILE")
    ] = Path("columns.toml"),
    url: UrlOption = None,
    login: LoginOption = None,
    keys: KeysOption = Path("keys.json"),
    service: ServiceOption = None,
    log: Annotated[
        str | None,
        typer.Option(
            help="The access log: its directory, or the URL of the database whose table it is in.",
            metavar="DIR|URL",
            envvar="SA_PRIVACY_LOG",
            show_default=False,
        ),
    ] = None,
    erasures: ErasuresOption = None,
    everything: Annotated[
        bool, typer.Option("--details", help="All that is at risk, and what was found about each column.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Say on one screen what is installed, protected, sealable, and at risk; or of columns, what stands against sealing them.

    Exit status 1 where something at risk breaks a promise, or where something forbids to seal a column that was named. Asks
    the models and whatever else is named: the database, the keys, the log. Changes nothing.
    """
    with telling():
        metadata = load_models(models)
        privacy = Privacy(policy, log=None, metadata=metadata)
        try:
            sections: list[Section] = []
            if columns:
                found = details.named(privacy.catalogue, metadata, columns, url)
            else:
                asked = Asked(privacy, metadata, models, policy, decisions, url, login, keys, service, log, erasures)
                sections, found = look(asked)
            if columns or everything or as_json:
                found = details.matched(found, log)
        finally:
            privacy.close()
    if as_json:
        listed = details.as_json(found)
        print_json(listed if columns else {**overview_as_json(sections), "columns": listed})
    else:
        if not columns:
            show(sections, everything=everything)
        if everything and not columns:
            say()
        if everything or columns:
            details.tell(found)
    forbids = bool(columns) and any(one.forbids for findings in found.values() for one in findings)
    if forbids or any(risk.weight >= BREAKS for risk in worst_first(sections)):
        raise typer.Exit(FOUND)
