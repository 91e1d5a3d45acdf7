"""What a worker process does that is to die. It imports no test: that would take a second in each."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Final

import sa_privacy.accesslog.proof.pieces  # noqa: F401 - what it would work at: it is to die at that, not while it imports

__all__ = ["DEATHS", "die_once", "kill_me"]

DEATHS: Final = "SA_PRIVACY_TEST_DEATHS"
"""Environment variable: the file that says that one has died."""


def die_once() -> None:
    """A worker that dies a moment after it began, if it is the first."""
    deaths = Path(os.environ[DEATHS])
    if not deaths.exists():
        deaths.touch()
        signal.setitimer(signal.ITIMER_REAL, 0.02)  # no handler: SIGALRM kills


def kill_me() -> None:
    os.kill(os.getpid(), signal.SIGKILL)
