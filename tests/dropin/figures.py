"""How much there is in it: ``python -m tests.dropin.figures`` prints what docs/drop-in.md says."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tests.dropin.chinook import chinook
from tests.dropin.sakila import sakila
from tests.dropin.schemas import HERE

__all__ = ["TESTS", "lines"]

_ROOM: Final = HERE.parent
#: Tests that the application brings.
TESTS: Final = 26


def lines() -> Iterator[str]:
    """The lines of the table."""
    for name, workload in (("chinook", chinook), ("sakila", sakila)):
        document = HERE / f"{name}.toml"
        plain = [query for query in workload.queries if query.access is None and query.refused is None]
        refused = [query for query in workload.queries if query.refused is not None]
        covered = len(workload.queries) - len(plain) - len(refused)
        columns = len(tomllib.loads(document.read_text(encoding="utf-8"))["columns"])
        yield f"| {name} | {len(plain)} | {covered} | {len(refused)} | {columns} | {_written(document)} |"


def of_the_club() -> str:
    """How long the application is, and what protects it."""
    club = _ROOM / "club"
    code = sum(_written(file) for file in club.rglob("*.py") if "tests" not in file.relative_to(club).parts)
    return f"{code} lines of Python, {_written(_ROOM / 'protect.py')} that protect it, {_written(_ROOM / 'protected.toml')} of policy"


def _written(file: Path) -> int:
    """Lines of code: neither blank, nor comments, nor documentation."""
    text = re.sub(r'"""(?:.|\n)*?"""', "", file.read_text(encoding="utf-8"))
    return sum(1 for line in text.splitlines() if line.strip() and not line.strip().startswith("#"))


if __name__ == "__main__":
    print(*lines(), of_the_club(), sep="\n")  # noqa: T201
