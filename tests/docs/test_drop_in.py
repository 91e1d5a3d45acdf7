"""docs/drop-in.md says of tests/dropin what is there; that it holds, the tests there say."""

from __future__ import annotations

import re
from pathlib import Path

from tests.dropin import figures, protect

PAGE = (Path(__file__).parents[2] / "docs" / "drop-in.md").read_text(encoding="utf-8")


def test_its_figures_are_those_of_the_command() -> None:
    assert all(line in PAGE for line in figures.lines())
    assert figures.of_the_club() in " ".join(PAGE.split())


def test_its_code_is_that_which_protects() -> None:
    """``"drop-in.md"`` shows what stands in ``protect.py``."""
    shown = re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL)
    assert shown
    assert all(block in Path(protect.__file__).read_text(encoding="utf-8") for block in shown)
