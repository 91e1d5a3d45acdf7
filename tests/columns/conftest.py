"""Nothing of a test of columns goes on after it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.columns.support import MADE


@pytest.fixture(autouse=True)
def _closed() -> Iterator[None]:
    before = len(MADE)  # those of fixtures that serve a whole module
    yield
    while len(MADE) > before:
        MADE.pop().close()
