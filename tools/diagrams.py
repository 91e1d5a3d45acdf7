"""Draws the diagrams of the documentation: ``make diagrams``, after one was changed. Needs npm and Chromium.

The pages hold them as Mermaid, which forges show as pictures. The site shows pictures that were drawn beforehand, because Mermaid
would have to be fetched from somewhere by whoever reads it. A picture is named after what it was drawn from.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

DOCS = Path(__file__).parents[1] / "docs"
PICTURES = DOCS / "assets" / "diagrams"
BLOCK = re.compile(r"```mermaid\n(.*?)```", re.DOTALL)
LOOK = {
    "theme": "base",
    "htmlLabels": False,
    "flowchart": {"htmlLabels": False, "curve": "basis"},
    "themeVariables": {
        "fontFamily": "Noto Sans, Segoe UI, Helvetica, Arial, sans-serif",
        "fontSize": "14px",
        "primaryColor": "#f4f1ea",
        "primaryBorderColor": "#23324a",
        "primaryTextColor": "#17223a",
        "lineColor": "#5b6b84",
        "edgeLabelBackground": "#ffffff",
    },
}


def picture_of(source: str) -> str:
    """The name of the picture of a diagram."""
    return hashlib.sha256(source.encode()).hexdigest()[:12] + ".svg"


def main() -> int:
    """Draws what is missing, and removes what nothing needs any more."""
    wanted = {picture_of(s): s for page in DOCS.rglob("*.md") for s in BLOCK.findall(page.read_text(encoding="utf-8"))}
    PICTURES.mkdir(exist_ok=True)
    for path in PICTURES.glob("*.svg"):
        if path.name not in wanted:
            path.unlink()
    with tempfile.TemporaryDirectory() as directory:
        here = Path(directory)
        (here / "look.json").write_text(json.dumps(LOOK))
        browser = {"executablePath": shutil.which("chromium"), "args": ["--no-sandbox"]}
        (here / "browser.json").write_text(json.dumps(browser))
        for name, source in wanted.items():
            if (PICTURES / name).exists():
                continue
            (here / "diagram.mmd").write_text(source)
            command = ["npx", "--yes", "@mermaid-js/mermaid-cli@11", "-q", "-i", "diagram.mmd", "-o", "diagram.svg"]
            command += ["-c", "look.json", "-p", "browser.json", "-b", "white"]
            subprocess.run(command, cwd=here, check=True)  # noqa: S603 - what stands above
            shutil.copy(here / "diagram.svg", PICTURES / name)
            print(f"drawn: {name}")  # noqa: T201 - told to whoever asked for it
    return 0


if __name__ == "__main__":
    sys.exit(main())
