"""The benches that the tests of this folder ask."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.oracle.bench import Bench, bench
from tests.support.postgres import Server


@pytest.fixture(scope="module")
def sqlite_bench() -> Iterator[Bench]:
    with bench("sqlite") as made:
        yield made


@pytest.fixture(scope="module")
def postgresql_bench(postgresql_server: Server) -> Iterator[Bench]:
    with bench("postgresql", postgresql_server) as made:
        yield made
