"""The pytest plugin: ``pytest_plugins = ["sa_privacy.testing"]`` in your topmost ``conftest.py``.

| ask for | and get |
|---|---|
| `privacy` | your ``Privacy``: say which, with a fixture of this name |
| `privacy_maintenance` | ``with privacy_maintenance:`` for fixtures and factories; nothing under test inherits it |
| `privacy_access` | ``with privacy_access("shipping", role="warehouse"):`` as a request would |
| `privacy_denied` | ``with privacy_denied("customers.birthday"):`` fails unless that is denied |
| `privacy_events` | ``privacy_events("intent")``: what this test did, from the access log |
| `privacy_log` | an access log of this test's own |

``maintenance(privacy)``, ``acting(privacy, ...)``, ``denied(...)`` and ``assert_denied(response)`` do the same where no fixture
of a test can be had. See docs/frameworks/testing.md. Needs ``pip install "sa-privacy[testing]"``.
"""

from __future__ import annotations

from sa_privacy.testing.blocks import acting, maintenance
from sa_privacy.testing.denials import Refused, assert_denied, denied
from sa_privacy.testing.events import Events
from sa_privacy.testing.plugin import (
    privacy,
    privacy_access,
    privacy_denied,
    privacy_events,
    privacy_log,
    privacy_maintenance,
    pytest_runtest_call,
)

__all__ = [
    "Events",
    "Refused",
    "acting",
    "assert_denied",
    "denied",
    "maintenance",
    "privacy",
    "privacy_access",
    "privacy_denied",
    "privacy_events",
    "privacy_log",
    "privacy_maintenance",
    "pytest_runtest_call",
]
