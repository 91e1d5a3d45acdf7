"""What MkDocs does not do by itself. Pages are written to be read in the repository, too: links that lead out of ``docs/`` become the
name of the file on the site.
"""

from __future__ import annotations

import posixpath
import re
from typing import Any

_LINK = re.compile(r"\[([^\]]+)\]\(((?:\.\./)+[^)#\s]+)(#[^)\s]*)?\)")


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

    return _LINK.sub(told, markdown)
