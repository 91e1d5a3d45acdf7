"""A log of the test's own."""

from __future__ import annotations

from pathlib import Path

import pytest

from sa_privacy.accesslog.questions import Journal
from tests.accesslog.questions.story import Story


@pytest.fixture
def story(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Story:
    return Story(tmp_path / "log", monkeypatch)


@pytest.fixture
def journal(story: Story) -> Journal:
    return Journal(story.directory)
