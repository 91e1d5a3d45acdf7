"""What is stored for each byte of personal data: data, indexes, log and keys."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from benchmarks.gdprbench.places import bytes_in
from benchmarks.gdprbench.systems import System

__all__ = ["personal_bytes", "stored"]


def personal_bytes(records: Iterable[dict[str, Any]]) -> int:
    """The Data of the records, as UTF-8; what stands beside it is there because of it."""
    return sum(len(one["data"].encode()) for one in records)


def stored(system: System) -> int:
    """Bytes of the system's database, with indexes, and of the files that it keeps beside it."""
    return bytes_in(system.engine) + sum(_size(path) for path in system.files)


def _size(path: Path) -> int:
    return sum(one.stat().st_size for one in path.rglob("*") if one.is_file()) if path.is_dir() else path.stat().st_size
