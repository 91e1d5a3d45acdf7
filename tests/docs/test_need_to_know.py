"""The page about row rules: what it shows is run, from the top down."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from types import ModuleType

import pytest

DOCUMENT = (Path(__file__).parents[2] / "docs" / "need-to-know.md").read_text(encoding="utf-8")
SNIPPETS = re.findall(r"```python\n(.*?)```", DOCUMENT, flags=re.DOTALL)


def test_every_snippet_runs_after_those_before_it(monkeypatch: pytest.MonkeyPatch) -> None:
    assert len(SNIPPETS) == 5
    page = ModuleType("need_to_know")
    monkeypatch.setitem(sys.modules, page.__name__, page)  # where SQLAlchemy looks for the names in annotations
    for snippet in SNIPPETS:
        exec(snippet, vars(page))
    vars(page)["privacy"].close()
    vars(page)["engine"].dispose()
