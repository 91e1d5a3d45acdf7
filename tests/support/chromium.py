"""The machine's Chromium, which tests of pages drive. Playwright's own is not fetched: Debian's package does."""

from __future__ import annotations

import shutil
from typing import Final

__all__ = ["ARGUMENTS", "find_chromium"]

#: Nothing of it calls home, and it runs for root in a container.
ARGUMENTS: Final = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def find_chromium() -> str | None:
    """Its path; None where there is none."""
    return shutil.which("chromium") or shutil.which("chromium-browser")
