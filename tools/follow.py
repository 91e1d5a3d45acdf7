"""Follows a page of the documentation as its reader would: in an empty directory, with the files and commands that it shows.

    python tools/follow.py PAGE...         in a directory of its own; pages go on where those before them ended

A block with ``title="NAME"`` is a file, or with ``diff`` a change of it. Of a ``console`` block, lines that begin with ``$`` are run
by a shell, and what they print must be what stands below them; ``...`` stands for anything. They end well, unless the line says
``# exit status 1``. Uses nothing but Python's own library, so
that it can be run with whatever is to be tried, and the programs ``patch`` and ``bash``.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

_BLOCK = re.compile(r"^```(\w+)(?: title=\"([^\"]+)\")?\n(.*?)^```$", re.MULTILINE | re.DOTALL)


class Astray(Exception):
    """What the page shows is not what happens."""


def follow(page: Path, directory: Path) -> int:
    """Does what the page shows.

    :returns: how many files were written and commands run.
    """
    steps = 0
    for kind, title, text in _BLOCK.findall(page.read_text(encoding="utf-8")):
        if title and kind == "diff":
            _must_print(f"patch {title}", "", *_run(["patch", "--quiet", "--posix", title], directory, text))
        elif title:
            path = directory / title
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        elif kind == "console":
            for command, printed in _commands(text):
                _must_print(command, printed, *_run(["bash", "-c", command], directory))
                steps += 1
            continue
        else:
            continue
        steps += 1
    return steps


def _commands(text: str) -> list[tuple[str, str]]:
    """Each command with what it prints."""
    parts = re.split(r"^\$ ", text, flags=re.MULTILINE)
    if parts[0].strip():
        raise Astray(f"a console block begins with something that is no command: {parts[0]!r}")
    found = []
    for part in parts[1:]:
        command, _, printed = part.partition("\n")
        while command.endswith("\\"):
            more, _, printed = printed.partition("\n")
            command = command[:-1] + more.strip()
        found.append((command, printed))
    return found


def _run(command: list[str], directory: Path, given: str | None = None) -> tuple[str, int]:
    here = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "COLUMNS": "100",
        "LANG": "C.UTF-8",
    }
    ran = subprocess.run(  # noqa: S603 - what the page shows
        command,
        cwd=directory,
        env=here,
        input=given,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        check=False,
    )
    return ran.stdout, ran.returncode


def _must_print(command: str, expected: str, printed: str, status: int) -> None:
    said = re.search(r"# exit status (\d+)$", command)
    if status != (int(said[1]) if said else 0):
        raise Astray(f"$ {command}\nended with exit status {status}, and printed:\n{printed}")
    pattern = re.escape(" ".join(expected.split())).replace(re.escape("..."), ".*?")
    if not re.fullmatch(pattern, " ".join(printed.split()), flags=re.DOTALL):
        raise Astray(f"$ {command}\nprinted:\n{printed}\nand not:\n{expected}")


def main(pages: list[str]) -> int:
    """Follows pages one after the other; returns the exit status."""
    with tempfile.TemporaryDirectory() as directory:
        for page in pages:
            print(f"{page}: {follow(Path(page), Path(directory))} steps, as it says")  # noqa: T201 - told to whoever asked
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
