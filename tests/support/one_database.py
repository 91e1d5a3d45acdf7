"""`--one-database`: of a test's runs on several databases, those on one of them."""

from __future__ import annotations

import re
import zlib
from collections import defaultdict
from collections.abc import Iterable

import pytest

from tests.support.databases import ASYNC_DRIVERS, BACKENDS

__all__ = ["on_other_databases"]

NAMES = [*BACKENDS, *(driver for _, driver in ASYNC_DRIVERS)]
IN_AN_ID = re.compile(rf"(?<=[-\[])({'|'.join(NAMES)})(?=[-\]])")


def on_other_databases(items: Iterable[pytest.Item], offset: int) -> set[pytest.Item]:
    """What to leave out. Which database a test keeps, its name decides; with the next offset it is the next one.

    Runs with several drivers of one database stay together.
    """
    runs: defaultdict[str, defaultdict[str, list[pytest.Item]]] = defaultdict(lambda: defaultdict(list))
    for item in items:
        params = item.callspec.params if hasattr(item, "callspec") else {}
        if database := params.get("backend", params.get("on")):
            runs[IN_AN_ID.sub("", item.nodeid)][database].append(item)
    left_out: set[pytest.Item] = set()
    for name, on in runs.items():
        kept = sorted(on)[(zlib.crc32(name.encode()) + offset) % len(on)]
        left_out.update(item for database in on if database != kept for item in on[database])
    return left_out
