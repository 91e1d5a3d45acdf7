"""The fixtures, and a watch on fixtures that stay in maintenance."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sa_privacy.access import AccessBlock
from sa_privacy.accesslog import AccessLog
from sa_privacy.privacy import Privacy
from sa_privacy.testing.blocks import Maintenance, acting, maintenance
from sa_privacy.testing.denials import denied
from sa_privacy.testing.events import Events


@pytest.fixture
def privacy() -> Privacy:
    """Your ``Privacy``."""
    message = "which Privacy is under test? Define a fixture `privacy` in conftest.py that returns it."
    raise pytest.UsageError(message)


@pytest.fixture
def privacy_log(tmp_path: Path) -> Iterator[AccessLog]:
    """An access log of this test's own."""
    log = AccessLog.open(tmp_path / "access-log", fsync="never")
    yield log
    log.close()


@pytest.fixture
def privacy_maintenance(privacy: Privacy) -> Maintenance:
    """``with privacy_maintenance:`` for what a test needs to be there. It is not in force by itself."""
    return maintenance(privacy)


@pytest.fixture
def privacy_access(privacy: Privacy) -> Callable[..., AccessBlock]:
    """An access as of a request; see :func:`~sa_privacy.testing.acting`."""
    return lambda purpose=None, **said: acting(privacy, purpose, **said)


@pytest.fixture
def privacy_denied() -> Callable[..., object]:
    """Fails unless its block is denied; see :func:`~sa_privacy.testing.denied`."""
    return denied


@pytest.fixture
def privacy_events(privacy: Privacy) -> Events:
    """``privacy_events("intent")``: what was done since this fixture was asked for."""
    if privacy.log is None:
        message = "this Privacy has no log: Privacy(..., log=AccessLog.open(...)), or the fixture privacy_log."
        raise pytest.UsageError(message)
    return Events(privacy.log)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_call(item: pytest.Item) -> None:
    """A fixture that yields inside its maintenance would have the code under test run in it."""
    if Maintenance.entered:
        pytest.fail(
            f"{item.name} would run under maintenance: a fixture of it yields inside `with privacy_maintenance:`. "
            "Leave the block, then yield.",
            pytrace=False,
        )
