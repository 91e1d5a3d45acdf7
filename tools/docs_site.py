"""What MkDocs does not do by itself. Pages are written to be read in the repository, too: links that lead out of ``docs/`` become the
name of the file on the site, and diagrams the pictures that ``tools/diagrams.py`` has drawn of them.
"""

from __future__ import annotations

import posixpath
import re
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

from diagrams import BLOCK, DOCS, PICTURES, picture_of
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File

_PICTURE = re.compile(r"(!\[[^\]]*\]\()(?:\.\./)+(examples/[^)\s]+\.svg)\)")
_LINK = re.compile(r"\[([^\]]+)\]\(((?:\.\./)+[^)#\s]+)(#[^)\s]*)?\)")
_ROLE = re.compile(r":(?:class|func|meth|attr|mod|exc):<code>~?(?:[\w.]*\.)?(\w+)</code>")
_HEADING = re.compile(r"^#+ (.*)$", re.MULTILINE)


def on_files(files: Any, *, config: Any, **_: Any) -> Any:
    """Called by MkDocs. Pictures that pages show of the examples are on the site, too."""
    for path in (DOCS.parent / "examples").rglob("*.svg"):
        files.append(File.generated(config, path.relative_to(DOCS.parent).as_posix(), abs_src_path=str(path)))
    return files


def on_page_markdown(markdown: str, *, page: Any, **_: Any) -> str:
    """Called by MkDocs for each page."""
    here = posixpath.dirname(page.file.src_uri)

    def told(match: re.Match[str]) -> str:
        path = posixpath.normpath(posixpath.join("docs", here, match[2]))
        if path.startswith("docs/"):
            return match[0]
        if path == "README.md":
            return f"[{match[1]}]({posixpath.relpath('index.md', here or '.')})"
        return match[1] if match[1].startswith("`") else f"`{path}`"

    def drawn(match: re.Match[str]) -> str:
        name = picture_of(match[1])
        if not (PICTURES / name).exists():
            raise PluginError(f"{page.file.src_uri}: a diagram has changed: make diagrams draws it anew")
        *_, heading = _HEADING.findall(markdown[: match.start()])
        return f"![Diagram: {heading}]({posixpath.relpath(f'assets/diagrams/{name}', here or '.')})"

    shown = _PICTURE.sub(lambda match: f"{match[1]}{posixpath.relpath(match[2], here or '.')})", markdown)
    return _LINK.sub(told, BLOCK.sub(drawn, shown))


def on_page_content(html: str, **_: Any) -> str:
    """Called by MkDocs for each page. What docstrings refer to is named, as it is in an editor."""
    return _ROLE.sub(r"<code>\1</code>", html)
