"""Looks into what was built: that everything is in it that should be, and nothing else.

    python tools/packed.py WHEEL SDIST

Uses nothing but Python's own library.
"""

from __future__ import annotations

import sys
import tarfile
import zipfile
from pathlib import Path, PurePosixPath

_KINDS = {".py", ".typed", ".html"}
"""What the library's own directory holds."""
_TOP = {
    *("src", "tests", "examples", "docs", "tools"),
    *("CHANGELOG.md", "LICENSE", "Makefile", "PKG-INFO", "README.md", "pyproject.toml", ".gitignore"),
}
"""What the top of the sources holds."""
_NEEDED = {"sa_privacy/__init__.py", "sa_privacy/py.typed"}
_SECRET = {".pem", ".key", ".db", ".sqlite3"}


def faults_of_wheel(names: list[str]) -> list[str]:
    """What a wheel lacks, and what does not belong in it."""
    faults = [f"{name} is missing" for name in sorted(_NEEDED.difference(names))]
    for name in names:
        path = PurePosixPath(name)
        if path.parts[0].endswith(".dist-info"):
            continue
        if path.parts[0] != "sa_privacy" or path.suffix not in _KINDS:
            faults.append(f"{name} does not belong in a wheel")
    if not any(name.endswith(".dist-info/licenses/LICENSE") for name in names):
        faults.append("the licence is missing")
    return faults


def faults_of_sdist(names: list[str]) -> list[str]:
    """What the archive of the sources lacks, and what does not belong in it."""
    inside = [PurePosixPath(*PurePosixPath(name).parts[1:]) for name in names]
    faults = [f"{name} is missing" for name in sorted(_NEEDED) if PurePosixPath("src", name) not in inside]
    for path in inside:
        secret = path.name == "keys.json" or path.suffix in _SECRET
        if path.parts and (path.parts[0] not in _TOP or (secret and path.parts[:2] != ("tests", "vectors"))):
            faults.append(f"{path} does not belong in the sources")
    return faults


def main(archives: list[str]) -> int:
    """Looks into each; returns the exit status."""
    faults = []
    for archive in map(Path, archives):
        if archive.suffix == ".whl":
            with zipfile.ZipFile(archive) as wheel:
                found = faults_of_wheel(wheel.namelist())
        elif archive.name.endswith(".tar.gz"):
            with tarfile.open(archive) as sources:
                found = faults_of_sdist([one.name for one in sources.getmembers() if one.isfile()])
        else:  # uv leaves a .gitignore there
            continue
        faults += [f"{archive.name}: {fault}" for fault in found]
        print(f"{archive.name}: {'as it should be' if not found else 'not as it should be'}")  # noqa: T201 - told to whoever asked
    for fault in faults:
        print(fault, file=sys.stderr)  # noqa: T201
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
