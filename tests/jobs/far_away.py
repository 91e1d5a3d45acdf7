"""What a worker process imports: it makes its own engine, and loads its own keys."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine

from sa_privacy import Keyring, Privacy
from sa_privacy.jobs import batch
from sa_privacy.jobs.sql import TableSql
from tests.jobs.world import POLICY, Base


def make() -> tuple[Engine, Privacy]:
    """From the environment, as a worker's configuration would come."""
    keys = Keyring.load(os.environ["TEST_KEYS"])
    return create_engine(os.environ["TEST_URL"]), Privacy(POLICY, keys=keys, log=None, metadata=Base)


def make_slow(url: str, keys: str, pids: str) -> tuple[Engine, Privacy]:
    """A worker that says who it is, and takes its time between reading and writing: for those who kill it."""
    setattr(batch, "TableSql", SlowSql)  # noqa: B010 - it is no name that the module gives out
    Path(pids, str(os.getpid())).touch()
    return create_engine(url), Privacy(POLICY, keys=Keyring.load(keys), log=None, metadata=Base)


class SlowSql(TableSql):
    """Waits between what a batch reads and what it writes."""

    def write(self, *given: Any) -> int:
        time.sleep(0.02)
        return super().write(*given)
