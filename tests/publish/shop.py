"""The shop's policy and models, as they are published."""

from __future__ import annotations

import functools
import tomllib
from pathlib import Path
from typing import Any

from examples.shop_app.models import Base
from sa_privacy.columns import Catalogue
from sa_privacy.columns.build import build_catalogue
from sa_privacy.policy import Policy

__all__ = ["DOCUMENT", "FILE", "POLICY", "PUBLISHED", "catalogue"]

FILE = Path(__file__).parents[2] / "examples" / "shop_app" / "privacy.toml"
PUBLISHED = FILE.parent / "published"
POLICY = Policy.load(FILE)
DOCUMENT: dict[str, Any] = tomllib.loads(FILE.read_text(encoding="utf-8"))


@functools.cache
def catalogue() -> Catalogue:
    """What the shop's models say."""
    return build_catalogue(POLICY, [Base.metadata])
