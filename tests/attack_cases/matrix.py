"""The bypass matrix, made from the cases: for each path and column, how it ends and which files prove it.

`python -m tests.attack_cases.matrix` writes it into `docs/threat-model.md`; a test fails where it is out of date.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path as File
from types import ModuleType
from typing import Final

from tests.attack_cases.case import discover
from tests.attack_cases.paths import COLUMNS, PATHS, SECTIONS, Column, Path
from tests.attack_cases.ways import End, Way, ways_of
from tests.support.databases import BACKENDS, Backend

__all__ = ["ALLOWED", "BEYOND", "DENIED", "DOCUMENT", "Cell", "backends_of", "cells", "runs_async", "table", "written"]

DENIED: Final = discover("denied")
BEYOND: Final = discover("beyond")
ALLOWED: Final = discover("allowed")
DOCUMENT: Final = File(__file__).parents[2] / "docs" / "threat-model.md"

_BEGIN: Final = "<!-- The matrix: written by `python -m tests.attack_cases.matrix`, not by hand. -->\n"
_END: Final = "<!-- End of the matrix. -->"
_WORDS: Final[dict[End, str]] = {
    "refused": "refused",
    "left out": "left out",
    "sealed": "sealed",
    "wall": "*wall*",
    "nothing": "**open**",
}


@dataclass(slots=True)
class Cell:
    """How one path ends on one column."""

    ends: set[End] = field(default_factory=set)
    proofs: list[ModuleType] = field(default_factory=list)


def backends_of(module: ModuleType) -> tuple[Backend, ...]:
    """The databases that a case is about."""
    return getattr(module, "backends", BACKENDS)


def runs_async(module: ModuleType) -> bool:
    """Whether a case is run on the async drivers too: where it is made for them, cheap, or the only one on its path."""
    return _async_by_itself(module) or module in _FILLING


def _async_by_itself(module: ModuleType) -> bool:
    return hasattr(module, "paths") or hasattr(module, "sql") or any(way.is_async for way in ways_of(module))


def _columns(module: ModuleType, way: Way, *, asynchronous: bool) -> list[Column]:
    kinds = [kind for kind, runs in (("sync", not way.is_async), ("async", asynchronous)) if runs]
    return [column for column in COLUMNS if column[0] in backends_of(module) and column[1] in kinds]


def _filling() -> list[ModuleType]:
    """For each path that no case tries on an async driver, the first that can."""
    tried = {
        (way.path, column)
        for module in (*DENIED, *BEYOND)
        for way in ways_of(module)
        for column in _columns(module, way, asynchronous=_async_by_itself(module))
    }
    found = []
    for module in DENIED:
        for way in ways_of(module):
            there = PATHS[way.path].columns if way.path in PATHS else ()
            new = {(way.path, c) for c in _columns(module, way, asynchronous=True) if c in there} - tried
            if new:
                found.append(module)
                tried |= new
    return found


_FILLING: Final = _filling()


def cells() -> dict[tuple[str, Column], Cell]:
    """The matrix: what is proved of each path on each column."""
    found: dict[tuple[str, Column], Cell] = defaultdict(Cell)
    for module in (*DENIED, *BEYOND):
        for way in ways_of(module):
            for column in _columns(module, way, asynchronous=runs_async(module)):
                cell = found[way.path, column]
                cell.ends.update(way.ends)
                cell.proofs.append(module)
    return dict(found)


def table() -> str:
    """The matrix in Markdown."""
    proved = cells()
    lines = []
    for title, paths in SECTIONS.items():
        lines += [
            f"### {title}",
            "",
            "| path | SQLite | async | PostgreSQL | async | proved by |",
            "|---|---|---|---|---|---|",
        ]
        lines += [_row(path, proved) for path in paths]
        lines.append("")
    return "\n".join(lines)


def _row(path: Path, proved: dict[tuple[str, Column], Cell]) -> str:
    shown = [proved.get((path.name, column)) for column in COLUMNS]
    words = [" or ".join(_WORDS[end] for end in _WORDS if end in cell.ends) if cell else "" for cell in shown]
    modules = {module.__name__: module for cell in shown if cell for module in cell.proofs}
    links = [f"[{name}](../{folder}/{name}.py)" for folder, name in sorted(map(_place, modules))]
    return f"| {path.name} | {' | '.join(words)} | {', '.join(links)} |"


def _place(module: str) -> tuple[str, str]:
    package, _, name = module.rpartition(".")
    return package.replace(".", "/"), name


def written(document: str) -> str:
    """The document with the matrix of today in it."""
    before, _, rest = document.partition(_BEGIN)
    _, _, after = rest.partition(_END)
    return f"{before}{_BEGIN}\n{table()}\n{_END}{after}"


if __name__ == "__main__":
    DOCUMENT.write_text(written(DOCUMENT.read_text(encoding="utf-8")), encoding="utf-8")
