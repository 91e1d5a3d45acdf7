"""The few lines of Python on pages that tell of something else: they run, in the shop of the examples."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import Date
from sqlalchemy.orm import DeclarativeBase

from sa_privacy import PurposeDenied
from tests.docs.shop_of_pages import make_shop, names_in

DOCS = Path(__file__).parents[2] / "docs"


def blocks(page: str) -> list[str]:
    return re.findall(r"```python\n(.*?)```", (DOCS / page).read_text(encoding="utf-8"), flags=re.DOTALL)


@pytest.mark.parametrize("page", ["walls.md", "spec/keyring.md"])
def test_it_runs(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_shop(tmp_path)
    monkeypatch.chdir(tmp_path)
    with names_in(tmp_path) as names:
        names["privacy"].uninstall(names["engine"])
        for block in blocks(page):
            exec(compile(block, page, "exec", dont_inherit=True), names)


def test_the_first_page_tells_the_truth(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The line with the address runs, and the one with the day of birth is refused."""
    make_shop(tmp_path)
    monkeypatch.chdir(tmp_path)
    models, using = blocks("index.md")
    with names_in(tmp_path) as names:
        names.update(__name__=__name__, Base=type("Base", (DeclarativeBase,), {}), Date=Date, date=date)
        exec(compile(models, "index.md", "exec", dont_inherit=True), names)
        with pytest.raises(PurposeDenied, match="birthday"):
            exec(compile(using, "index.md", "exec", dont_inherit=True), names)
