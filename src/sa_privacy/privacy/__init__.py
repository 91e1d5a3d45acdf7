"""Where policy, keys, log and engines meet: ``privacy.py`` joins them.

``engines.py`` is what a policy is true on, ``acting.py`` who acts, ``columns.py`` what the application says of its tables, and
``desks.py`` where people and staff are served.
"""

from __future__ import annotations

from sa_privacy.privacy.privacy import Privacy

__all__ = ["Privacy"]
