"""A project with migrations on an empty database."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, MetaData

from tests.integrations.project import Project

ProjectMaker = Callable[..., Project]


@pytest.fixture
def project(tmp_path: Path, engine: Engine) -> ProjectMaker:
    """Makes the project of some models."""

    def make(metadata: MetaData, **options: Any) -> Project:
        return Project(tmp_path, engine, metadata, **options)

    return make
