"""What a worker process imports: it makes its own engine, and loads its own keys."""

from __future__ import annotations

import os

from sqlalchemy import Engine, create_engine

from sa_privacy import Keyring, Privacy
from tests.jobs.world import POLICY, Base


def make() -> tuple[Engine, Privacy]:
    """From the environment, as a worker's configuration would come."""
    keys = Keyring.load(os.environ["TEST_KEYS"])
    return create_engine(os.environ["TEST_URL"]), Privacy(POLICY, keys=keys, log=None, metadata=Base)
