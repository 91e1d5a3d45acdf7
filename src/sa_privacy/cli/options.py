"""The options and arguments that several commands have: each is declared once, here."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

__all__ = [
    "ErasuresOption",
    "JsonOption",
    "KeysOption",
    "KindOption",
    "Language",
    "LanguageOption",
    "LogOption",
    "ModelsOption",
    "NoLogOption",
    "OwnerUrlOption",
    "PersonArgument",
    "PolicyOption",
    "ReasonOption",
    "RoleOption",
    "ServiceOption",
    "UrlOption",
    "WhoOption",
]

ModelsOption = Annotated[
    list[str],
    typer.Option(
        help="The models: a declarative base or MetaData. Repeatable.",
        metavar="MODULE:BASE",
        envvar="SA_PRIVACY_MODELS",
        show_default=False,
    ),
]
PolicyOption = Annotated[Path, typer.Option(help="The policy document.", metavar="FILE", envvar="SA_PRIVACY_POLICY")]
KeysOption = Annotated[Path, typer.Option(help="The keyring.", metavar="FILE")]
ServiceOption = Annotated[
    str | None,
    typer.Option(
        help="Who wraps the keys: file:PATH, env:NAME, aws:KEY, or package.module:name.",
        metavar="SERVICE",
        envvar="SA_PRIVACY_KEY_SERVICE",
    ),
]
UrlOption = Annotated[str | None, typer.Option(help="The database.", metavar="URL", envvar="SA_PRIVACY_URL")]
OwnerUrlOption = Annotated[
    str | None, typer.Option(help="The database, as the owner of its tables.", metavar="URL", envvar="SA_PRIVACY_URL")
]
LogOption = Annotated[
    Path | None,
    typer.Option(
        help="The access log, into which the command is written.",
        metavar="DIR",
        envvar="SA_PRIVACY_LOG",
        show_default=False,
    ),
]
NoLogOption = Annotated[bool, typer.Option("--no-log", help="Write the command into no access log.")]
WhoOption = Annotated[
    str | None,
    typer.Option(
        "--as",
        "--actor",
        help="Who you are, as your application names you: staff:1; this machine's user where left out.",
        metavar="ACTOR",
        show_default=False,
    ),
]
RoleOption = Annotated[
    str | None,
    typer.Option(
        help="The role acted in; may be left out where the policy has one for this.",
        metavar="ROLE",
        show_default=False,
    ),
]
ReasonOption = Annotated[str | None, typer.Option(help="Why, for the log.", metavar="TEXT", show_default=False)]
ErasuresOption = Annotated[
    str | None,
    typer.Option(
        help="The ledger of erasures: its directory, or the URL of the database that its table is in.",
        metavar="DIR|URL",
        envvar="SA_PRIVACY_ERASURES",
        show_default=False,
    ),
]
PersonArgument = Annotated[str, typer.Argument(help="The key of their row.", metavar="KEY", show_default=False)]
KindOption = Annotated[
    str | None, typer.Option(help="The kind of person, where there are several.", metavar="KIND", show_default=False)
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]


class Language(StrEnum):
    """What is told in."""

    en = "en"
    ja = "ja"


LanguageOption = Annotated[Language, typer.Option("--lang", help="The language of what is told.")]
