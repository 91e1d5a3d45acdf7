"""Every error has a page, and what the page shows happens: the code ends in that error, with those words, and the way out works."""

from __future__ import annotations

import re
import shutil
import time
from pathlib import Path

import pytest

from sa_privacy import PrivacyError, errors
from tests.docs.shop_of_pages import make_shop, names_in
from tests.support.databases import Database

PAGES = Path(__file__).parents[2] / "docs" / "errors"
ERRORS = {
    kind.code: kind
    for kind in (getattr(errors, name) for name in errors.__all__)
    if "code" in vars(kind) and kind is not PrivacyError
}
INDEX = (PAGES / "index.md").read_text(encoding="utf-8")
_BASES = {"SP-200"}  # is caught, and never raised itself


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("shop")
    make_shop(directory)
    return directory


def test_every_error_has_a_code_of_its_own_a_page_and_a_line_of_the_index() -> None:
    kinds = {kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, PrivacyError)}
    assert kinds == {getattr(errors, name) for name in errors.__all__}
    assert len({kind.code for kind in kinds}) == len(kinds)
    assert {page.stem for page in PAGES.glob("SP-*.md")} == set(ERRORS)
    told = re.findall(r"^\| \[(SP-\d+)\]\(\1\.md\) \| `(\w+)` \| .+ \|$", INDEX, flags=re.MULTILINE)
    assert told == [(code, kind.__name__) for code, kind in sorted(ERRORS.items())]


@pytest.mark.parametrize("code", sorted(set(ERRORS) - {"SP-501", "SP-801"}))
def test_what_the_page_shows_happens(code: str, shop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    happens(code, shop, tmp_path, monkeypatch)


def test_what_the_page_of_a_busy_database_shows_happens(
    shop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(time, "sleep", lambda _: None)  # it asks for a quarter of a minute
    happens("SP-801", shop, tmp_path, monkeypatch)


@pytest.mark.backends("postgresql")
def test_what_the_page_of_the_wall_shows_happens(
    database: Database, shop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    happens("SP-501", shop, tmp_path, monkeypatch, postgresql=database.url)


def happens(code: str, shop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, **more: object) -> None:
    page = (PAGES / f"{code}.md").read_text(encoding="utf-8")
    assert page.startswith(f"# {code} {ERRORS[code].__name__}\n")
    shown, *others = re.findall(r"```python\n(.*?)```", page, flags=re.DOTALL)
    said: list[str] = re.findall(r"```text\n(.*?)```", page, flags=re.DOTALL)
    directory = tmp_path / "shop"
    shutil.copytree(shop, directory)
    monkeypatch.chdir(directory)
    with names_in(directory) as names:
        names.update(more)
        if code in _BASES:
            run(shown, names)
        else:
            with pytest.raises(ERRORS[code]) as caught:
                run(shown, names)
            assert type(caught.value) is ERRORS[code]
            [words] = said
            told = " ".join(f"{type(caught.value).__name__} {caught.value}".split())  # wherever lines break
            assert re.fullmatch(re.escape(" ".join(words.split())).replace(re.escape("..."), r"\S+"), told), told
        for block in others:
            run(block, names)


def run(block: str, names: dict[str, object]) -> None:
    """As a module of its own: what this one imports from the future is not the page's."""
    exec(compile(block, "page", "exec", dont_inherit=True), names)
