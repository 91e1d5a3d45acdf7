"""Runs the club's own tests, as they are or with its application protected, and says what became of each."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final, Literal

import pytest
from sqlalchemy import URL

from sa_privacy import AccessLog
from tests.dropin import protect
from tests.dropin.club import factories, jobs, migrations, web

__all__ = ["Mode", "run"]

Mode = Literal["unprotected", "observe", "enforce"]
_CLUB: Final = Path(__file__).parent / "club"
#: For code that makes rows or changes tables, and stands for no purpose.
_MAINTENANCE: Final[dict[str, Any]] = {
    "maintenance": True,
    "actor": "deploy",
    "role": "deployment",
    "reason": "migrations and fixtures",
}


class _Results:
    """What pytest says of each test: what it failed with, or None."""

    def __init__(self) -> None:
        self.of: dict[str, str | None] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        name = report.nodeid.rpartition("::")[2]
        failed = str(report.longrepr) if report.failed else None
        self.of[name] = self.of.get(name) or failed


def run(mode: Mode, url: URL, directory: Path, *names: str) -> dict[str, str | None]:
    """Runs the tests against the database at `url`.

    :param names: files of tests; all of them, where none is named.
    :returns: for each test what it failed with, or None.
    """
    results = _Results()
    with pytest.MonkeyPatch.context() as patch, ExitStack() as stack:
        patch.setenv("CLUB_DATABASE_URL", url.render_as_string(hide_password=False))
        if mode != "unprotected":
            stack.enter_context(_protected(patch, mode, directory))
        options = ["-c", str(_CLUB / "pytest.ini"), "--confcutdir", str(_CLUB), "-q", "--no-header", "--tb=short"]
        pytest.main([*options, *(str(_CLUB / "tests" / name) for name in names or ("",))], plugins=[results])
    return results.of


@contextmanager
def _protected(patch: pytest.MonkeyPatch, mode: Literal["observe", "enforce"], directory: Path) -> Iterator[None]:
    patch.setitem(jobs.JOBS, "greet", jobs.greet)  # to be put back
    privacy = protect.made(AccessLog.open(directory / "access-log", fsync="never"), mode)
    as_it_was = web.create_app

    def create_app(url: Any) -> Any:
        app = as_it_was(url)
        protect.serve(app, privacy)
        return app

    patch.setattr(web, "create_app", create_app)
    for name in ("make_member", "make_course", "make_booking"):
        patch.setattr(factories, name, privacy.access(**_MAINTENANCE)(getattr(factories, name)))
    for name in ("upgrade_1", "upgrade_2"):
        patch.setattr(migrations, name, privacy.access(**_MAINTENANCE)(getattr(migrations, name)))
    try:
        yield
    finally:
        privacy.close()
