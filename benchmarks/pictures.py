"""Which picture is of which results: it names their digest. Needs nothing that draws."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from benchmarks.results import RESULTS

__all__ = ["PICTURES", "digest", "picture_of", "pictures"]

PICTURES = Path(__file__).parents[1] / "docs" / "assets" / "performance"


def digest(path: Path) -> str:
    """What a picture of these results names; it is of these lines and curves, whenever and wherever they were measured."""
    found = json.loads(path.read_text(encoding="utf-8"))
    drawn = [found["title"], found.get("lines", []), found.get("curves", [])]
    return f"results sha256:{hashlib.sha256(json.dumps(drawn, sort_keys=True).encode()).hexdigest()}"


def picture_of(name: str) -> Path:
    """Where a picture stands."""
    return PICTURES / f"{name}.svg"


def pictures() -> dict[Path, Path]:
    """Every picture that there has to be, with its results."""
    found = {}
    for path in sorted(RESULTS.glob("*.json")):
        said = json.loads(path.read_text(encoding="utf-8"))
        if said.get("lines"):
            found[picture_of(path.stem)] = path
        if said.get("curves"):
            found[picture_of(f"{path.stem}-curves" if said.get("lines") else path.stem)] = path
    return found
