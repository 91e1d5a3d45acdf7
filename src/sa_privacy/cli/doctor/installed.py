"""What is installed: the library, what it stands on, and which of its extras can be used here."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from typing import Final

from sa_privacy.cli.doctor.section import Section

__all__ = ["EXTRAS", "installed"]

EXTRAS: Final = {
    "alembic": ("alembic",),
    "async": ("greenlet", "aiosqlite", "asyncpg"),
    "aws": ("boto3",),
    "celery": ("celery",),
    "cli": ("typer", "rich"),
    "dask": ("distributed",),
    "fastapi": ("fastapi",),
    "flask": ("flask", "flask_sqlalchemy"),
    "postgres": ("psycopg",),
    "publish": ("jinja2",),
    "sqlmodel": ("sqlmodel",),
    "staff": ("argon2",),
    "testing": ("pytest",),
}
"""What each extra brings, as modules."""
_UNDER: Final = {"sa-privacy": "sa-privacy", "SQLAlchemy": "sqlalchemy", "cryptography": "cryptography"}


def installed() -> Section:
    """Versions and extras. Imports none of them."""
    versions = {"Python": platform.python_version(), **{name: _version(one) for name, one in _UNDER.items()}}
    present = [extra for extra, modules in EXTRAS.items() if all(find_spec(one) is not None for one in modules)]
    absent = [extra for extra in EXTRAS if extra not in present]
    return Section(
        "installed",
        (
            " · ".join(f"{name} {versions[name]}" for name in ("sa-privacy", "Python", "SQLAlchemy", "cryptography")),
            f"extras: {', '.join(present)}" + (f"; not: {', '.join(absent)}" if absent else ""),
        ),
        {"versions": versions, "extras": {"present": present, "absent": absent}},
    )


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:  # run from its sources
        return "(not installed)"
