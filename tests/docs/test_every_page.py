"""What holds for all pages: what they show is run by a test, and none of them sends its reader to somebody else's server."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
DOCS = TESTS.parents[1] / "docs"
PAGES = sorted(page.relative_to(DOCS).as_posix() for page in DOCS.rglob("*.md"))
SHOWING = [page for page in PAGES if "```python" in (DOCS / page).read_text(encoding="utf-8")]
_IN_TESTS = "\n".join(test.read_text(encoding="utf-8") for test in TESTS.parent.rglob("test_*.py"))


@pytest.mark.parametrize("page", SHOWING)
def test_what_a_page_shows_is_run_by_a_test(page: str) -> None:
    """By one that opens the page: it is named there, or is one of the errors, which are opened by their code."""
    assert page.startswith("errors/SP-") or f'"{page}"' in _IN_TESTS or f'"{Path(page).name}"' in _IN_TESTS


def test_the_pictures_are_the_site_s_own() -> None:
    for page in PAGES:
        pictures = re.findall(r"!\[[^\]]*\]\(([^)\s]+)", (DOCS / page).read_text(encoding="utf-8"))
        assert all((DOCS / page).parent.joinpath(picture).exists() for picture in pictures), page
    for style in DOCS.rglob("*.css"):
        assert "//" not in re.sub(r"/\*.*?\*/", "", style.read_text(encoding="utf-8"), flags=re.DOTALL), style
