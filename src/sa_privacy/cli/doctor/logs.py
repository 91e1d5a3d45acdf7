"""The access log and the ledger of erasures: are they there, can they be written, does anybody look after them."""

from __future__ import annotations

import os
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from sa_privacy.accesslog.reviews import open_reviews
from sa_privacy.cli.doctor.section import BREAKS, LEAKS, MIND, Risk, Section, many
from sa_privacy.cli.log.place import is_url, place
from sa_privacy.cli.log.times import ago
from sa_privacy.errors import PrivacyError
from sa_privacy.policy import Policy

__all__ = ["log_in"]

_STALE: Final = timedelta(days=1)
"""A checkpoint may be so much older than the last event."""
_NO_LEDGER: Final = Risk(
    BREAKS,
    "no ledger of erasures is named: a restored backup brings erased people back.",
    'Privacy(..., erasures=AccessLog.open("...")); then name it: --erasures.',
)


def log_in(where: str | None, erasures: str | None, policy: Policy) -> Section:
    """Looks at both."""
    lines, facts, risks = _log(where)
    if policy.erasure is not None:
        there = erasures is not None and (is_url(erasures) or Path(erasures).is_dir())
        lines.append(f"erasures: {'a ledger' if there else 'no ledger'}{'' if erasures else ' named (--erasures)'}")
        facts["erasures"] = there
        risks += [] if there else [_NO_LEDGER]
    return Section("log", lines, facts, risks)


def _log(where: str | None) -> tuple[list[str], dict[str, object], list[Risk]]:
    if where is None:
        return ["not looked at (--log)"], {"log": None}, []
    try:
        with place(where, written=False) as asked:
            status, waiting = asked.status(), len(open_reviews(asked))
    except PrivacyError as error:
        return ["cannot be read"], {"log": False}, [Risk(BREAKS, error.message, error.hint or "sa-privacy log status")]
    risks: list[Risk] = []
    writable: bool | None = None
    if not is_url(where):
        writable = os.access(where, os.W_OK | os.X_OK)
        if not writable:
            risks.append(
                Risk(
                    MIND, "the access log cannot be written by whoever runs this.", "run it as the application's user."
                )
            )
        if os.name == "posix" and stat.S_IMODE(Path(where).stat().st_mode) & 0o077:
            risks.append(Risk(LEAKS, "the access log is open to other users.", f"chmod 700 {where}"))
    if waiting:
        risks.append(
            Risk(
                BREAKS,
                f"{many(waiting, 'break-glass access', 'break-glass accesses')} not reviewed.",
                "sa-privacy log review",
            )
        )
    if status.checkpoint is None:
        risks.append(
            Risk(
                MIND,
                "no checkpoint: a log that was written anew as a whole looks like the true one.",
                "sa-privacy log checkpoint",
            )
        )
    elif (status.last or datetime.now(UTC)) - status.checkpoint > _STALE:
        risks.append(
            Risk(
                BREAKS, "the last checkpoint is more than a day older than the last event.", "sa-privacy log checkpoint"
            )
        )
    can = {True: "writable, ", False: "not writable, ", None: ""}[writable]
    last = f"last event {ago(status.last)}" if status.last is not None else "no event"
    made = f"checkpoint {ago(status.checkpoint)}" if status.checkpoint is not None else "no checkpoint"
    lines = [f"{can}{last}, {made}, {many(waiting, 'review')} waiting"]
    facts: dict[str, object] = {
        "log": True,
        "writable": writable,
        "last_event": None if status.last is None else status.last.isoformat(),
        "last_checkpoint": None if status.checkpoint is None else status.checkpoint.isoformat(),
        "reviews_waiting": waiting,
    }
    return lines, facts, risks
