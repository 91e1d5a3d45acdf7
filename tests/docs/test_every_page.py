"""What holds for all pages: what they show is run by a test, and none of them sends its reader to somebody else's server."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
DOCS = TESTS.parents[1] / "docs"
PAGES = sorted(page.relative_to(DOCS).as_posix() for page in DOCS.rglob("*.md"))
SHOWING = [page for page in PAGES if "```python" in (DOCS / page).read_text(encoding="utf-8")]
_PACKAGE = (DOCS.parent / "tools" / "package.sh").read_text(encoding="utf-8")
FOLLOWED = re.findall(r"docs/(\S+\.md)", "".join(re.findall(r"^PAGES=\(([^)]*)\)$", _PACKAGE, flags=re.MULTILINE)))
_IN_TESTS = "\n".join(test.read_text(encoding="utf-8") for test in TESTS.parent.rglob("test_*.py"))


@pytest.mark.parametrize("page", SHOWING)
def test_what_a_page_shows_is_run_by_a_test(page: str) -> None:
    """By one that opens the page: it is named there, by its path where its name is not its own, or is one of the errors, which
    are opened by their code. Or `make package` follows it.
    """
    names = {page} | ({Path(page).name} if [Path(one).name for one in PAGES].count(Path(page).name) == 1 else set())
    assert page in FOLLOWED or page.startswith("errors/SP-") or any(f'"{name}"' in _IN_TESTS for name in names)


def test_ci_follows_the_tutorial() -> None:
    assert FOLLOWED == ["tutorial/steps.md"]
    ci = (DOCS.parent / ".ci" / "run").read_text(encoding="utf-8")
    assert re.search(r"^make .*\bpackage\b", ci, flags=re.MULTILINE)


def test_the_short_way_says_nothing_that_the_long_one_does_not_do() -> None:
    steps = (DOCS / FOLLOWED[0]).read_text(encoding="utf-8")
    short = (DOCS / "tutorial/index.md").read_text(encoding="utf-8")
    lines = "\n".join(re.findall(r"^```\w+\n(.*?)^```$", short, flags=re.MULTILINE | re.DOTALL)).splitlines()
    said = [re.sub(r"\s*(#| > ).*", "", line) for line in lines]
    assert len([line for line in said if line]) > 8
    assert [line for line in said if line not in steps] == []


def test_the_pictures_are_the_site_s_own() -> None:
    for page in PAGES:
        pictures = re.findall(r"!\[[^\]]*\]\(([^)\s]+)", (DOCS / page).read_text(encoding="utf-8"))
        assert all((DOCS / page).parent.joinpath(picture).exists() for picture in pictures), page
    for style in DOCS.rglob("*.css"):
        assert "//" not in re.sub(r"/\*.*?\*/", "", style.read_text(encoding="utf-8"), flags=re.DOTALL), style
